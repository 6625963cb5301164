package health

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "write docs/reference/health.md anew")

// TestTable holds the rules of codes.
func TestTable(t *testing.T) {
	form := regexp.MustCompile(`^BR-[A-Z]+-[0-9]{3}$`)
	seen := make(map[ID]bool)
	for _, c := range Codes() {
		switch {
		case !form.MatchString(string(c.ID)):
			t.Errorf("%s: not a name of the form BR-NET-001", c.ID)
		case seen[c.ID]:
			t.Errorf("%s is twice in the table", c.ID)
		case c.Title == "" || strings.HasSuffix(c.Title, "."):
			t.Errorf("%s: title %q", c.ID, c.Title)
		case !strings.HasSuffix(c.Text, "."):
			t.Errorf("%s: its text %q is no sentence", c.ID, c.Text)
		case c.Next == "" || strings.HasSuffix(c.Next, "."):
			t.Errorf("%s: next %q", c.ID, c.Next)
		case !slices.Contains([]Severity{Info, Warning, Failure}, c.Severity):
			t.Errorf("%s: severity %q", c.ID, c.Severity)
		case c.After < 0 || c.After%time.Second != 0 || c.After > time.Hour:
			t.Errorf("%s: shown after %v", c.ID, c.After)
		}
		seen[c.ID] = true
	}
	for _, c := range Codes() {
		for _, cause := range c.Because {
			other, ok := Find(cause)
			if !ok {
				t.Errorf("%s is explained by %s, which is not in the table", c.ID, cause)
			}
			if slices.Contains(other.Because, c.ID) {
				t.Errorf("%s and %s explain each other: neither would be shown", c.ID, cause)
			}
			if other.Severity.Rank() < c.Severity.Rank() {
				t.Errorf("%s (%s) is explained by the milder %s", c.ID, c.Severity, cause)
			}
		}
	}
}

func TestReferencePage(t *testing.T) {
	const path = "../../" + Page
	want := Reference()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table gives: `go test ./node/health -update`, and look at the difference", path)
	}
	for _, c := range Codes() {
		if _, anchor, _ := strings.Cut(c.Doc(), "#"); !strings.Contains(strings.ToLower(string(got)), "\n## "+anchor+"\n") {
			t.Errorf("%s has no section %s", path, c.Doc())
		}
	}
}

// TestDamping shows a state once it lasted, and not before; what comes and goes is never shown.
func TestDamping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		for range 10 {
			tracker.Set(NoPeers, "0 peers")
			time.Sleep(10 * time.Second)
			if shown := tracker.Shown(); len(shown) != 0 {
				t.Fatalf("shown too early: %v", shown)
			}
			tracker.Clear(NoPeers)
			time.Sleep(time.Second)
		}
		tracker.Set(NoPeers, "0 peers")
		began := time.Now()
		time.Sleep(10 * time.Second)
		tracker.Set(NoPeers, "0 peers for 10 s")
		time.Sleep(5 * time.Second)
		shown := tracker.Shown()
		if len(shown) != 1 || shown[0].ID != NoPeers || shown[0].Detail != "0 peers for 10 s" || !shown[0].Since.Equal(began) {
			t.Fatalf("after 15 s: %v", shown)
		}
		tracker.Clear(NoPeers)
		if shown := tracker.Shown(); len(shown) != 0 {
			t.Fatalf("after it ended: %v", shown)
		}
	})
}

// TestRootCause hides what follows from another raised state, also while that one is not shown yet; the worst comes first.
func TestRootCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		for _, id := range []ID{Pruned, RelayOnly, OutOfGas, NotSampled, NoNewBlock} {
			tracker.Set(id, "so it is")
		}
		time.Sleep(time.Hour)
		ids := func() (out []ID) {
			for _, s := range tracker.Shown() {
				out = append(out, s.ID)
			}
			return out
		}
		if got, want := ids(), []ID{NoNewBlock, OutOfGas, Pruned, RelayOnly}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v: no block explains no sample", got, want)
		}
		tracker.Set(NoPeers, "0 peers")
		if got, want := ids(), []ID{OutOfGas, Pruned}; !slices.Equal(got, want) {
			t.Fatalf("with no peers, not shown yet: %v, want %v", got, want)
		}
		time.Sleep(15 * time.Second)
		if got, want := ids(), []ID{NoPeers, OutOfGas, Pruned}; !slices.Equal(got, want) {
			t.Fatalf("with no peers: %v, want %v", got, want)
		}
	})
}

func TestUnknownCode(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("a code that is not in the table is taken")
		}
	}()
	NewTracker().Set("BR-NOT-001", "")
}

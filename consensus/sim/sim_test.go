package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testTime is how long TestSeeds plays; `bedrock sim` plays more.
const testTime = 8 * time.Second

// TestSeeds plays as many seeds as fit.
func TestSeeds(t *testing.T) {
	limit := testTime
	if testing.Short() {
		limit = 2 * time.Second
	}
	start := time.Now()
	seeds, heal, verdicts := 0, 0, 0
	for seed := uint64(1_000_000); time.Since(start) < limit; seed++ {
		m := Expand(seed)
		if m.n() > 13 {
			continue // too slow for here
		}
		r := Run(m)
		if r.Failure != nil {
			t.Fatalf("seed %d: %v", seed, r.Failure)
		}
		seeds, heal, verdicts = seeds+1, max(heal, r.Counted.HealMs), verdicts+r.Counted.Verdicts
	}
	t.Logf("%d seeds, %d verdicts; the slowest healed in %d ms", seeds, verdicts, heal)
}

// TestFailedSeeds plays what failed once.
func TestFailedSeeds(t *testing.T) {
	files, err := filepath.Glob("testdata/seeds/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Decode(text)
			if err != nil {
				t.Fatal(err)
			}
			if r := Run(m); r.Failure != nil {
				t.Error(r.Failure)
			}
		})
	}
}

// TestTrace: a run is a function of its manifest, and its JSON says all of it.
func TestTrace(t *testing.T) {
	traces := map[string]uint64{}
	for seed := uint64(1); seed <= 12; seed++ {
		m := Expand(seed)
		if m.n() > 13 {
			continue
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		a, b := Run(m), Run(again)
		if a.Trace != b.Trace || a.Counted != b.Counted {
			t.Errorf("seed %d: traces %s and %s", seed, a.Trace, b.Trace)
		}
		if other, known := traces[a.Trace]; known {
			t.Errorf("seeds %d and %d have one trace", seed, other)
		}
		traces[a.Trace] = seed
	}
}

// TestExpand: every seed's manifest is valid, and holds no more faults than the protocol stands; every fault occurs.
func TestExpand(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(3000) {
		m := Expand(seed)
		if err := m.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for epoch := range m.lastChange() + 1 {
			var faulty uint64
			stakes := m.stakesAt(epoch)
			for i := range m.n() {
				if m.faulty()[i] {
					faulty += stakes[i]
				}
			}
			if faulty > standing(stakes) {
				t.Fatalf("seed %d, epoch %d: faulty stake %d, the protocol stands %d", seed, epoch, faulty, standing(stakes))
			}
		}
		count(&m, kinds)
	}
	for _, kind := range []string{Silent, Twins, Half, Selective, Withhold, Refuse, Frozen, Hasty, Forger, "loss", "duplicate", "spike",
		"scheduler", "crash", "lost", "clock", "partition", "one-way", "slow", "dead", "signed", "junk", "large",
		"epochs", "join", "leave", "disjoint", "upgrade", "windows"} {
		if kinds[kind] < 10 {
			t.Errorf("%s occurs %d times in 3000 seeds", kind, kinds[kind])
		}
	}
	t.Log(kinds)
}

func count(m *Manifest, kinds map[string]int) {
	for _, l := range m.Liars {
		kinds[l.Kind]++
	}
	if m.Windows != nil {
		kinds["windows"]++
	}
	if m.Epochs != nil {
		kinds["epochs"]++
		countChanges(m, kinds)
	}
	for _, p := range m.Partitions {
		kinds["partition"]++
		if p.OneWay {
			kinds["one-way"]++
		}
	}
	for _, c := range m.Crashes {
		kinds["crash"]++
		if c.Lost {
			kinds["lost"]++
		}
	}
	for name, has := range map[string]bool{"loss": m.Network.Loss > 0, "duplicate": m.Network.Duplicate > 0, "spike": m.Network.Spike > 0,
		"scheduler": m.Network.Scheduler, "clock": len(m.Clocks) > 0, "slow": len(m.Slow) > 0, "dead": len(m.Dead) > 0,
		"signed": m.Signed, "junk": m.Load.Junk > 0, "large": m.n() > 13} {
		if has {
			kinds[name]++
		}
	}
}

func countChanges(m *Manifest, kinds map[string]int) {
	if m.Epochs.Upgrade {
		kinds["upgrade"]++
	}
	leaving := 0
	for _, c := range m.Epochs.Changes {
		if c.Stake > 0 {
			kinds["join"]++
		} else {
			kinds["leave"]++
			leaving++
		}
	}
	if leaving >= 4 {
		kinds["disjoint"]++
	}
}

// TestTooManyFaults: with more than f faulty the run fails, and Shrink leaves little but what made it fail.
func TestTooManyFaults(t *testing.T) {
	m := Expand(1)
	m.Stakes, m.Signed = []uint64{1, 1, 1, 1}, false
	m.Crashes, m.Clocks, m.Dead, m.Slow = nil, nil, nil, []Slow{{Member: 0, Extra: 30}}
	m.Partitions = []Partition{{From: 100, Until: 200, A: []int{0}}}
	m.Safety, m.Heal = 1000, 3000
	m.Network = Network{Delay: 10, Sigma: 20, Loss: 5}
	m.Load = Load{Gap: 30, Junk: 5}
	m.Liars = []Liar{{Member: 1, Kind: Silent}, {Member: 2, Kind: Silent}}
	r := Run(m)
	if r.Failure == nil || r.Failure.Invariant != "L1" {
		t.Fatalf("two of four silent: %v", r.Failure)
	}
	small, again := Shrink(m, r.Failure, 60)
	if again.Failure == nil || again.Failure.Invariant != "L1" {
		t.Fatalf("the smaller one: %v", again.Failure)
	}
	if len(small.Liars) != 2 || len(small.Partitions)+len(small.Slow) > 0 || small.Network.Loss > 0 || small.Load.Junk > 0 || small.Safety >= m.Safety {
		t.Errorf("not small: %+v", small)
	}
	if len(again.Events()) == 0 || !strings.HasPrefix(again.DOT(), "digraph") || !strings.Contains(again.SVG(), "<rect") {
		t.Error("nothing to look at")
	}
}

// TestDecodeRefuses: a manifest that means nothing is not played.
func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty": `{}`, "unknown field": `{"gcDepth": 3}`, "no JSON": `seed`,
		"no such member": `{"stakes":[1,1,1,1],"safetyMs":1,"healMs":1,"pacing":{"minRoundMs":1},"load":{"gapMs":1},"network":{"delayMs":1},"dead":[4]}`,
	} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etherscale/bedrock/node/config"
)

var update = flag.Bool("update", false, "write docs/reference anew")

// TestReferencePages holds the pages of docs/reference against the tables that they come from, and knows every page there.
func TestReferencePages(t *testing.T) {
	const dir = "../../docs/reference"
	pages := referencePages()
	for name, want := range pages {
		path := filepath.Join(dir, name)
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
			t.Errorf("%s is not what the tables give: `go run ./cmd/bedrock docs`, and look at the difference", path)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if pages[e.Name()] == "" {
			t.Errorf("%s comes from no table", e.Name())
		}
	}
}

// TestPagesNameEverything: each setting, exit code, verb and flag is on its page.
func TestPagesNameEverything(t *testing.T) {
	pages := referencePages()
	want := func(page, text string) {
		t.Helper()
		if !strings.Contains(pages[page], text) {
			t.Errorf("%s does not say %q", page, text)
		}
	}
	for _, s := range config.SettingsTable() {
		want("configuration.md", "| `"+s.Key+"` | `--"+s.Flag()+"` | `"+s.Variable()+"` |")
	}
	for _, row := range exitTable() {
		want("exit-codes.md", "| "+row.Name+" |")
	}
	eachCommand(newRoot(), func(c *cobra.Command) {
		if !c.IsAvailableCommand() || !c.HasParent() || within(c, "completion") || c.Name() == "help" {
			return
		}
		want("commands.md", "## "+c.CommandPath()+"\n")
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				want("commands.md", "`--"+f.Name+"`")
			}
		})
	})
}

// TestExitCodes: codes and names are there once, and errors find theirs.
func TestExitCodes(t *testing.T) {
	names := make(map[string]bool)
	for i, row := range exitTable() {
		if row.Code != i || row.Name == "" || names[row.Name] || row.Text == "" || strings.HasSuffix(row.Text, ".") || row.Next == "" {
			t.Errorf("row %d: %+v", i, row)
		}
		names[row.Name] = true
	}
}

// TestHelpGroups: --help shows settings under their groups.
func TestHelpGroups(t *testing.T) {
	var b strings.Builder
	root := newRoot()
	root.SetOut(&b)
	root.SetArgs([]string{"run", "--help"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, title := range []string{"Flags:", "Common settings:", "Network settings:", "Storage settings:", "Advanced settings:"} {
		next := strings.Index(b.String(), "\n"+title+"\n")
		if next <= at {
			t.Errorf("%q is not in its place:\n%s", title, b.String())
		}
		at = next
	}
}

package main

import (
	"go/parser"
	"go/token"
	"testing"
)

// TestTable: every planted bug still finds its place, and leaves a file that parses.
func TestTable(t *testing.T) {
	l, err := newLab(1, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	names := map[string]bool{}
	for _, m := range mutants {
		if names[m.Name] {
			t.Errorf("two planted bugs are called %s", m.Name)
		}
		names[m.Name] = true
		text, err := m.plant(l.root)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.File, text, 0); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if found := foundByTwins(); len(found) != len(twinsFind) {
		t.Errorf("%d of the %d planted bugs that twins find are in the table", len(found), len(twinsFind))
	}
	if len(mutants) < 12 {
		t.Errorf("%d planted bugs, want at least 12", len(mutants))
	}
}

package health

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCodeIsRaisedAndTested: a code that no part of the program gives is a promise that nobody keeps, and one that no test names
// is one that nobody knows to be kept.
func TestEveryCodeIsRaisedAndTested(t *testing.T) {
	table, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\t([A-Z][A-Za-z0-9]+) +ID = "(BR-[A-Z]+-[0-9]+)"$`).FindAllStringSubmatch(string(table), -1)
	if len(names) != len(Codes()) {
		t.Fatalf("%d names for %d codes", len(names), len(Codes()))
	}
	var program, tests strings.Builder
	for _, root := range []string{"..", "../../cmd", "../../test"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && filepath.Base(path) == "health":
				return fs.SkipDir
			case filepath.Ext(path) != ".go" && filepath.Ext(path) != ".txtar":
				return nil
			}
			file, err := os.ReadFile(path)
			if strings.HasSuffix(path, "_test.go") || filepath.Ext(path) == ".txtar" {
				tests.Write(file)
			} else {
				program.Write(file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range names {
		named := regexp.MustCompile(`\bhealth\.` + n[1] + `\b|` + n[2])
		if !named.MatchString(program.String()) {
			t.Errorf("%s (%s) is raised nowhere", n[1], n[2])
		}
		if !named.MatchString(tests.String()) {
			t.Errorf("%s (%s) is in no test", n[1], n[2])
		}
	}
}

// Package bounds holds the test that docs/bounds.md and the code name the same constants with the same values.
package bounds

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// directories are the packages whose bounds the page lists, by the name that it uses.
var directories = map[string]string{
	"types": "types", "consensus": "consensus", "sequencer": "consensus/sequencer", "gossip": "gossip", "pool": "gossip/pool",
	"coding": "coding", "dht": "dht", "sampling": "sampling",
	"node": "node", "p2p": "node/p2p", "config": "node/config",
}

// listed are the names that must be in the page.
var listed = regexp.MustCompile(`^(max|Max|default|opaque)[A-Z]`)

// unbounded are constants that such a name has for another reason.
var unbounded = map[string]string{
	"consensus.maxTime":        "the largest value of a type",
	"config.LightSamplingRate": "the own pace of asking",
	"config.maxCommittee":      "a default of new genesis files",
}

const root = "../.."

// bound is one constant of the code.
type bound struct {
	expr      ast.Expr
	commented bool
}

type code struct {
	consts map[string]bound // by package.name
	tests  map[string]bool  // by name
}

func TestPageAndCodeAgree(t *testing.T) {
	c := readCode(t)
	rows := readPage(t)
	seen := make(map[string]bool)
	for _, r := range rows {
		pkg, _, _ := strings.Cut(r.name, ".")
		b, ok := c.consts[r.name]
		if !ok || seen[r.name] {
			t.Errorf("%s is not in the code, or twice in the page", r.name)
			continue
		}
		seen[r.name] = true
		if !b.commented {
			t.Errorf("%s has no comment", r.name)
		}
		if got, want := c.value(t, pkg, b.expr), parseValue(t, r.value); got != want {
			t.Errorf("%s is %d in the code and %s in the page", r.name, got, r.value)
		}
		for _, name := range r.tests {
			if !c.tests[name] {
				t.Errorf("%s: there is no %s", r.name, name)
			}
		}
		if r.reason == "" || r.past == "" || len(r.tests) == 0 {
			t.Errorf("%s: a cell is empty", r.name)
		}
	}
	var missing []string
	for name := range c.consts {
		_, short, _ := strings.Cut(name, ".")
		if listed.MatchString(short) && !seen[name] && unbounded[name] == "" {
			missing = append(missing, name)
		}
	}
	sort.Strings(missing)
	if len(missing) > 0 {
		t.Errorf("bounds that docs/bounds.md does not list (constant, value, reason, what happens past it, test): %s", strings.Join(missing, ", "))
	}
}

type row struct {
	name, value, reason, past string
	tests                     []string
}

func readPage(t *testing.T) (rows []row) {
	page, err := os.ReadFile(filepath.Join(root, "docs/bounds.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 5 || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| constant") {
			if strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "| ---") && !strings.HasPrefix(line, "| constant |") {
				t.Errorf("not a row of five cells: %s", line)
			}
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, row{cells[0], cells[1], cells[2], cells[3], strings.Split(cells[4], ", ")})
	}
	if len(rows) < 50 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

// units of values in the page. Times are nanoseconds.
var units = map[string]float64{
	"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "ms": float64(time.Millisecond), "s": float64(time.Second), "min": float64(time.Minute),
}

func parseValue(t *testing.T, text string) int64 {
	number, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseFloat(number, 64)
	factor, ok := units[unit]
	if err != nil || !ok {
		t.Errorf("value %q", text)
	}
	return int64(n * factor)
}

func readCode(t *testing.T) code {
	c := code{consts: make(map[string]bound), tests: make(map[string]bool)}
	for pkg, dir := range directories {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, path := range files {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					c.tests[d.Name.Name] = true
				case *ast.GenDecl:
					if d.Tok == token.CONST {
						c.read(fset, pkg, d)
					}
				}
			}
		}
	}
	return c
}

// read takes the constants of a declaration. A comment also speaks for the constants on the lines right below it, and the one
// above the declaration for those of its first lines.
func (c *code) read(fset *token.FileSet, pkg string, d *ast.GenDecl) {
	commented, last := d.Doc != nil, 0
	for i, s := range d.Specs {
		spec := s.(*ast.ValueSpec)
		first := fset.Position(spec.Pos()).Line
		if i > 0 && first > last+1 {
			commented = false
		}
		commented = commented || spec.Doc != nil
		last = fset.Position(spec.End()).Line
		for k, name := range spec.Names {
			if k < len(spec.Values) {
				c.consts[pkg+"."+name.Name] = bound{spec.Values[k], commented || spec.Comment != nil}
			}
		}
	}
}

// value computes a constant expression of numbers, other constants of these packages, durations and conversions.
func (c *code) value(t *testing.T, pkg string, e ast.Expr) int64 {
	v := constant.ToInt(c.eval(t, pkg, e))
	n, ok := constant.Int64Val(v)
	if !ok {
		t.Errorf("%s: a value that is no number", v)
	}
	return n
}

func (c *code) eval(t *testing.T, pkg string, e ast.Expr) constant.Value {
	switch x := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(x.Value, x.Kind, 0)
	case *ast.ParenExpr:
		return c.eval(t, pkg, x.X)
	case *ast.BinaryExpr:
		a, b := c.eval(t, pkg, x.X), c.eval(t, pkg, x.Y)
		if x.Op == token.SHL || x.Op == token.SHR {
			n, _ := constant.Uint64Val(b)
			return constant.Shift(a, x.Op, uint(n))
		}
		if x.Op == token.QUO {
			return constant.BinaryOp(a, token.QUO_ASSIGN, b) // of integers
		}
		return constant.BinaryOp(a, x.Op, b)
	case *ast.CallExpr:
		return c.eval(t, pkg, x.Args[0])
	case *ast.Ident:
		return c.lookUp(t, pkg+"."+x.Name)
	case *ast.SelectorExpr:
		return c.lookUp(t, x.X.(*ast.Ident).Name+"."+x.Sel.Name)
	}
	t.Fatalf("%s: an expression this test does not know", pkg)
	return nil
}

// others are the constants of the standard library that bounds are made of.
var others = map[string]uint64{
	"time.Microsecond": uint64(time.Microsecond), "time.Millisecond": uint64(time.Millisecond), "time.Second": uint64(time.Second),
	"time.Minute": uint64(time.Minute), "time.Hour": uint64(time.Hour), "math.MaxUint64": math.MaxUint64, "math.MaxInt64": math.MaxInt64,
}

func (c *code) lookUp(t *testing.T, name string) constant.Value {
	if n, ok := others[name]; ok {
		return constant.MakeUint64(n)
	}
	b, ok := c.consts[name]
	if !ok {
		t.Fatalf("%s is unknown", name)
	}
	pkg, _, _ := strings.Cut(name, ".")
	return c.eval(t, pkg, b.expr)
}

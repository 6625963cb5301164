// Package layout holds the test of who may import whom (docs/design.md, section 10).
package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/etherscale/bedrock/"

// pure packages import no I/O, clock, logger or randomness.
var pure = []string{"types", "coding", "consensus"}

// worldly lists what pure packages must not import. crypto/rand and math/rand stand for randomness, time is allowed for
// its Duration type only (see clockFree).
var worldly = []string{"os", "net", "net/http", "log", "log/slog", "crypto/rand", "math/rand", "math/rand/v2", "sync", "context", "syscall", "io/fs"}

// allowed lists, for a library (by prefix), the packages of this module that may import it.
var allowed = map[string][]string{
	"github.com/libp2p/":              {"gossip", "dht", "node"},
	"github.com/ethereum/go-ethereum": {"account", "execution", "fraud", "rpc", "gossip/pool", "cmd"},
	"github.com/cockroachdb/pebble":   {"store", "execution"},
}

// exceptions are single imports that the design allows beside the rules above.
var exceptions = map[[2]string]string{
	{"types", "github.com/ethereum/go-ethereum/rlp"}: "canonical encoding",
}

// forbidden lists edges inside the module that must not exist: importer prefix, imported prefix.
var forbidden = [][2]string{
	{"consensus", "gossip"}, {"consensus", "dht"}, {"consensus", "node"}, {"consensus", "rpc"}, {"consensus", "execution"},
	{"chain", "gossip"}, {"chain", "dht"}, {"sampling", "gossip"}, {"sampling", "dht"}, {"sampling", "node"},
	{"execution", "gossip"}, {"execution", "node"}, {"execution", "rpc"}, {"execution", "dht"},
	{"fraud", "gossip"}, {"fraud", "node"}, {"fraud", "dht"}, {"fraud", "rpc"},
	{"types", ""}, {"coding", ""}, {"store", "node"}, {"gossip", "node"}, {"dht", "node"}, {"rpc", "node"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func within(pkg, prefix string) bool {
	return prefix == "" || pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
}

// violation says what is wrong with one import, or "".
func violation(pkg, imported string) string {
	if _, ok := exceptions[[2]string{pkg, imported}]; ok {
		return ""
	}
	for _, p := range pure {
		if pkg != p {
			continue
		}
		for _, w := range worldly {
			if imported == w {
				return "a pure package imports " + imported
			}
		}
	}
	for library, importers := range allowed {
		if !strings.HasPrefix(imported, library) {
			continue
		}
		for _, i := range importers {
			if within(pkg, i) {
				return ""
			}
		}
		return library + " is imported outside " + strings.Join(importers, ", ")
	}
	if inside, ok := strings.CutPrefix(imported, module); ok {
		for _, edge := range forbidden {
			if within(pkg, edge[0]) && within(inside, edge[1]) && !within(inside, edge[0]) {
				return edge[0] + " must not depend on " + inside
			}
		}
	}
	return ""
}

func TestImportRules(t *testing.T) {
	list := packages(t)
	if len(list) < 10 {
		t.Fatalf("go list found %d packages only", len(list))
	}
	for _, p := range list {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		if within(pkg, "test") {
			continue
		}
		for _, imported := range p.Imports {
			if why := violation(pkg, imported); why != "" {
				t.Errorf("%s imports %s: %s", pkg, imported, why)
			}
		}
	}
}

// TestRulesCatch shows that the rules refuse what they are for.
func TestRulesCatch(t *testing.T) {
	for _, bad := range [][2]string{
		{"consensus", "log/slog"}, {"coding", "crypto/rand"}, {"sampling", "github.com/libp2p/go-libp2p/core/peer"},
		{"consensus", "github.com/ethereum/go-ethereum/common"}, {"chain", "github.com/cockroachdb/pebble/v2"},
		{"types", module + "consensus"}, {"consensus/sequencer", module + "gossip"},
	} {
		if violation(bad[0], bad[1]) == "" {
			t.Errorf("%s may import %s", bad[0], bad[1])
		}
	}
}

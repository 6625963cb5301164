package main

import (
	"strings"
	"testing"

	"github.com/etherscale/bedrock/rpc"
)

// What a node stores is told in as many lines as there is something to tell.
func TestStatusOfStorage(t *testing.T) {
	tell := func(s *rpc.Storage) string {
		var out strings.Builder
		printStorage(&out, s)
		return out.String()
	}
	if got := tell(nil); got != "" {
		t.Fatalf("a node that stores nothing: %q", got)
	}
	s := &rpc.Storage{Rows: 12, Blocks: 3, Bytes: 3 << 19, Budget: 4 << 30}
	if got := tell(s); got != "  rows       12 of 3 blocks, 1.5 MiB of 4.0 GiB\n" {
		t.Fatalf("%q", got)
	}
	s.Repair = rpc.StorageRepair{Newest: &rpc.LiveRows{Height: 9, Share: 0.987}, Lowest: &rpc.LiveRows{Height: 4, Share: 0.5}, Begun: 2, Ended: 1, Failed: 1, Pending: 3}
	want := []string{"about 99 % of block 9", "least 50 %, of block 4", "1 done, 1 failed, 3 to come, 0 impossible"}
	for _, w := range want {
		if got := tell(s); !strings.Contains(got, w) {
			t.Errorf("%q is not in %q", w, got)
		}
	}
}

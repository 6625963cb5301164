package node

import (
	"testing"

	"github.com/etherscale/bedrock/types"
)

func TestFollowersHearTheOrderFromTheirBeginningOn(t *testing.T) {
	news := newOrderNews()
	var seen int
	tell := news.watch(func(Fact) { seen++ })
	tell(Released{Transactions: []types.Hash{{1}}})
	f := news.follow()
	tell(Released{Transactions: []types.Hash{{2}, {3}}})
	tell(Certified{})
	tell(Released{Transactions: []types.Hash{{4}}})
	if seen != 4 {
		t.Errorf("the watcher saw %d facts of 4", seen)
	}
	<-f.Wake()
	got, missed := f.Take()
	if len(got) != 3 || got[0] != (types.Hash{2}) || got[2] != (types.Hash{4}) || missed != 0 {
		t.Fatalf("took %v, missed %d", got, missed)
	}
	f.Close()
	tell(Released{Transactions: []types.Hash{{5}}})
	if got, _ := f.Take(); len(got) != 0 {
		t.Fatalf("took %v after the end", got)
	}
}

// TestAFollowerThatDoesNotReadIsBounded: one transaction past the limit drops what waited, and says how much that was.
func TestAFollowerThatDoesNotReadIsBounded(t *testing.T) {
	news := newOrderNews()
	f := news.follow()
	news.tell(make([]types.Hash, newsMax))
	if len(f.waiting) != newsMax || f.missed != 0 {
		t.Fatalf("%d wait, %d missed at the limit", len(f.waiting), f.missed)
	}
	news.tell([]types.Hash{{9}})
	got, missed := f.Take()
	if len(got) != 1 || got[0] != (types.Hash{9}) || missed != newsMax {
		t.Fatalf("took %d, missed %d", len(got), missed)
	}
	if _, missed := f.Take(); missed != 0 {
		t.Fatalf("missed %d twice", missed)
	}
}

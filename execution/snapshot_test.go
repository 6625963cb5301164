package execution_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// populous gives the genesis many accounts, some with code, some with a storage, one with a large one.
func populous(accounts, slots int) func(*types.Genesis) {
	return func(g *types.Genesis) {
		exectest.Bonded(g)
		for i := range accounts {
			a := types.GenesisAccount{Balance: "0x1"}
			if i%10 == 0 {
				a.Code, a.Storage = fmt.Sprintf("0x60%02x60%02x", i%256, i/256%256), map[string]string{"0x1": "0x2", "0x7": fmt.Sprintf("0x%x", i+1)}
			}
			g.Alloc[common.BigToAddress(common.Big1).Hex()[:22]+fmt.Sprintf("%020x", i+4096)] = a
		}
		large := types.GenesisAccount{Balance: "0x1", Storage: map[string]string{}}
		for i := range slots {
			large.Storage[fmt.Sprintf("0x%x", i)] = fmt.Sprintf("0x%x", i+1)
		}
		g.Alloc["0x00000000000000000000000000000000000abcde"] = large
	}
}

// served is a swarm whose state at a height is offered, some blocks behind its head.
func served(t testing.TB, accounts, slots int) (*exectest.Swarm, types.Height) {
	s := exectest.New(t, populous(accounts, slots))
	for n := range 12 {
		s.Apply(s.Transfer(n, n+1, 5), s.Call(1, &exectest.StoreAddress, 0, 100_000, exectest.Words(uint64(n), 9)))
	}
	const at = 7
	if err := s.Chain.MakeSnapshot(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	return s, at
}

func targetOf(t testing.TB, s *exectest.Swarm, at types.Height) execution.Target {
	t.Helper()
	answer, ok := s.Chain.Snapshot(&types.SnapshotRequest{Kind: types.SnapshotBase, Height: at})
	if !ok {
		t.Fatal("no snapshot is offered")
	}
	root, err := types.DecodeSnapshotRoot(answer)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := execution.DecodeClaims(root.Claims)
	if err != nil {
		t.Fatal(err)
	}
	block := new(ethtypes.Header)
	if err := rlp.DecodeBytes(root.Header, block); err != nil {
		t.Fatal(err)
	}
	return execution.Target{Header: s.Stored[at].Header.Header, Claims: claims, Block: block}
}

// newcomer is a swarm of the same network on a fresh directory, which has stored the same blocks and executed none.
func newcomer(t testing.TB, s *exectest.Swarm, accounts, slots int) *exectest.Swarm {
	n := exectest.Unopened(t, t.TempDir(), populous(accounts, slots))
	n.Stored = s.Stored
	n.Open()
	return n
}

func (f *fetched) headers(h types.Height) (types.Header, bool) {
	if h == 0 {
		g, err := f.s.Genesis.Header()
		return g, err == nil
	}
	b, ok := f.s.Stored[h]
	return b.Header.Header, ok
}

// fetched counts what a restoration asks its source.
type fetched struct {
	s     *exectest.Swarm
	parts int
	bytes int
}

// work does at most so many tasks; it reports whether the state is whole.
func (f *fetched) work(t testing.TB, r *execution.Restoration, most int) bool {
	t.Helper()
	for ; most > 0; most-- {
		tasks := r.Tasks(1, nil)
		if len(tasks) == 0 {
			return true
		}
		answer, ok := f.s.Chain.Snapshot(r.Request(tasks[0]))
		if !ok {
			t.Fatalf("%+v is not served", tasks[0])
		}
		if err := r.Add(tasks[0], answer); err != nil {
			t.Fatalf("%+v: %v", tasks[0], err)
		}
		f.parts++
		f.bytes += len(answer)
	}
	return r.Whole()
}

// follows executes what comes after the snapshot and compares everything that others must agree on.
func follows(t *testing.T, s, n *exectest.Swarm, at types.Height) {
	t.Helper()
	if n.Chain.Height() != at || n.Chain.First() != at {
		t.Fatalf("head %d, first %d, want %d", n.Chain.Height(), n.Chain.First(), at)
	}
	for h := at + 1; h <= s.Chain.Height(); h++ {
		b := s.Stored[h]
		r, err := n.Chain.Apply(b.Header.Header, b.Data)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Chain.Claims(h)
		if err != nil || !slices.Equal(want, r.Claims) {
			t.Fatalf("block %d: claims %+v, want %+v, %v", h, r.Claims, want, err)
		}
		own, _ := n.Chain.NextEpochAt(h)
		theirs, _ := s.Chain.NextEpochAt(h)
		if fmt.Sprint(own) != fmt.Sprint(theirs) {
			t.Fatalf("block %d: next committee %v, want %v", h, own, theirs)
		}
	}
	if n.Chain.Head().Hash() != s.Chain.Head().Hash() {
		t.Fatal("the head has another hash")
	}
	for _, key := range s.Genesis.Provers {
		own, err := n.Chain.Bond(key)
		theirs, err2 := s.Chain.Bond(key)
		if err != nil || err2 != nil || fmt.Sprint(own) != fmt.Sprint(theirs) {
			t.Fatalf("bond %v, want %v: %v %v", own, theirs, err, err2)
		}
	}
}

// TestSnapshotIsTheState: a newcomer that has the parts executes on as whoever executed everything, also after a restart.
func TestSnapshotIsTheState(t *testing.T) {
	defer execution.CutParts(2 << 10)()
	s, at := served(t, 600, 900)
	n := newcomer(t, s, 600, 900)
	r, err := n.Chain.Restore(targetOf(t, s, at))
	if err != nil {
		t.Fatal(err)
	}
	f := &fetched{s: s}
	for !f.work(t, r, 1000) {
	}
	if f.parts < 50 {
		t.Errorf("the state came in %d parts: too few to test anything", f.parts)
	}
	if share, accounts, _ := r.Progress(); share < 0.999 || accounts < 600 {
		t.Errorf("share %f, %d accounts", share, accounts)
	}
	if err := r.Finish(f.headers); err != nil {
		t.Fatal(err)
	}
	if n.Chain.Durable() != at {
		t.Errorf("durable %d", n.Chain.Durable())
	}
	follows(t, s, n, at)
	if err := n.Chain.Close(); err != nil {
		t.Fatal(err)
	}
	n.Open()
	if n.Chain.Height() != s.Chain.Height() || n.Chain.First() != at || n.Chain.Head().Hash() != s.Chain.Head().Hash() {
		t.Errorf("after a restart: head %d, first %d", n.Chain.Height(), n.Chain.First())
	}
	if _, ok := n.Chain.StoredTarget(); ok {
		t.Error("the restoration is not forgotten")
	}
}

// TestRestorationSurvivesKills: in every stage, and goes on where it was.
func TestRestorationSurvivesKills(t *testing.T) {
	defer execution.CutParts(2 << 10)()
	s, at := served(t, 300, 400)
	n := newcomer(t, s, 300, 400)
	f := &fetched{s: s}
	restart := func() *execution.Restoration {
		t.Helper()
		if err := n.Chain.CrashIdle(); err != nil {
			t.Fatal(err)
		}
		n.Open()
		target, ok := n.Chain.StoredTarget()
		if !ok {
			t.Fatal("the target is forgotten")
		}
		r, err := n.Chain.Restore(*target)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r, err := n.Chain.Restore(targetOf(t, s, at))
	if err != nil {
		t.Fatal(err)
	}
	for !f.work(t, r, 9) {
		r = restart()
	}
	parts := f.parts
	r = restart()
	if !f.work(t, r, 1) || f.parts != parts {
		t.Errorf("%d parts were fetched again", f.parts-parts)
	}
	if err := r.BreakReady(); err != nil {
		t.Fatal(err)
	}
	if err := n.Chain.Crash(); err != nil {
		t.Fatal(err)
	}
	n.Open()
	follows(t, s, n, at)
	n.Chain.SetDurableEvery(1)
	s.Apply(s.Transfer(3, 4, 5))
	b := s.Stored[s.Chain.Height()]
	if _, err := n.Chain.Apply(b.Header.Header, b.Data); err != nil {
		t.Fatal(err)
	}
	if n.Chain.Durable() != n.Chain.Height() {
		t.Errorf("durable %d of %d", n.Chain.Durable(), n.Chain.Height())
	}
	if err := n.Chain.CrashIdle(); err != nil {
		t.Fatal(err)
	}
	n.Open()
	if n.Chain.Height() != s.Chain.Height() {
		t.Errorf("head %d, want %d", n.Chain.Height(), s.Chain.Height())
	}
}

// TestHostileParts: whatever a peer changes in a part is found, and the task stays.
func TestHostileParts(t *testing.T) {
	defer execution.CutParts(2 << 10)()
	s, at := served(t, 300, 400)
	n := newcomer(t, s, 300, 400)
	r, err := n.Chain.Restore(targetOf(t, s, at))
	if err != nil {
		t.Fatal(err)
	}
	f := &fetched{s: s}
	lies, seen := map[string]func(p *types.SnapshotPart) bool{
		"an account left out":   func(p *types.SnapshotPart) bool { return cut(&p.Accounts, len(p.Accounts)/2) },
		"the last left out":     func(p *types.SnapshotPart) bool { return cut(&p.Accounts, len(p.Accounts)-1) },
		"the first left out":    func(p *types.SnapshotPart) bool { return cut(&p.Accounts, 0) },
		"a slot left out":       func(p *types.SnapshotPart) bool { return cut(&p.Slots, len(p.Slots)/2) },
		"the last slot out":     func(p *types.SnapshotPart) bool { return cut(&p.Slots, len(p.Slots)-1) },
		"no proof":              func(p *types.SnapshotPart) bool { p.Proof = nil; return true },
		"another balance":       func(p *types.SnapshotPart) bool { return len(p.Accounts) > 0 && flip(p.Accounts[0].Value) },
		"another value":         func(p *types.SnapshotPart) bool { return len(p.Slots) > 0 && flip(p.Slots[0].Value) },
		"another node":          func(p *types.SnapshotPart) bool { return flip(p.Proof[0]) },
		"another code":          inlined(func(a *types.SnapshotAccount) bool { return flip(a.Code) }),
		"another small storage": inlined(func(a *types.SnapshotAccount) bool { return len(a.Slots) > 0 && flip(a.Slots[0].Value) }),
		"half a small storage":  inlined(func(a *types.SnapshotAccount) bool { return len(a.Slots) > 1 && cut(&a.Slots, 0) }),
		"nothing":               func(p *types.SnapshotPart) bool { *p = types.SnapshotPart{}; return true },
		"slots for accounts": func(p *types.SnapshotPart) bool {
			p.Slots, p.Accounts = []types.SnapshotSlot{{Value: []byte{1}}}, nil
			return true
		},
	}, map[string]int{}
	for tasks := r.Tasks(1, nil); len(tasks) > 0; tasks = r.Tasks(1, nil) {
		task := tasks[0]
		answer, ok := s.Chain.Snapshot(r.Request(task))
		if !ok {
			t.Fatalf("%+v is not served", task)
		}
		for name, lie := range lies {
			part, err := types.DecodeSnapshotPart(answer)
			if err != nil || seen[name] > 3 || !lie(part) {
				continue
			}
			if string(part.Encode()) == string(answer) {
				continue
			}
			seen[name]++
			if err := r.Add(task, part.Encode()); !errors.Is(err, types.ErrUnproven) && !errors.Is(err, types.ErrMalformed) {
				t.Fatalf("%s, %+v: %v", name, task, err)
			}
		}
		if err := r.Add(task, append([]byte{0xff}, answer...)); err == nil {
			t.Fatal("garbage was taken")
		}
		if err := r.Add(task, answer); err != nil || slices.Contains(r.Tasks(1000, nil), task) {
			t.Fatalf("the task was not done: %v", err)
		}
	}
	for name := range lies {
		if seen[name] == 0 {
			t.Errorf("%s was never tried", name)
		}
	}
	if err := r.Finish(f.headers); err != nil {
		t.Fatal(err)
	}
	follows(t, s, n, at)
}

func cut[T any](list *[]T, i int) bool {
	if len(*list) < 2 {
		return false
	}
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return true
}

func flip(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	b[len(b)-1] ^= 1
	return true
}

func inlined(f func(*types.SnapshotAccount) bool) func(*types.SnapshotPart) bool {
	return func(p *types.SnapshotPart) bool {
		for i := range p.Accounts {
			if len(p.Accounts[i].Slots) > 0 || len(p.Accounts[i].Code) > 0 {
				return f(&p.Accounts[i])
			}
		}
		return false
	}
}

// TestTargetsThatDoNotFit: an Ethereum-style header that contradicts the settled claim is refused.
func TestTargetsThatDoNotFit(t *testing.T) {
	s, at := served(t, 10, 10)
	n := newcomer(t, s, 10, 10)
	for name, spoil := range map[string]func(*execution.Target){
		"root":   func(x *execution.Target) { x.Block.Root[0]++ },
		"time":   func(x *execution.Target) { x.Block.Time++ },
		"number": func(x *execution.Target) { x.Block.Number.SetUint64(9) },
		"digest": func(x *execution.Target) { x.Block.ParentBeaconRoot = nil },
		"claims": func(x *execution.Target) { x.Claims = nil },
		"header": func(x *execution.Target) { x.Header.Time++ },
	} {
		target := targetOf(t, s, at)
		spoil(&target)
		if _, err := n.Chain.Restore(target); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := s.Chain.Restore(targetOf(t, s, at)); !errors.Is(err, execution.ErrExecuted) {
		t.Errorf("a state below the head: %v", err)
	}
}

// TestSnapshotsAreKeptAndDropped: the newest two are served, of states that are not kept there is none.
func TestSnapshotsAreKeptAndDropped(t *testing.T) {
	s, _ := served(t, 10, 10)
	for _, h := range []types.Height{9, 11} {
		if err := s.Chain.MakeSnapshot(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if s.Chain.HasSnapshot(7) || !s.Chain.HasSnapshot(9) || !s.Chain.HasSnapshot(11) {
		t.Error("not the newest two")
	}
	if _, ok := s.Chain.Snapshot(&types.SnapshotRequest{Kind: types.SnapshotAccounts, Height: 7}); ok {
		t.Error("a part of a dropped snapshot is served")
	}
	if err := s.Chain.MakeSnapshot(t.Context(), 99); !errors.Is(err, execution.ErrUnknown) {
		t.Errorf("of a block that is not here: %v", err)
	}
}

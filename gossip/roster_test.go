package gossip

import (
	"slices"
	"testing"

	"github.com/etherscale/bedrock/types"
)

// committeeOf is the committee of some hosts of the swarm, which it expects to be the committee's first ones or others.
func (s *swarm) committeeOf(hosts ...int) *types.Committee {
	s.t.Helper()
	var list []types.CommitteeMember
	for _, i := range hosts {
		key, err := KeyOf(s.hosts[i].ID())
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, types.CommitteeMember{Key: key, Stake: 1})
	}
	slices.SortFunc(list, func(a, b types.CommitteeMember) int { return slices.Compare(a.Key[:], b.Key[:]) })
	c, err := types.NewCommittee(list)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// One leaves and one joins: pushes of both epochs travel while both are live, by the index of each; then those of the old
// one end, and its member that left is heard no more.
func TestCommitteesChange(t *testing.T) {
	s := newSwarm(t, 3, 1)
	next := s.committeeOf(1, 2, 3)
	index := func(host int) types.Member {
		key, _ := KeyOf(s.hosts[host].ID())
		m, ok := next.Index(key)
		if !ok {
			t.Fatalf("host %d is not in the next committee", host)
		}
		return m
	}
	type heard struct {
		epoch types.Epoch
		from  types.Member
		n     uint64
	}
	got := make([]inbox[heard], 4)
	var all []*Gossip
	for i := range s.hosts {
		g, _ := s.start(i, Handlers{Push: func(from types.Member, p *types.Push) { got[i].put(heard{p.Epoch, from, numberOf(p)}) }})
		all = append(all, g)
	}
	push := func(from int, e types.Epoch, to types.Member, n uint64) bool {
		p := numbered(n, 8)
		p.Epoch = e
		return all[from].Push(to, p)
	}
	if push(0, 1, index(3), 1) || push(3, 0, 0, 1) {
		t.Fatal("a push of an epoch that was not told, or by a stranger, is taken")
	}
	for _, g := range all {
		for range 2 { // telling again changes nothing
			if err := g.SetCommittee(1, next); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !push(0, 0, 1, 7) || !push(1, 1, index(3), 8) || !push(3, 1, index(2), 9) || push(0, 1, index(3), 9) || push(3, 0, 0, 9) {
		t.Fatal("pushes of two live epochs")
	}
	for host, want := range map[int]heard{1: {0, 0, 7}, 3: {1, index(1), 8}, 2: {1, index(3), 9}} {
		eventually(t, "a push", func() bool { return got[host].len() == 1 })
		if h := got[host].all()[0]; h != want {
			t.Fatalf("host %d heard %+v, want %+v", host, h, want)
		}
	}
	eventually(t, "streams to a quorum of the new epoch", func() bool { return all[3].Reaches(1) })
	if all[3].Reaches(0) || all[0].Reaches(1) {
		t.Fatal("a node that is no member reaches a quorum")
	}
	for _, g := range all[1:] { // host 0, which left, hears of it later
		if err := g.SetCommittee(2, next); err != nil {
			t.Fatal(err)
		}
	}
	if push(1, 0, 2, 1) {
		t.Fatal("a push of an epoch that is over is taken")
	}
	eventually(t, "the end of the streams of who left", func() bool { return all[1].Stats().InboundPushes == 2 && len(all[1].Stats().Links) == 2 })
	if got[1].len() != 1 {
		t.Fatal("who left is still heard")
	}
}

// A member that does not know the newest epoch yet drops its pushes and keeps the stream: the next ones arrive.
func TestPushOfUnknownEpochIsDropped(t *testing.T) {
	s := newSwarm(t, 2, 0)
	var got inbox[uint64]
	late, _ := s.start(0, Handlers{Push: func(_ types.Member, p *types.Push) { got.put(numberOf(p)) }})
	early, _ := s.start(1, Handlers{Push: func(types.Member, *types.Push) {}})
	if err := early.SetCommittee(1, s.committee); err != nil {
		t.Fatal(err)
	}
	future := numbered(1, 8)
	future.Epoch = 1
	if !early.Push(0, future) || !early.Push(0, numbered(2, 8)) {
		t.Fatal("refused")
	}
	eventually(t, "the push of the known epoch", func() bool { return got.len() == 1 && got.all()[0] == 2 })
	if late.Stats().OtherEpoch != 1 {
		t.Fatalf("dropped %d pushes of an unknown epoch, want 1", late.Stats().OtherEpoch)
	}
	if late.peers.weight(s.hosts[1].ID()) > 0 {
		t.Fatal("being ahead is penalized")
	}
	if err := late.SetCommittee(1, s.committee); err != nil {
		t.Fatal(err)
	}
	if !early.Push(0, future) {
		t.Fatal("refused")
	}
	eventually(t, "the push of the new epoch", func() bool { return got.len() == 2 })
}

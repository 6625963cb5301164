package swarm

import (
	"context"
	"flag"
	"math"
	"testing"
	"time"

	"github.com/etherscale/bedrock/sampling"
)

var long = flag.Bool("long", false, "play adversaries on 100 hosts with 10 clients (minutes), in place of 32 and 24 with 6 and 3")

// stage is a network with light clients on which one adversary plays after the other.
type stage struct {
	*testing.T
	n       *Network
	clients []*Light
}

// onStage builds a network with light clients who are quick to call a block unavailable.
func onStage(t *testing.T, hosts, lights int, play func(s *stage)) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes half a minute of CPU")
	}
	if *long {
		hosts, lights = 100, 10
	}
	Virtual(func() {
		n, err := New(Config{Hosts: hosts, Seed: 5})
		if err != nil {
			t.Error(err)
			return
		}
		defer n.Close()
		clients, err := n.AddLights(context.Background(), lights)
		if err != nil {
			t.Error(err)
			return
		}
		for _, c := range clients {
			c.Grace = time.Second
		}
		play(&stage{t, n, clients})
	})
}

// block certifies a block and lays the rows that pick selects where they belong.
func (s *stage) block(size int, pick func(i int) bool) *Block {
	b, err := s.n.Certify(size)
	if err == nil {
		err = s.n.PlaceSome(b, pick)
	}
	if err != nil {
		s.Error(err)
	}
	return b
}

// sample has some clients sample a block at once, without a connection at first.
func (s *stage) sample(clients []*Light, b *Block, dead int) (SamplingReport, []Sample) {
	samples, err := s.n.round(clients, b, dead)
	if err != nil {
		s.Error(err)
	}
	return summarize(samples), samples
}

func everyRow(int) bool { return true }

// Adversaries on one network, one after the other: it costs as much to build as they do to play. With -args -long on 100
// hosts.
func TestAdversaries(t *testing.T) {
	onStage(t, 32, 6, func(s *stage) {
		for _, a := range []struct {
			name string
			play func(*stage)
		}{
			{"dead peers", deadPeers}, {"withholding", withholding}, {"chosen clients", chosenClients}, {"liars", liars},
			{"floods", floods}, {"poisoned tables", poisonedTables},
		} {
			start := time.Now()
			a.play(s)
			s.Logf("%s: %v of virtual time", a.name, time.Since(start))
			for _, p := range s.n.Peers {
				p.Misbehave(nil)
				p.Revive()
			}
		}
	})
}

// A fifth, then half of the peers are dead: available all the same, and with a fifth soon.
func deadPeers(s *stage) {
	b := s.block(1<<20, everyRow)
	r, _ := s.sample(s.clients, b, len(s.n.Peers)/5)
	s.Logf("20 %% dead: %+v", r)
	if r.Accepted != r.Trials || r.P50Ms > 1000 {
		s.Errorf("20 %% dead: %+v", r)
	}
	r, _ = s.sample(s.clients, b, len(s.n.Peers)/2)
	s.Logf("50 %% dead: %+v", r)
	if r.Accepted < r.Trials-2 { // one in fifty may miss it, and the clients of a round share the dead
		s.Errorf("50 %% dead: %+v", r)
	}
}

// A block of which one row too few is out is available to nobody, though every holder is honest.
func withholding(s *stage) {
	k := 256 // of a block of 1 MiB
	b := s.block(1<<20, func(i int) bool { return i < k-1 })
	if b.Coded.Params().K != k {
		s.Errorf("K is %d", b.Coded.Params().K)
	}
	s.n.Hide(b)
	_, samples := s.sample(s.clients[:3], b, 0)
	for _, x := range samples {
		if x.Verdict != sampling.Unavailable {
			s.Errorf("withheld block is %s to a client: %d of %d", x.Verdict, x.Answered, x.Asked)
		}
	}
}

// The whole swarm is the withholder's and serves chosen clients alone. It may fool few of them: with each, 28 less what
// chance has let out before are gone of the K-1 rows that it can let out, so m(j+1) = m(j) + 28 - 33 m(j)/n.
func chosenClients(s *stage) {
	b := s.block(128<<10, func(int) bool { return false })
	s.n.Hide(b)
	clients := s.clients[:6]
	w := newWithholder(b, clients[1:])
	for _, p := range s.n.Peers {
		p.Misbehave(w.conduct())
	}
	p := b.Coded.Params()
	bound := float64(p.N) / 33 * -math.Log(1-33.0/enough*float64(p.K)/float64(p.N))
	_, samples := s.sample(clients, b, 0)
	fooled := 0
	for i, x := range samples {
		switch {
		case x.Verdict != sampling.Available:
		case i == 0:
			s.Error("a client that the withholder does not know was fooled")
		default:
			fooled++
		}
	}
	s.Logf("%d of %d chosen clients fooled, at most about %.1f can be", fooled, len(samples)-1, bound)
	if fooled < 2 || float64(fooled) > bound+1 {
		s.Errorf("%d clients fooled: the attack should work, on at most about %.1f", fooled, bound)
	}
}

// Of a hundred servers ten send wrong rows, ten those of another block, ten wrong openings, and ten never answer.
func liars(s *stage) {
	other, b := s.block(1<<20, everyRow), s.block(1<<20, everyRow)
	kinds := []Conduct{wrongRows(b), staleRows(other), wrongOpenings(b), tarpit}
	servers := s.n.Servers()
	for j, i := range s.n.chance.Perm(len(servers))[:len(s.n.Peers)*2/5] {
		servers[i].Misbehave(kinds[j%len(kinds)])
	}
	r, samples := s.sample(s.clients, b, 0)
	s.Logf("liars: %+v", r)
	wrong := 0
	for _, x := range samples {
		wrong += x.Wrong
		if x.Verdict != sampling.Available {
			s.Errorf("%s among liars: %d of %d answered, %d wrong", x.Verdict, x.Answered, x.Asked, x.Wrong)
		}
	}
	if wrong == 0 {
		s.Error("no lie was noticed")
	}
}

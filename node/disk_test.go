package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

var long = flag.Bool("long", false, "fill the disk of every kind of node, and watch an idle light client among more hosts")

// diskNet is a network without execution: a sequencer, and a node whose disk is bounded.
type diskNet struct {
	sequencer, bounded *Node
	ended              chan error // of the bounded node
}

func openDiskNet(t *testing.T, role config.Role, dir string, budget int64) (*diskNet, func()) {
	t.Helper()
	key, err := config.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	g, err := config.NewGenesis(config.GenesisOptions{Name: "disk", ChainID: 1, Time: time.Now(), Payload: types.PayloadOpaque, Committee: []types.PublicKey{config.PublicKeyOf(key)},
		BlockInterval: 100 * time.Millisecond, Heartbeat: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	open := func(key ed25519.PrivateKey, role config.Role, data string, disk int64, join []string) *Node {
		n, err := Open(Config{Genesis: g, Key: key, Role: role, Data: data, Disk: disk, Bootstrap: join, UnusedMark: filepath.Join(dir, "unused"),
			Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := config.MarkUnused(filepath.Join(dir, "unused")); err != nil {
		t.Fatal(err)
	}
	net := &diskNet{ended: make(chan error, 1)}
	net.sequencer = open(key, config.Sequencer, filepath.Join(dir, "sequencer"), 0, nil)
	other, err := config.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	net.bounded = open(other, role, filepath.Join(dir, "bounded"), budget, net.sequencer.Addrs())
	ctx, cancel := context.WithCancel(context.Background())
	sequencing := make(chan error, 1)
	go func() { sequencing <- net.sequencer.Run(ctx) }()
	go func() { net.ended <- net.bounded.Run(ctx) }()
	return net, func() {
		cancel()
		if err := <-sequencing; err != nil {
			t.Error(err)
		}
		if err := errors.Join(net.bounded.Close(), net.sequencer.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestDiskBudgetIsNeverExceeded: much goes through a node of each kind that keeps something, looked at by
// walking its folder all the while. It prunes and goes on; it is never past its budget.
func TestDiskBudgetIsNeverExceeded(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: writes hundreds of megabytes")
	}
	const budget = config.MinDisk
	roles, through, patience := []config.Role{config.Peer}, int64(budget/2), 2*time.Minute // rows take four times as much
	if *long {
		roles, through, patience = append(roles, config.Bootstrap, config.Light), 2*budget, 10*time.Minute
	}
	for _, role := range roles {
		t.Run(string(role), func(t *testing.T) {
			net, end := openDiskNet(t, role, t.TempDir(), budget)
			defer end()
			var most, sent int64
			over := time.Now().Add(patience)
			for sent < through && time.Now().Before(over) {
				envelope := make([]byte, 100<<10)
				_, _ = rand.Read(envelope)
				if _, err := net.sequencer.Submit(t.Context(), envelope); err == nil {
					sent += int64(len(envelope))
					time.Sleep(10 * time.Millisecond)
				} else {
					time.Sleep(20 * time.Millisecond) // the pool is full
				}
				use, err := net.bounded.measureDisk()
				if err != nil {
					t.Fatal(err)
				}
				if most = max(most, use.Used); use.Used > budget {
					t.Fatalf("%d MiB in use of %d after %d were sent: %v", use.Used>>20, int64(budget)>>20, sent>>20, use.Parts)
				}
			}
			select {
			case err := <-net.ended:
				t.Fatalf("the node ended: %v", err)
			default:
			}
			if role == config.Peer {
				soon(t, "all that was written has come", func() error {
					if head, bodies := net.sequencer.Head(), net.bounded.chain.BodiesHead(); bodies < head {
						return fmt.Errorf("%d of %d blocks", bodies, head)
					}
					return nil
				})
			}
			t.Logf("%d MiB went through, the most in use was %.1f of %d MiB", sent>>20, float64(most)/(1<<20), int64(budget)>>20)
			if sent < through/2 {
				t.Errorf("only %d MiB were taken", sent>>20)
			}
		})
	}
}

// TestPauseBetweenLooks: the disk is looked at seldom while there is much room, however large the budget, and often near the mark.
func TestPauseBetweenLooks(t *testing.T) {
	for _, role := range []config.Role{config.Peer, config.Light} {
		for _, p := range config.Profiles() {
			k := &diskKeeper{budget: config.LimitsOf(p, role).Disk}
			room := shareOf(k.budget, diskRoomy)
			if far, near := k.pause(0), k.pause(room-1); far < 10*time.Second || far > diskLook || near != diskLookNear || k.pause(k.budget) != diskLookNear {
				t.Errorf("%s, %s: %v with an empty disk, %v near the mark", p, role, far, near)
			}
		}
	}
}

// TestALightClientDropsHeaders: of what has settled, and a peer none.
func TestALightClientDropsHeaders(t *testing.T) {
	s := exectest.New(t, nil)
	for range 12 {
		s.Next()
	}
	for role, want := range map[config.Role]types.Height{config.Light: 8, config.Peer: 1} {
		n := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: role})
		for h := types.Height(1); h <= 12; h++ {
			ch, _ := s.Certified(h)
			if err := n.chain.AddCertified(ch); err != nil {
				t.Fatal(err)
			}
		}
		k := newDiskKeeper(n)
		if err := k.dropHeaders(5); err != nil || n.chain.First() != 1 {
			t.Errorf("%s: dropped up to %d before anything settled: %v", role, n.chain.First()-1, err)
		}
		n.proofs = nil // a network without proofs: nothing is asked about
		if err := k.dropHeaders(5); err != nil || n.chain.First() != want {
			t.Errorf("%s: first is %d, want %d: %v", role, n.chain.First(), want, err)
		}
		if _, here := n.chain.Header(12); !here {
			t.Errorf("%s: the newest header is gone", role)
		}
	}
}

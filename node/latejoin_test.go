package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// lateNet is a network with short epochs and a short challenge window, for nodes that join late.
type lateNet struct {
	*bondedNet
	dir       string
	bootstrap []string
}

func newLateNet(t *testing.T) *lateNet {
	t.Helper()
	l := &lateNet{bondedNet: &bondedNet{t: t}, dir: t.TempDir()}
	options := config.GenesisOptions{Name: "late", ChainID: 48848, Time: time.Now().Add(-time.Second), Payload: types.PayloadEthereum,
		BlockInterval: 100 * time.Millisecond, Heartbeat: 100 * time.Millisecond, EpochLength: 70, ChallengeWindow: 2 * time.Second,
		Balance: new(big.Int).Mul(big.NewInt(1e18), big.NewInt(1000))}
	for i := range 5 {
		if i < 4 {
			options.Committee = append(options.Committee, exectest.PublicKey(i))
		} else {
			options.Provers = append(options.Provers, exectest.PublicKey(i))
		}
		options.Owners = append(options.Owners, fmt.Sprintf("0x%x", account.AddressOf(purseOf(t, i))))
	}
	options.Accounts = append(options.Accounts, fmt.Sprintf("0x%x", account.AddressOf(purseOf(t, 6))))
	var err error
	if l.genesis, err = config.NewGenesis(options); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		role := config.Sequencer
		if i == 4 {
			role = config.Prover
		}
		n := l.open(i, role, fmt.Sprint(i))
		l.add(n)
		if l.bootstrap == nil {
			l.bootstrap = n.Addrs()
		}
	}
	l.run()
	from := l.sequencers[0]
	l.purse = account.New(account.Config{Key: purseOf(t, 6), ChainID: 48848, Pool: from.wallets, Chain: from.exec, Logger: slog.New(slog.DiscardHandler)})
	paying, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	go func() { // blocks without users' transactions need no assertion, and settle with the next that has one
		for paying.Err() == nil {
			ctx, cancel := context.WithTimeout(paying, time.Second)
			_, _ = l.purse.Send(ctx, [20]byte{1}, big.NewInt(1), nil, 21000)
			<-ctx.Done()
			cancel()
		}
	}()
	return l
}

func (l *lateNet) open(key int, role config.Role, dir string) *Node {
	l.t.Helper()
	mark := filepath.Join(l.dir, "unused"+dir)
	if err := config.MarkUnused(mark); err != nil {
		l.t.Fatal(err)
	}
	n, err := Open(Config{Genesis: l.genesis, Key: exectest.PeerKey(key), Account: purseOf(l.t, key), Role: role, Data: filepath.Join(l.dir, dir),
		Bootstrap: l.bootstrap, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, StateCache: 8, UnusedMark: mark, SnapshotGap: 1, RPC: "127.0.0.1:0",
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// start runs a node that joined late; the function it returns stops it.
func (l *lateNet) start(n *Node) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
		if err := n.Close(); err != nil {
			l.t.Error(err)
		}
	}
}

// TestJoinLateBySnapshot: a peer that joins after some epochs fetches the state that the newest epoch's end says is settled,
// executes from there on, and then knows the same committees, claims and settled values as the others; so it does after a restart,
// and as a light client in the same directory's network.
func TestJoinLateBySnapshot(t *testing.T) {
	if testing.Short() {
		t.Skip("a network of six nodes over some epochs")
	}
	l := newLateNet(t)
	from := l.sequencers[0]
	waitFor(t, "a snapshot of an epoch's end", func() bool {
		end, ok := from.newestEnd(from.exec.Height())
		return ok && end.Next.SettledHeight > 30 && from.exec.HasSnapshot(end.Next.SettledHeight)
	})
	late := l.open(20, config.Peer, "late")
	stop := l.start(late)
	waitFor(t, "the late peer to execute on a fetched state", func() bool {
		return late.exec.First() > 0 && late.exec.Height() > late.exec.First()+80
	})
	first := late.exec.First()
	if _, err := late.exec.Claims(first - 1); err == nil && first > 40 {
		t.Error("it executed the block before")
	}
	if late.chain.PrunedHeight() < first {
		t.Errorf("bodies from %d on, the state was fetched at %d", late.chain.PrunedHeight()+1, first)
	}
	waitFor(t, "values to settle there", func() bool {
		return late.settled() > first+20
	})
	stop()

	late = l.open(20, config.Peer, "late")
	stop = l.start(late)
	defer func() { stop() }()
	waitFor(t, "following after a restart", func() bool { return late.exec.Height()+3 > from.exec.Height() && late.settled() > first+40 })
	if late.exec.First() != first {
		t.Errorf("it began at %d again", late.exec.First())
	}
	for h := first; h <= late.exec.Height() && h <= from.exec.Height(); h++ {
		own, err := late.exec.Claims(h)
		theirs, err2 := from.exec.Claims(h)
		if err != nil || err2 != nil || !reflect.DeepEqual(own, theirs) {
			t.Fatalf("block %d: %v, want %v: %v %v", h, own, theirs, err, err2)
		}
		if next, err := from.exec.NextEpochAt(h); err == nil && h > first {
			if got, err := late.exec.NextEpochAt(h); err != nil || !reflect.DeepEqual(got, next) {
				t.Fatalf("after block %d: next committee %v, want %v: %v", h, got, next, err)
			}
		}
	}
}

// waitFor waits for a condition with much patience: machines are busy.
func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestLightLearnsSettled: a light client that starts when the first epochs are long over learns from the newest epoch's end what has
// settled, connects it with where it follows from, and then follows settlement itself: values settle there that no end named.
func TestLightLearnsSettled(t *testing.T) {
	if testing.Short() || !*long {
		t.Skip("a network of six nodes for a minute: -args -long")
	}
	l := newLateNet(t)
	from := l.sequencers[0]
	waitFor(t, "a network far ahead", func() bool { return from.exec.Height() > 400 && from.settled() > 300 })
	light := l.open(21, config.Light, "light")
	stop := l.start(light)
	defer stop()
	waitFor(t, "the light client to leap", func() bool { return light.chain.First() > 100 })
	first := light.chain.First()
	begun := time.Now()
	waitFor(t, "a settled value", func() bool { return light.settled() > 0 })
	learnt := light.settled()
	t.Logf("followed from %d, settled up to %d after %v", first, learnt, time.Since(begun).Round(time.Millisecond))
	waitFor(t, "values to settle by its own following", func() bool {
		return light.settled() > from.chain.Head().Header.Height-70 && light.settled() > learnt+20
	})
	own := light.proofs.tracker.Settled()
	want, err := fraud.OwnParent(from.exec, own.Height)
	if err != nil || own != want {
		t.Errorf("block %d settled as %+v here, %+v at a peer, %v", own.Height, own, want, err)
	}
}

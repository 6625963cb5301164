package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// bondedNet is a small running network with bonds: four sequencers, an honest prover or two, a peer and a light client.
type bondedNet struct {
	t          *testing.T
	genesis    *types.Genesis
	nodes      []*Node
	sequencers []*Node
	provers    []*Node
	peer       *Node
	light      *Node
	purse      *account.Account // of somebody who sends transactions
}

func purseOf(t *testing.T, i int) account.Key {
	t.Helper()
	key, err := account.DeriveKey(exectest.PeerKey(i).Seed())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newBondedNet opens and runs the network. The last of its provers lies if liar is set. An interval of 0 is the default.
func newBondedNet(t *testing.T, provers int, liar bool, interval time.Duration) *bondedNet {
	t.Helper()
	b := &bondedNet{t: t}
	options := config.GenesisOptions{Name: "bonded", ChainID: 48848, Time: time.Now().Add(-time.Second), Payload: types.PayloadEthereum, BlockInterval: interval,
		Balance: new(big.Int).Mul(big.NewInt(1e18), big.NewInt(1000)), ChallengeWindow: 10 * time.Second}
	roles := []config.Role{config.Sequencer, config.Sequencer, config.Sequencer, config.Sequencer, config.Peer, config.Light}
	for range provers {
		roles = append(roles, config.Prover)
	}
	for i, role := range roles {
		address := fmt.Sprintf("0x%x", account.AddressOf(purseOf(t, i)))
		switch role {
		case config.Sequencer:
			options.Committee, options.Owners = append(options.Committee, exectest.PublicKey(i)), append(options.Owners, address)
		case config.Prover:
			options.Provers, options.Owners = append(options.Provers, exectest.PublicKey(i)), append(options.Owners, address)
		default:
			options.Accounts = append(options.Accounts, address)
		}
	}
	options.Accounts = append(options.Accounts, fmt.Sprintf("0x%x", account.AddressOf(purseOf(t, len(roles)))))
	var err error
	if b.genesis, err = config.NewGenesis(options); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var bootstrap []string
	for i, role := range roles {
		mark := filepath.Join(dir, fmt.Sprint("unused", i))
		if err := config.MarkUnused(mark); err != nil {
			t.Fatal(err)
		}
		n, err := Open(Config{Genesis: b.genesis, Key: exectest.PeerKey(i), Account: purseOf(t, i), Role: role, Data: filepath.Join(dir, fmt.Sprint(i)),
			Bootstrap: bootstrap, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Sandbox: []string{exe, verifyVerb}, StateCache: 8, UnusedMark: mark,
			Dishonest: liar && i == len(roles)-1, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		b.add(n)
		if bootstrap == nil {
			bootstrap = n.Addrs()
		}
	}
	b.run()
	b.purse = account.New(account.Config{Key: purseOf(t, len(roles)), ChainID: 48848, Pool: b.peer.wallets, Chain: b.peer.exec, Logger: slog.New(slog.DiscardHandler)})
	return b
}

func (b *bondedNet) add(n *Node) {
	b.nodes = append(b.nodes, n)
	switch n.Role() {
	case config.Sequencer:
		b.sequencers = append(b.sequencers, n)
	case config.Prover:
		b.provers = append(b.provers, n)
	case config.Peer:
		b.peer = n
	case config.Light:
		b.light = n
	}
}

func (b *bondedNet) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, len(b.nodes))
	for _, n := range b.nodes {
		go func() { ended <- n.Run(ctx) }()
	}
	b.t.Cleanup(func() {
		cancel()
		for range b.nodes {
			if err := <-ended; err != nil {
				b.t.Error(err)
			}
		}
		for _, n := range b.nodes {
			if err := n.Close(); err != nil {
				b.t.Error(err)
			}
		}
	})
}

// pay sends a transaction, which some block then holds.
func (b *bondedNet) pay() *account.Sent {
	b.t.Helper()
	var sent *account.Sent
	soon(b.t, "a transaction", func() (err error) {
		sent, err = b.purse.Send(b.t.Context(), [20]byte{1}, big.NewInt(1), nil, 21000)
		return err
	})
	return sent
}

func (b *bondedNet) isSlashed(n *Node, key types.PublicKey) error {
	bond, err := n.exec.Bond(key)
	if err == nil && bond.Status != execution.BondSlashed {
		err = fmt.Errorf("bond is %s, %+v", bond.Status, n.CourtStats())
	}
	return err
}

// TestALieIsSlashed: a prover lies; one challenge, a quorum's word, and the block after takes its bond, keeps a tenth for the
// challenger, and everybody sees it.
func TestALieIsSlashed(t *testing.T) {
	if testing.Short() {
		t.Skip("a network of eight nodes")
	}
	b := newBondedNet(t, 2, true, 0)
	liar := b.provers[1]
	b.pay()
	paid, lied := time.Now(), time.Time{}
	soon(t, "a lie", func() error {
		if time.Since(paid) > time.Second { // a liar that came too late to join the first step lies about the next one
			b.pay()
			paid = time.Now()
		}
		for h := types.Height(1); h <= b.peer.Head(); h++ {
			list, err := b.peer.proofs.ledger.assertions(h)
			if err != nil {
				return err
			}
			for _, a := range list {
				if a.Claim.Prover == liar.PeerID() {
					lied = time.UnixMilli(int64(a.Claim.Time))
					return nil
				}
			}
		}
		if b.isSlashed(b.peer, liar.key) == nil {
			return nil // before the peer heard the lie
		}
		b.purse.Executed()
		return errors.New("none yet")
	})
	soon(t, "the slash", func() error { return b.isSlashed(b.peer, liar.key) })
	if !lied.IsZero() {
		t.Logf("from the assertion's arrival at a peer to the executed slash: %v", time.Since(lied).Round(time.Millisecond))
	}
	escrow, err := b.peer.exec.Escrow(liar.key)
	if err != nil || escrow.Amount.Cmp(big.NewInt(1e17)) != 0 {
		t.Fatal(escrow, err)
	}
	challenger := ""
	for _, n := range b.nodes {
		if n.payee() == escrow.Payee {
			challenger = n.PeerID()
		}
	}
	if challenger == "" {
		t.Errorf("nobody here is 0x%x, whom the escrow names", escrow.Payee)
	}
	for _, n := range b.nodes {
		soon(t, "what everybody says of it", func() error {
			listed, err := n.chain.Verdicts(0, 10)
			switch s := n.CourtStats(); {
			case err != nil:
				return err
			case len(listed) == 0 || listed[0].Verdict.Accused != liar.key:
				return fmt.Errorf("%s: listed %v", n.Role(), listed)
			case s.False != 0:
				return fmt.Errorf("%s: a true verdict is called false: %+v", n.Role(), s)
			case s.Listed == 0:
				return fmt.Errorf("%s: %+v", n.Role(), s)
			}
			return nil
		})
	}
	for _, n := range b.sequencers {
		soon(t, "nothing left to say", func() error {
			if votes := n.proofs.ledger.votes(nil); len(votes) > 0 {
				return fmt.Errorf("%v", votes)
			}
			return nil
		})
	}
	if got := ailing(b.sequencers[0]); len(got) > 0 {
		t.Errorf("an honest member's health: %v", got)
	}
	soon(t, "the liar's own status", func() error {
		status, err := (&service{n: liar}).Status(t.Context())
		if err == nil && (status.Bond == nil || status.Bond.State != "slashed") {
			err = fmt.Errorf("%+v", status.Bond)
		}
		return err
	})
	if got := ailing(liar); !slices.Contains(got, health.BondSlashed) {
		t.Errorf("the liar's own health: %v", got)
	}
	soon(t, "blocks enough to tell the clock", func() error {
		if _, known := b.peer.meter.clockOffset(); known {
			return nil
		}
		b.pay()
		b.purse.Executed()
		return errors.New("too few")
	})
	everyMetricIsServed(t, b.nodes)
}

// TestAFalseVerdictIsShown: a corrupt quorum lists a verdict against an honest prover. Its bond is gone, and every peer and light
// client shows the header and the challenge that proves nothing.
func TestAFalseVerdictIsShown(t *testing.T) {
	if testing.Short() {
		t.Skip("a network of seven nodes")
	}
	b := newBondedNet(t, 1, false, 0)
	victim := b.provers[0]
	c := &fraud.Challenge{Version: types.Version, Network: b.peer.network, Kind: fraud.KindDoubleAssertion, Payee: [20]byte{9}, Body: []byte("nothing")}
	encoded := c.Encode()
	shown := types.Verdict{Challenge: types.BatchIDOf(encoded), Kind: uint64(c.Kind), Accused: victim.key, Payee: c.Payee}
	hidden := types.Verdict{Challenge: types.BatchIDOf([]byte("nobody has this")), Kind: uint64(fraud.KindDoubleAssertion), Accused: victim.key, Payee: [20]byte{8}}
	for _, n := range b.sequencers[:3] {
		if err := n.store.Set(store.SpaceFraud, append([]byte{keyChallengeBody}, shown.Challenge[:]...), encoded, store.Unsynced); err != nil { // it serves what it lies about
			t.Fatal(err)
		}
		for _, v := range []types.Verdict{shown, hidden} {
			soon(t, "the false statement", func() error {
				if !n.order.Verdict(v) {
					return errors.New("not taken")
				}
				return nil
			})
		}
	}
	b.pay()
	soon(t, "the slash", func() error { return b.isSlashed(b.peer, victim.key) })
	for _, n := range []*Node{b.peer, b.light, victim, b.sequencers[3]} {
		soon(t, "the false verdict", func() error {
			list, err := (&service{n: n}).FalseVerdicts(t.Context())
			if err == nil && (len(list) == 0 || list[0].Accused != victim.PeerID() || !list[0].Shown) {
				err = fmt.Errorf("%s: %+v", n.Role(), list)
			}
			return err
		})
		ready := (&service{n: n}).Ready(t.Context())
		if !slices.ContainsFunc(ready.Checks, func(c rpc.Check) bool { return c.Name == "verdicts" && strings.Contains(c.Detail, "false") }) {
			t.Errorf("%s: health does not name it: %+v", n.Role(), ready)
		}
		if got := ailing(n); !slices.Contains(got, health.FalseVerdict) {
			t.Errorf("%s: %v", n.Role(), got)
		}
		encoded, err := (&service{n: n}).Challenge(t.Context(), shown.Challenge)
		if err != nil || types.BatchIDOf(encoded) != shown.Challenge {
			t.Fatal(len(encoded), err)
		}
		c, err := fraud.DecodeChallenge(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fraud.Verify(c, n.proofs.trust); !errors.Is(err, fraud.ErrInvalid) {
			t.Fatal("a stranger finds it valid:", err)
		}
		if n.chain.Err() != nil {
			t.Error("a false verdict stopped", n.Role())
		}
	}
}

// twins is the proof that a sequencer signed two vertices of one round, which it did in this test alone.
func (b *bondedNet) twins(n *Node) types.Equivocation {
	b.t.Helper()
	author, ok := n.placeIn(0)
	if !ok {
		b.t.Fatal("no member")
	}
	signed := func(tag byte) types.SignedVertexID {
		id := types.VertexID{Version: types.Version, Network: n.network, Round: 1 << 20, Author: author, Time: 1, Body: types.Hash{tag}}
		return types.SignedVertexID{ID: id, Signature: types.SignDigest(n.cfg.Key, id.Digest())}
	}
	return types.NewEquivocation(signed(1), signed(2))
}

// TestWhoCommittedFirstIsPaid: of two challengers of one fault the one whose commitment was ordered first is paid, though the
// other's challenge was listed first. It needed gas and nothing else.
func TestWhoCommittedFirstIsPaid(t *testing.T) {
	if testing.Short() {
		t.Skip("a network of seven nodes")
	}
	b := newBondedNet(t, 1, false, 100*time.Millisecond)
	accused := b.sequencers[3]
	proof := b.twins(accused)
	first, second := b.provers[0], b.peer // to commit, to be listed
	early := fraud.NewDoubleVertex(first.network, first.payee(), 0, proof)
	late := fraud.NewDoubleVertex(second.network, second.payee(), 0, proof)
	commitment := execution.Commitment(early.Payee, early.ID())
	soon(t, "a commitment is sent", func() error {
		_, err := first.account.Send(t.Context(), first.exec.Rules().Vault, nil, execution.CommitCall(commitment), commitGas)
		return err
	})
	soon(t, "the first commitment", func() error {
		_, in, err := b.peer.exec.Committed(commitment)
		if err == nil && in == 0 {
			err = errors.New("not executed")
		}
		return err
	})
	second.proofs.raise(late)
	escrowed := func(n *Node) error {
		e, err := b.peer.exec.Escrow(accused.key)
		if err == nil && e.Payee != n.payee() {
			err = fmt.Errorf("the escrow names 0x%x", e.Payee)
		}
		return err
	}
	soon(t, "the first verdict", func() error { return escrowed(second) })
	first.proofs.raise(early)
	soon(t, "the second verdict", func() error { return escrowed(first) })
	soon(t, "the reward", func() error {
		b.purse.Executed()
		b.pay()
		escrow, err := b.peer.exec.Escrow(accused.key)
		if err == nil && escrow.Amount.Sign() != 0 {
			err = fmt.Errorf("in escrow until %d, executed %d", escrow.Until, b.peer.exec.Height())
		}
		return err
	})
	if left := first.proofs.ledger.claims(); len(left) > 0 {
		soon(t, "nothing left to claim", func() error {
			if left := first.proofs.ledger.claims(); len(left) > 0 {
				return fmt.Errorf("%+v", left)
			}
			return nil
		})
	}
}

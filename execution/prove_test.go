package execution_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// prover replays the chunks of executed blocks.
type prover struct {
	*exectest.Swarm
	env     *execution.Env
	parent  execution.Claim
	witness execution.Witness
	source  execution.Source
}

func proverOf(s *exectest.Swarm, height types.Height) *prover {
	s.TB.Helper()
	rules := s.Rules()
	header, err := s.Chain.Header(height)
	if err != nil {
		s.TB.Fatal(err)
	}
	before, err := s.Chain.Header(height - 1)
	if err != nil {
		s.TB.Fatal(err)
	}
	p := &prover{Swarm: s}
	if p.parent, err = s.Chain.LastClaim(height - 1); err != nil {
		s.TB.Fatal(err)
	}
	if p.witness, err = s.Chain.Witness(height); err != nil {
		s.TB.Fatal(err)
	}
	var txs []*ethtypes.Transaction
	for _, e := range types.DecodeBlockData(s.Stored[height].Data) {
		txs = append(txs, execution.DecodeTransaction(e))
	}
	p.source = execution.ListSource(txs)
	p.env = execution.NewEnv(&rules, header, before, p.parent, func(n uint64) types.Hash {
		h, err := s.Chain.Header(types.Height(n))
		if err != nil {
			s.TB.Fatal(err)
		}
		return h.Digest()
	})
	return p
}

// I3, and with the meter's exhausted transactions in the mix I4.
func TestChunksReplayOnWitnessAlone(t *testing.T) {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(2, 3))
	chunks, skipped, exhausted := 0, 0, 0
	reasons := map[execution.Reason]int{}
	for range 26 {
		var envelopes [][]byte
		for range 40 {
			envelopes = append(envelopes, s.Torture(random))
		}
		r := s.Apply(envelopes...)
		for _, skip := range r.Skipped {
			skipped++
			reasons[skip.Reason]++
		}
		for i, receipt := range r.Receipts {
			if receipt.Status == 0 && receipt.GasUsed == 1_000_000 && r.Block.Transactions()[i].Gas() == 1_000_000 {
				exhausted++
			}
		}
		p := proverOf(s, r.Height)
		for i, want := range r.Claims {
			proof, err := p.env.ProveChunk(p.witness, p.parent, i, p.source)
			if err != nil {
				t.Fatalf("block %d, chunk %d: %v", r.Height, i, err)
			}
			if proof.Chunk.Claim != want {
				t.Fatalf("block %d, chunk %d: derived %+v, executed %+v", r.Height, i, proof.Chunk.Claim, want)
			}
			chunk, err := p.env.Replay(proof.Witness, i == 0, proof.Before, proof.Frontier, p.source)
			if err != nil || chunk.Claim != want {
				t.Fatalf("block %d, chunk %d: %v: replayed %+v, executed %+v", r.Height, i, err, chunk, want)
			}
			chunks++
		}
		if _, err := p.env.ProveChunk(p.witness, p.parent, len(r.Claims), p.source); !errors.Is(err, execution.ErrNoChunk) {
			t.Fatal(err)
		}
	}
	t.Logf("%d chunks, %d skipped %v, %d exhausted", chunks, skipped, reasons, exhausted)
	if chunks < 200 || skipped < 50 || exhausted < 10 || len(reasons) < 7 {
		t.Fatal("the torture did not reach what it should")
	}
}

// A witness that lacks anything needed never replays to a different claim.
func TestIncompleteWitnessFails(t *testing.T) {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(4, 5))
	for range 3 {
		var envelopes [][]byte
		for range 12 {
			envelopes = append(envelopes, s.Torture(random))
		}
		s.Apply(envelopes...)
	}
	drops, flips := 0, 0
	p := proverOf(s, 3)
	for i := 0; ; i++ {
		proof, err := p.env.ProveChunk(p.witness, p.parent, i, p.source)
		if errors.Is(err, execution.ErrNoChunk) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for n := range proof.Witness.Nodes {
			w := execution.Witness{Nodes: append([][]byte(nil), proof.Witness.Nodes...), Codes: proof.Witness.Codes}
			w.Nodes = append(w.Nodes[:n], w.Nodes[n+1:]...)
			if chunk, err := p.env.Replay(w, i == 0, proof.Before, proof.Frontier, p.source); err == nil {
				t.Fatalf("chunk %d without node %d replays to %+v", i, n, chunk.Claim)
			}
			drops++
			bad := append([]byte(nil), proof.Witness.Nodes[n]...)
			bad[random.IntN(len(bad))] ^= 1 << random.IntN(8)
			w.Nodes = append(w.Nodes, bad)
			if _, err := p.env.Replay(w, i == 0, proof.Before, proof.Frontier, p.source); err == nil {
				t.Fatalf("chunk %d with a flipped bit in node %d replays", i, n)
			}
			flips++
		}
		for n := range proof.Witness.Codes {
			w := execution.Witness{Nodes: proof.Witness.Nodes, Codes: append([][]byte(nil), proof.Witness.Codes...)}
			w.Codes = append(w.Codes[:n], w.Codes[n+1:]...)
			chunk, err := p.env.Replay(w, i == 0, proof.Before, proof.Frontier, p.source)
			if err == nil && chunk.Claim != proof.Chunk.Claim {
				t.Fatalf("chunk %d without code %d replays to %+v", i, n, chunk.Claim)
			}
		}
	}
	if drops < 50 || flips < 50 {
		t.Fatalf("only %d drops, %d flips", drops, flips)
	}
}

// The first chunk's witness does not carry the contracts of the system calls, and whoever carries them all the same proves
// the same.
func TestSystemContractsAreNotCarried(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	s.Apply(s.Transfer(0, 1, 1), s.Call(1, &exectest.StoreAddress, 0, 100_000, exectest.Words(1, 2)))
	r := s.Apply(s.Transfer(0, 1, 1), s.Call(1, &exectest.StoreAddress, 0, 100_000, exectest.Words(1, 3)))
	p := proverOf(s, r.Height)
	if len(p.witness.Codes) != 4 {
		t.Fatalf("%d codes read: two of Ethereum's system contracts, the bonding contract and the called one were expected", len(p.witness.Codes))
	}
	proof, err := p.env.ProveChunk(p.witness, p.parent, 0, p.source)
	if err != nil {
		t.Fatal(err)
	}
	if len(proof.Witness.Codes) != 1 || len(proof.Witness.Codes[0]) > 100 {
		t.Fatalf("%d codes carried", len(proof.Witness.Codes))
	}
	t.Logf("first chunk's witness: %d bytes", proof.Witness.Size())
	for name, codes := range map[string][][]byte{"without": proof.Witness.Codes, "with": p.witness.Codes} {
		w := execution.Witness{Nodes: proof.Witness.Nodes, Codes: codes}
		chunk, err := p.env.Replay(w, true, proof.Before, proof.Frontier, p.source)
		if err != nil || chunk.Claim != r.Claims[0] {
			t.Fatalf("%s the contracts' codes: %+v, %v", name, chunk, err)
		}
	}
	missing := execution.Witness{Nodes: proof.Witness.Nodes}
	if chunk, err := p.env.Replay(missing, true, proof.Before, proof.Frontier, p.source); err == nil && chunk.Claim == r.Claims[0] {
		t.Fatal("a called contract's code that is not carried is not missed")
	}
}

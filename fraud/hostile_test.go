package fraud

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// payAddress sends one wei to each of (word0 + i).
var payAddress = common.HexToAddress("0xc0de000000000000000000000000000000000106")

// stage is a chunk that changes hundreds of accounts, to be executed on any witness.
type stage struct {
	env     *execution.Env
	before  execution.Claim
	front   execution.Frontier
	source  execution.Source
	witness execution.Witness
}

// newStage makes a block whose second chunk pays count absent accounts.
func newStage(t testing.TB, count uint64) *stage {
	s := exectest.New(t, func(g *types.Genesis) {
		crowded(2000)(g)
		g.ChunkTransactions = 1
		pay := loops(vm.STOP, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.ISZERO, vm.DUP6, vm.GAS, vm.CALL, vm.POP, vm.POP)
		g.Alloc[payAddress.Hex()] = types.GenesisAccount{Balance: "0xffffffff", Nonce: 1, Code: hexutil.Encode(pay)}
	})
	envelopes := [][]byte{s.Transfer(0, 1, 1), s.Call(2, &payAddress, 0, 1<<24, exectest.Words(1<<40, count))}
	r := s.Apply(envelopes...)
	if len(r.Claims) != 2 || r.Receipts[1].Status != 1 {
		t.Fatalf("%d chunks, status %d", len(r.Claims), r.Receipts[1].Status)
	}
	parent, err := s.Chain.Header(0)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := s.Chain.LastClaim(0)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := s.Chain.Witness(1)
	if err != nil {
		t.Fatal(err)
	}
	header, err := s.Chain.Header(1)
	if err != nil {
		t.Fatal(err)
	}
	rules := s.Rules()
	env := execution.NewEnv(&rules, header, parent, claim, func(uint64) types.Hash { return types.Hash{} })
	var txs []*ethtypes.Transaction
	for _, e := range envelopes {
		txs = append(txs, execution.DecodeTransaction(e))
	}
	proof, err := env.ProveChunk(witness, claim, 1, execution.ListSource(txs))
	if err != nil {
		t.Fatal(err)
	}
	return &stage{env: env, before: proof.Before, front: proof.Frontier, source: execution.ListSource(txs), witness: proof.Witness}
}

// play executes the chunk on a crafted state. A panic of its own goroutine is an error, as in Verify.
func (s *stage) play(root common.Hash, nodes [][]byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("panicked")
		}
	}()
	before := s.before
	before.Root = root
	_, err = s.env.Replay(execution.Witness{Nodes: nodes, Codes: s.witness.Codes}, false, before, s.front, s.source)
	return err
}

// I3: whatever an accused prover crafted is refused before the trie library reads it, or does no harm to it. A panic in the
// library's own goroutines would end this test's process.
func TestCraftedTriesHarmNobody(t *testing.T) {
	s := newStage(t, 120) // the library hashes a hundred changes and more in parallel
	rounds := 120
	if *long {
		rounds = 50_000
	}
	refused, failed, passed := 0, 0, 0
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 77))
		legal := seed%2 == 0
		root, nodes := craft(s.witness, s.before.Root, random, []float64{0.02, 0.2, 1}[random.IntN(3)], legal)
		err := CheckNodes(root, nodes)
		switch {
		case err != nil && (!errors.Is(err, ErrInvalid) || legal):
			t.Fatalf("seed %d: %v", seed, err)
		case err != nil:
			refused++
			continue
		}
		if err := s.play(root, nodes); err != nil {
			failed++
		} else {
			passed++
		}
	}
	t.Logf("%d refused, %d executed and were incomplete, %d executed", refused, failed, passed)
	if refused == 0 || failed == 0 || passed == 0 {
		t.Fatal("the crafted tries are of one kind only")
	}
}

// FuzzCraftedTries looks for a crafted trie that passes the checks and kills.
func FuzzCraftedTries(f *testing.F) {
	s := newStage(f, 120)
	f.Add(uint64(1), false, 0.02)
	f.Add(uint64(2), true, 1.0)
	f.Fuzz(func(t *testing.T, seed uint64, legal bool, rate float64) {
		root, nodes := craft(s.witness, s.before.Root, rand.New(rand.NewPCG(seed, 78)), rate, legal)
		if CheckNodes(root, nodes) == nil {
			_ = s.play(root, nodes)
		}
	})
}

// A code that only a made-up state can hold, of eight megabytes, is executed up to the transaction's gas like any other.
func TestHugeCodeIsHarmless(t *testing.T) {
	s := newStage(t, 1)
	c := newCrafter(s.witness, rand.New(rand.NewPCG(1, 1)), 0, true)
	c.code = bytes.Repeat([]byte{byte(vm.JUMPDEST)}, 8<<20)
	root, nodes := c.craft(s.before.Root)
	if err := CheckNodes(root, nodes); err != nil {
		t.Fatal(err)
	}
	s.witness.Codes = [][]byte{c.code}
	if err := s.play(root, nodes); err != nil {
		t.Fatal(err)
	}
}

// hollowed is the trie that kills: wherever a branch of the witness has an empty place, an extension to nothing.
func hollowed(s *stage) (common.Hash, [][]byte) {
	c := &crafter{honest: map[common.Hash][]byte{}}
	for _, n := range s.witness.Nodes {
		c.honest[crypto.Keccak256Hash(n)] = n
	}
	out := map[common.Hash][]byte{}
	hollow := rlp.RawValue(list(extPath(2), []byte{}))
	var rewrite func(hash common.Hash, depth int) common.Hash
	rewrite = func(hash common.Hash, depth int) common.Hash {
		var items []rlp.RawValue
		node, ok := c.honest[hash]
		if !ok {
			return hash
		}
		if err := rlp.DecodeBytes(node, &items); err != nil {
			panic(err)
		}
		for i := range items[:len(items)-1] {
			switch item := items[i]; {
			case len(items) == 17 && len(item) == 33:
				items[i] = must(rlp.EncodeToBytes(rewrite(common.Hash(item[1:]), depth+1)))
			case len(items) == 17 && depth > 0:
				items[i] = hollow
			}
		}
		node = must(rlp.EncodeToBytes(items))
		out[crypto.Keccak256Hash(node)] = node
		return crypto.Keccak256Hash(node)
	}
	root := rewrite(s.before.Root, 0)
	for hash, n := range c.honest { // contracts' storage
		out[hash] = n
	}
	var nodes [][]byte
	for _, n := range out {
		nodes = append(nodes, n)
	}
	return root, nodes
}

// I3: extensions to nothing below hundreds of changed accounts make the library panic where nobody can recover. They are
// refused; and without that check it is a child process that dies, which proves nothing.
func TestExtensionsToNothing(t *testing.T) {
	s := newStage(t, 300)
	root, nodes := hollowed(s)
	if os.Getenv("BEDROCK_TEST_CHILD") == "unchecked" {
		_ = s.play(root, nodes)
		return
	}
	if err := CheckNodes(root, nodes); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "empty extension") {
		t.Fatal(err)
	}
	box := sandbox(t, "unchecked", Limits{})
	box.Args = []string{"-test.run=^TestExtensionsToNothing$"}
	cmd := exec.CommandContext(t.Context(), box.Exe, box.Args...)
	cmd.Env = box.Env
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("panic")) || !bytes.Contains(out, []byte("/trie")) {
		t.Fatalf("the trie harms nobody: this test needs another one (%v)\n%s", err, out)
	}
	if _, err := box.Verify(t.Context(), &Job{}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "died") {
		t.Fatal(err)
	}
}

// The least memory that a sandbox may be given lets it check and load the largest witness; a proof of that size is judged, not
// cut off. The child does both as VerifyMain does.
func TestLargestWitnessFitsTheSandbox(t *testing.T) {
	if os.Getenv("BEDROCK_TEST_CHILD") == "bomb" {
		limits := Limits{Memory: minSandboxMemory}
		if err := limits.apply(); err != nil {
			t.Fatal(err)
		}
		encoded, err := io.ReadAll(os.Stdin)
		if err != nil {
			t.Fatal(err)
		}
		var body WrongState
		var c Challenge
		if err := errors.Join(rlp.DecodeBytes(encoded, &c), decodeBody(&c, &body)); err != nil {
			t.Fatal(err)
		}
		if err := CheckNodes(common.BytesToHash(body.Assertion), body.Nodes); err != nil {
			t.Fatal(err)
		}
		if err := newStage(t, 100).play(common.BytesToHash(body.Assertion), body.Nodes); err != nil {
			t.Fatal(err) // there is no account in it, so its transactions are skipped
		}
		return
	}
	root, nodes := bomb()
	c := newChallenge(types.NetworkID{}, KindWrongState, [20]byte{}, &WrongState{Assertion: root[:], Nodes: nodes})
	encoded := c.Encode()
	if len(encoded) > MaxChallengeBytes || len(encoded) < MaxChallengeBytes*3/4 {
		t.Fatalf("challenge of %d bytes", len(encoded))
	}
	box := sandbox(t, "bomb", Limits{})
	cmd := exec.CommandContext(t.Context(), box.Exe, "-test.run=^TestLargestWitnessFitsTheSandbox$")
	cmd.Env, cmd.Stdin = box.Env, bytes.NewReader(encoded)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d nodes, %d bytes, in %v of processor time", len(nodes), len(encoded), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
}

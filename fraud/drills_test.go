package fraud

import (
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

var tokenAddress = common.HexToAddress("0xc0de000000000000000000000000000000000301")

// destroying is init code that leaves storage and a balance behind itself, and then destroys itself.
func destroying(i int) []byte {
	return program.New().Push(7).Push(i).Op(vm.SSTORE).Push(exectest.Address(3)).Op(vm.SELFDESTRUCT).Bytes()
}

// drilled is a chain whose blocks are of one kind each: what provers must not lie about.
func drilled(t *testing.T) (*exectest.Swarm, []string) {
	code, err := os.ReadFile("../execution/speed/Token.hex") // an ERC-20 token as a compiler makes it
	if err != nil {
		t.Fatal(err)
	}
	s := exectest.New(t, func(g *types.Genesis) {
		balances := map[string]string{}
		for i := range exectest.Accounts { // the mapping in slot 0
			a := exectest.Address(i)
			balances[crypto.Keccak256Hash(common.LeftPadBytes(a[:], 32), make([]byte, 32)).Hex()] = "0x3e8"
		}
		g.Alloc[tokenAddress.Hex()] = types.GenesisAccount{Nonce: 1, Code: "0x" + strings.TrimSpace(string(code)), Storage: balances}
	})
	random := rand.New(rand.NewPCG(12, 12))
	var names []string
	block := func(name string, n int, tx func(i int) []byte) {
		var envelopes [][]byte
		for i := range n {
			envelopes = append(envelopes, tx(i))
		}
		s.Apply(envelopes...)
		names = append(names, name)
	}
	word := func(a common.Address) []byte { return common.LeftPadBytes(a[:], 32) }
	block("transfers", 10, func(i int) []byte { return s.Transfer(i, i+1, 5) })
	block("ERC-20", 10, func(i int) []byte {
		data := append(crypto.Keccak256([]byte("transfer(address,uint256)"))[:4], word(exectest.Address(2*i))...)
		return s.Call(i, &tokenAddress, 0, 200_000, append(data, exectest.Words(uint64(i*150))...)) // above 1000 it reverts
	})
	block("calls that write and log", 10, func(i int) []byte {
		return s.Call(i, &exectest.StoreAddress, 0, 200_000, exectest.Words(uint64(i), uint64(i+1)))
	})
	block("create2 and self-destruct", 9, func(i int) []byte {
		switch i % 3 {
		case 0:
			return s.Call(i, &exectest.CreateAddress, 1, 500_000, destroying(i))
		case 1:
			return s.Call(i, &exectest.DestroyAddress, 1, 100_000, nil)
		}
		return s.Call(i, &exectest.ReadAddress, 0, 200_000, word(exectest.DestroyAddress))
	})
	block("deletions", 9, func(i int) []byte {
		return s.Call(i, &exectest.StoreAddress, 0, 200_000, exectest.Words(uint64(i), 0))
	})
	block("delegations", 9, func(i int) []byte {
		if i%3 == 2 {
			a := exectest.Address(20 + i - 2)
			return s.Call(i, &a, 0, 300_000, exectest.Words(5, uint64(i)))
		}
		return s.Authorize(i, 20+i, exectest.StoreAddress, exectest.Words(3, 1))
	})
	block("whatever else", 24, func(int) []byte { return s.Torture(random) })
	return s, names
}

// I2: each lie about the first, the last and a chunk between of each kind of block goes the product's whole way, from the
// comparison to the bytes and to a light client's verdict, which is the same in its own process and in the child's.
func TestLiesAboutEveryKindOfBlock(t *testing.T) {
	s, names := drilled(t)
	trust, box := trustOf(s), sandboxFor(t)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(2, 9)))
	truth := outcome(t, s, 0, types.Height(len(names)))
	for block, name := range names {
		chunks := len(truth.Claims[block])
		if chunks < 3 {
			t.Fatalf("%s: %d chunks", name, chunks)
		}
		for _, chunk := range [...]int{0, chunks / 2, chunks - 1} {
			for lie := range lies {
				signed := tell(t, s, liar, truth, block, chunk, lie)
				finding := convicted(t, s, signed, liar.Key(), types.Height(block+1))
				if lie == LieRoot {
					c := challenge(t, s, signed)
					if judged, err := box.Judge(t.Context(), c, trust); err != nil || !reflect.DeepEqual(judged, finding) {
						t.Fatalf("%s: the child finds %+v (%v), not %+v", name, judged, err, finding)
					}
				}
			}
		}
	}
}

func convicted(t *testing.T, s *exectest.Swarm, signed *SignedAssertion, liar types.PublicKey, height types.Height) *Finding {
	t.Helper()
	c, err := DecodeChallenge(challenge(t, s, signed).Encode())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Verify(c, trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Accused) != 1 || f.Accused[0] != liar || f.Height != height || f.Refuted == nil || len(f.Differences) == 0 {
		t.Fatalf("%+v", f)
	}
	return f
}

// I2: a liar that really executed something else, consistently to the end, is convicted of the first chunk in which it did:
// a transaction left out, one that must be skipped executed, one put in, the order changed, a block's time changed.
func TestConsistentForgeriesAreRefuted(t *testing.T) {
	s := exectest.New(t, nil)
	honestTxs := func(s *exectest.Swarm) [][]byte {
		var txs [][]byte
		for i := range 11 {
			txs = append(txs, s.Call(i, &exectest.StoreAddress, 0, 200_000, exectest.Words(uint64(i%4), uint64(i+1))))
		}
		to := exectest.Address(30)
		txs[6] = s.CallAt(30, 1, &to, 1, 21000, nil) // nonce too high: skipped
		return txs
	}
	s.Apply(honestTxs(s)...)
	s.Apply(s.Transfer(20, 21, 1))
	as := func(*types.Header) {}
	for name, forge := range map[string]struct {
		chunk  int
		header func(*types.Header)
		change func(f *exectest.Swarm, txs [][]byte) [][]byte
	}{
		"left out":         {1, as, func(_ *exectest.Swarm, txs [][]byte) [][]byte { txs[5] = []byte{1}; return txs }},
		"skipped executed": {1, as, func(f *exectest.Swarm, txs [][]byte) [][]byte { txs[6] = f.Transfer(30, 30, 1); return txs }},
		"replaced":         {2, as, func(f *exectest.Swarm, txs [][]byte) [][]byte { txs[9] = f.Transfer(33, 5, 1e15); return txs }},
		"put in":           {2, as, func(f *exectest.Swarm, txs [][]byte) [][]byte { return append(txs, f.Transfer(33, 5, 1e15)) }},
		"order":            {0, as, func(_ *exectest.Swarm, txs [][]byte) [][]byte { txs[0], txs[1] = txs[1], txs[0]; return txs }},
		"time":             {0, func(h *types.Header) { h.Time += 3_000_000 }, func(_ *exectest.Swarm, txs [][]byte) [][]byte { return txs }},
	} {
		f := exectest.New(t, nil)
		txs := forge.change(f, honestTxs(f))
		true1, true2 := s.Stored[1].Header.Header, s.Stored[2].Header.Header
		f.ApplyHeader(func(h *types.Header) { // the certified header, whatever was executed under it
			*h = true1
			forge.header(h)
		}, txs...)
		if name != "time" {
			f.ApplyHeader(func(h *types.Header) { *h = true2 }, f.Transfer(20, 21, 1))
		} else {
			f.Apply(f.Transfer(20, 21, 1))
		}
		told := outcome(t, s, 0, 2)
		forged := outcome(t, f, 0, 2)
		told.Claims = forged.Claims
		signed := sign(t, s, told.Assertion(exectest.PublicKey(5)))
		if finding := convicted(t, s, signed, exectest.PublicKey(5), 1); finding.Chunk != forge.chunk {
			t.Errorf("%s: chunk %d (%v), want %d", name, finding.Chunk, finding.Differences, forge.chunk)
		}
	}
}

// I1: no challenge of an honest assertion verifies, over a thousand random chunks, the place past each block's end included.
func TestThousandHonestChunksStand(t *testing.T) {
	want := 1000
	if testing.Short() {
		want = 100
	} else if *long {
		want = 50_000
	}
	checked := 0
	for seed := uint64(100); checked < want; seed++ {
		s := tortured(t, seed, 6, 40)
		trust, signed := trustOf(s), honest(t, s, 0, 6)
		if _, wrong, err := Compare(s.Chain, &signed.Assertion); wrong || err != nil {
			t.Fatal(wrong, err)
		}
		for block := range signed.Assertion.Blocks {
			for chunk := range signed.Assertion.Blocks[block].Chunks() + 1 {
				c, err := BuildWrongState(s.Chain, s, signed, Place{Block: block, Chunk: chunk}, [20]byte{})
				if err != nil {
					t.Fatal(err)
				}
				if f, err := Verify(c, trust); !errors.Is(err, ErrInvalid) {
					t.Fatalf("seed %d, honest block %d, chunk %d: %+v, %v", seed, block, chunk, f, err)
				}
				checked++
			}
		}
	}
	t.Logf("%d chunks", checked)
}

// I1: a bit flipped anywhere in a challenge's bytes, and any part left out, makes it invalid, whether what it challenges is a
// lie or the truth. Only the payee is the challenger's to choose.
func TestBrokenChallengesProveNothing(t *testing.T) {
	s, names := drilled(t)
	trust := trustOf(s)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(4, 4)))
	truth := outcome(t, s, 0, types.Height(len(names)))
	right := honest(t, s, 0, types.Height(len(names)))
	random, flips := rand.New(rand.NewPCG(8, 8)), 0
	stride := 24
	if testing.Short() {
		stride = 400
	} else if *long {
		stride = 1
	}
	for block := range names {
		lie := challenge(t, s, tell(t, s, liar, truth, block, 1, LieGas))
		fair, err := BuildWrongState(s.Chain, s, right, Place{Block: block, Chunk: 1}, [20]byte{})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]*Challenge{"lie": lie, "truth": fair} {
			encoded := c.Encode()
			for at := 0; at < len(encoded); at += stride {
				i := min(at+random.IntN(stride), len(encoded)-1)
				encoded[i] ^= 1 << random.IntN(8)
				broken(t, trust, encoded, c, name)
				encoded, flips = c.Encode(), flips+1
			}
			without(t, trust, c, name)
		}
	}
	t.Logf("%d flips", flips)
}

// broken wants an encoded challenge to be refused unless it differs from c in its payee alone.
func broken(t *testing.T, trust *Trust, encoded []byte, c *Challenge, name string) {
	t.Helper()
	got, err := DecodeChallenge(encoded)
	if err != nil {
		if !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		return
	}
	f, err := Verify(got, trust)
	same := *got
	same.Payee = c.Payee
	if harmless := reflect.DeepEqual(&same, c) && name == "lie"; (err == nil) != harmless || err != nil && !errors.Is(err, ErrInvalid) {
		t.Fatalf("%s: %+v, %v", name, f, err)
	}
}

// without leaves out one part after the other.
func without(t *testing.T, trust *Trust, c *Challenge, name string) {
	t.Helper()
	var body WrongState
	if err := rlp.DecodeBytes(c.Body, &body); err != nil {
		t.Fatal(err)
	}
	for _, list := range []*[][]byte{&body.Nodes, &body.Codes, &body.Rows, &body.Ancestors} {
		whole := *list
		for i := range whole {
			*list = append(append([][]byte(nil), whole[:i]...), whole[i+1:]...)
			bad := *c
			bad.Body = mustEncode(&body)
			if f, err := Verify(&bad, trust); !errors.Is(err, ErrInvalid) {
				t.Fatalf("%s without a part: %+v, %v", name, f, err)
			}
		}
		*list = whole
	}
	unpacked, err := unpackNodes(body.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range unpacked { // with all hashes shown, so that what is missing is not seen by its place
		body.Nodes = append(append([][]byte(nil), unpacked[:i]...), unpacked[i+1:]...)
		bad := *c
		bad.Body = mustEncode(&body)
		if f, err := Verify(&bad, trust); !errors.Is(err, ErrInvalid) {
			t.Fatalf("%s without node %d: %+v, %v", name, i, f, err)
		}
	}
}

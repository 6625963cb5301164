package pool

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/types"
)

// An envelope that is structurally valid has one spelling, has our chain id and its hash is what Ethereum calls it.
func FuzzEnvelope(f *testing.F) {
	w := newWallet(f, 1)
	f.Add(envelope(f, w.sign(f, 0)))
	f.Add(envelope(f, w.sign(f, 1<<63, creation, data(300, 9))))
	f.Add([]byte{0x04, 0xc0})
	f.Add([]byte{0xf8, 0x01, 0x02})
	s := newStructure(testChain)
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := s.read(raw)
		if err != nil {
			return
		}
		again, err := tx.tx.MarshalBinary()
		if err != nil || string(again) != string(raw) {
			t.Fatalf("two spellings: %x and %x (%v)", raw, again, err)
		}
		if tx.info.Hash != types.Hash(tx.tx.Hash()) || tx.info.Hash != types.Hash(crypto.Keccak256(raw)) || tx.tx.ChainId().Uint64() != testChain || tx.info.Gas > MaxGas {
			t.Fatalf("wrong reading of %x", raw)
		}
	})
}

// Whatever a stranger sends as a batch is refused with one of two errors, or judged, and never panics.
func FuzzAdmitBatch(f *testing.F) {
	w := newWallet(f, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	f.Add(batchOf(f, w.sign(f, 0), w.sign(f, 1)))
	f.Add(batchOf(f, w.sign(f, 0), w.sign(f, 0, value(4)), w.sign(f, 9)))
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, body []byte) {
		p := newPool(t, state)
		a, err := p.AdmitBatch(body, "peer")
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		if infos, checkErr := p.Check(body); err == nil && (checkErr != nil || len(infos) != len(a.Txs)) {
			t.Fatalf("judged but not structurally valid: %v", checkErr)
		}
		if !a.Admitted && len(p.byHash) != 0 {
			t.Fatal("the pool changed")
		}
	})
}

package load

import (
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// opaque makes payloads of a size that differ in every 8 bytes, so that nothing shrinks them on the way.
type opaque struct {
	size    int
	counter atomic.Uint64
}

func (o *opaque) next(int) ([]byte, func(error)) {
	envelope := make([]byte, o.size)
	x := o.counter.Add(1) * 0x9e3779b97f4a7c15
	for i := 0; i+8 <= o.size; i += 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		binary.LittleEndian.PutUint64(envelope[i:], x)
	}
	return envelope, func(error) {}
}

// transfers are signed EIP-1559 transfers between funded accounts. An account stays with one entry node and sends its
// nonces in turn; one that was refused is what it sends next.
type transfers struct {
	accounts []*account
	turn     []atomic.Uint64 // by entry node
}

type account struct {
	mu        sync.Mutex
	envelopes [][]byte
	cursor    int
}

var errSpent = errors.New("the account has sent everything that was signed for it")

// newTransfers signs `each` transfers for `count` accounts and returns the genesis allocation that funds them.
func newTransfers(t testing.TB, entries, count, each int) (*transfers, map[string]types.GenesisAccount) {
	t.Helper()
	w := &transfers{accounts: make([]*account, count), turn: make([]atomic.Uint64, entries)}
	alloc := make(map[string]types.GenesisAccount, count)
	signer := gethtypes.LatestSignerForChainID(big.NewInt(config.DevnetChainID))
	for i := range w.accounts {
		key := accountKey(t, i)
		alloc[crypto.PubkeyToAddress(key.PublicKey).Hex()] = types.GenesisAccount{Balance: "0x56bc75e2d63100000"} // 100 ether
		a := &account{envelopes: make([][]byte, each)}
		to := common.BytesToAddress(crypto.Keccak256(binary.BigEndian.AppendUint64([]byte("to"), uint64(i))))
		for nonce := range a.envelopes {
			tx, err := gethtypes.SignNewTx(key, signer, &gethtypes.DynamicFeeTx{
				ChainID: big.NewInt(config.DevnetChainID), Nonce: uint64(nonce), To: &to, Gas: 21_000, Value: big.NewInt(1),
				GasFeeCap: big.NewInt(20e9), GasTipCap: big.NewInt(1e6),
			})
			must(t, err)
			a.envelopes[nonce], err = tx.MarshalBinary()
			must(t, err)
		}
		w.accounts[i] = a
	}
	return w, alloc
}

func accountKey(t testing.TB, i int) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(fmt.Sprintf("load account %d", i))))
	must(t, err)
	return key
}

func (w *transfers) next(entry int) ([]byte, func(error)) {
	entries := uint64(len(w.turn))
	mine := uint64(len(w.accounts)) / entries
	a := w.accounts[((w.turn[entry].Add(1)-1)%mine)*entries+uint64(entry)]
	a.mu.Lock()
	if a.cursor == len(a.envelopes) {
		a.mu.Unlock()
		return nil, func(error) {}
	}
	return a.envelopes[a.cursor], func(err error) {
		if err == nil {
			a.cursor++
		}
		a.mu.Unlock()
	}
}

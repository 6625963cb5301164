package measure

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"path/filepath"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

const (
	crowd     = 120_000 // accounts besides the senders, for challenges
	perBlock  = 128     // transactions: two chunks
	smallSet  = 200     // accounts, and slots in use, for recorded witnesses
	witnesses = 8       // blocks over which the recorded witness is averaged
)

// Challenge is a refutation of a lie about the second chunk of a block of 128 transfers between distinct accounts, on a
// state of 120,000 accounts.
type Challenge struct {
	Bytes  int // encoded
	Nodes  int // bytes of trie nodes in it
	Verify func() error
}

// NewChallenge executes the block in dir, lies about it, and builds the challenge as a challenger does.
func NewChallenge(dir string) (_ *Challenge, err error) {
	c, err := newChain(filepath.Join(dir, "challenge"), perBlock, crowd, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.exec.Close()) }()
	random := rand.New(rand.NewPCG(1, 2))
	var envelopes [][]byte
	for i, to := range random.Perm(crowd)[:perBlock] {
		tx, err := c.call(i, dormant(to), 1, 21_000, nil)
		if err != nil {
			return nil, err
		}
		envelopes = append(envelopes, tx)
	}
	height, err := c.apply(envelopes)
	if err != nil {
		return nil, err
	}
	return c.challenge(height, random)
}

func (c *chain) challenge(height types.Height, random *rand.Rand) (*Challenge, error) {
	truth, err := fraud.OutcomeOf(c.exec, height-1, height)
	if err != nil {
		return nil, err
	}
	told, err := fraud.NewLiar(c.genesis.Provers[0], c.exec, random).Tell(truth, 0, 1, fraud.LieRoot)
	if err != nil {
		return nil, err
	}
	purse, err := account.DeriveKey([]byte("prover"))
	if err != nil {
		return nil, err
	}
	rules := c.exec.Rules()
	lie, err := told.Sign(purse, &rules, 0)
	if err != nil {
		return nil, err
	}
	at, wrong, err := fraud.Compare(c.exec, &lie.Assertion)
	if err != nil || !wrong {
		return nil, fmt.Errorf("a lie that compares as wrong: %v: %w", wrong, err)
	}
	made, err := fraud.BuildWrongState(c.exec, c, lie, at, [20]byte{1})
	if err != nil {
		return nil, err
	}
	committee, err := c.committee()
	if err != nil {
		return nil, err
	}
	trust := &fraud.Trust{
		Rules:     rules,
		Committee: func(types.Epoch) *types.Committee { return committee },
		Bond: func(key types.PublicKey) (fraud.Bond, bool) {
			return fraud.Bond{Owner: account.AddressOf(purse), Stands: true}, key == c.genesis.Provers[0]
		},
	}
	encoded := made.Encode()
	verify := func() error { // from the bytes, as a light client does
		received, err := fraud.DecodeChallenge(encoded)
		if err != nil {
			return err
		}
		_, err = fraud.Verify(received, trust)
		return err
	}
	return &Challenge{Bytes: len(encoded), Verify: verify}, verify()
}

// WitnessPerTransaction is the size of a recorded block witness, in bytes a transaction: blocks of 128 calls that write one
// of 200 slots of a contract each, by 200 senders.
func WitnessPerTransaction(dir string) (_ float64, err error) {
	c, err := newChain(filepath.Join(dir, "witness"), smallSet, 0, smallSet)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.exec.Close()) }()
	random := rand.New(rand.NewPCG(3, 4))
	size := 0
	for block := range witnesses {
		var envelopes [][]byte
		for range perBlock {
			data := append(common.BigToHash(big.NewInt(random.Int64N(smallSet))).Bytes(), common.BigToHash(big.NewInt(int64(2+block))).Bytes()...)
			tx, err := c.call(random.IntN(smallSet), storeAddress, 0, 60_000, data)
			if err != nil {
				return 0, err
			}
			envelopes = append(envelopes, tx)
		}
		height, err := c.apply(envelopes)
		if err != nil {
			return 0, err
		}
		w, err := c.exec.Witness(height)
		if err != nil {
			return 0, err
		}
		size += w.Size()
	}
	return float64(size) / (witnesses * perBlock), nil
}

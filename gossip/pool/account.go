package pool

import (
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

// stage is how far a transaction has come.
type stage int

const (
	held  stage = iota // waits here for its predecessors, for room, or for funds
	boxed              // waits in the outbox for its batch
	sent               // in a batch that was published or came from another peer
)

// entry is a transaction in the pool.
type entry struct {
	*transaction
	cost  *uint256.Int // gas * fee cap + value
	stage stage
	local bool // entered here: this peer publishes it again

	batch    types.BatchID // that carried it last
	admitted time.Time     // when that batch was admitted or published
	added    time.Time
	resend   time.Time // local and sent: when to publish again
	attempt  int
	carriers int // batches of others that were admitted with it
}

// account is what one sender has in the pool.
type account struct {
	address  common.Address
	current  map[uint64]*entry // by nonce
	replaced []*entry          // sent, then replaced: the order may still take them instead
}

func newAccount(address common.Address) *account {
	return &account{address: address, current: make(map[uint64]*entry)}
}

func (a *account) empty() bool { return len(a.current) == 0 && len(a.replaced) == 0 }

// underWay sums what was released and not executed: count, bytes, and cost (with overflow as all ones).
func (a *account) underWay() (count, bytes int, cost *uint256.Int) {
	cost = new(uint256.Int)
	for _, e := range a.current {
		if e.stage != held {
			count++
			bytes += len(e.envelope)
			cost = addCost(cost, e.cost)
		}
	}
	for _, e := range a.replaced { // their cost is below that of what replaced them
		count++
		bytes += len(e.envelope)
	}
	return count, bytes, cost
}

// cost sums the current transactions without the one at nonce except.
func (a *account) cost(except uint64) *uint256.Int {
	sum := new(uint256.Int)
	for nonce, e := range a.current {
		if nonce != except {
			sum = addCost(sum, e.cost)
		}
	}
	return sum
}

// addCost adds and saturates.
func addCost(a, b *uint256.Int) *uint256.Int {
	sum, overflow := new(uint256.Int).AddOverflow(a, b)
	if overflow {
		return sum.SetAllOne()
	}
	return sum
}

// contiguous reports whether every nonce from next up to (not including) nonce is here.
func (a *account) contiguous(next, nonce uint64) bool {
	for n := next; n < nonce; n++ {
		if a.current[n] == nil {
			return false
		}
	}
	return true
}

// outbids reports whether fees are high enough to replace old: both caps at least a tenth higher.
func outbids(tx, old *ethtypes.Transaction) bool {
	tenthAbove := func(fee, than *big.Int) bool {
		least := new(big.Int).Mul(than, big.NewInt(110))
		return fee.Cmp(than) > 0 && new(big.Int).Mul(fee, big.NewInt(100)).Cmp(least) >= 0
	}
	return tenthAbove(tx.GasFeeCap(), old.GasFeeCap()) && tenthAbove(tx.GasTipCap(), old.GasTipCap())
}

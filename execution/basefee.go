package execution

import (
	"math/big"

	"github.com/etherscale/bedrock/types"
)

// maxBaseFee keeps the base fee far from overflow: 2^60 wei, above one ether per gas.
const maxBaseFee = 1 << 60

const second = 1_000_000 // microseconds

// NextBaseFee is the base fee of the block at time now, whose parent closed at time then with base fee fee (wei) and
// used gas. With d = min(now - then, 1 s) and T = GasTarget,
//
//	change = fee * clamp(gas * 1 s - T * d, -T * d, +T * d) / (8 * T * 1 s)
//
// rounded toward zero, at least 1 upwards. So the fee moves by at most an eighth a second of header time, whatever the
// number of blocks, stands still at T gas a second, and never leaves [BaseFeeFloor, 2^60].
func (r *Rules) NextBaseFee(fee, gas uint64, then, now types.Time) uint64 {
	d := uint64(0)
	if now > then {
		d = min(uint64(now-then), second)
	}
	budget := product(r.GasTarget, d)
	excess := product(gas, second)
	excess.Sub(excess, budget)
	if excess.Cmp(budget) > 0 {
		excess.Set(budget)
	}
	change := new(big.Int).Mul(new(big.Int).SetUint64(fee), excess)
	change.Quo(change, product(8*second, r.GasTarget))
	if excess.Sign() > 0 && change.Sign() == 0 {
		change.SetUint64(1)
	}
	next := change.Add(change, new(big.Int).SetUint64(fee))
	if next.Cmp(new(big.Int).SetUint64(r.BaseFeeFloor)) <= 0 {
		return r.BaseFeeFloor
	}
	if next.Cmp(big.NewInt(maxBaseFee)) > 0 {
		return maxBaseFee
	}
	return next.Uint64()
}

func product(a, b uint64) *big.Int {
	x := new(big.Int).SetUint64(a)
	return x.Mul(x, new(big.Int).SetUint64(b))
}

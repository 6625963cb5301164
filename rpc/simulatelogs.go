package rpc

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
)

var (
	// transferTopic is keccak256("Transfer(address,address,uint256)").
	transferTopic = common.HexToHash("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
	// etherAddress stands for ether in the logs of transfers (ERC-7528).
	etherAddress = common.HexToAddress("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee")
)

// logRecorder collects the logs of one call, and on demand a log for each transfer of ether, in the order in which they
// happened. What a reverted frame logged is dropped with it.
type logRecorder struct {
	transfers bool
	all       []*types.Log
	frames    []int // how many logs there were when each open frame began
}

func (r *logRecorder) hooks() *tracing.Hooks {
	return &tracing.Hooks{OnEnter: r.enter, OnExit: r.exit, OnLog: r.log}
}

// logs are those of the frames that did not revert.
func (r *logRecorder) logs() []*types.Log { return r.all }

func (r *logRecorder) enter(_ int, kind byte, from, to common.Address, _ []byte, _ uint64, value *big.Int) {
	r.frames = append(r.frames, len(r.all))
	moves := vm.OpCode(kind) != vm.DELEGATECALL && vm.OpCode(kind) != vm.CALLCODE // these only mention a value
	if r.transfers && moves && value != nil && value.Sign() > 0 {
		r.all = append(r.all, &types.Log{
			Address: etherAddress, Data: common.BigToHash(value).Bytes(),
			Topics: []common.Hash{transferTopic, common.BytesToHash(from[:]), common.BytesToHash(to[:])},
		})
	}
}

func (r *logRecorder) exit(_ int, _ []byte, _ uint64, _ error, reverted bool) {
	last := len(r.frames) - 1
	if last < 0 {
		return
	}
	if reverted {
		r.all = r.all[:r.frames[last]]
	}
	r.frames = r.frames[:last]
}

func (r *logRecorder) log(l *types.Log) {
	r.all = append(r.all, &types.Log{Address: l.Address, Topics: l.Topics, Data: l.Data})
}

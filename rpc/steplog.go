package rpc

import (
	"encoding/json"

	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/eth/tracers/logger"
)

// stepLog is the tracer that logs every step. Limit is how many steps it logs, as the specification says; what
// go-ethereum's logger takes it for, a number of bytes, is maxTraceBytes here. A log above that is refused, because one
// cut off would not say so.
func stepLog(asked *logger.Config) *tracers.Tracer {
	var options logger.Config
	if asked != nil {
		options = *asked
	}
	most := options.Limit
	options.Limit = maxTraceBytes
	steps := logger.NewStructLogger(&options)
	hooks, logged := steps.Hooks(), 0
	if most > 0 {
		each := hooks.OnOpcode
		hooks.OnOpcode = func(pc uint64, op byte, gas, cost uint64, scope tracing.OpContext, data []byte, depth int, err error) {
			if logged++; logged <= most {
				each(pc, op, gas, cost, scope, data, depth, err)
			}
		}
	}
	return &tracers.Tracer{Hooks: hooks, Stop: steps.Stop, GetResult: func() (json.RawMessage, error) {
		out, err := steps.GetResult()
		if len(out) > maxTraceBytes {
			return nil, limitExceeded("the trace is larger than %d bytes: set a limit of steps or use a tracer", maxTraceBytes)
		}
		return out, err
	}}
}

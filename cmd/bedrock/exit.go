package main

import (
	"errors"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/store"
)

// The exit codes of every verb.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNoAnswer = 3
	exitData     = 4
	exitNegative = 5
	exitTrust    = 6
)

const exitCodesHelp = `Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  no answer: the RPC address cannot be reached, or does not know what was asked
  4  the data directory is in use, of another network, or broken (nothing in it was changed)
  5  checked, and the answer is no: unavailable or mis-encoded block, audit that does not add up, invalid challenge,
     node that is not well or not so far
  6  the node must not follow the network: what it knows is too old, the checkpoint does not fit, or the network's
     rules are newer than this program`

// exitError carries the exit code of a command that fails on purpose; err may be nil when all was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "failed"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exitCodeOf(err error) int {
	for _, data := range []error{store.ErrInUse, store.ErrOtherNetwork, store.ErrVersion, store.ErrBroken, node.ErrKeyMode} {
		if errors.Is(err, data) {
			return exitData
		}
	}
	for _, trust := range []error{chain.ErrStale, chain.ErrCheckpoint, chain.ErrRuleVersion, consensus.ErrRuleVersion} {
		if errors.Is(err, trust) {
			return exitTrust
		}
	}
	return exitFailure
}

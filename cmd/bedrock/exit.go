package main

import (
	"errors"
	"syscall"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/store"
)

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
	if settings := new(config.SettingsError); errors.As(err, &settings) {
		return exitUsage
	}
	for _, data := range []error{store.ErrInUse, store.ErrOtherNetwork, store.ErrVersion, store.ErrBroken, store.ErrNotWritable, config.ErrKeyMode} {
		if errors.Is(err, data) {
			return exitData
		}
	}
	for _, trust := range []error{chain.ErrStale, chain.ErrCheckpoint, chain.ErrRuleVersion, consensus.ErrRuleVersion} {
		if errors.Is(err, trust) {
			return exitTrust
		}
	}
	for _, secret := range []error{account.ErrPassword, account.ErrDamaged, config.ErrNoKey} {
		if errors.Is(err, secret) {
			return exitSecret
		}
	}
	if errors.Is(err, sequencer.ErrTwin) || errors.Is(err, sequencer.ErrOldCopy) {
		return exitTwin
	}
	if errors.Is(err, store.ErrDiskFull) || errors.Is(err, syscall.ENOSPC) {
		return exitDisk
	}
	return exitFailure
}

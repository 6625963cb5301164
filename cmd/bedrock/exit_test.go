package main

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/store"
)

// TestErrorsHaveTheirExitCodes, however deep they are wrapped.
func TestErrorsHaveTheirExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		errors.New("something"):                   exitFailure,
		&exitError{exitUsage, errors.New("flag")}: exitUsage,
		&exitError{exitNegative, nil}:             exitNegative,
		store.ErrInUse:                            exitData,
		store.ErrBroken:                           exitData,
		config.ErrKeyMode:                         exitData,
		store.NotWritable("/d", syscall.EACCES):   exitData,
		account.ErrDamaged:                        exitSecret,
		new(config.SettingsError):                 exitUsage,
		chain.ErrStale:                            exitTrust,
		chain.ErrCheckpoint:                       exitTrust,
		sequencer.ErrTwin:                         exitTwin,
		sequencer.ErrOldCopy:                      exitTwin,
		account.ErrPassword:                       exitSecret,
		config.ErrNoKey:                           exitSecret,
		store.ErrDiskFull:                         exitDisk,
		fmt.Errorf("write: %w", syscall.ENOSPC):   exitDisk,
	} {
		if code, _ := judge(fmt.Errorf("in the end: %w", errors.Join(nil, err))); code != want {
			t.Errorf("%v: exit code %d, want %d", err, code, want)
		}
	}
}

package rpc

import (
	"encoding/hex"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// maxSlots bounds the storage slots of one request.
const maxSlots = 1024

// Accounts serves the eth_ methods about the state of accounts.
type Accounts struct{ r *reader }

// Accounts is empty: this server holds no keys.
func (a *Accounts) Accounts() []common.Address { return []common.Address{} }

// GetBalance is in wei.
func (a *Accounts) GetBalance(account common.Address, at *gethrpc.BlockNumberOrHash) (*hexutil.Big, error) {
	statedb, _, err := a.r.state(at)
	if err != nil {
		return nil, err
	}
	return (*hexutil.Big)(statedb.GetBalance(account).ToBig()), statedb.Error()
}

// GetCode is 0x for an account without code.
func (a *Accounts) GetCode(account common.Address, at *gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	statedb, _, err := a.r.state(at)
	if err != nil {
		return nil, err
	}
	return statedb.GetCode(account), statedb.Error()
}

// GetStorageAt is the 32 bytes of a slot; the key is up to 32 bytes of hex.
func (a *Accounts) GetStorageAt(account common.Address, key string, at *gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	slot, _, err := parseSlot(key)
	if err != nil {
		return nil, err
	}
	statedb, _, err := a.r.state(at)
	if err != nil {
		return nil, err
	}
	value := statedb.GetState(account, slot)
	return value[:], statedb.Error()
}

// GetStorageValues reads at most 1024 slots of several accounts at once.
func (a *Accounts) GetStorageValues(slots map[common.Address][]common.Hash, at *gethrpc.BlockNumberOrHash) (map[common.Address][]common.Hash, error) {
	total := 0
	for _, keys := range slots {
		total += len(keys)
	}
	if total > maxSlots {
		return nil, limitExceeded("too many slots (max %d)", maxSlots)
	}
	if total == 0 {
		return nil, invalidParams("empty request")
	}
	statedb, _, err := a.r.state(at)
	if err != nil {
		return nil, err
	}
	out := make(map[common.Address][]common.Hash, len(slots))
	for account, keys := range slots {
		values := make([]common.Hash, len(keys))
		for i, key := range keys {
			values[i] = statedb.GetState(account, key)
		}
		out[account] = values
	}
	return out, statedb.Error()
}

// parseSlot reads a storage key: hex of at most 32 bytes, the prefix and leading zeros optional. It also returns how
// many bytes were written, which decides how eth_getProof spells the key in its answer.
func parseSlot(key string) (slot common.Hash, length int, err error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(key, "0x"), "0X")
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	if len(digits) > 2*common.HashLength {
		return slot, 0, invalidParams("storage key too long (want at most 32 bytes): %q", key)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return slot, 0, invalidParams("invalid hex in storage key: %q", key)
	}
	return common.BytesToHash(raw), len(raw), nil
}

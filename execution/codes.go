package execution

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/etherscale/bedrock/execution/contracts"
)

// wellKnownCodes are the contract codes that every program has, by their hashes: those of the system calls. No witness of a
// chunk carries them; a state that has other codes at these addresses names other hashes. A constant that takes a while to
// read; the contract's artefact is part of the program and always reads.
var wellKnownCodes = sync.OnceValue(func() map[common.Hash][]byte {
	list := [][]byte{params.BeaconRootsCode, params.HistoryStorageCode}
	if bonds, err := contracts.BondsArtefact(); err == nil {
		list = append(list, bonds.Code)
	}
	codes := make(map[common.Hash][]byte, len(list))
	for _, code := range list {
		codes[crypto.Keccak256Hash(code)] = code
	}
	return codes
})

// carried is the witness without the codes that every program has.
func (r *recorder) carried() Witness {
	codes := make(map[common.Hash][]byte)
	for hash, code := range r.codes {
		if wellKnownCodes()[hash] == nil {
			codes[hash] = code
		}
	}
	return Witness{Nodes: sorted(r.nodes), Codes: sorted(codes)}
}

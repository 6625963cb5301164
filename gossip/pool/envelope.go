package pool

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// MaxGas is the highest gas limit of a transaction (EIP-7825).
const MaxGas = 1 << 24

// transaction is a structurally valid envelope with what was read from it.
type transaction struct {
	tx       *ethtypes.Transaction
	envelope []byte
	from     common.Address
	info     consensus.TxInfo

	authorities []common.Address // whose code it may set; read when it is admitted
}

// structure decides whether one envelope is structurally valid. Every peer must come to the same verdict, so it depends
// on nothing but the bytes and the chain id: canonical encoding, type 0 (replay-protected), 1, 2 or 4, our chain id, low
// s, a recoverable sender, gas limit <= 2^24, at most 128 KiB.
type structure struct {
	chainID *big.Int
	signer  ethtypes.Signer
}

func newStructure(chainID uint64) structure {
	id := new(big.Int).SetUint64(chainID)
	return structure{chainID: id, signer: ethtypes.NewPragueSigner(id)}
}

// read decodes and checks the bytes of an envelope.
func (s structure) read(envelope []byte) (*transaction, error) {
	if len(envelope) > types.MaxLoneTransactionBytes {
		return nil, fmt.Errorf("%w: transaction size %d, limit %d", ErrOversized, len(envelope), types.MaxLoneTransactionBytes)
	}
	tx := new(ethtypes.Transaction)
	if err := tx.UnmarshalBinary(envelope); err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	return s.check(tx, envelope)
}

// check is read for an envelope that is decoded already.
func (s structure) check(tx *ethtypes.Transaction, envelope []byte) (*transaction, error) {
	if len(envelope) > types.MaxLoneTransactionBytes {
		return nil, fmt.Errorf("%w: transaction size %d, limit %d", ErrOversized, len(envelope), types.MaxLoneTransactionBytes)
	}
	switch tx.Type() {
	case ethtypes.LegacyTxType:
		if !tx.Protected() {
			return nil, ErrUnprotected
		}
	case ethtypes.AccessListTxType, ethtypes.DynamicFeeTxType, ethtypes.SetCodeTxType:
	default:
		return nil, fmt.Errorf("%w: tx type %d is not carried by this network", core.ErrTxTypeNotSupported, tx.Type())
	}
	if tx.Gas() > MaxGas {
		return nil, fmt.Errorf("%w (cap: %d, tx: %d)", core.ErrGasLimitTooHigh, MaxGas, tx.Gas())
	}
	from, err := ethtypes.Sender(s.signer, tx) // checks chain id, low s and recovers
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidSender, err)
	}
	info := consensus.TxInfo{Hash: types.Hash(crypto.Keccak256Hash(envelope)), Gas: tx.Gas(), Size: uint64(len(envelope))}
	return &transaction{tx: tx, envelope: envelope, from: from, info: info}, nil
}

package execution

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"

	"github.com/etherscale/bedrock/types"
)

// ErrPayload says that a network's payload is not Ethereum transactions, so nothing can be executed.
var ErrPayload = errors.New("network does not carry Ethereum transactions")

// Rules are the parameters of execution that a network's genesis fixes. They are all a stateless verifier needs to know
// of a genesis.
type Rules struct {
	Network           types.NetworkID `json:"network"`
	ChainID           uint64          `json:"chainId"`
	Vault             common.Address  `json:"vault"`             // coinbase; gets tips and base fee
	BlockGas          uint64          `json:"blockGas"`          // gas limit of a block
	BaseFee           uint64          `json:"baseFee"`           // wei, of block 1
	BaseFeeFloor      uint64          `json:"baseFeeFloor"`      // wei
	GasTarget         uint64          `json:"gasTarget"`         // gas a second at which the base fee stands still
	Bonded            bool            `json:"bonded"`            // the vault is the bonding contract
	ChunkTransactions uint64          `json:"chunkTransactions"` // places in a chunk, at most
	ChunkGas          uint64          `json:"chunkGas"`          // declared gas in a chunk, at most (a lone place may have more)
	ChunkBytes        uint64          `json:"chunkBytes"`        // metered witness bytes in a chunk, at most
}

// RulesOf reads the rules from a genesis.
func RulesOf(g *types.Genesis) (Rules, error) {
	if g.Payload != types.PayloadEthereum {
		return Rules{}, fmt.Errorf("payload %q: %w", g.Payload, ErrPayload)
	}
	id, err := g.NetworkID()
	if err != nil {
		return Rules{}, err
	}
	if !common.IsHexAddress(g.FeeVault) {
		return Rules{}, fmt.Errorf("genesis: feeVault %q is not an address", g.FeeVault)
	}
	return Rules{
		Network:           id,
		ChainID:           g.ChainID,
		Vault:             common.HexToAddress(g.FeeVault),
		Bonded:            g.Bonding != nil,
		BlockGas:          g.BlockGas,
		BaseFee:           g.BaseFee,
		BaseFeeFloor:      g.BaseFeeFloor,
		GasTarget:         g.GasTarget,
		ChunkTransactions: g.ChunkTransactions,
		ChunkGas:          g.ChunkGas,
		ChunkBytes:        g.ChunkBytes,
	}, nil
}

// Validate refuses rules under which execution is not defined. Rules from a validated genesis always pass.
func (r *Rules) Validate() error {
	if r.ChainID == 0 || r.BlockGas < params.MaxTxGas || r.GasTarget == 0 || r.BaseFeeFloor == 0 || r.BaseFee < r.BaseFeeFloor ||
		r.BaseFee > maxBaseFee || r.ChunkTransactions == 0 || r.ChunkGas < params.MaxTxGas || r.ChunkBytes < 64<<10 {
		return fmt.Errorf("execution rules %+v are out of range: use a genesis that validates", *r)
	}
	return nil
}

// ChainConfig is go-ethereum's configuration of the rules: every fork up to Osaka active from block 0, blobs unused.
func (r *Rules) ChainConfig() *params.ChainConfig {
	zero, active := big.NewInt(0), uint64(0)
	return &params.ChainConfig{
		ChainID:        new(big.Int).SetUint64(r.ChainID),
		HomesteadBlock: zero, EIP150Block: zero, EIP155Block: zero, EIP158Block: zero, ByzantiumBlock: zero,
		ConstantinopleBlock: zero, PetersburgBlock: zero, IstanbulBlock: zero, MuirGlacierBlock: zero, BerlinBlock: zero,
		LondonBlock: zero, ArrowGlacierBlock: zero, GrayGlacierBlock: zero, MergeNetsplitBlock: zero,
		TerminalTotalDifficulty: zero,
		ShanghaiTime:            &active, CancunTime: &active, PragueTime: &active, OsakaTime: &active,
		BlobScheduleConfig: &params.BlobScheduleConfig{Cancun: params.DefaultCancunBlobConfig, Prague: params.DefaultPragueBlobConfig},
	}
}

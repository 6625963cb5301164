package execution

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/etherscale/bedrock/types"
)

// maxBalanceBits bounds every balance that an honest state can hold; the verifier of challenges refuses larger ones.
const maxBalanceBits = 128

// EthereumGenesis is the state and Ethereum-style block of height 0. Besides the genesis file's own accounts it holds the
// contracts that the EVM's rules rely on (EIP-4788, EIP-2935 and the deterministic deployment factory of EIP-7997) and, where
// the genesis has bonds, the bonding contract at the fee vault's address.
func EthereumGenesis(g *types.Genesis) (*core.Genesis, error) {
	rules, err := RulesOf(g)
	if err != nil {
		return nil, err
	}
	header, err := g.Header()
	if err != nil {
		return nil, err
	}
	alloc := make(ethtypes.GenesisAlloc, len(g.Alloc)+3)
	system := core.SystemContractAllocs()
	for _, a := range [...]common.Address{params.BeaconRootsAddress, params.HistoryStorageAddress, params.DeterministicFactoryAddress} {
		alloc[a] = system[a]
	}
	total := new(big.Int)
	if g.Bonding != nil {
		contract, err := bondsAccount(g)
		if err != nil {
			return nil, err
		}
		alloc[rules.Vault] = contract
		total.Add(total, contract.Balance)
	}
	for name, account := range g.Alloc {
		if !common.IsHexAddress(name) {
			return nil, fmt.Errorf("genesis: alloc: %q is not an address", name)
		}
		parsed, err := parseAccount(account)
		if err != nil {
			return nil, fmt.Errorf("genesis: alloc: %s: %w", name, err)
		}
		address := common.HexToAddress(name)
		if _, twice := alloc[address]; twice {
			return nil, fmt.Errorf("genesis: alloc: %s is there already: twice, or a system contract's", name)
		}
		alloc[address] = parsed
		total.Add(total, parsed.Balance)
	}
	if total.BitLen() > maxBalanceBits {
		return nil, fmt.Errorf("genesis: alloc: balances add up to %s wei, at most 2^%d", total, maxBalanceBits)
	}
	return &core.Genesis{
		Config:     rules.ChainConfig(),
		Timestamp:  Seconds(&header),
		GasLimit:   rules.BlockGas,
		Difficulty: new(big.Int),
		Coinbase:   rules.Vault,
		BaseFee:    new(big.Int).SetUint64(rules.BaseFee),
		Alloc:      alloc,
	}, nil
}

func parseAccount(a types.GenesisAccount) (ethtypes.Account, error) {
	out := ethtypes.Account{Nonce: a.Nonce, Balance: new(big.Int)}
	if a.Balance != "" {
		balance, err := hexutil.DecodeBig(a.Balance)
		if err != nil {
			return out, fmt.Errorf("balance %q: %w", a.Balance, err)
		}
		out.Balance = balance
	}
	if a.Code != "" {
		code, err := hexutil.Decode(a.Code)
		if err != nil {
			return out, fmt.Errorf("code: %w", err)
		}
		out.Code = code
	}
	for slot, value := range a.Storage {
		k, err := parseWord(slot)
		if err != nil {
			return out, fmt.Errorf("storage slot %q: %w", slot, err)
		}
		v, err := parseWord(value)
		if err != nil {
			return out, fmt.Errorf("storage of slot %s: %w", slot, err)
		}
		if out.Storage == nil {
			out.Storage = make(map[common.Hash]common.Hash, len(a.Storage))
		}
		out.Storage[k] = v
	}
	return out, nil
}

// parseWord reads 0x-hex of at most 32 bytes.
func parseWord(s string) (common.Hash, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) > 64 || len(digits) == 0 {
		return common.Hash{}, fmt.Errorf("%s is not 0x-hex of 1..32 bytes", strconv.Quote(s))
	}
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok || n.Sign() < 0 {
		return common.Hash{}, fmt.Errorf("%s is not hex", strconv.Quote(s))
	}
	return common.BigToHash(n), nil
}

// GenesisClaim is the claim of height 0 for a state root: nothing has happened yet.
func (r *Rules) GenesisClaim(root common.Hash) Claim {
	return Claim{Root: root, BaseFee: r.BaseFee, Receipts: Frontier{}.Root()}
}

// GenesisOutcome is the header of height 0 and its claim, computed in memory: what a peer without a chain starts from.
func GenesisOutcome(g *types.Genesis) (types.Header, Claim, error) {
	rules, err := RulesOf(g)
	if err != nil {
		return types.Header{}, Claim{}, err
	}
	genesis, err := EthereumGenesis(g)
	if err != nil {
		return types.Header{}, Claim{}, err
	}
	header, err := g.Header()
	return header, rules.GenesisClaim(genesis.ToBlock().Root()), err
}

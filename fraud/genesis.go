package fraud

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// GenesisParent is the value of height 0, on which the first assertion builds.
func GenesisParent(g *types.Genesis) (Parent, error) {
	header, claim, err := execution.GenesisOutcome(g)
	if err != nil {
		return Parent{}, err
	}
	return ParentOf(0, header.Digest(), []execution.Claim{claim}), nil
}

// GenesisBond is the bond that a prover has from the start; false if it has none.
func GenesisBond(g *types.Genesis, key types.PublicKey) (Bond, bool) {
	if g.Bonding == nil || !slices.Contains(g.Provers, key) {
		return Bond{}, false
	}
	owner := common.HexToAddress(g.Bonding.Owners[key.String()])
	return Bond{Owner: owner, Operator: owner, Stands: true}, true
}

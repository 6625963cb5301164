package fraud

import (
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

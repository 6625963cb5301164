// Package contracts holds the bonding contract: its source, what the pinned compiler makes of it, and Go bindings.
//
// Bonds.sol is the source, Bonds.json the artefact (`npm ci && npm run build`; the compiler's version is in package-lock.json),
// bonds.go the bindings (`go generate`). Tests hold all three against each other.
package contracts

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

//go:generate go run ./internal/bind

//go:embed Bonds.json
var artefact []byte

// Artefact is what the compiler made.
type Artefact struct {
	Compiler string          `json:"compiler"`
	Source   string          `json:"source"` // sha256 of Bonds.sol, hex
	ABI      json.RawMessage `json:"abi"`
	Code     hexutil.Bytes   `json:"code"` // runtime
	Layout   struct {
		Storage []struct {
			Label  string `json:"label"`
			Slot   string `json:"slot"`
			Offset int    `json:"offset"`
		} `json:"storage"`
		Types map[string]struct {
			Members []struct {
				Label  string `json:"label"`
				Slot   string `json:"slot"`
				Offset int    `json:"offset"`
			} `json:"members"`
		} `json:"types"`
	} `json:"storageLayout"`
}

// BondsArtefact is the compiled bonding contract.
func BondsArtefact() (*Artefact, error) {
	a := new(Artefact)
	if err := json.Unmarshal(artefact, a); err != nil {
		return nil, fmt.Errorf("Bonds.json: %w", err)
	}
	return a, nil
}

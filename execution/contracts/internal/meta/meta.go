// Package meta is what generated bindings need of go-ethereum's package bind, which would bring wallets and file watchers
// with it.
package meta

import (
	"errors"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
)

// Errors of the generated event decoders.
var (
	ErrNoEventSignature       = errors.New("no event signature")
	ErrEventSignatureMismatch = errors.New("event signature mismatch")
)

// MetaData is what a contract's bindings are made from.
type MetaData struct {
	ABI string
	ID  string
}

// ParseABI reads the ABI.
func (m *MetaData) ParseABI() (*abi.ABI, error) {
	parsed, err := abi.JSON(strings.NewReader(m.ABI))
	return &parsed, err
}

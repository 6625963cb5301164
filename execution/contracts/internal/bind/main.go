// Bind writes bonds.go, the bindings of the contract whose ABI is in Bonds.json. `go generate` in execution/contracts runs it.
package main

import (
	"errors"
	"fmt"
	"go/format"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi/abigen"

	"github.com/etherscale/bedrock/execution/contracts"
)

func main() {
	code, err := bindings()
	if err == nil {
		err = os.WriteFile("bonds.go", []byte(code), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bind:", err)
		os.Exit(1)
	}
}

func bindings() (string, error) {
	a, err := contracts.BondsArtefact()
	if err != nil {
		return "", err
	}
	code, err := abigen.BindV2([]string{"Bonds"}, []string{string(a.ABI)}, []string{""}, "contracts", nil, nil)
	if err != nil {
		return "", err
	}
	return detach(code)
}

// detach takes go-ethereum's package bind out of the bindings: what they need of it is in package meta.
func detach(code string) (string, error) {
	code = strings.Replace(code, `"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"`, `bind "github.com/etherscale/bedrock/execution/contracts/internal/meta"`, 1)
	before, rest, found := strings.Cut(code, "// Instance creates a wrapper")
	_, after, ends := strings.Cut(rest, "\n}\n\n")
	if !found || !ends {
		return "", errors.New("the bindings have no Instance method to cut out: abigen has changed")
	}
	formatted, err := format.Source([]byte(before + after))
	return string(formatted), err
}

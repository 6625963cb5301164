package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/rpc"
)

// TestRefusalsInWords: whatever the contract refuses a wallet with is told in words; other errors stay as they are.
func TestRefusalsInWords(t *testing.T) {
	s := &sender{bondBook: &bondBook{abi: contracts.NewBonds()}}
	internal := map[string]bool{"NotSystem": true, "Malformed": true} // of calls that no verb makes
	abi := s.abi.GetABI()
	for name, e := range abi.Errors {
		err := s.explain(fmt.Errorf("eth_estimateGas: %w", rpc.NewRevertError(e.ID.Bytes()[:4])))
		var refused *refusedError
		if errors.As(err, &refused) == internal[name] {
			t.Errorf("%s: %v", name, err)
		}
		if refused != nil && (refused.name != name || !strings.HasPrefix(err.Error(), "the bonding contract refuses: ")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range refusals {
		if _, ok := abi.Errors[name]; !ok {
			t.Errorf("the contract has no error %s", name)
		}
	}
	for _, err := range []error{nil, errors.New("no answer"), rpc.NewRevertError(nil), rpc.NewRevertError([]byte{1, 2, 3, 4})} {
		if have := s.explain(err); have != err {
			t.Errorf("%v became %v", err, have)
		}
	}
}

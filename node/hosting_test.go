package node

import (
	"strings"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/node/config"
)

// TestSequencerNeedsACommitteeKey: where no bond can bring it in, a stranger's key cannot run as a sequencer, and the error
// says what to do.
func TestSequencerNeedsACommitteeKey(t *testing.T) {
	key, err := config.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	genesis := *exectest.New(t, nil).Genesis
	genesis.Bonding = nil
	_, err = Open(Config{Genesis: &genesis, Key: key, Role: config.Sequencer, Data: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "in no committee") {
		t.Fatal(err)
	}
}

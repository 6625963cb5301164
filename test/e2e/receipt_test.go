package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/rpc"
)

// checkReceipt exports the receipt of the newest block with data that a node sampled, at or below a height, and has a stranger
// verify it who has the genesis file, and whatever flags say. It returns how many changes of committee were followed.
func (n *network) checkReceipt(t *testing.T, p *peer, from rpc.Height, flags ...string) (epochs int) {
	t.Helper()
	var receipt *hexutil.Bytes
	for ; receipt == nil; from-- {
		if from == 0 {
			t.Fatalf("%s has no sampling receipt", p.name)
		}
		p.mustAsk(t, &receipt, "bedrock_getSamplingReceipt", from)
	}
	file := filepath.Join(n.dir, "receipt-"+strings.ReplaceAll(p.name, " ", "-"))
	shown := mustRun(t, "sample", hexutil.EncodeUint64(uint64(from+1)), "--rpc", p.ready.RPC, "--receipt", file)
	if !strings.Contains(shown, "available") || !strings.Contains(shown, "after ms") {
		t.Errorf("sample prints\n%s", shown)
	}
	verify := append([]string{"sample", "verify", file, "--json", "--genesis", filepath.Join(n.dir, "genesis.json")}, flags...)
	var report struct {
		Result struct {
			Verdict  string `json:"verdict"`
			Answered int    `json:"answered"`
			Epochs   int    `json:"epochs"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(mustRun(t, verify...)), &report); err != nil {
		t.Fatal(err)
	}
	if r := report.Result; r.Verdict != string(rpc.VerdictAvailable) || r.Answered < 16 {
		t.Errorf("the receipt of block %d at %s says %+v", from+1, p.name, r)
	}
	return report.Result.Epochs
}

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
)

// TestChallengeVerifiesOffline: the file of a challenge and the genesis file are enough to tell who signed garbage; a file that
// was changed convicts nobody.
func TestChallengeVerifiesOffline(t *testing.T) {
	long(t)
	s := exectest.New(t, nil)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	encoded, err := s.Genesis.Encode()
	if err != nil {
		t.Fatal(err)
	}
	genesis := write("genesis.json", encoded)
	f := codingtest.Forge(t, bytes.Repeat([]byte("garbage "), 500), codingtest.SpoilRow(-1))
	h := s.NextData(nil).Header.Header
	h.DataLength, h.Commitment = f.Params.Length, f.Commitment
	certified := s.Certify(h)
	c, err := fraud.NewBadEncoding([20]byte{1}, &certified, f.Evidence(t, uint32(f.Params.N-1)).Evidence)
	if err != nil {
		t.Fatal(err)
	}
	output := mustRun(t, "fraud", "verify", write("challenge", c.Encode()), "--genesis", genesis)
	if !strings.HasPrefix(output, "valid: bad-encoding at block 1") {
		t.Error(output)
	}
	for _, m := range s.Genesis.Committee {
		if !strings.Contains(output, m.Key.PeerID()) {
			t.Errorf("%s is not among the convicted:\n%s", m.Key.PeerID(), output)
		}
	}
	changed := c.Encode()
	changed[len(changed)-1] ^= 1
	if _, stderr, code := run(t, "fraud", "verify", write("changed", changed), "--genesis", genesis); code != 5 || !strings.Contains(stderr, "proves nothing") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

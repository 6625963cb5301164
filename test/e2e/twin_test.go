package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/rpc"
)

// TestTwinStops: a second node that is started with a sequencer's key stops before it signs, whether it has the whole home, the
// key alone, or the home from before the key's first start; the first goes on, and nobody is convicted.
func TestTwinStops(t *testing.T) {
	long(t)
	n := newNetwork(t, 4, "--heartbeat", "1s")
	original := n.sequencers[3]
	fresh := &peer{name: "copy of the fresh home", home: filepath.Join(n.dir, "fresh")}
	copyHome(t, fresh.home, original.home)
	n.startSequencers(t)
	n.light.run(t, n.sequencers[0].ready.Addrs...)
	n.signsAnew(t, original)

	whole, bare := &peer{name: "copy of the home", home: filepath.Join(n.dir, "copy")}, &peer{name: "copy of the key", home: filepath.Join(n.dir, "bare")}
	original.proc.interrupt(t)
	copyHome(t, whole.home, original.home)
	copyHome(t, bare.home, original.home)
	if err := os.RemoveAll(filepath.Join(bare.home, "data")); err != nil {
		t.Fatal(err)
	}
	original.run(t, n.sequencers[0].ready.Addrs...)
	n.signsAnew(t, original)

	for _, twin := range []*peer{whole, bare, fresh} {
		twin.run(t, n.sequencers[0].ready.Addrs...)
		select {
		case <-twin.proc.ended:
		case <-time.After(time.Minute):
			t.Fatalf("%s goes on beside the first", twin.name)
		}
		if said := twin.proc.log.String(); twin.proc.code == 0 || !strings.Contains(said, "sequencer's key") {
			t.Errorf("%s: exit code %d\n%s", twin.name, twin.proc.code, said)
		}
	}
	n.signsAnew(t, original)
	var convicted []rpc.Conviction
	n.light.mustAsk(t, &convicted, "bedrock_getConvictions")
	if len(convicted) > 0 {
		t.Errorf("convicted: %+v", convicted)
	}
}

// copyHome copies a home as a user would, with the modes that it needs.
func copyHome(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{"node.key": 0o600, "account.json": 0o600, "": 0o700} {
		if err := os.Chmod(filepath.Join(to, path), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// signsAnew waits for a header that carries a member's signature and that was not there before.
func (n *network) signsAnew(t *testing.T, member *peer) {
	t.Helper()
	var before rpc.Height
	eventually(t, time.Minute, "the light client answers", func() error {
		var s rpc.Status
		err := n.light.ask(&s, "bedrock_status")
		before = s.Certified
		return err
	})
	eventually(t, time.Minute, member.name+" signs", func() error {
		for h := before + 1; h <= n.light.status(t).Certified; h++ {
			var header *rpc.Header
			n.light.mustAsk(t, &header, "bedrock_getHeader", h)
			if header != nil && slices.Contains(header.Signers, member.ready.PeerID) {
				return nil
			}
		}
		return fmt.Errorf("no header after %d has its signature", before)
	})
}

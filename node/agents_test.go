package node

import (
	"testing"

	"github.com/etherscale/bedrock/node/p2p"
)

// TestNewerPrograms: a majority of enough members, by versions and not by letters; strangers' texts are no versions.
func TestNewerPrograms(t *testing.T) {
	const own = "bedrock/0.9"
	for _, c := range []struct {
		what   string
		agents []string
		want   bool
	}{
		{"nobody", nil, false},
		{"the same", []string{own, own, own, own}, false},
		{"most are newer", []string{"bedrock/0.10", "bedrock/0.10", own}, true},
		{"half are newer", []string{"bedrock/0.10", "bedrock/0.10", own, own}, false},
		{"too few to tell", []string{"bedrock/1.0", "bedrock/1.0"}, false},
		{"older", []string{"bedrock/0.8", "bedrock/0.8", "bedrock/0.1"}, false},
		{"a later patch is no news", []string{"bedrock/0.9.1", "bedrock/0.9.1", "bedrock/0.9-rc"}, false},
		{"a major version", []string{"bedrock/1.0.0", "bedrock/1.0-rc1", "bedrock/2.0"}, true},
		{"not versions", []string{"bedrock/", "bedrock/x.y", "bedrock/99999999999999999999.0", "kubo/1.0"}, false},
	} {
		if got := newerWords(own, c.agents); (got != "") != c.want {
			t.Errorf("%s: %q", c.what, got)
		}
	}
	if _, ok := versionOf(p2p.UserAgent); !ok {
		t.Errorf("%s is no version", p2p.UserAgent)
	}
}

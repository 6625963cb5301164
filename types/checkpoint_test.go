package types

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckpointText(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	want := Checkpoint{Height: 130, Digest: Hash([]byte(strings.Repeat("\xab", 32)))}
	for _, text := range []string{"130:" + digest, "130:0x" + digest} {
		if c, err := ParseCheckpoint(text); err != nil || c != want {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
	if want.String() != "130:"+digest {
		t.Errorf("printed as %s", want)
	}
	for _, text := range []string{"", "130", ":" + digest, "0:" + digest, "-1:" + digest, "0x10:" + digest, "130:" + digest[2:], "130:" + digest + "00", "130:" + digest[1:] + "g"} {
		if _, err := ParseCheckpoint(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

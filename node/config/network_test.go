package config

import (
	"bytes"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

func testNetworkFile(t testing.TB) (*Network, []byte) {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := NewGenesis(GenesisOptions{Name: "test", ChainID: 1, Time: time.Unix(1_700_000_000, 0), Payload: types.PayloadEthereum,
		Committee: []types.PublicKey{PublicKeyOf(key)}, Accounts: []string{"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"}, Balance: big.NewInt(1e18)})
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{Genesis: genesis, Bootstrap: []string{"/ip4/127.0.0.1/tcp/4848/p2p/" + PublicKeyOf(key).PeerID()}}
	encoded, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return n, encoded
}

func TestNetworkFile(t *testing.T) {
	n, encoded := testNetworkFile(t)
	got, err := DecodeNetwork(encoded)
	if err != nil || !reflect.DeepEqual(got, n) {
		t.Fatalf("%+v, %v", got, err)
	}
	path := t.TempDir() + "/network.json"
	if err := n.Write(path); err != nil {
		t.Fatal(err)
	}
	if got, err = ReadNetwork(path); err != nil || !reflect.DeepEqual(got, n) {
		t.Errorf("from disk: %+v, %v", got, err)
	}
	text := string(encoded)
	many := strings.Repeat(`"`+n.Bootstrap[0]+`",`, maxNetworkBootstrap) + `"` + n.Bootstrap[0] + `"`
	for name, bad := range map[string]string{
		"nothing":           "",
		"another version":   strings.Replace(text, `"version": 1`, `"version": 2`, 1),
		"an unknown key":    strings.Replace(text, `"version": 1`, `"version": 1, "x": 1`, 1),
		"something follows": text + "{}",
		"no genesis":        `{"version": 1, "bootstrap": []}`,
		"no peer":           strings.Replace(text, "/p2p/", "/x/", 1),
		"too many peers":    strings.Replace(text, `"`+n.Bootstrap[0]+`"`, many, 1),
		"no checkpoint":     strings.Replace(text, `"version": 1`, `"version": 1, "checkpoint": "7"`, 1),
		"too long":          text + strings.Repeat(" ", maxNetworkBytes),
	} {
		if _, err := DecodeNetwork([]byte(bad)); !errors.Is(err, ErrNetworkFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeNetwork(f *testing.F) {
	_, encoded := testNetworkFile(f)
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := DecodeNetwork(in)
		if err != nil {
			return
		}
		once, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeNetwork(once)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q is encoded as %q, then %q: %v", in, once, twice, err)
		}
	})
}

package node

import (
	"testing"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// States and receipts of one height are apart, and pruning one of them spares the other and what is stored of height 0.
func TestSampleStore(t *testing.T) {
	db, err := store.Open(t.TempDir(), store.Options{Network: types.NetworkID{1}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	states, receipts := sampleStore{db: db}, sampleStore{db, receiptPrefix}
	for h := range types.Height(5) {
		for _, s := range []sampleStore{states, receipts} {
			if err := s.Put(h, []byte(s.prefix+"value")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := states.Prune(3); err != nil {
		t.Fatal(err)
	}
	for h := range types.Height(6) {
		state, err := states.Get(h)
		if err != nil || (state != nil) != (h == 0 || h == 3 || h == 4) {
			t.Errorf("state %d: %q, %v", h, state, err)
		}
		receipt, err := receipts.Get(h)
		if err != nil || (string(receipt) == "receiptvalue") != (h < 5) {
			t.Errorf("receipt %d: %q, %v", h, receipt, err)
		}
	}
}

// What a setting names.
func TestParseSampling(t *testing.T) {
	for setting, want := range map[string]sampling.Rules{"": sampling.Default, "default": sampling.Default, "strict": sampling.Strict} {
		if got, err := config.ParseSampling(setting); got != want || err != nil {
			t.Errorf("%q: %v, %v", setting, got, err)
		}
	}
	if _, err := config.ParseSampling("sometimes"); err == nil {
		t.Error("any setting is taken")
	}
}

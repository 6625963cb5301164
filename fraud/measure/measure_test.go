package measure

import "testing"

// TestSizes holds the figures that do not depend on the machine.
func TestSizes(t *testing.T) {
	perTx, err := WitnessPerTransaction(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("witness: %.0f bytes a transaction", perTx)
	if testing.Short() {
		t.Skip("a state of 120,000 accounts takes some seconds")
	}
	c, err := NewChallenge(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("challenge: %d bytes", c.Bytes)
	if c.Bytes > 160_000 || perTx > 400 {
		t.Errorf("challenge of %d bytes, witness of %.0f bytes a transaction", c.Bytes, perTx)
	}
}

func BenchmarkVerify(b *testing.B) {
	c, err := NewChallenge(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := c.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}

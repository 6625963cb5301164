package sim

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

func TestDebug(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	m := Expand(seed)
	b, _ := json.Marshal(m)
	t.Logf("%s", b)
	r := Run(m)
	t.Logf("%v", r.Failure)
	for _, n := range r.world.nodes {
		if n.alive {
			t.Logf("%d %+v", n.index, n.core.Status())
		}
	}
	l := r.world.trace.lines(begin)
	for _, x := range l[max(0, len(l)-600):] {
		t.Log(x)
	}
}

package sequencer

import (
	"bytes"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

func TestRecentBodiesStayInMemory(t *testing.T) {
	log := openLog(t, t.TempDir())
	b := newBodies(log, 1<<20)
	size := recentBodies / 4
	var ids []types.BatchID
	for i := range 6 {
		body := bytes.Repeat([]byte{byte(i)}, size)
		id := types.BatchIDOf(body)
		ids = append(ids, id)
		b.mu.Lock()
		b.remember(id, body)
		b.remember(id, body)
		b.mu.Unlock()
	}
	if _, err := b.get(ids[1]); !errors.Is(err, store.ErrNotInLog) {
		t.Errorf("more than %d bytes are in memory: %v", recentBodies, err)
	}
	for _, id := range ids[2:] {
		if body, err := b.get(id); err != nil || len(body) != size {
			t.Errorf("a recent body is gone: %v", err)
		}
	}
	if len(b.recent) != 4 || len(b.order) != 4 || b.recentBytes != recentBodies {
		t.Errorf("%d bodies, %d in order, %d bytes", len(b.recent), len(b.order), b.recentBytes)
	}
}

package sequencer

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

func TestPushesAreCheckedBeforeTheCoreSeesThem(t *testing.T) {
	body, id := testBatch(t, "transaction")
	scripted(t, 4, nil, func(net *network, s *Sequencer, c *scriptedCore) error {
		good := net.vertex(1, 1, now(), nil, id)
		forged := good.WithSignature(types.Signature{1})
		foreign := net.vertex(1, 1, now()+1, nil)
		foreign = types.NewVertex(func() types.VertexID { i := foreign.ID(); i.Epoch = 7; return i }(), *foreign.Body())
		s.HandlePush(1, &types.Push{
			Batches:  [][]byte{body, []byte("junk")},
			Vertices: [][]byte{forged.Encode(), foreign.Encode(), []byte("junk"), good.Encode()},
		})
		s.HandlePush(9, &types.Push{Vertices: [][]byte{good.Encode()}})
		synctest.Wait()
		held, received := seen[consensus.BatchHeld](c), seen[consensus.VertexReceived](c)
		if len(held) != 1 || held[0].ID != id || held[0].From != 1 || !held[0].Admitted || len(held[0].Txs) != 1 {
			t.Errorf("bodies handed over: %+v", held)
		}
		if len(received) != 1 || received[0].Vertex.Digest() != good.Digest() || received[0].From != 1 || received[0].Asked {
			t.Errorf("vertices handed over: %+v", received)
		}
		if st := s.Stats(); st.BadVertices != 3 || st.BadBodies != 1 || st.PushesDropped != 1 {
			t.Errorf("counters %+v", st)
		}
		return nil
	})
}

func TestFetchTakesOnlyWhatItAskedFor(t *testing.T) {
	wantedBody, wanted := testBatch(t, "wanted")
	otherBody, _ := testBatch(t, "other")
	var asked []types.Member
	scripted(t, 4, func(net *network, cfg *Config, c *scriptedCore) {
		good, other := net.vertex(2, 1, now(), nil), net.vertex(3, 1, now(), nil)
		cfg.Streams.(*noStreams).answer = func(from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
			if r.Log {
				return &types.FetchResponse{}, nil
			}
			asked = append(asked, from)
			return &types.FetchResponse{Batches: [][]byte{wantedBody, otherBody}, Vertices: [][]byte{other.Encode(), good.Encode()}}, nil
		}
		c.script = func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Executed); ok {
				return consensus.Effects{Fetch: []consensus.Fetch{{From: []types.Member{0, 2, 1}, Vertices: []types.Hash{good.Digest(), {9}}, Batches: []types.BatchID{wanted}}}}
			}
			return consensus.Effects{}
		}
	}, func(_ *network, s *Sequencer, c *scriptedCore) error {
		s.Executed(1)
		synctest.Wait()
		received, held := seen[consensus.VertexReceived](c), seen[consensus.BatchHeld](c)
		if len(received) != 1 || received[0].Vertex.Author() != 2 || !received[0].Asked {
			t.Errorf("vertices handed over: %+v", received)
		}
		if len(held) != 1 || held[0].ID != wanted || held[0].From != -1 {
			t.Errorf("bodies handed over: %+v", held)
		}
		if len(asked) != 1 || asked[0] != 2 {
			t.Errorf("asked %v, want member 2 alone", asked)
		}
		return nil
	})
}

func TestFetchIsBoundedForEachMember(t *testing.T) {
	release := make(chan struct{})
	under := make(map[types.Member]int)
	scripted(t, 4, func(_ *network, cfg *Config, c *scriptedCore) {
		release = make(chan struct{})
		streams := cfg.Streams.(*noStreams)
		streams.answer = func(from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
			if r.Log {
				return &types.FetchResponse{}, nil
			}
			streams.mu.Lock()
			under[from]++
			streams.mu.Unlock()
			<-release
			return nil, errors.New("no answer")
		}
		round := byte(0)
		c.script = func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Executed); !ok {
				return consensus.Effects{}
			}
			var fetches []consensus.Fetch
			for range 10 {
				round++
				fetches = append(fetches, consensus.Fetch{From: []types.Member{1, 2}, Vertices: []types.Hash{{round}}})
			}
			return consensus.Effects{Fetch: fetches}
		}
	}, func(_ *network, s *Sequencer, _ *scriptedCore) error {
		s.Executed(1)
		synctest.Wait()
		if under[1] != 2 || under[2] != 2 || s.Stats().FetchesSkipped != 6 {
			t.Errorf("requests under way %v, skipped %d", under, s.Stats().FetchesSkipped)
		}
		close(release)
		synctest.Wait()
		s.Executed(2)
		synctest.Wait()
		if under[1] < 4 || s.Stats().FetchesFailed < 4 {
			t.Errorf("requests %v, failed %d: a failed request does not free its place", under, s.Stats().FetchesFailed)
		}
		return nil
	})
}

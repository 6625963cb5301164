package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/rpc"
)

// onlooker asks one node every few milliseconds how far ordering has come, and remembers when each number moved.
type onlooker struct {
	mu        sync.Mutex
	round     []time.Time // when the node's own round advanced
	certified []time.Time // when its newest certified height advanced
	late      time.Duration
}

const lookEvery = 20 * time.Millisecond

// watch begins to look; it ends with the test.
func watch(t *testing.T, at *peer) *onlooker {
	t.Helper()
	o := new(onlooker)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		var last rpc.Status
		for ctx.Err() == nil {
			asked := time.Now()
			var s rpc.Status
			if err := at.client().CallContext(ctx, &s, "bedrock_status"); err == nil {
				o.take(last, s, asked)
				last = s
			}
			time.Sleep(lookEvery)
		}
	}()
	return o
}

func (o *onlooker) take(last, s rpc.Status, asked time.Time) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.late = max(o.late, now.Sub(asked))
	if s.Round > last.Round {
		o.round = append(o.round, now)
	}
	if s.Certified > last.Certified {
		o.certified = append(o.certified, now)
	}
}

// pauses are the longest times without progress inside a window, its edges included.
type pauses struct {
	round, certified time.Duration
	slowestAnswer    time.Duration
}

func (o *onlooker) between(from, to time.Time) pauses {
	o.mu.Lock()
	defer o.mu.Unlock()
	return pauses{longest(o.round, from, to), longest(o.certified, from, to), o.late}
}

func longest(marks []time.Time, from, to time.Time) time.Duration {
	var most time.Duration
	last := from
	for _, at := range marks {
		if at.Before(from) || at.After(to) {
			continue
		}
		most, last = max(most, at.Sub(last)), at
	}
	return max(most, to.Sub(last))
}

func (p pauses) String() string {
	return fmt.Sprintf("longest pause of rounds %v, of certificates %v (slowest answer to the onlooker %v)",
		p.round.Round(time.Millisecond), p.certified.Round(time.Millisecond), p.slowestAnswer.Round(time.Millisecond))
}

func TestLongestPause(t *testing.T) {
	zero := time.Unix(0, 0)
	at := func(ms ...int) (out []time.Time) {
		for _, n := range ms {
			out = append(out, zero.Add(time.Duration(n)*time.Millisecond))
		}
		return out
	}
	for _, c := range []struct {
		marks []time.Time
		want  int
	}{
		{nil, 1000}, {at(500), 500}, {at(100, 200, 900), 700}, {at(100, 300), 700}, {at(700, 800), 700}, {at(-50, 400, 800, 2000), 400},
	} {
		if got := longest(c.marks, zero, zero.Add(time.Second)); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%v: %v, want %d ms", c.marks, got, c.want)
		}
	}
	if s := (pauses{round: time.Second}).String(); !strings.Contains(s, "1s") {
		t.Error(s)
	}
}

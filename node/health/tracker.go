package health

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// State is a code that is raised.
type State struct {
	Code
	Detail string    // what is so at this node, with numbers
	Since  time.Time // when it was raised
}

// Tracker keeps what is raised. All methods are safe for concurrent use.
type Tracker struct {
	codes map[ID]Code

	mu     sync.Mutex
	raised map[ID]State
}

// NewTracker makes a tracker of the codes of the table with nothing raised.
func NewTracker() *Tracker {
	t := &Tracker{codes: make(map[ID]Code), raised: make(map[ID]State)}
	for _, c := range Codes() {
		t.codes[c.ID] = c
	}
	return t
}

// Set raises a code, or says more of one that is raised. A code that the table does not have is a mistake of the program,
// and panics.
func (t *Tracker) Set(id ID, detail string) {
	code, ok := t.codes[id]
	if !ok {
		panic(fmt.Sprintf("health: no code %s in the table", id))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, raised := t.raised[id]
	if !raised {
		s = State{Code: code, Since: time.Now()}
	}
	s.Detail = detail
	t.raised[id] = s
}

// Clear takes a code back.
func (t *Tracker) Clear(id ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.raised, id)
}

// Shown are the states that lasted and that nothing else explains, the worst first.
func (t *Tracker) Shown() []State {
	t.mu.Lock()
	defer t.mu.Unlock()
	shown := []State{}
	now := time.Now()
	for _, s := range t.raised {
		if now.Sub(s.Since) >= s.After && !slices.ContainsFunc(s.Because, t.isRaised) {
			shown = append(shown, s)
		}
	}
	slices.SortFunc(shown, func(a, b State) int {
		if a.Severity != b.Severity {
			return b.Severity.Rank() - a.Severity.Rank()
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return shown
}

func (t *Tracker) isRaised(id ID) bool {
	_, ok := t.raised[id]
	return ok
}

package sampling

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// world is a chain, the rows that peers serve, and a store, all in memory.
type world struct {
	tb testing.TB

	mu      sync.Mutex
	headers []types.CertifiedHeader // by height; [0] is genesis
	blocks  map[types.Hash]*published
	signal  chan struct{}
	first   types.Height // 0: 1
	store   map[types.Height][]byte
	puts    int
	asked   []question
}

// question is one call of Rows.
type question struct {
	height  types.Height
	indices []uint32
	drawn   bool // the store knew the drawn rows then
}

// published is how peers treat a block.
type published struct {
	block   *coding.Block
	opening coding.Opening
	noOpen  bool
	serves  func(asked int, i uint32) bool // asked: how many different rows were asked for before i
	lies    int                            // wrong answers before each right one
	seen    map[uint32]int                 // row -> its number in the order of asking
}

func newWorld(tb testing.TB) *world {
	genesis := types.CertifiedHeader{Header: types.Header{Version: types.Version, Time: types.TimeOf(time.Now())}}
	return &world{tb: tb, headers: []types.CertifiedHeader{genesis}, blocks: make(map[types.Hash]*published),
		signal: make(chan struct{}, 1), store: make(map[types.Height][]byte)}
}

func everything(int, uint32) bool { return true }

// onlyFirst serves the first n different rows that anyone asks for.
func onlyFirst(n int) func(int, uint32) bool {
	return func(asked int, _ uint32) bool { return asked < n }
}

// add certifies a block of size bytes.
func (w *world) add(size int, serves func(int, uint32) bool) *published {
	w.tb.Helper()
	height := len(w.headers)
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i*7 + height)
	}
	b, err := coding.Encode(data)
	if err != nil {
		w.tb.Fatal(err)
	}
	return w.certify(&published{block: b, opening: b.Opening(), serves: serves, seen: make(map[uint32]int)}, b.Commitment())
}

func (w *world) certify(p *published, c types.Hash) *published {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := types.Header{Version: types.Version, Height: types.Height(len(w.headers)), Time: types.TimeOf(time.Now()),
		DataLength: p.block.Params().Length, Commitment: c}
	w.headers = append(w.headers, types.CertifiedHeader{Header: h})
	w.blocks[c] = p
	select {
	case w.signal <- struct{}{}:
	default:
	}
	return p
}

// Head, Header and Subscribe implement Headers.
func (w *world) Head() types.CertifiedHeader {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.headers[len(w.headers)-1]
}

func (w *world) Header(h types.Height) (types.CertifiedHeader, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if int(h) >= len(w.headers) {
		return types.CertifiedHeader{}, false
	}
	return w.headers[h], true
}

func (w *world) First() types.Height { return max(w.first, 1) }

func (w *world) Subscribe() (<-chan struct{}, func()) { return w.signal, func() {} }

// Rows implements Rows as its contract says: each row is judged until an answer settles it.
func (w *world) Rows(ctx context.Context, h types.Header, indices []uint32, judge func(string, coding.Shard) bool) error {
	w.mu.Lock()
	p := w.blocks[h.Commitment]
	s, err := decodeState(w.store[h.Height])
	w.asked = append(w.asked, question{h.Height, slices.Clone(indices), err == nil && len(s.Drawn) > 0})
	w.mu.Unlock()
	missing := 0
	for _, i := range indices {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !w.answer(p, i, judge) {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	// Being sure that nobody has a row takes time.
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
	}
	return fmt.Errorf("%d rows not found", missing)
}

func (w *world) answer(p *published, i uint32, judge func(string, coding.Shard) bool) bool {
	w.mu.Lock()
	if _, again := p.seen[i]; !again {
		p.seen[i] = len(p.seen)
	}
	serves := p.serves(p.seen[i], i)
	w.mu.Unlock()
	if !serves {
		return false
	}
	for n := range p.lies {
		bad, _ := p.block.Shard(i)
		bad.Row = bytes.Clone(bad.Row)
		bad.Row[n] ^= 1
		if judge(fmt.Sprint("liar", n), bad) {
			w.tb.Errorf("a lie about row %d was believed", i)
		}
	}
	s, err := p.block.Shard(i)
	if err != nil {
		w.tb.Error(err)
		return false
	}
	return judge("honest", s)
}

// Opening implements Openings.
func (w *world) Opening(_ context.Context, h types.Header, judge func(string, coding.Opening) bool) error {
	w.mu.Lock()
	p := w.blocks[h.Commitment]
	w.mu.Unlock()
	if p.noOpen {
		return fmt.Errorf("no opening")
	}
	if p.lies > 0 {
		wrong := coding.Opening{RowRoot: p.opening.RowRoot, Y: slices.Clone(p.opening.Y)}
		wrong.Y[0][0] ^= 1
		if judge("liar", wrong) {
			w.tb.Error("a wrong opening was believed")
		}
	}
	if !judge("honest", p.opening) {
		return fmt.Errorf("no good opening")
	}
	return nil
}

// Get and Put implement Store.
func (w *world) Get(h types.Height) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.store[h], nil
}

func (w *world) Put(h types.Height, value []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.store[h] = value
	w.puts++
	return nil
}

// Prune implements Store.
func (w *world) Prune(below types.Height) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for h := range w.store {
		if h > 0 && h < below {
			delete(w.store, h)
		}
	}
	return nil
}

func (w *world) questions(h types.Height) []question {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []question
	for _, q := range w.asked {
		if q.height == h {
			out = append(out, q)
		}
	}
	return out
}

func (w *world) config() Config {
	return Config{Headers: w, Rows: w, Openings: w, Store: w}
}

// run runs a client over the world until the test ends or stop is called.
func (w *world) run(cfg Config) (c *Client, stop func()) {
	w.tb.Helper()
	c, err := New(cfg)
	if err != nil {
		w.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	stop = func() { cancel(); <-done }
	w.tb.Cleanup(stop)
	return c, stop
}

// want waits, in virtual time, and compares the verdict.
func (w *world) want(c *Client, h types.Height, after time.Duration, v Verdict) Result {
	w.tb.Helper()
	time.Sleep(after)
	synctest.Wait()
	r, _ := c.Sampling(h)
	if r.Verdict != v {
		w.tb.Fatalf("block %d is %q after %v, want %q: %+v", h, r.Verdict, after, v, r)
	}
	return r
}

// badly encodes data in rows that are all committed to, with one combination that is not what the first row has.
func badly(tb testing.TB, size int) (*published, types.Hash) {
	tb.Helper()
	b, err := coding.Encode(bytes.Repeat([]byte{5}, size))
	if err != nil {
		tb.Fatal(err)
	}
	o := coding.Opening{RowRoot: b.RowRoot(), Y: slices.Clone(b.Y())}
	o.Y[0][3] ^= 1
	level := make([][32]byte, len(o.Y))
	for i := range level {
		level[i] = sha256.Sum256(append([]byte{0}, o.Y[i][:]...))
	}
	for ; len(level) > 1; level = level[:len(level)/2] {
		for i := range len(level) / 2 {
			level[i] = sha256.Sum256(slices.Concat([]byte{1}, level[2*i][:], level[2*i+1][:]))
		}
	}
	p := b.Params()
	m := []byte("bedrock/commitment/1")
	for _, v := range []uint32{coding.Version, uint32(p.K), uint32(p.N), uint32(p.RowSize)} {
		m = binary.LittleEndian.AppendUint32(m, v)
	}
	m = binary.LittleEndian.AppendUint64(m, p.Length)
	m = slices.Concat(m, o.RowRoot[:], level[0][:])
	return &published{block: b, opening: o, serves: everything, seen: make(map[uint32]int)}, sha256.Sum256(m)
}

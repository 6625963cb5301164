// Package speed measures what the coding of blocks costs on the machine it runs on.
//
// All rates count the bytes of the data, before extension; 1 MB = 10^6 bytes. Times are wall time, the best of several
// runs: what else runs on the machine can only make a run slower. Memory that a run takes is part of it, and so is what
// the collector does meanwhile.
package speed

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/parallel"
)

// Sizes are the blocks that are measured, in bytes of data: rows of 1, 4, 8 and 16 KiB.
var Sizes = []int{128 << 10, 1 << 20, 8 << 20, 32 << 20}

// Row is what one size costs on so many cores.
type Row struct {
	Bytes          int     `json:"bytes"`
	K              int     `json:"k"`
	N              int     `json:"n"`
	RowSize        int     `json:"rowSize"`
	Cores          int     `json:"cores"`
	EncodeMBs      float64 `json:"encodeMBs"`      // extend and commit
	KeptMBs        float64 `json:"keptMBs"`        // the same in memory that is kept between blocks
	HashMBs        float64 `json:"hashMBs"`        // nothing but SHA-256 over the N rows: the bound of EncodeMBs
	VerifyRowUs    float64 `json:"verifyRowUs"`    // check one row, the block's verifier being made
	VerifierUs     float64 `json:"verifierUs"`     // make a block's verifier
	ReconstructMBs float64 `json:"reconstructMBs"` // data from K random checked rows
}

// Config says what to measure.
type Config struct {
	Sizes    []int                 // bytes of data, each above 0
	Cores    []int                 // each at least 1
	Budget   time.Duration         // of each figure; it gets at least one run
	Progress func(done, total int) // after each figure; may be nil
}

// figuresPerRow is the number of figures that are measured of each row.
const figuresPerRow = 6

// Measure takes the figures, for each size and each number of cores. It sets GOMAXPROCS while it runs. It ends early
// with the context's error.
func Measure(ctx context.Context, c Config) ([]Row, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	progress := newProgress(c)
	var rows []Row
	for _, size := range c.Sizes {
		s, err := newSubject(size)
		if err != nil {
			return nil, err
		}
		for _, cores := range c.Cores {
			runtime.GOMAXPROCS(cores)
			s.spread = parallel.Workers(cores)
			r := Row{Bytes: size, K: s.params.K, N: s.params.N, RowSize: s.params.RowSize, Cores: cores}
			for _, f := range s.figures(&r) {
				if *f.out, err = f.measure(ctx, c.Budget); err != nil {
					return nil, err
				}
				progress()
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func newProgress(c Config) func() {
	done, total := 0, figuresPerRow*len(c.Sizes)*len(c.Cores)
	return func() {
		if done++; c.Progress != nil {
			c.Progress(done, total)
		}
	}
}

// figure is one number to measure: the best time of run, in the unit that convert makes of it.
type figure struct {
	out     *float64
	run     func() error
	convert func(time.Duration) float64
}

// figures are those of one row.
func (s *subject) figures(r *Row) [figuresPerRow]figure {
	return [figuresPerRow]figure{
		{&r.EncodeMBs, s.encode, s.rate},
		{&r.KeptMBs, s.encodeKept, s.rate},
		{&r.HashMBs, s.hash, s.rate},
		{&r.VerifyRowUs, s.verify, microseconds},
		{&r.VerifierUs, s.open, microseconds},
		{&r.ReconstructMBs, s.reconstruct, s.rate},
	}
}

// measure runs until the budget is spent.
func (f figure) measure(ctx context.Context, budget time.Duration) (float64, error) {
	runtime.GC() // what earlier figures left is not this one's to clear
	best := time.Duration(0)
	for begin := time.Now(); best == 0 || time.Since(begin) < budget; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := f.run(); err != nil {
			return 0, err
		}
		if took := max(time.Since(start), 1); best == 0 || took < best {
			best = took
		}
	}
	return f.convert(best), nil
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// rate is MB/s of data.
func (s *subject) rate(d time.Duration) float64 { return float64(len(s.data)) / 1e6 / d.Seconds() }

// subject is one block with all that is measured of it.
type subject struct {
	data     []byte
	spread   coding.Spread
	encoder  coding.Encoder
	params   coding.Params
	block    *coding.Block
	verifier *coding.Verifier
	random   []coding.Shard // K random rows
}

func newSubject(size int) (*subject, error) {
	s := &subject{data: make([]byte, size)}
	rand.NewChaCha8([32]byte{}).Read(s.data)
	var err error
	if s.block, err = coding.Encode(s.data); err != nil {
		return nil, err
	}
	s.params = s.block.Params()
	if s.verifier, err = s.newVerifier(); err != nil {
		return nil, err
	}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(s.params.N)[:s.params.K] {
		shard, err := s.block.Shard(uint32(i))
		if err != nil {
			return nil, err
		}
		s.random = append(s.random, shard)
	}
	return s, nil
}

func (s *subject) newVerifier() (*coding.Verifier, error) {
	return coding.NewVerifier(s.params, s.block.Commitment(), s.block.RowRoot(), s.block.Y())
}

func (s *subject) encode() error {
	_, err := s.spread.Encode(s.data)
	return err
}

func (s *subject) encodeKept() error {
	s.encoder.Spread = s.spread
	_, err := s.encoder.Encode(s.data)
	return err
}

func (s *subject) open() error {
	_, err := s.newVerifier()
	return err
}

func (s *subject) verify() error { return s.verifier.Verify(s.random[0]) }

func (s *subject) reconstruct() error {
	data, err := s.spread.ReconstructVerified(s.params, s.random)
	if err == nil && len(data) != len(s.data) {
		return fmt.Errorf("speed: %d bytes rebuilt of %d", len(data), len(s.data))
	}
	return err
}

func (s *subject) hash() error {
	HashRows(s.spread, s.block.Rows())
	return nil
}

// HashRows is SHA-256 over the rows and nothing else.
func HashRows(spread coding.Spread, rows [][]byte) {
	const parts = 16
	hash := func(part int) {
		for _, row := range rows[part*len(rows)/parts : (part+1)*len(rows)/parts] {
			sha256.Sum256(row)
		}
	}
	if spread != nil {
		spread(parts, hash)
		return
	}
	for part := range parts {
		hash(part)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// partVariable tells this program in its environment that it measures one part, and which.
const partVariable = "BENCH_CODING_PART"

// part is what one process measures.
type part struct {
	What   string
	Cores  int // its GOMAXPROCS
	Bytes  int // of the block
	Budget time.Duration
}

// apart measures a part in a process of its own; result is set to what it found.
func apart(ctx context.Context, p part, result any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	told, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var answer, complaint bytes.Buffer
	command := exec.CommandContext(ctx, self)
	command.Env = append(os.Environ(), partVariable+"="+string(told), "GOMAXPROCS="+strconv.Itoa(p.Cores))
	command.Stdout, command.Stderr = &answer, &complaint
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s, %d KiB, %d cores: %w\n%s", p.What, p.Bytes>>10, p.Cores, err, complaint.String())
	}
	return json.Unmarshal(answer.Bytes(), result)
}

// serve is the whole life of a process that measures a part; it returns the exit code.
func serve(ctx context.Context, told string, stdout, stderr io.Writer) int {
	var p part
	err := json.Unmarshal([]byte(told), &p)
	if err == nil {
		var result any
		if result, err = p.measure(ctx); err == nil {
			err = json.NewEncoder(stdout).Encode(result)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func (p part) measure(ctx context.Context) (any, error) {
	if now := runtime.GOMAXPROCS(0); now != p.Cores {
		return nil, fmt.Errorf("runs with GOMAXPROCS %d, not %d", now, p.Cores)
	}
	switch p.What {
	case "encode":
		return p.encoding(ctx)
	case "rows":
		return p.rows(ctx)
	case "gain":
		return p.gain(ctx)
	case "memory bedrock":
		return p.memory(encodesBedrock)
	case "memory rsema1d":
		return p.memory(encodesRsema1d)
	}
	return nil, fmt.Errorf("no such part: %q", p.What)
}

// payload is the data of the block: bytes that do not repeat, the same each time.
func payload(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

// both codes the same data with bedrock and rsema1d, for these numbers of workers.
func both(size int, workers ...int) (*bedrock, *rsema1d, error) {
	ours, err := newBedrock(payload(size), workers...)
	if err != nil {
		return nil, nil, err
	}
	theirs, err := newRsema1d(ours.data, ours.block.Params(), workers...)
	return ours, theirs, err
}

// rate is MB/s for a block that took so long.
func rate(size int, took time.Duration) float64 { return float64(size) / 1e6 / took.Seconds() }

// encoding compares the encoders.
func (p part) encoding(ctx context.Context) (*oneCase, error) {
	a, b, err := both(p.Bytes, p.Cores)
	if err != nil {
		return nil, err
	}
	c := newRsmt2d(a.data)
	ours := &contestant{name: "bedrock", run: func() error { return a.encode(p.Cores) }}
	fresh := &contestant{name: "bedrock, new memory", run: func() error { return a.encodeFresh(p.Cores) }}
	theirs := &contestant{name: "rsema1d", run: func() error { return b.encode(p.Cores) }}
	theirsFresh := &contestant{name: "rsema1d, new memory", run: func() error { return b.encodeFresh(p.Cores) }}
	square := &contestant{name: "rsmt2d", run: c.encode}
	hash := &contestant{name: "SHA-256", run: func() error { a.hash(p.Cores); return nil }}
	if err := race(ctx, p.Budget, clock(p.Cores), ours, fresh, theirs, theirsFresh, square, hash); err != nil {
		return nil, err
	}
	shape := a.block.Params()
	return &oneCase{
		Bytes: p.Bytes, K: shape.K, N: shape.N, RowSize: shape.RowSize, Cores: p.Cores, Rounds: len(ours.times),
		BedrockMBs: rate(p.Bytes, ours.best()), BedrockFreshMBs: rate(p.Bytes, fresh.best()),
		Rsema1dMBs: rate(p.Bytes, theirs.best()), Rsema1dFreshMBs: rate(p.Bytes, theirsFresh.best()),
		Rsmt2dMBs: rate(p.Bytes, square.best()), HashMBs: rate(p.Bytes, hash.best()),
		RatioRsema1d: ours.ratio(theirs), RatioRsmt2d: ours.ratio(square),
	}, nil
}

// gain compares one worker with two.
func (p part) gain(ctx context.Context) (*gains, error) {
	a, b, err := both(p.Bytes, 1, 2)
	if err != nil {
		return nil, err
	}
	var of [3][2]*contestant
	for i := range 2 {
		workers := i + 1
		of[0][i] = &contestant{name: "SHA-256", run: func() error { a.hash(workers); return nil }}
		of[1][i] = &contestant{name: "bedrock", run: func() error { return a.encode(workers) }}
		of[2][i] = &contestant{name: "rsema1d", run: func() error { return b.encode(workers) }}
	}
	if err := race(ctx, 2*p.Budget, wallTime, of[0][0], of[0][1], of[1][0], of[1][1], of[2][0], of[2][1]); err != nil {
		return nil, err
	}
	gain := func(c [2]*contestant) float64 { return float64(c[0].best()) / float64(c[1].best()) }
	return &gains{Hash: gain(of[0]), Bedrock: gain(of[1]), Rsema1d: gain(of[2])}, nil
}

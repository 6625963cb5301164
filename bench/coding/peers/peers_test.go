package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	peer "github.com/celestiaorg/celestia-app/v9/pkg/rsema1d"

	"github.com/etherscale/bedrock/coding"
)

// TestMain is the program itself where a test starts a part: it runs the test binary.
func TestMain(m *testing.M) {
	if told := os.Getenv(partVariable); told != "" {
		os.Exit(serve(context.Background(), told, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestSystemsWork holds each system against itself: what is measured is what it is said to be.
func TestSystemsWork(t *testing.T) {
	for _, size := range []int{5000, 128 << 10} {
		ours, theirs, err := both(size, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		p := ours.block.Params()
		indices := make([]int, p.K)
		for i := range indices {
			indices[i] = p.N - 1 - 3*i
		}
		shards, err := ours.shards(indices)
		if err != nil {
			t.Fatal(err)
		}
		proofs, err := theirs.proofs(indices)
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"bedrock verifies": ours.verify(shards), "bedrock verifies one": ours.verifyFresh(shards[0]),
			"rsema1d verifies": theirs.verify(proofs[0]), "rsema1d verifies a batch": theirs.verifyBatch(proofs), "rsema1d verifies one": theirs.verifyFresh(proofs[0]),
			"bedrock rebuilds": ours.checked(shards), "rsema1d rebuilds": theirs.checked(indices),
			"rsema1d encodes with two workers": theirs.encode(2), "rsema1d encodes in new memory": theirs.encodeFresh(2),
			"bedrock encodes with two workers": ours.encode(2), "bedrock encodes in new memory": ours.encodeFresh(2),
		} {
			if err != nil {
				t.Errorf("%d bytes: %s: %v", size, name, err)
			}
		}
		if theirs.block.Commitment() != theirs.commitment {
			t.Errorf("%d bytes: rsema1d commits otherwise with two workers", size)
		}
		refuseTampered(t, ours, theirs, shards[0], proofs[0])
	}
}

// refuseTampered holds that the checks that are timed do check.
func refuseTampered(t *testing.T, ours *bedrock, theirs *rsema1d, s coding.Shard, p *peer.RowProof) {
	s.Row = append([]byte(nil), s.Row...)
	s.Row[7] ^= 1
	if err := ours.verify([]coding.Shard{s}); !errors.Is(err, coding.ErrPath) {
		t.Errorf("bedrock says of a tampered row: %v", err)
	}
	tampered := *p
	tampered.Row = append([]byte(nil), p.Row...)
	tampered.Row[7] ^= 1
	if err := theirs.verify(&tampered); err == nil {
		t.Error("rsema1d accepts a tampered row")
	}
}

// TestSquareHoldsTheData looks at the square that rsmt2d extends.
func TestSquareHoldsTheData(t *testing.T) {
	data := payload(1 << 20)
	r := newRsmt2d(data)
	square, err := r.extended()
	if err != nil {
		t.Fatal(err)
	}
	if square.Width() != 2*46 { // 46 * 46 * 512 is the first square of 1 MiB or more
		t.Errorf("the extended square is %d wide", square.Width())
	}
	var flat []byte
	for _, share := range square.FlattenedODS() {
		flat = append(flat, share...)
	}
	if string(flat[:len(data)]) != string(data) {
		t.Error("the square does not hold the data")
	}
}

// TestTurns: contestants take turns in every round, and the figures come from their times.
func TestTurns(t *testing.T) {
	now, order := time.Duration(0), ""
	tick := func(name string, took time.Duration) *contestant {
		return &contestant{name: name, run: func() error { now += took; order += name; return nil }}
	}
	slow, fast := tick("s", 4*minTurn), tick("f", minTurn/2)
	if err := race(t.Context(), time.Nanosecond, func() time.Duration { return now }, slow, fast); err != nil {
		t.Fatal(err)
	}
	if order != "sffffssff" {
		t.Errorf("order of runs: %s", order)
	}
	if fast.best() != minTurn/2 || slow.best() != 4*minTurn || fast.ratio(slow) != 8 {
		t.Errorf("best %v and %v, ratio %v", fast.best(), slow.best(), fast.ratio(slow))
	}
	failed := &contestant{name: "x", run: func() error { return errWrong }}
	if err := race(t.Context(), 0, wallTime, failed); !errors.Is(err, errWrong) {
		t.Errorf("a run that fails: %v", err)
	}
}

// TestPartsFail: a part that cannot be measured is told with its reason.
func TestPartsFail(t *testing.T) {
	var got float64
	for _, p := range []part{{What: "nothing", Cores: 1}, {What: "encode", Cores: 1, Bytes: 1 << 30}} {
		if err := apart(t.Context(), p, &got); err == nil {
			t.Errorf("%+v was measured", p)
		}
	}
	if err := apart(t.Context(), part{"memory bedrock", 1, 1 << 20, 0}, &got); err != nil || got < 4 || got > 20 {
		t.Errorf("1 MiB is encoded in %v blocks of memory: %v", got, err)
	}
}

package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// batch is how many rows are checked at once where rows are checked in a batch: about as many as a light client samples.
const batch = 40

// rows compares checking rows and rebuilding the data.
func (p part) rows(ctx context.Context) (*rowFigures, error) {
	a, b, err := both(p.Bytes, 1)
	if err != nil {
		return nil, err
	}
	shape := a.block.Params()
	indices := rand.New(rand.NewPCG(1, 1)).Perm(shape.N)[:shape.K] // these rows, in this order
	shards, err := a.shards(indices)
	if err != nil {
		return nil, err
	}
	proofs, err := b.proofs(indices[:batch])
	if err != nil {
		return nil, err
	}
	if err := a.checked(shards); err != nil {
		return nil, err
	}
	if err := b.checked(indices); err != nil {
		return nil, err
	}
	result := new(rowFigures)
	for _, match := range []struct {
		ours, theirs func() error
		result       *pair
		convert      func(time.Duration) float64
	}{
		{func() error { return a.verify(shards[:1]) }, func() error { return b.verify(proofs[0]) },
			&result.VerifyRowUs, microseconds},
		{func() error { return a.verifyFresh(shards[0]) }, func() error { return b.verifyFresh(proofs[0]) },
			&result.VerifyFreshUs, microseconds},
		{func() error { return a.verify(shards[:batch]) }, func() error { return b.verifyBatch(proofs) },
			&result.VerifyBatchRowUs, func(d time.Duration) float64 { return microseconds(d) / batch }},
		{func() error { _, err := a.reconstruct(shards); return err }, func() error { _, err := b.reconstruct(indices); return err },
			&result.ReconstructMBs, func(d time.Duration) float64 { return rate(p.Bytes, d) }},
	} {
		ours, theirs := &contestant{name: "bedrock", run: match.ours}, &contestant{name: "rsema1d", run: match.theirs}
		if err := race(ctx, p.Budget, cpuTime, ours, theirs); err != nil {
			return nil, err
		}
		*match.result = pair{match.convert(ours.best()), match.convert(theirs.best())}
	}
	return result, nil
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// report is what is printed.
type report struct {
	Cases []oneCase `json:"cases"`
	rowFigures
	Gain       gains   `json:"gain"`       // of two workers over one
	PeakMemory pair    `json:"peakMemory"` // resident while encoding, over the block's size
	Seconds    float64 `json:"seconds"`    // that it took
}

// oneCase is one block size on so many cores. MB/s are of data before extension, 1 MB = 10^6 bytes.
type oneCase struct {
	Bytes           int     `json:"bytes"`
	K               int     `json:"k"`
	N               int     `json:"n"`
	RowSize         int     `json:"rowSize"`
	Cores           int     `json:"cores"`
	BedrockMBs      float64 `json:"bedrockMBs"`      // in memory that is kept, as rsema1d's
	BedrockFreshMBs float64 `json:"bedrockFreshMBs"` // in new memory each time
	Rsema1dMBs      float64 `json:"rsema1dMBs"`
	Rsmt2dMBs       float64 `json:"rsmt2dMBs"`
	Rsema1dFreshMBs float64 `json:"rsema1dFreshMBs"`
	HashMBs         float64 `json:"hashMBs"`      // SHA-256 of all rows and nothing else
	RatioRsema1d    float64 `json:"ratioRsema1d"` // bedrock's rate over rsema1d's
	RatioRsmt2d     float64 `json:"ratioRsmt2d"`
	Rounds          int     `json:"rounds"`
}

// pair is one figure of both.
type pair struct {
	Bedrock float64 `json:"bedrock"`
	Rsema1d float64 `json:"rsema1d"`
}

// rowFigures are those of rows and of rebuilding.
type rowFigures struct {
	VerifyRowUs      pair `json:"verifyRowUs"`
	VerifyFreshUs    pair `json:"verifyFreshUs"`
	VerifyBatchRowUs pair `json:"verifyBatchRowUs"`
	ReconstructMBs   pair `json:"reconstructMBs"`
}

// gains are how many times faster two workers are than one.
type gains struct {
	Hash    float64 `json:"hash"`
	Bedrock float64 `json:"bedrock"`
	Rsema1d float64 `json:"rsema1d"`
}

// print is the table for people.
func (r *report) print(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "encode, commit\trows\tcores\tbedrock\tin new memory\trsema1d\tin new memory\trsmt2d\tSHA-256 alone\tbedrock / rsema1d\t/ rsmt2d\t")
	for _, c := range r.Cases {
		fmt.Fprintf(t, "%d KiB\t%d + %d\t%d\t%.0f MB/s\t%.0f MB/s\t%.0f MB/s\t%.0f MB/s\t%.0f MB/s\t%.0f MB/s\t%.2f\t%.2f\t\n", c.Bytes>>10, c.K, c.N-c.K, c.Cores,
			c.BedrockMBs, c.BedrockFreshMBs, c.Rsema1dMBs, c.Rsema1dFreshMBs, c.Rsmt2dMBs, c.HashMBs, c.RatioRsema1d, c.RatioRsmt2d)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\n\tbedrock\trsema1d\t")
	for _, l := range []struct {
		what, unit string
		of         pair
	}{
		{"check a row", "us", r.VerifyRowUs}, {"in a batch of 40", "us", r.VerifyBatchRowUs}, {"first row of a block", "us", r.VerifyFreshUs},
		{"rebuild from random rows", "MB/s", r.ReconstructMBs}, {"memory while encoding", "blocks", r.PeakMemory},
	} {
		fmt.Fprintf(t, "%s\t%.1f %s\t%.1f %s\t\n", l.what, l.of.Bedrock, l.unit, l.of.Rsema1d, l.unit)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\ntwo workers over one: bedrock %.2f, rsema1d %.2f, SHA-256 %.2f; %.0f s\n", r.Gain.Bedrock, r.Gain.Rsema1d, r.Gain.Hash, r.Seconds)
	return err
}

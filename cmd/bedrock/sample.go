package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/sampling"
)

func newSampleCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "sample HEIGHT",
		Short: "Show whether a node found a block's data available, and how sure it is",
		Args:  oneArg("the block's height"),
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := parseHeight(args[0])
			if err != nil {
				return err
			}
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			var s *rpc.Sampling
			if err := c.ask(cmd.Context(), &s, "bedrock_getSampling", height); err != nil {
				return err
			}
			if s == nil {
				return unknown("%s knows no block %d yet, or does not sample", c.url, height)
			}
			if f.json {
				err = printJSON(cmd.OutOrStdout(), "sampling", s)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "block %d: %s\n  rows asked  %s\n", height, samplingText(s), rowList(s.Indices))
			}
			if err == nil && (s.Verdict == rpc.VerdictUnavailable || s.Verdict == rpc.VerdictMisencoded) {
				return &exitError{exitNegative, nil}
			}
			return err
		},
	}
	f.add(cmd)
	return cmd
}

// samplingText is a verdict with its reason in one line.
func samplingText(s *rpc.Sampling) string {
	text := string(s.Verdict)
	switch {
	case s.Asked == 0 && s.Verdict == rpc.VerdictAvailable:
		return text + " (no data)"
	case s.Asked == 0:
		return text
	case s.MissLog2 <= sampling.Certain:
		text += fmt.Sprintf(", decoded whole from %d of %d rows", s.Answered, s.Asked)
	case s.MissLog2 < 0:
		text += fmt.Sprintf(", %d of %d rows; an unavailable block passes with chance 2^%.1f", s.Answered, s.Asked, s.MissLog2)
	default:
		text += fmt.Sprintf(", %d of %d rows", s.Answered, s.Asked)
	}
	if s.Wrong > 0 {
		text += fmt.Sprintf("; %d wrong answers of peers", s.Wrong)
	}
	return text
}

func rowList(indices []int) string {
	if len(indices) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(indices))
	words := make([]string, len(sorted))
	for i, n := range sorted {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, " ")
}

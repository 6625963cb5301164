package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/sampling"
)

func newSampleCommand() *cobra.Command {
	var f queryFlags
	var file string
	cmd := &cobra.Command{
		Use:   "sample HEIGHT",
		Short: "Show whether a node found a block's data available, and how sure it is",
		Long: "Shows what a running node itself found of a block's data: the verdict, the chance that a block that cannot be rebuilt gets\n" +
			"it, and which rows it asked for, what came, from whom and after how long. --receipt keeps the record for somebody else, who\n" +
			"checks it with `bedrock sample verify`. See docs/availability.md.",
		Args: oneArg("the block's height"),
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := parseHeight(args[0])
			if err != nil {
				return err
			}
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.sampled(cmd, height)
			if err != nil {
				return err
			}
			if file != "" {
				if report.receipt == nil {
					return unknown("%s keeps no receipt of block %d: nothing came yet, or it is too old", c.url, height)
				}
				if err := os.WriteFile(file, report.receipt, 0o600); err != nil {
					return fmt.Errorf("write receipt: %w", err)
				}
			}
			if f.json {
				err = printJSON(cmd.OutOrStdout(), "sampling", report)
			} else {
				report.print(cmd.OutOrStdout(), usesColor(cmd.OutOrStdout()))
			}
			if err == nil && (report.Verdict == rpc.VerdictUnavailable || report.Verdict == rpc.VerdictMisencoded) {
				return &exitError{exitNegative, nil}
			}
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&file, "receipt", "", "write the sampling receipt to this file")
	cmd.AddCommand(newSampleVerifyCommand())
	return cmd
}

// sampleReport is what the verb prints: what the node says, and the rows of its receipt.
type sampleReport struct {
	*rpc.Sampling
	Height   rpc.Height  `json:"height"`
	DataRows int         `json:"dataRows"` // K: so many rows rebuild the block
	Rows     int         `json:"rows"`     // n
	Answers  []rowAnswer `json:"answers"`  // ascending by row

	receipt []byte
}

// rowAnswer is a row that came.
type rowAnswer struct {
	Row    uint32  `json:"row"`
	Peer   string  `json:"peer"`
	Member bool    `json:"member"` // the peer certified the block and keeps it whole, whatever became of its rows elsewhere
	Ms     float64 `json:"ms"`     // after the first question
}

// sampled asks a node for all it knows of a block's availability.
func (c *client) sampled(cmd *cobra.Command, height rpc.Height) (*sampleReport, error) {
	report := &sampleReport{Height: height, Answers: []rowAnswer{}}
	if err := c.ask(cmd.Context(), &report.Sampling, "bedrock_getSampling", height); err != nil {
		return nil, err
	}
	if report.Sampling == nil {
		return nil, unknown("%s knows no block %d yet, or does not sample", c.url, height)
	}
	var encoded *hexutil.Bytes
	if err := c.ask(cmd.Context(), &encoded, "bedrock_getSamplingReceipt", height); err != nil {
		return nil, err
	}
	var header *rpc.Header
	if err := c.ask(cmd.Context(), &header, "bedrock_getHeader", height); err != nil {
		return nil, err
	}
	if header != nil {
		report.DataRows, report.Rows = shapeOf(header.DataLength)
	}
	if encoded == nil {
		return report, nil
	}
	receipt, err := sampling.DecodeReceipt(*encoded)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.url, err)
	}
	report.receipt = *encoded
	for _, row := range receipt.Rows {
		report.Answers = append(report.Answers, rowAnswer{Row: row.Proof.Index, Peer: row.Peer,
			Member: header != nil && slices.Contains(header.Signers, row.Peer), Ms: float64(receipt.After(row).Microseconds()) / 1000})
	}
	slices.SortFunc(report.Answers, func(a, b rowAnswer) int { return int(a.Row) - int(b.Row) })
	return report, nil
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

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

func newSampleVerifyCommand() *cobra.Command {
	var genesisPath, from string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a sampling receipt offline, with the network's genesis file alone",
		Long: "Checks a receipt that `bedrock sample --receipt FILE` wrote: the certificates from the genesis file (or a checkpoint) up to\n" +
			"the block, that every row has its place in the block that was certified, and what the rule says of their number. Nothing is\n" +
			"asked of the network. It says what is proven, and what is the word of whoever wrote the receipt.",
		Args: oneArg("the receipt's file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := verifyReceipt(args[0], genesisPath, from)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), "samplingReceipt", report)
			} else {
				report.print(cmd.OutOrStdout())
			}
			if err == nil && report.Verdict != sampling.Available {
				return &exitError{exitNegative, nil}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&genesisPath, "genesis", "", "the network's genesis.json")
	cmd.Flags().StringVar(&from, "checkpoint", "", "HEIGHT:DIGEST that the receipt begins at, from somebody you trust; default: the genesis")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in a versioned envelope")
	_ = cmd.MarkFlagRequired("genesis")
	return cmd
}

// receiptReport is what a receipt that holds says.
type receiptReport struct {
	Height     types.Height     `json:"height"`
	Commitment types.Hash       `json:"commitment"`
	Verdict    sampling.Verdict `json:"verdict"`
	Asked      int              `json:"asked"`
	Answered   int              `json:"answered"`
	MissLog2   float64          `json:"missLog2"`
	DataRows   int              `json:"dataRows"`
	Rows       int              `json:"rows"`
	Epochs     int              `json:"epochs"`
	Rules      string           `json:"rules"`
	Began      types.Time       `json:"began"`
	Peers      int              `json:"peers"` // named as givers of rows
}

// maxReceiptFile bounds what is read before it is decoded.
const maxReceiptFile = sampling.MaxReceiptBytes

// verifyReceipt reads and checks a receipt. One that does not hold is exitNegative.
func verifyReceipt(path, genesisPath, from string) (*receiptReport, error) {
	genesisFile, err := os.ReadFile(genesisPath)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("read genesis: %w", err)}
	}
	genesis, err := types.DecodeGenesis(genesisFile)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("%s: %w", genesisPath, err)}
	}
	var checkpoint *types.Checkpoint
	if from != "" {
		parsed, err := types.ParseCheckpoint(from)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		checkpoint = &parsed
	}
	encoded, err := readBounded(path, maxReceiptFile)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	receipt, err := sampling.DecodeReceipt(encoded)
	if err != nil {
		return nil, &exitError{exitNegative, fmt.Errorf("%s: %w", path, err)}
	}
	proven, err := receipt.Verify(genesis, checkpoint)
	if err != nil {
		if first := receipt.Epochs; checkpoint == nil && len(first) > 0 && first[0].Header.Epoch > 0 {
			err = fmt.Errorf("%w; the receipt begins at a checkpoint: pass --checkpoint with one of block %d that you trust", err, first[0].Header.Height)
		}
		return nil, &exitError{exitNegative, fmt.Errorf("%s: %w", path, err)}
	}
	peers := make(map[string]bool)
	for _, row := range receipt.Rows {
		peers[row.Peer] = true
	}
	return &receiptReport{Height: proven.Height, Commitment: proven.Commitment, Verdict: proven.Verdict, Asked: proven.Asked,
		Answered: proven.Answered, MissLog2: proven.MissLog2, DataRows: proven.Params.K, Rows: proven.Params.N, Epochs: proven.Epochs,
		Rules: rulesText(receipt.Rules), Began: receipt.Began, Peers: len(peers)}, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read receipt: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New("longer than any receipt")
	}
	if err != nil {
		return nil, fmt.Errorf("read receipt %s: %w", path, err)
	}
	return b, nil
}

func rulesText(r sampling.Rules) string {
	if r == (sampling.Rules{}) {
		return "decode"
	}
	name := "default"
	if r == sampling.Strict {
		name = "strict"
	}
	return fmt.Sprintf("%s, %d of %d or %d of %d", name, r[0].Accept, r[0].Samples, r[1].Accept, r[1].Samples)
}

// print says what is proven and what is not.
func (r *receiptReport) print(out io.Writer) {
	fmt.Fprintf(out, "receipt of block %d: holds, %s\n", r.Height, r.Verdict)
	fmt.Fprintf(out, "  commitment  %s\n", r.Commitment)
	fmt.Fprintf(out, "  sampled     %s, by the rule: %s\n", r.Began.Std().UTC().Format("2006-01-02 15:04:05 UTC"), r.Rules)
	fmt.Fprintf(out, "\nproven, to anybody who has the genesis file:\n")
	fmt.Fprintf(out, "  a quorum certified this block (%d changes of committee followed)\n", r.Epochs)
	fmt.Fprintf(out, "  it has %d rows, any %d of which rebuild it, by its length alone\n", r.Rows, r.DataRows)
	switch r.Verdict {
	case sampling.Misencoded:
		fmt.Fprintln(out, "  a row that the block commits to is not what its encoding demands: whoever certified it is convicted")
	case sampling.Available:
		fmt.Fprintf(out, "  %d of %d rows that were asked for have the named hashes in it%s\n", r.Answered, r.Asked, chanceText(r.MissLog2))
	default:
		fmt.Fprintf(out, "  %d of %d rows that were asked for have the named hashes in it: too few for the rule\n", r.Answered, r.Asked)
	}
	if r.Asked > 0 && r.Verdict != sampling.Misencoded {
		fmt.Fprintf(out, "\nnot proven, but the word of whoever wrote the receipt:\n")
		fmt.Fprintf(out, "  that the rows were drawn by chance, and asked for at that time\n")
		fmt.Fprintf(out, "  that the %d named peers served them, and that the data can be had today\n", r.Peers)
	}
}

func chanceText(missLog2 float64) string {
	switch {
	case missLog2 <= sampling.Certain:
		return ", enough to decode it"
	case missLog2 < 0:
		return fmt.Sprintf(";\n  if they were drawn by chance, a block that cannot be rebuilt passes with 2^%.1f", missLog2)
	}
	return ""
}

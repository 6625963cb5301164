package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// printFalse lists the verdicts that a node found false.
func printFalse(out io.Writer, list []rpc.FalseVerdict) {
	for _, v := range list {
		fmt.Fprintf(out, "false-verdict   block %-8d  %s  %s  %s\n", v.Height, v.Accused, v.Challenge, v.Reason)
	}
}

// listedFinding is what a certified header lists of a challenge, and what that proves.
type listedFinding struct {
	Height  rpc.Height     `json:"height"`
	Header  types.Hash     `json:"header"` // digest
	Accused []string       `json:"accused"`
	False   string         `json:"false,omitempty"` // why what is listed is false
	Finding *fraud.Finding `json:"finding,omitempty"`
}

// verifyListed compares what the certified header of a height lists of the challenge in a file with what it proves. It trusts the
// genesis file alone: the header comes from a node, with its certificate.
func verifyListed(ctx context.Context, f queryFlags, file, genesisFile string, height types.Height) (*listedFinding, error) {
	encoded, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	a, err := newAuditor(ctx, c, genesisFile, types.Hash{})
	if err != nil {
		return nil, err
	}
	if err := a.follow(a.epochOf(height)); err != nil {
		return nil, err
	}
	header, ok := a.header(height)
	if !ok {
		return nil, unknown("%s has no certified header %d", c.url, height)
	}
	id := types.BatchIDOf(encoded)
	list := slices.DeleteFunc(slices.Clone(header.Verdicts), func(v types.Verdict) bool { return v.Challenge != id })
	if len(list) == 0 {
		return nil, unknown("header %d lists no verdict on %s", height, id)
	}
	out := &listedFinding{Height: rpc.Height(height), Header: header.Digest()}
	out.Finding, err = verifyChallenge(ctx, f, file, genesisFile)
	if err != nil && !errors.Is(err, fraud.ErrInvalid) {
		return nil, err
	}
	if err != nil {
		out.False = err.Error()
	}
	for _, v := range list {
		out.Accused = append(out.Accused, v.Accused.PeerID())
		if out.False == "" {
			out.False = differsFromListed(encoded, out.Finding, v)
		}
	}
	return out, nil
}

// differsFromListed says what a valid challenge proves otherwise than a header lists; empty if nothing.
func differsFromListed(encoded []byte, f *fraud.Finding, v types.Verdict) string {
	challenge, err := fraud.DecodeChallenge(encoded)
	switch {
	case err != nil:
		return err.Error()
	case uint64(challenge.Kind) != v.Kind:
		return fmt.Sprintf("it is of kind %s", challenge.Kind)
	case challenge.Payee != v.Payee:
		return fmt.Sprintf("it names 0x%x to be paid, the header 0x%x", challenge.Payee, v.Payee)
	case !slices.Contains(f.Accused, v.Accused):
		return "it accuses others"
	}
	return ""
}

// tellListed prints a finding; a false verdict is a negative answer.
func tellListed(out io.Writer, f *listedFinding, asJSON bool) error {
	if asJSON {
		if err := printJSON(out, "listedFinding", f); err != nil {
			return err
		}
	}
	if f.False != "" {
		return &exitError{exitNegative, fmt.Errorf("header %d, which a quorum signed, lists this challenge falsely against %v: %s", f.Height, f.Accused, f.False)}
	}
	if !asJSON {
		fmt.Fprintf(out, "header %d lists this challenge rightly\n", f.Height)
		printFinding(out, f.Finding)
	}
	return nil
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/fraud"
)

func newFraudCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "fraud", Short: "Verify challenges"})
	cmd.AddCommand(newFraudVerifyCommand())
	return cmd
}

// newFraudVerifyCommand is the child process in which a node verifies strangers' challenges. It limits itself before it
// reads anything.
func newFraudVerifyCommand() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:    "verify --stdin",
		Short:  "Verify one job from standard input (used by nodes on themselves)",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !fromStdin {
				return &exitError{exitUsage, fmt.Errorf("`bedrock fraud verify` reads one job from standard input: pass --stdin")}
			}
			if code := fraud.VerifyMain(cmd.InOrStdin(), cmd.OutOrStdout(), fraud.Limits{}); code != exitOK {
				return &exitError{code, nil}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "stdin", false, "read the job from standard input")
	return cmd
}

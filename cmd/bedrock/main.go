// Command bedrock runs nodes of a bedrock network and talks to them. Verbs parse, call and print; the logic is in the
// packages they call.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintln(os.Stderr, "bedrock:", exit.err)
		}
		return exit.code
	case errors.Is(err, context.Canceled):
		return exitOK
	case strings.HasPrefix(err.Error(), "required flag(s)"): // cobra has no type for it
		fmt.Fprintln(os.Stderr, "bedrock:", err, "(see --help)")
		return exitUsage
	default:
		fmt.Fprintln(os.Stderr, "bedrock:", err)
		return exitCodeOf(err)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "bedrock",
		Short:         "A peer-to-peer base for an Ethereum rollup: ordering, data availability, proofs",
		Long:          "bedrock runs nodes of a network without an operator: sequencers order transactions, every peer keeps\nerasure-coded rows of every block, light clients sample them, provers assert state roots and anyone refutes a wrong one.\n\n" + exitCodesHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	group(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return readEnvironment(cmd, environment()) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitUsage, fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())}
	})
	root.AddCommand(newDevnetCommand(), newGenesisCommand(), newInitCommand(), newRunCommand(), newLightCommand(), newBootstrapCommand(), newConfigCommand(), newNetworkCommand(),
		newDoctorCommand(), newStatusCommand(), newPeersCommand(), newWaitCommand(), newBondsCommand(), newBondCommand(), newReadyCommand(), newUnbondCommand(), newWithdrawCommand(),
		newCheckpointCommand(), newBlockCommand(), newSampleCommand(), newAuditCommand(), newFraudCommand(), newSimCommand(), newBenchCommand())
	return root
}

// group makes a command that only has subcommands: alone it prints its help, with anything else it is a usage error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &exitError{exitUsage, fmt.Errorf("unknown command %q for %q (see `%s --help`)", args[0], cmd.CommandPath(), cmd.CommandPath())}
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// noArgs refuses positional arguments with the usage exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &exitError{exitUsage, fmt.Errorf("%s takes no argument, got %q (see `%s --help`)", cmd.CommandPath(), args[0], cmd.CommandPath())}
	}
	return nil
}

// oneArg demands exactly one positional argument, named for the error message.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return &exitError{exitUsage, fmt.Errorf("%s needs exactly one argument: %s (see `%s --help`)", cmd.CommandPath(), name, cmd.CommandPath())}
		}
		return nil
	}
}

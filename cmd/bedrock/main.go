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

	"github.com/etherscale/bedrock/node/p2p"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string) int {
	root, out := newRoot(), &watchedOutput{file: os.Stdout}
	root.SetArgs(args)
	root.SetOut(out)
	cmd, err := root.ExecuteContextC(ctx)
	code, message := judge(err)
	if message != "" {
		fmt.Fprintln(os.Stderr, "bedrock:", message)
	}
	if code != exitOK && !out.wrote && wantsJSON(cmd, args) {
		if err := printError(out, code, message); err != nil {
			fmt.Fprintln(os.Stderr, "bedrock:", err)
		}
	}
	return code
}

// judge gives the exit code of what a verb returned, and what is left to say about it.
func judge(err error) (code int, message string) {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK, ""
	case errors.As(err, &exit):
		if exit.err != nil {
			message = exit.err.Error()
		}
		return exit.code, message
	case errors.Is(err, context.Canceled):
		return exitOK, ""
	case strings.HasPrefix(err.Error(), "required flag(s)"): // cobra has no type for it
		return exitUsage, err.Error() + " (see --help)"
	default:
		return exitCodeOf(err), err.Error()
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "bedrock",
		Short:         "A peer-to-peer base for an Ethereum rollup: ordering, data availability, proofs",
		Long:          "bedrock runs nodes of a network without an operator: sequencers order transactions, every peer keeps\nerasure-coded rows of every block, light clients sample them, provers assert state roots and anyone refutes a wrong one.\n\n" + exitCodesHelp(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	group(root)
	groupFlags(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return readEnvironment(cmd, environment()) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitUsage, fmt.Errorf("%w%s (see `%s --help`)", err, suggestFlag(cmd, err), cmd.CommandPath())}
	})
	for _, g := range verbGroups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, verb := range g.verbs {
			verb.GroupID = g.title
			root.AddCommand(verb)
		}
	}
	root.AddCommand(newDocsCommand())
	root.Version = p2p.Version
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	return root
}

// verbGroup is one paragraph of `bedrock --help`.
type verbGroup struct {
	title string
	verbs []*cobra.Command
}

func verbGroups() []verbGroup {
	return []verbGroup{
		{"Run a node:", []*cobra.Command{newLightCommand(), newRunCommand(), newBootstrapCommand(), newDevnetCommand()}},
		{"See how it does:", []*cobra.Command{newStatusCommand(), newPeersCommand(), newWaitCommand(), newDoctorCommand()}},
		{"Set it up:", []*cobra.Command{newConfigCommand(), newKeysCommand(), newNetworkCommand(), newInitCommand(), newGenesisCommand(), newCheckpointCommand(), newVersionCommand()}},
		{"Sequence and prove:", []*cobra.Command{newBondsCommand(), newBondCommand(), newReadyCommand(), newUnbondCommand(), newWithdrawCommand()}},
		{"Check for yourself:", []*cobra.Command{newSampleCommand(), newBlockCommand(), newAuditCommand(), newFraudCommand()}},
		{"Develop:", []*cobra.Command{newSimCommand(), newBenchCommand()}},
	}
}

// group makes a command that only has subcommands: alone it prints its help, with anything else it is a usage error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &exitError{exitUsage, fmt.Errorf("unknown command %q for %q%s (see `%s --help`)", args[0], cmd.CommandPath(), suggestVerb(cmd, args[0]), cmd.CommandPath())}
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

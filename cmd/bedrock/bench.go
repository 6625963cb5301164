package main

import "github.com/spf13/cobra"

func newBenchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what this machine and this code can do",
	}
	group(cmd)
	cmd.AddCommand(newBenchCodingCommand(), newBenchExecuteCommand(), newBenchSamplingCommand(), newBenchSurvivalCommand(), newBenchSeedingCommand(), newBenchFraudCommand(),
		newBenchFootprintCommand(), newBenchFootprintSwarmCommand())
	return cmd
}

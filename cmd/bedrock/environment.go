package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etherscale/bedrock/node/config"
)

// variablePrefix begins the name of every variable that this program reads.
const variablePrefix = "BEDROCK_"

// testVariables are read by the tests of this repository, which run this program too.
var testVariables = []string{"BEDROCK_BINARY", "BEDROCK_DEVNET", "BEDROCK_CONFORMANCE"}

// fromEnvironment names, on a flag that a variable set, that variable.
const fromEnvironment = "bedrock_variable"

// readEnvironment gives each flag that was not set the value of its variable: --row-budget is BEDROCK_ROW_BUDGET. An empty
// variable counts as none. A variable of ours that no verb has a flag for is an error: a mistyped one would do nothing, unseen.
func readEnvironment(cmd *cobra.Command, environment []string) error {
	known := slices.Clone(testVariables)
	eachCommand(cmd.Root(), func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { known = append(known, config.VariableOf(f.Name)) })
	})
	values := make(map[string]string)
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || strings.HasPrefix(name, variablePrefix+"TEST_") {
			continue
		}
		if !slices.Contains(known, name) {
			return &exitError{exitUsage, fmt.Errorf("unknown variable %s%s: correct or unset it", name, config.Suggest(name, known))}
		}
		values[name] = value
	}
	var problem error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := config.VariableOf(f.Name)
		if f.Changed || values[name] == "" || problem != nil {
			return
		}
		if err := cmd.Flags().Set(f.Name, values[name]); err != nil {
			problem = &exitError{exitUsage, fmt.Errorf("%s=%q: %w", name, values[name], err)}
			return
		}
		problem = cmd.Flags().SetAnnotation(f.Name, fromEnvironment, []string{name})
	})
	return problem
}

func eachCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, child := range cmd.Commands() {
		eachCommand(child, do)
	}
}

// originOf names what set a flag: itself, or its variable.
func originOf(f *pflag.Flag) string {
	if variable := f.Annotations[fromEnvironment]; len(variable) > 0 {
		return variable[0]
	}
	return "--" + f.Name
}

func environment() []string { return os.Environ() }

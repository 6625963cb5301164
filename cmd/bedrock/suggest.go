package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etherscale/bedrock/node/config"
)

// suggestFlag is ", did you mean --X?" where an error is about a flag that a verb does not have and another is near.
func suggestFlag(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return config.Suggest("--"+unknown.GetSpecifiedName(), known)
}

// suggestVerb is the same for a verb.
func suggestVerb(cmd *cobra.Command, wrong string) string {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return config.Suggest(wrong, known)
}

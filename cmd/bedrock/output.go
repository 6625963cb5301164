package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
)

// watchedOutput is the standard output, which knows whether a verb has printed something.
type watchedOutput struct {
	file  *os.File
	wrote bool
}

// Write implements io.Writer.
func (w *watchedOutput) Write(p []byte) (int, error) {
	w.wrote = true
	return w.file.Write(p)
}

// Fd tells whether it is a terminal.
func (w *watchedOutput) Fd() uintptr { return w.file.Fd() }

// wantsJSON reports whether a command line asks for JSON, even one that could not be parsed.
func wantsJSON(cmd *cobra.Command, args []string) bool {
	if slices.Contains(args, "--json") {
		return true
	}
	wanted, err := cmd.Flags().GetBool("json")
	return err == nil && wanted
}

// printError prints a failure in the envelope of all verbs, for programs: only where the verb itself printed nothing.
func printError(out io.Writer, code int, message string) error {
	type failure struct {
		Code    int    `json:"code"` // the exit code
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	return json.NewEncoder(out).Encode(struct {
		Schema int     `json:"schema"`
		Kind   string  `json:"kind"`
		Error  failure `json:"error"`
	}{1, "error", failure{code, exitName(code), message}})
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/doctor"
)

func newDoctorCommand() *cobra.Command {
	var f queryFlags
	var network string
	var only []string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the machine, its line and the node's home, and say what to do",
		Long: "Examines the machine, its line and the home of a node, running or not, and says what to do where something is not well. Nothing\n" +
			"is changed. Each check has a code that docs/reference/health.md explains. Checks: " + strings.Join(doctor.Names(), ", ") + ".\n" +
			"Without a running node it takes up to half a minute to find out whether others can dial this machine.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			patient, err := f.patient(network)
			if err != nil {
				return err
			}
			findings, err := doctor.Run(cmd.Context(), patient, only...)
			if err != nil {
				return &exitError{exitUsage, fmt.Errorf("%w: want some of %s", err, strings.Join(doctor.Names(), ", "))}
			}
			if err := f.printFindings(cmd.OutOrStdout(), findings); err != nil {
				return err
			}
			if doctor.Worst(findings) == doctor.Fail {
				return &exitError{exitNegative, nil}
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&network, "network", "", "network of a node that has no home yet: a name (bedrock network list) or a network file")
	cmd.Flags().StringSliceVar(&only, "only", nil, "make these checks only (repeatable)")
	return cmd
}

// patient finds the home that is meant and whether a node runs there.
func (f *queryFlags) patient(named string) (*doctor.Patient, error) {
	home := f.at
	found, err := findNetwork(named)
	if err != nil && named != "" {
		return nil, err
	}
	var network *config.Network
	if found != nil {
		network = found.Network
		if home == "" {
			if home, err = config.DefaultHome(found); err != nil {
				return nil, err
			}
		}
	}
	if home == "" {
		if homes := defaultHomes(); len(homes) == 1 {
			home = homes[0]
		} else {
			home = config.HomesDir()
		}
	}
	running, err := f.runningIn(home)
	return doctor.NewPatient(home, network, running), err
}

// runningIn is the node that runs in a home, or that --rpc names; nil if none answers there.
func (f *queryFlags) runningIn(home string) (doctor.Node, error) {
	q := *f
	if q.rpc == "" {
		r, err := config.ReadRunning(home)
		if err != nil || r == nil || r.RPC == "" || !answers(r.RPC) {
			return nil, nil // what is wrong with the file is no matter of the checks: the next start writes it anew
		}
		q.rpc = r.RPC
	}
	c, err := q.dial(context.Background())
	if err != nil {
		return nil, err
	}
	return asked{c}, nil
}

// asked shows a client as the doctor's Node.
type asked struct{ c *client }

// Ask implements doctor.Node.
func (a asked) Ask(ctx context.Context, into any, method string, args ...any) error {
	return a.c.ask(ctx, into, method, args...)
}

// printFindings prints what was found, for people the worst last, where it stays on the screen.
func (f *queryFlags) printFindings(out io.Writer, findings []doctor.Finding) error {
	if f.json {
		return json.NewEncoder(out).Encode(struct {
			Schema int              `json:"schema"`
			Checks []doctor.Finding `json:"checks"`
		}{1, findings})
	}
	return printVerdicts(out, findings, columnsOf(out))
}

// verdictColumns are where the parts of a line begin: the name, or the code, and the text.
const (
	nameColumn = 6
	textColumn = 21
)

func printVerdicts(out io.Writer, findings []doctor.Finding, columns int) error {
	words := map[doctor.Verdict]string{doctor.Pass: "ok", doctor.Warn: "warn", doctor.Fail: "FAIL"}
	counts := make(map[doctor.Verdict]int)
	var b strings.Builder
	for _, x := range findings {
		counts[x.Verdict]++
		fmt.Fprintf(&b, "%-*s%-*s%s\n", nameColumn, words[x.Verdict], textColumn-nameColumn, x.Name, indented(x.Text, textColumn, columns))
		if x.Next != "" { // a command is never broken: it is copied
			fmt.Fprintf(&b, "%-*s%-*snext: %s\n", nameColumn, "", textColumn-nameColumn, x.Code, x.Next)
		}
	}
	fmt.Fprintf(&b, "%s, %s\n", counted(counts[doctor.Warn], "warning"), counted(counts[doctor.Fail], "failure"))
	_, err := io.WriteString(out, b.String())
	return err
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

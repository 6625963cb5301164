package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		fmt.Fprintln(os.Stderr, serve(role)) // a node that returns has failed
		os.Exit(1)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// report is what is printed.
type report struct {
	Bedrock   *figures `json:"bedrock"`
	CometBFT  *figures `json:"cometbft"`
	RatioPeak float64  `json:"ratioPeak"` // bedrock's peak over CometBFT's
	RatioCPU  float64  `json:"ratioCpu"`  // CometBFT's CPU per transaction at 1,000/s over bedrock's
	Seconds   float64  `json:"seconds"`   // that it took
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("order", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print the figures as JSON on stdout")
	quick := flags.Bool("quick", false, "a smoke run of about a minute; its figures are rough")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "order: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	course := fullCourse
	if *quick {
		course = quickCourse
	}
	r, err := compare(course, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "order:", err)
		return 1
	}
	if *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(r); err != nil {
			fmt.Fprintln(stderr, "order:", err)
			return 1
		}
		return 0
	}
	r.print(stdout)
	return 0
}

// compare runs the course for both, one after the other.
func compare(c course, progress io.Writer) (*report, error) {
	begin := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%4.0fs  ", time.Since(begin).Seconds())
		fmt.Fprintf(progress, format+"\n", args...)
	}
	r := new(report)
	for _, side := range []struct {
		system system
		out    **figures
	}{{comet{}, &r.CometBFT}, {bedrock{}, &r.Bedrock}} {
		say("%s: %d nodes start", side.system.name(), validators)
		f, err := (&tour{course: c, system: side.system, progress: say}).run()
		if err != nil {
			return nil, err
		}
		*side.out = f
	}
	r.RatioPeak = r.Bedrock.PeakTxPerS / r.CometBFT.PeakTxPerS
	r.RatioCPU = r.CometBFT.CPUMsPerTx / r.Bedrock.CPUMsPerTx
	r.Seconds = time.Since(begin).Seconds()
	return r, nil
}

// print is the table for people.
func (r *report) print(w io.Writer) {
	a, b := r.Bedrock, r.CometBFT
	fmt.Fprintf(w, "\n%-38s %12s %12s\n", "", "bedrock", "CometBFT")
	for _, l := range []struct {
		what   string
		format string
		a, b   float64
	}{
		{"peak, ordered tx/s (p99 <= 2 s)", "%.0f", a.PeakTxPerS, b.PeakTxPerS},
		{"CPU of 4 nodes at 1,000/s, ms/tx", "%.3f", a.CPUMsPerTx, b.CPUMsPerTx},
		{"CPU of 4 nodes at the peak, ms/tx", "%.3f", a.PeakCPUMsPerTx, b.PeakCPUMsPerTx},
		{"p50 at 1,000/s, ms", "%.0f", a.P50Ms, b.P50Ms},
		{"p99 at 1,000/s, ms", "%.0f", a.P99Ms, b.P99Ms},
		{"4x overload, share of the peak", "%.2f", a.OverloadShare, b.OverloadShare},
		{"memory before the overload, MiB", "%.0f", a.StartMiB, b.StartMiB},
		{"memory after it, MiB", "%.0f", a.EndMiB, b.EndMiB},
		{"idle, cores of 4 nodes", "%.3f", a.IdleCores, b.IdleCores},
	} {
		fmt.Fprintf(w, "%-38s %12s %12s\n", l.what, fmt.Sprintf(l.format, l.a), fmt.Sprintf(l.format, l.b))
	}
	fmt.Fprintf(w, "\nbedrock's peak is %.1f times CometBFT's, its CPU per transaction at 1,000/s a %.1fth; %.0f s\n", r.RatioPeak, r.RatioCPU, r.Seconds)
}

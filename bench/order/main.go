package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		fmt.Fprintln(os.Stderr, serve(role)) // a node that returns has failed
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// report is what is printed.
type report struct {
	Bedrock   *figures `json:"bedrock,omitempty"`
	CometBFT  *figures `json:"cometbft,omitempty"`
	RatioPeak float64  `json:"ratioPeak"` // bedrock's peak over CometBFT's
	RatioCPU  float64  `json:"ratioCpu"`  // CometBFT's CPU per transaction at 1,000/s over bedrock's
	Seconds   float64  `json:"seconds"`   // that it took
}

// options are what the flags say.
type options struct {
	json, quick, alone bool
	system, rates      string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("order", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.json, "json", false, "print the figures as JSON on stdout")
	flags.BoolVar(&o.quick, "quick", false, "a smoke run of about a minute; its figures are rough")
	flags.StringVar(&o.system, "system", "", "measure only this one: bedrock or cometbft")
	flags.StringVar(&o.rates, "rates", "", "measure only these rates, each on a fresh network, such as 1000,8000")
	flags.BoolVar(&o.alone, "one-listener", false, "subscribe to the order at the first node only")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "order: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	systems, course, err := o.plan()
	if err != nil {
		fmt.Fprintln(stderr, "order:", err)
		return 2
	}
	if err := o.measure(ctx, systems, course, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "order:", err)
		return 1
	}
	return 0
}

// plan is what to run.
func (o options) plan() (systems []system, c course, err error) {
	for _, s := range []system{comet{}, bedrock{}} {
		if o.system == "" || o.system == s.name() {
			systems = append(systems, s)
		}
	}
	if len(systems) == 0 {
		return nil, c, fmt.Errorf("--system %q is none of bedrock, cometbft", o.system)
	}
	if c = fullCourse; o.quick {
		c = quickCourse
	}
	c.alone = o.alone
	if o.rates == "" {
		return systems, c, nil
	}
	for text := range strings.SplitSeq(o.rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 || rate > maxRate {
			return nil, c, fmt.Errorf("--rates: %q is not a number from 1 to %d", text, maxRate)
		}
		c.only = append(c.only, rate)
	}
	return systems, c, nil
}

// maxRate keeps what is written down of one load within memory.
const maxRate = 1_000_000

func (o options) measure(ctx context.Context, systems []system, c course, stdout, stderr io.Writer) error {
	r, err := compare(ctx, systems, c, stderr)
	if err != nil {
		return err
	}
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	if r.Bedrock != nil && r.CometBFT != nil && len(c.only) == 0 {
		r.print(stdout)
	}
	return nil
}

// compare runs the course for each system, one after the other.
func compare(ctx context.Context, systems []system, c course, progress io.Writer) (*report, error) {
	begin := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%4.0fs  ", time.Since(begin).Seconds())
		fmt.Fprintf(progress, format+"\n", args...)
	}
	r := new(report)
	for _, s := range systems {
		say("%s: %d nodes start", s.name(), validators)
		f, err := (&tour{course: c, system: s, progress: say}).run(ctx)
		if err != nil {
			return nil, err
		}
		if s == (bedrock{}) {
			r.Bedrock = f
		} else {
			r.CometBFT = f
		}
	}
	if r.Bedrock != nil && r.CometBFT != nil && len(c.only) == 0 {
		r.RatioPeak = r.Bedrock.PeakTxPerS / r.CometBFT.PeakTxPerS
		r.RatioCPU = r.CometBFT.CPUMsPerTx / r.Bedrock.CPUMsPerTx
	}
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

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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if told := os.Getenv(partVariable); told != "" {
		os.Exit(serve(ctx, told, os.Stdout, os.Stderr))
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var asJSON, quick bool
	flags := flag.NewFlagSet("coding", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&asJSON, "json", false, "print the figures as JSON on stdout")
	flags.BoolVar(&quick, "quick", false, "a smoke run of some seconds: small blocks, rough figures")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "coding: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	c := fullCourse
	if quick {
		c = quickCourse
	}
	r, err := c.compare(ctx, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "coding:", err)
		return 1
	}
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	} else {
		err = r.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "coding:", err)
		return 1
	}
	return 0
}

// course says what is measured.
type course struct {
	Sizes  []int         // blocks that are encoded, in bytes
	Rows   int           // block of which rows are checked and which is rebuilt, also that of the gain
	Memory int           // block whose encoding is watched for memory
	Budget time.Duration // wall time for each case, at least three rounds; 0: one round
}

var (
	fullCourse  = course{[]int{128 << 10, 1 << 20, 8 << 20, 32 << 20}, 8 << 20, 32 << 20, 5 * time.Second}
	quickCourse = course{[]int{128 << 10, 1 << 20}, 1 << 20, 4 << 20, 0}
)

// compare runs all parts, one after the other, each in a process of its own.
func (c course) compare(ctx context.Context, progress io.Writer) (*report, error) {
	begin := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%4.0fs  ", time.Since(begin).Seconds())
		fmt.Fprintf(progress, format+"\n", args...)
	}
	r := new(report)
	for _, cores := range []int{1, 2} {
		for _, size := range c.Sizes {
			say("encode %d KiB on %d", size>>10, cores)
			one := new(oneCase)
			if err := apart(ctx, part{"encode", cores, size, c.Budget}, one); err != nil {
				return nil, err
			}
			r.Cases = append(r.Cases, *one)
		}
	}
	say("check rows and rebuild")
	if err := apart(ctx, part{"rows", 1, c.Rows, c.Budget}, &r.rowFigures); err != nil {
		return nil, err
	}
	say("one worker and two")
	if err := apart(ctx, part{"gain", 2, c.Rows, c.Budget}, &r.Gain); err != nil {
		return nil, err
	}
	say("memory")
	if err := apart(ctx, part{"memory bedrock", 1, c.Memory, 0}, &r.PeakMemory.Bedrock); err != nil {
		return nil, err
	}
	if err := apart(ctx, part{"memory rsema1d", 1, c.Memory, 0}, &r.PeakMemory.Rsema1d); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(begin).Seconds()
	say("done")
	return r, nil
}

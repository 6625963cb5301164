// Command mutants shows that the simulator finds planted bugs: it builds the simulator once for each bug, with the bug
// put in by an overlay, and plays seeds until one fails.
//
//	go run ./consensus/sim/mutants [--seeds 300] [--only NAME] [--twins] [--json]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	seeds := flag.Uint64("seeds", 300, "seeds a bug has to be found within")
	first := flag.Uint64("first", 1, "first seed")
	only := flag.String("only", "", "plant only the bug of this name")
	asJSON := flag.Bool("json", false, "print the result as JSON")
	workers := flag.Int("workers", runtime.NumCPU(), "bugs tried at once")
	play := flag.Bool("play", false, "play the seeds in this program as it was built, and print the first failure (used by the command itself)")
	asTwins := flag.Bool("twins", false, "play scenarios of twins instead of seeds, and plant what they have to find")
	flag.Parse()
	switch {
	case *play && *asTwins:
		return playTwins(ctx)
	case *play:
		return playSeeds(ctx, *first, *seeds)
	}
	picked := mutants
	if *asTwins {
		picked = foundByTwins()
	}
	if *only != "" {
		picked = nil
		for _, m := range mutants {
			if m.Name == *only { // also one that twins need not find
				picked = append(picked, m)
			}
		}
		if len(picked) == 0 {
			return fmt.Errorf("no planted bug is called %q", *only)
		}
	}
	l, err := newLab(*first, *seeds, *asTwins)
	if err != nil {
		return err
	}
	defer l.close()
	findings, err := l.tryAll(ctx, picked, *workers, func(f finding) {
		if !*asJSON {
			fmt.Println(f.line())
		}
	})
	if err != nil {
		return err
	}
	return report(findings, *asJSON)
}

// summary is the answer in JSON. WorstSeeds is how many seeds the bug that was found last took.
type summary struct {
	Mutants    int       `json:"mutants"`
	Killed     int       `json:"killed"`
	WorstSeeds uint64    `json:"worstSeeds"`
	Table      []finding `json:"table"`
}

func report(findings []finding, asJSON bool) error {
	s := summary{Mutants: len(findings), Table: findings}
	var alive []string
	for _, f := range findings {
		if !f.Killed {
			alive = append(alive, f.Name)
			continue
		}
		s.Killed++
		s.WorstSeeds = max(s.WorstSeeds, f.Seeds)
	}
	if asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
			return err
		}
	} else {
		fmt.Printf("%d of %d planted bugs found, the slowest within %d runs\n", s.Killed, s.Mutants, s.WorstSeeds)
	}
	if len(alive) > 0 {
		return fmt.Errorf("not found: %s", strings.Join(alive, ", "))
	}
	return nil
}

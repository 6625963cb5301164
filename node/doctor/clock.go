package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/ntp"

	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/rpc"
)

// How far a clock may be off: orders are medians of several clocks, and seconds are what people notice.
const (
	clockGood = 500 * time.Millisecond
	clockMost = 2 * time.Second
)

// timeServers are asked side by side; the first answer counts.
var timeServers = []string{"time.cloudflare.com", "pool.ntp.org", "time.google.com"}

const setClock = "timedatectl set-ntp true"

func checkClock(ctx context.Context, p *Patient) Finding {
	offset, err := askTime(ctx, timeServers)
	if err == nil {
		return judgeOffset(offset)
	}
	status, err := p.status()
	if err != nil {
		status = nil
	}
	return judgeByBlocks(status)
}

// askTime asks time servers (NTP, RFC 5905) how far this clock is ahead: negative if it is behind.
func askTime(ctx context.Context, servers []string) (time.Duration, error) {
	type answer struct {
		offset time.Duration
		err    error
	}
	answers := make(chan answer, len(servers))
	for _, server := range servers {
		go func() {
			r, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: quick / 2})
			if err == nil {
				err = r.Validate()
			}
			if err != nil {
				answers <- answer{err: err}
				return
			}
			answers <- answer{offset: -r.ClockOffset}
		}()
	}
	var problems []error
	for range servers {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.offset, nil
			}
			problems = append(problems, a.err)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return 0, errors.Join(problems...)
}

func judgeOffset(ahead time.Duration) Finding {
	off := ahead.Abs()
	word := "ahead"
	if ahead < 0 {
		word = "behind"
	}
	text := fmt.Sprintf("%.2f s %s of a time server (limit %.0f s)", off.Seconds(), word, clockMost.Seconds())
	switch {
	case off <= clockGood:
		return pass("%s", text)
	case off <= clockMost:
		return warn(text, setClock)
	default:
		return fail(text, setClock)
	}
}

// judgeByBlocks goes by what a running node saw of the times of blocks; nil: none runs.
func judgeByBlocks(s *rpc.Status) Finding {
	if s == nil || s.Certified == 0 {
		return warn("no time server answers (UDP port 123 may be blocked), and no running node tells whether the times of blocks fit", "timedatectl status")
	}
	if a := raised(s, health.ClockSkew); a != nil {
		return fail("no time server answers, and the times of blocks do not fit this clock: "+a.Detail, setClock)
	}
	return pass("no time server answers; the times of new blocks fit this clock")
}

// raised is a health code of a running node, nil if it is not raised.
func raised(s *rpc.Status, code health.ID) *rpc.Ailing {
	for i := range s.Health {
		if s.Health[i].Code == string(code) {
			return &s.Health[i]
		}
	}
	return nil
}

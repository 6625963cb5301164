package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/store"
)

const (
	// diskLeast must be free or the node stops (store.Options.MinFree); below diskGood it soon may.
	diskLeast = 128 << 20
	diskGood  = 2 << 30
	// diskWritten is written and synced in pieces: as much as a busy second of ordering.
	diskWritten = 4 << 20
	diskPiece   = 128 << 10
	// diskSlow is the rate below which ordering waits for the disk.
	diskSlow = 4 << 20
)

func checkDisk(ctx context.Context, p *Patient) Finding {
	dir := p.folder()
	free, err := store.FreeSpace(dir)
	if err != nil {
		return fail(sentence(err), "df -h "+dir)
	}
	f, short := judgeSpace(dir, free)
	if short && f.Verdict == Fail { // not a byte more
		return f
	}
	rate, err := syncRate(ctx, dir)
	switch {
	case err != nil:
		return fail(fmt.Sprintf("%s cannot be written: %s", dir, sentence(err)), "findmnt -T "+dir+"; ls -ld "+dir)
	case short:
		return f
	}
	return judgeRate(dir, free, rate)
}

// judgeSpace judges free space; false: there is enough of it.
func judgeSpace(dir string, free uint64) (Finding, bool) {
	text := fmt.Sprintf("%s free at %s", size(free), dir)
	switch {
	case free < diskLeast:
		f := fail(text+fmt.Sprintf("; the node stops below %s", size(diskLeast)), "df -h "+dir)
		f.Code = health.DiskFull
		return f, true
	case free < diskGood:
		return warn(text, "df -h "+dir), true
	}
	return Finding{}, false
}

func judgeRate(dir string, free uint64, rate float64) Finding {
	text := fmt.Sprintf("%s free, %.0f MB/s in synced writes at %s", size(free), rate/1e6, dir)
	if rate < diskSlow {
		f := warn(text+": slow, a sequencer waits for each of them", "bedrock doctor --only disk")
		f.Code = health.SlowDisk
		return f
	}
	return pass("%s", text)
}

// syncRate writes a file, syncing each piece, and removes it. In bytes a second.
func syncRate(ctx context.Context, dir string) (rate float64, err error) {
	file, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	piece := make([]byte, diskPiece)
	began, written := time.Now(), 0
	for written < diskWritten && (ctx.Err() == nil || written == 0) {
		n, err := file.Write(piece)
		if err = errors.Join(err, file.Sync()); err != nil {
			return 0, err
		}
		written += n
	}
	return float64(written) / max(time.Since(began).Seconds(), 1e-6), nil
}

// size is a number of bytes for people.
func size(n uint64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.0f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

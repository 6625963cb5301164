package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
)

// footprintProcess is this program, run once more on a machine of the lab.
type footprintProcess struct {
	lab     *footprintLab
	machine string
	cmd     *exec.Cmd
	began   time.Time
	lines   *json.Decoder // what it prints: one JSON value a line
	said    bytes.Buffer  // on standard error
}

// start runs this program on a machine. What it would keep in the user's directories lies in the lab's.
func (l *footprintLab) start(ctx context.Context, machine string, args ...string) (*footprintProcess, error) {
	p := &footprintProcess{lab: l, machine: machine}
	// A bare environment: no BEDROCK_ variable of the caller's, the defaults of the program and of Go's runtime.
	home := filepath.Join(l.dir, "user-"+machine)
	p.cmd = p.run(ctx, args...)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	p.cmd.Stderr = &p.said
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p.lines = json.NewDecoder(out)
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	l.processes = append(l.processes, p)
	return p, nil
}

// run is a command on the process's machine. `ip netns exec` becomes what it runs: its pid is the program's.
func (p *footprintProcess) run(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", p.lab.prefix + p.machine, p.lab.exe}, args...)...)
}

// next reads the next thing that the program prints.
func (p *footprintProcess) next(ctx context.Context, into any) error {
	if err := p.lines.Decode(into); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("bench: %s ended: %w\n%s", p.machine, err, p.said.String()))
	}
	return nil
}

// age is how long ago the program was started, in milliseconds.
func (p *footprintProcess) age() float64 {
	return float64(time.Since(p.began)) / float64(time.Millisecond)
}

// stop tells the program to end, as Ctrl-C does.
func (p *footprintProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("bench: stop %s: %w", p.machine, err)
	}
	return nil
}

// firstSample waits for a light client's first sample: when it listened and when it had sampled, in milliseconds after its start.
func firstSample(ctx context.Context, light *footprintProcess) (listens, sampled float64, err error) {
	var up running
	if err := light.next(ctx, &up); err != nil {
		return 0, 0, err
	}
	listens = light.age()
	for {
		var at node.Progress
		if err := light.next(ctx, &at); err != nil {
			return 0, 0, err
		}
		if at.Sampled > 0 {
			return listens, light.age(), nil
		}
	}
}

// usageReading is what a process has used so far.
type usageReading struct {
	at    time.Time
	cpu   time.Duration // of it and of the children that it waited for
	bytes uint64        // through its machine's interface, in and out

	rss, anonymous uint64 // bytes in memory now: all, and those that belong to no file
}

func (p *footprintProcess) usage() (usageReading, error) {
	u := usageReading{at: time.Now()}
	proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	stat, err := os.ReadFile(proc + "stat")
	if err != nil {
		return u, fmt.Errorf("bench: %s is gone: %w\n%s", p.machine, err, p.said.String())
	}
	// proc(5): fields 14 to 17 are the times in ticks of 10 ms; the name in field 2 may hold spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 15 {
		return u, fmt.Errorf("bench: %sstat has %d fields", proc, len(fields))
	}
	for _, ticks := range fields[11:15] {
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			return u, fmt.Errorf("bench: %sstat: %w", proc, err)
		}
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	if u.rss, u.anonymous, err = residentBytes(proc + "status"); err != nil {
		return u, err
	}
	u.bytes, err = interfaceBytes(proc + "net/dev")
	return u, err
}

// residentBytes reads VmRSS and RssAnon, which the kernel gives in KiB.
func residentBytes(path string) (rss, anonymous uint64, err error) {
	status, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, fmt.Errorf("bench: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*uint64{"VmRSS": &rss, "RssAnon": &anonymous}[name]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("bench: %s: %s: %w", path, name, err)
		}
		*into = kib << 10
	}
	return rss, anonymous, nil
}

// interfaceBytes is what a machine's wire has carried: the first and the ninth number of its line.
func interfaceBytes(path string) (uint64, error) {
	table, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	for line := range strings.Lines(string(table)) {
		counts, ok := strings.CutPrefix(strings.TrimSpace(line), "eth0:")
		if !ok {
			continue
		}
		fields := strings.Fields(counts)
		if len(fields) < 9 {
			break
		}
		in, err := strconv.ParseUint(fields[0], 10, 64)
		out, err2 := strconv.ParseUint(fields[8], 10, 64)
		return in + out, errors.Join(err, err2)
	}
	return 0, fmt.Errorf("bench: %s has no line of eth0", path)
}

// connections asks the program how many peers it is connected to.
func (p *footprintProcess) connections(ctx context.Context) (int, error) {
	addr := config.DefaultRPC("")
	if p.machine == labLight {
		addr = config.DefaultRPC(config.Light)
	}
	said, err := p.run(ctx, "peers", "--json", "--rpc", "http://"+addr).Output()
	if err != nil {
		return 0, fmt.Errorf("bench: peers of %s: %w", p.machine, err)
	}
	var list struct{ Result []json.RawMessage }
	if err := json.Unmarshal(said, &list); err != nil {
		return 0, fmt.Errorf("bench: peers of %s: %w", p.machine, err)
	}
	return len(list.Result), nil
}

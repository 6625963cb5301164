package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// roleVariable tells this program in its environment that it is a node.
const roleVariable = "BENCH_ORDER_NODE"

// ready is what a node process tells once it serves: one line of JSON on stdout.
type ready struct {
	RPC   string   // host:port
	Addrs []string // for those who join by it; bedrock only
}

// process is a node in a process of its own.
type process struct {
	command *exec.Cmd
	input   io.Closer // the process ends with it
	log     string
	ready   ready
}

// startPatience bounds how long a node may take until it serves.
const startPatience = 30 * time.Second

// start runs this program as a node: its configuration is JSON on stdin, and it lives until stdin ends.
func start(role, dir string, config any) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	told, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(self), log: filepath.Join(dir, "log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.command.Env = append(os.Environ(), roleVariable+"="+role)
	p.command.Stderr = log
	input, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.input = input
	if err := p.greet(append(told, '\n'), input, output); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s node: %w\n%s", role, err, p.tail())
	}
	return p, nil
}

// greet hands over the configuration and waits for the answer.
func (p *process) greet(told []byte, input io.Writer, output io.Reader) error {
	if _, err := input.Write(told); err != nil {
		return err
	}
	answer := make(chan error, 1)
	go func() { answer <- json.NewDecoder(output).Decode(&p.ready) }()
	select {
	case err := <-answer:
		return err
	case <-time.After(startPatience):
		return fmt.Errorf("does not serve after %s", startPatience)
	}
}

// stop ends the process: it exits as soon as its stdin ends, or is killed. What it stored is not used again.
func (p *process) stop() {
	p.input.Close()
	ended := make(chan error, 1)
	go func() { ended <- p.command.Wait() }()
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
		p.command.Process.Kill()
		<-ended
	}
}

// tail is the end of the node's log.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// spent is what processes have used so far.
type spent struct {
	cpu time.Duration // user and system, of all their threads
	rss uint64        // bytes resident now
}

// ticksPerSecond is Linux's USER_HZ: the unit of CPU time in /proc, the same on every architecture Go runs on.
const ticksPerSecond = 100

// usage adds up what the kernel says of the processes.
func usage(nodes []*process) (sum spent, err error) {
	for _, p := range nodes {
		one, err := usageOf(p.command.Process.Pid)
		if err != nil {
			return sum, fmt.Errorf("a node has ended: %w\n%s", err, p.tail())
		}
		sum.cpu += one.cpu
		sum.rss += one.rss
	}
	return sum, nil
}

func usageOf(pid int) (spent, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return spent{}, err
	}
	// The name of the program, in parentheses, may hold anything; the third field follows it.
	fields := strings.Fields(string(stat)[strings.LastIndexByte(string(stat), ')')+1:])
	const utime, stime, rss = 11, 12, 21
	if len(fields) <= rss {
		return spent{}, errors.New("/proc: short stat")
	}
	var numbers [3]uint64
	for i, field := range []int{utime, stime, rss} {
		if numbers[i], err = strconv.ParseUint(fields[field], 10, 64); err != nil {
			return spent{}, err
		}
	}
	return spent{time.Duration(numbers[0]+numbers[1]) * time.Second / ticksPerSecond, numbers[2] * uint64(os.Getpagesize())}, nil
}

// profileVariable names in the environment the directory for CPU profiles of the nodes; unset: none are written.
const profileVariable = "BENCH_ORDER_PROFILES"

// profile begins a CPU profile of a node, if one is wanted; the function ends it.
func profile(role string) (func(), error) {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return func() {}, nil
	}
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", role, os.Getpid())))
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(file)
}

// serve is the whole life of a node process.
func serve(role string) error {
	input := bufio.NewReader(os.Stdin)
	told, err := input.ReadBytes('\n')
	if err != nil {
		return err
	}
	profiled, err := profile(role)
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, input) // until the generator has ended, however
		profiled()
		os.Exit(0)
	}()
	announce := func(r ready) error { return json.NewEncoder(os.Stdout).Encode(r) }
	switch role {
	case "bedrock":
		return runBedrock(told, announce)
	case "cometbft":
		return runComet(told, announce)
	}
	return fmt.Errorf("no such role: %q", role)
}

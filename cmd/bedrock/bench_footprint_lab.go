package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// The machines of the lab, by the last part of their namespaces' names.
const (
	labSwarm = "swarm"
	labLight = "light"
	labPeer  = "peer"
)

// footprintLab is three machines with public addresses, as network namespaces: one for all nodes of a network, and one for each
// program that is measured, joined to the first by a wire of its own.
type footprintLab struct {
	dir       string
	exe       string
	prefix    string // of the namespaces' names
	made      []string
	processes []*footprintProcess
}

// newFootprintLab makes the namespaces. It fails with what to do where they cannot be made.
func newFootprintLab(ctx context.Context, dir string) (_ *footprintLab, err error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("bench footprint reads /proc and counts bytes in network namespaces: run it on Linux")
	}
	if os.Getuid() != 0 {
		return nil, errors.New("bench footprint counts each program's bytes in a network namespace of its own: run it as root (without root: see bedrock bench footprint --help)")
	}
	exe, err := coldCopy(dir)
	if err != nil {
		return nil, err
	}
	l := &footprintLab{dir: dir, exe: exe, prefix: "bedrock-" + strconv.Itoa(os.Getpid()) + "-"}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	for _, name := range []string{labSwarm, labLight, labPeer} {
		if err := ip(ctx, "netns add "+l.prefix+name); err != nil {
			return nil, err
		}
		l.made = append(l.made, l.prefix+name)
		if err := ip(ctx, "-n "+l.prefix+name+" link set lo up"); err != nil {
			return nil, err
		}
	}
	for i, name := range []string{labLight, labPeer} {
		if err := l.join(ctx, name, i); err != nil {
			return nil, err
		}
	}
	for i := range footprintNodes {
		if err := ip(ctx, fmt.Sprintf("-n %s%s addr add %s/32 dev lo", l.prefix, labSwarm, swarmAddress(i))); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// coldCopy is a copy of this program's file that is on the disk and not in the kernel's cache, as after a start of the machine.
// A file that was just written lies there in pieces of 2 MiB, and Linux from 6.18 on counts each in full once a program touches it.
func coldCopy(dir string) (path string, err error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file: %w", err)
	}
	from, err := os.Open(exe)
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	defer from.Close()
	path = filepath.Join(dir, "bedrock")
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, err := io.Copy(to, from); err != nil {
		return "", fmt.Errorf("bench: copy this program: %w", err)
	}
	if err := to.Sync(); err != nil {
		return "", fmt.Errorf("bench: copy this program: %w", err)
	}
	return path, forgetFile(to)
}

// footprintNodes is how many addresses the swarm has: more than nodes.
const footprintNodes = 80

// swarmAddress is where the i-th node of the swarm listens: each in a /16 of its own, as strangers are, for nodes limit what
// comes from one neighbourhood.
func swarmAddress(i int) string { return fmt.Sprintf("45.%d.0.1", 20+i) }

// join lays a wire between a machine and the swarm's.
func (l *footprintLab) join(ctx context.Context, name string, i int) error {
	here, there := l.prefix+labSwarm, l.prefix+name
	own, far := fmt.Sprintf("46.%d.0.2", 20+i), fmt.Sprintf("46.%d.0.1", 20+i)
	for _, step := range []string{
		"link add name " + name + " netns " + here + " type veth peer name eth0 netns " + there,
		"-n " + here + " addr add " + far + "/24 dev " + name,
		"-n " + here + " link set " + name + " up",
		"-n " + there + " addr add " + own + "/24 dev eth0",
		"-n " + there + " link set eth0 up",
		"-n " + there + " route add default via " + far,
	} {
		if err := ip(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// ip runs one command of iproute2.
func ip(ctx context.Context, args string) error {
	said, err := exec.CommandContext(ctx, "ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// close stops every program of the lab and removes its namespaces.
func (l *footprintLab) close() error {
	var problems []error
	for _, p := range l.processes {
		problems = append(problems, p.stop())
	}
	for _, name := range l.made {
		problems = append(problems, ip(context.Background(), "netns delete "+name))
	}
	l.processes, l.made = nil, nil
	return errors.Join(problems...)
}

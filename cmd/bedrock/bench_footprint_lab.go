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

// The machines of the lab, by the last part of their namespaces' names; the network's other peers are on home0, home1, ...
const (
	labSwarm = "swarm"
	labLight = "light"
	labPeer  = "peer"
	labHome  = "home"
)

// footprintLab is machines with public addresses, as network namespaces: one for the core of a network, which also routes, and
// one for each other program, joined to the first by a wire of its own. Many nodes in one namespace would all seem to dial from
// one address, and nodes trust such crowds little.
type footprintLab struct {
	dir       string
	exe       string
	prefix    string // of the namespaces' names
	made      []string
	processes []*footprintProcess
}

// newFootprintLab makes the namespaces. It fails with what to do where they cannot be made.
func newFootprintLab(ctx context.Context, dir string, homes int) (_ *footprintLab, err error) {
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
	if err := l.add(ctx, labSwarm); err != nil {
		return nil, err
	}
	if err := l.inside(ctx, labSwarm, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"); err != nil {
		return nil, err
	}
	machines := []string{labLight, labPeer}
	for i := range homes {
		machines = append(machines, homeName(i))
	}
	for i, name := range machines {
		if err := errors.Join(l.add(ctx, name), l.join(ctx, name, i)); err != nil {
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

// homeName is the machine of the i-th of the network's other peers.
func homeName(i int) string { return labHome + strconv.Itoa(i) }

// add makes a machine.
func (l *footprintLab) add(ctx context.Context, name string) error {
	if err := ip(ctx, "netns add "+l.prefix+name); err != nil {
		return err
	}
	l.made = append(l.made, l.prefix+name)
	return ip(ctx, "-n "+l.prefix+name+" link set lo up")
}

// inside runs a command on a machine to its end.
func (l *footprintLab) inside(ctx context.Context, machine string, command ...string) error {
	return ip(ctx, "netns exec "+l.prefix+machine+" "+strings.Join(command, " "))
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

// footprintNodes is how many addresses the core has: one for each of its nodes.
const footprintNodes = 6

// swarmAddress is where the i-th node of the core listens: each in a /16 of its own, as strangers are, for nodes limit what
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
	for _, p := range l.processes {
		_ = p.cmd.Wait() // how it ends after a signal says nothing
	}
	for _, name := range l.made {
		problems = append(problems, ip(context.Background(), "netns delete "+name))
	}
	l.processes, l.made = nil, nil
	return errors.Join(problems...)
}

//go:build linux

package lab

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// device is the name of the TUN device in each namespace.
const device = "eth0"

// inNamespace runs f on a thread that stands in a namespace. Sockets and devices that f opens stay there.
func inNamespace(name string, f func() error) error {
	failed := make(chan error, 1)
	go func() {
		// The thread is not given back: it ends with this goroutine, so that nobody else runs on it in the wrong place.
		runtime.LockOSThread()
		file, err := os.Open("/var/run/netns/" + name)
		if err != nil {
			failed <- fmt.Errorf("namespace %s: %w", name, err)
			return
		}
		defer file.Close()
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			failed <- fmt.Errorf("namespace %s: %w", name, err)
			return
		}
		failed <- f()
	}()
	return <-failed
}

func openTun(namespace string) (*os.File, error) {
	var file *os.File
	err := inNamespace(namespace, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		request, err := unix.NewIfreq(device)
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			return fmt.Errorf("make a TUN device: %w", err)
		}
		file = os.NewFile(uintptr(fd), "tun of "+namespace)
		return nil
	})
	return file, err
}

// dialTimeout bounds a connection to a port of a host's own.
const dialTimeout = 2 * time.Second

// Dial connects to a TCP port of the host's loopback, as a program on the host would.
func (h *Host) Dial(address string) (net.Conn, error) {
	var conn net.Conn
	err := inNamespace(h.namespace, func() (err error) {
		conn, err = net.DialTimeout("tcp", address, dialTimeout)
		return err
	})
	return conn, err
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releaseFile takes the pages of the program's own file that hold just what the file does out of memory.
func releaseFile() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer smaps.Close()
	mappings, err := fileMappings(smaps, program)
	if err != nil {
		return err
	}
	var problems []error
	for _, m := range mappings {
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED); errno != 0 {
			problems = append(problems, os.NewSyscallError("madvise", errno))
		}
	}
	return errors.Join(problems...)
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// fileMappings lists the mappings of a file, from a list as in /proc/self/smaps, that may be dropped and read again: nobody can
// write to them, and none of their pages is a changed copy. A program at random addresses has such copies in what cannot be
// written to any more, and so has one with a debugger's breakpoints.
func fileMappings(smaps io.Reader, file string) ([]mapping, error) {
	var found []mapping
	var current *mapping // of the file and unwritable; nil in others
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		if fields[0] == "Anonymous:" {
			if current != nil && fields[1] == "0" {
				found = append(found, *current)
			}
			current = nil
			continue
		}
		if strings.HasSuffix(fields[0], ":") {
			continue
		}
		current = nil
		if len(fields) != 6 || fields[5] != file || strings.Contains(fields[1], "w") {
			continue
		}
		m, err := parseMapping(fields[0])
		if err != nil {
			return nil, fmt.Errorf("read the list of mappings: %w", err)
		}
		current = &m
	}
	return found, lines.Err()
}

// parseMapping reads FROM-TO in hexadecimal.
func parseMapping(text string) (mapping, error) {
	from, to, _ := strings.Cut(text, "-")
	a, err := strconv.ParseUint(from, 16, strconv.IntSize)
	b, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
	if err := errors.Join(err, err2); err != nil {
		return mapping{}, err
	}
	if b <= a {
		return mapping{}, fmt.Errorf("%s is no range", text)
	}
	return mapping{uintptr(a), uintptr(b)}, nil
}

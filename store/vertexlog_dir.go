package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// makeLogDir creates the directory and what is missing above it; each new name is durable in the directory that holds it.
func makeLogDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeLogDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("vertex log: %w", err)
	}
	return syncDirectory(parent)
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("vertex log: sync directory %s: %w", dir, err)
	}
	return nil
}

// listSegments returns the numbers of the segment files, which must run without gaps.
func listSegments(dir string) ([]uint32, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".vlog") {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	numbers := make([]uint32, len(names))
	for i, name := range names {
		number, err := strconv.ParseUint(strings.TrimSuffix(name, ".vlog"), 10, 32)
		if err != nil || number == 0 || name != segmentName(uint32(number)) {
			return nil, &CorruptLogError{File: filepath.Join(dir, name), Reason: "this is no name of a segment"}
		}
		if numbers[i] = uint32(number); i > 0 && numbers[i] != numbers[i-1]+1 {
			missing := filepath.Join(dir, segmentName(numbers[i-1]+1))
			return nil, &CorruptLogError{File: missing, Reason: "this segment is missing, later ones are there"}
		}
	}
	return numbers, nil
}

package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	runningFile = "running.json" // there while a node runs in the home
	// maxRunningBytes bounds it.
	maxRunningBytes = 4 << 10
)

// Running is what a running node tells other programs of its user: how to ask it.
type Running struct {
	PID     int       `json:"pid"`
	Role    Role      `json:"role"`
	RPC     string    `json:"rpc,omitempty"`     // host:port
	Metrics string    `json:"metrics,omitempty"` // host:port
	Since   time.Time `json:"since"`
}

// Announce leaves word in a home that a node runs there; the function it returns takes it back.
func (r Running) Announce(home string) (func() error, error) {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runningFile, err)
	}
	path := filepath.Join(home, runningFile)
	if err := os.WriteFile(path+".new", append(encoded, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("%s: %w", runningFile, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("%s: %w", runningFile, err)
	}
	return func() error {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}, nil
}

// ReadRunning reads what a node left in its home; nil if there is nothing. After a crash it may tell of a node that is gone:
// whoever asks it finds nobody there.
func ReadRunning(home string) (*Running, error) {
	path := filepath.Join(home, runningFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runningFile, err)
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, maxRunningBytes))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var r Running
	if err := json.Unmarshal(encoded, &r); err != nil {
		return nil, fmt.Errorf("%s is damaged: remove it, a running node writes it anew at its next start: %w", path, err)
	}
	return &r, nil
}

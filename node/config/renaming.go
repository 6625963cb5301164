package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/etherscale/bedrock/node/internal/durable"
)

// renameSettings writes the settings of config.toml that have old names by their new ones, line by line, so that comments and
// order stay. A file whose meaning would change, or that cannot be read, stays as it is: its old names go on being understood,
// and what is wrong with it the start says.
func renameSettings(home string) error {
	path := filepath.Join(home, File)
	before, err := ReadLayers(path)
	if err != nil || len(before.Warnings) == 0 {
		return nil
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	renamed := file
	for old, now := range oldKeys {
		line := regexp.MustCompile(`(?m)^([ \t]*)` + regexp.QuoteMeta(old) + `[ \t]*=[ \t]*"?([0-9_]+)"?`)
		renamed = line.ReplaceAllFunc(renamed, func(found []byte) []byte {
			parts := line.FindSubmatch(found)
			digits := string(regexp.MustCompile("_").ReplaceAll(parts[2], nil))
			return fmt.Appendf(nil, "%s%s = %q", parts[1], now.key, digits+now.suffix)
		})
	}
	aside := path + ".renamed"
	if err := os.WriteFile(aside, renamed, 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	after, err := ReadLayers(aside)
	if gone := os.Remove(aside); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return fmt.Errorf("write settings: %w", gone)
	}
	if err != nil || !sameValues(before, after) {
		return nil
	}
	return durable.Replace(path, renamed)
}

// sameValues compares what is set, not where it comes from.
func sameValues(a, b *Layers) bool {
	return slices.EqualFunc(a.Values(), b.Values(), func(x, y Value) bool { return slices.Equal(x.Values, y.Values) })
}

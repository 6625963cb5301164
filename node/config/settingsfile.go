package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/pelletier/go-toml/v2"
)

// ErrByHand says that a config.toml is written in a way that only its author can change.
var ErrByHand = errors.New("change it by hand")

// SetInFile changes one key of a config.toml and leaves every other line, comments too, as it is. The file is made if it is missing, and
// takes its place only after it was read again. No values: the key goes, and its default comes back.
func SetInFile(path, key string, values []string) error {
	setting, ok := settingOf(key)
	if !ok {
		return &SettingsError{fmt.Errorf("unknown key %q%s", key, Suggest(key, SettingKeys()))}
	}
	line, err := setting.line(values)
	if err != nil {
		return &SettingsError{fmt.Errorf("%s: %w", key, err)}
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read settings: %w", err)
	}
	layers, wrong := ReadLayers(path)
	if layers == nil {
		return wrong
	} // else a value is wrong, maybe the one that is set now
	fresh := path + ".new"
	if err := os.WriteFile(fresh, withLine(before, key, line), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := setting.standsIn(fresh, values); err != nil {
		_ = os.Remove(fresh)
		if wrong != nil {
			return wrong
		}
		return &SettingsError{fmt.Errorf("%s: %s cannot be set there by this command, %w: %w", path, key, ErrByHand, err)}
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// line is how config.toml says that a setting has these values, checked; empty for none.
func (s Setting) line(values []string) ([]byte, error) {
	if len(values) == 0 {
		return nil, nil
	}
	if err := s.put(new(Settings), values); err != nil {
		return nil, err
	}
	var value any = values
	switch {
	case s.Bool:
		value = values[0] == "true"
	case !s.List:
		value = values[0]
	}
	return toml.Marshal(map[string]any{s.Key: value})
}

// withLine puts a line in the place of the one where a key stands, or at the end, but before the first table.
func withLine(file []byte, key string, line []byte) []byte {
	lines := bytes.SplitAfter(file, []byte("\n"))
	if at := placeOf(file, key); at > 0 {
		return bytes.Join(slices.Replace(lines, at-1, at, line), nil)
	}
	if len(line) == 0 {
		return file
	}
	if len(file) > 0 && !bytes.HasSuffix(file, []byte("\n")) {
		file = append(slices.Clone(file), '\n')
	}
	return append(slices.Clone(file), line...)
}

// standsIn reports what is wrong if a file does not give a setting these values.
func (s Setting) standsIn(path string, values []string) error {
	l, err := ReadLayers(path)
	if err != nil {
		return err
	}
	var want Settings
	if len(values) > 0 {
		if err := s.put(&want, values); err != nil {
			return err
		}
	}
	if !slices.Equal(s.get(&l.Settings), s.get(&want)) {
		return fmt.Errorf("it would still be %q", s.get(&l.Settings))
	}
	return nil
}

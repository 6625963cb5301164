package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/etherscale/bedrock/sampling"
	"github.com/pelletier/go-toml/v2"
)

// Settings are what a user can set for a node: by flags, by BEDROCK_ variables, or in config.toml. SettingsTable describes
// each. The zero value of a field stands for its default.
type Settings struct {
	Role      Role
	Network   string // name of a network in the program, or a network file
	Profile   Profile
	RPC       string   // host:port, or "off"
	Metrics   string   // likewise
	Listen    []string // multiaddrs
	Announce  []string // multiaddrs
	Bootstrap []string // multiaddrs with /p2p/

	NoPortMapping bool
	Bandwidth     int64 // bytes a second
	Disk, Memory  int64 // bytes
	Upload        int64 // bytes a second
	RowBudget     int64 // bytes

	Checkpoint     string // HEIGHT:DIGEST
	Sampling       string // "default" or "strict"
	SamplingRate   int64  // bytes a second
	LatestAsserted bool

	PasswordFile string

	LogLevel  string
	LogFormat string
}

// Validate returns all problems joined, each naming its key.
func (s Settings) Validate() error {
	var problems []error
	for _, setting := range SettingsTable() {
		if values := setting.get(&s); values != nil {
			if err := setting.put(new(Settings), values); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", setting.Key, err))
			}
		}
	}
	return errors.Join(problems...)
}

// SettingsError says that a setting's value, or a config.toml, cannot be used as it is: who wrote it corrects it.
type SettingsError struct{ problem error }

// Error names the place and what is wrong there.
func (e *SettingsError) Error() string { return e.problem.Error() }

// Unwrap gives what is wrong.
func (e *SettingsError) Unwrap() error { return e.problem }

// Where the value of a setting comes from, lowest first.
const (
	OriginDefault = "default"
	OriginNetwork = "network file"
)

// Value is one setting with its value and where it comes from: OriginDefault, "PATH:LINE", a variable or a flag.
type Value struct {
	Key    string   `json:"key"`
	Values []string `json:"value"` // none: the default
	Words  string   `json:"-"`     // what holds where there is no value
	Origin string   `json:"origin"`
}

// Layers put settings together: the file first, then what Set adds, each over what was there.
type Layers struct {
	Settings Settings
	origins  map[string]string
	Warnings []string // of old keys
}

// ReadLayers reads config.toml. A file that is missing is an empty one.
func ReadLayers(path string) (*Layers, error) {
	l := &Layers{origins: make(map[string]string)}
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if len(file) > maxConfigBytes {
		return nil, &SettingsError{fmt.Errorf("%s has %d bytes, at most %d", path, len(file), maxConfigBytes)}
	}
	var read map[string]any
	if err := toml.NewDecoder(bytes.NewReader(file)).Decode(&read); err != nil {
		return nil, &SettingsError{fmt.Errorf("%s%s", path, tomlProblem(err))}
	}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(read)) {
		place := fmt.Sprintf("%s:%d", path, lineOf(file, key))
		if err := l.fromFile(key, read[key], place); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", place, err))
		}
	}
	if len(problems) > 0 {
		return l, &SettingsError{errors.Join(problems...)}
	}
	return l, nil
}

// maxConfigBytes bounds config.toml.
const maxConfigBytes = 1 << 20

// tomlProblem is a syntax error with its place.
func tomlProblem(err error) string {
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, column := wrong.Position()
		return fmt.Sprintf(":%d:%d: %s", line, column, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return ": " + err.Error()
}

// lineOf is the line where a top-level key stands; 1 if it cannot be told.
func lineOf(file []byte, key string) int { return max(placeOf(file, key), 1) }

// placeOf is lineOf; 0 if it cannot be told.
func placeOf(file []byte, key string) int {
	at := regexp.MustCompile(`(?m)^[ \t]*(\[[ \t]*)?["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*[=.\]]`).FindIndex(file)
	if at == nil {
		return 0
	}
	return 1 + bytes.Count(file[:at[0]], []byte("\n"))
}

func (l *Layers) fromFile(key string, value any, place string) error {
	values, err := textsOf(value)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if old, known := oldKeys[key]; known {
		return l.setOld(key, old, values, place)
	}
	return l.Set(key, values, place)
}

// setOld takes the value of an old key as the program did that wrote it: the bounds of today hold for the new one.
func (l *Layers) setOld(key string, old oldKey, values []string, place string) error {
	n, err := strconv.ParseUint(strings.Join(values, ","), 10, 32)
	if err != nil {
		return fmt.Errorf("%s: %q: want a whole number; its new name is %s", key, strings.Join(values, ","), old.key)
	}
	*old.field(&l.Settings) = int64(n) * old.unit
	l.origins[old.key] = place
	l.Warnings = append(l.Warnings, fmt.Sprintf("%s: %s is the old name of %s: write %s = \"%d%s\"", place, key, old.key, old.key, n, old.suffix))
	return nil
}

// textsOf are the texts of a TOML value.
func textsOf(value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		return []string{v}, nil
	case int64, bool:
		return []string{fmt.Sprint(v)}, nil
	case []any:
		texts := []string{}
		for _, one := range v {
			text, ok := one.(string)
			if !ok {
				return nil, fmt.Errorf("%v is no text: a list of texts is wanted", one)
			}
			texts = append(texts, text)
		}
		return texts, nil
	default:
		return nil, fmt.Errorf("%v: want a text, a whole number, true or false, or a list of texts", value)
	}
}

// Set puts a value over what is there; origin says where it comes from. An unknown key is an error that names the nearest.
func (l *Layers) Set(key string, values []string, origin string) error {
	setting, ok := settingOf(key)
	if !ok {
		return fmt.Errorf("unknown key %q%s: correct or remove it", key, Suggest(key, SettingKeys()))
	}
	if err := l.Put(setting, values, origin); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// Put is Set for a row of the table. The error does not name the setting.
func (l *Layers) Put(setting Setting, values []string, origin string) error {
	if err := setting.put(&l.Settings, values); err != nil {
		return err
	}
	l.origins[setting.Key] = origin
	return nil
}

// SetDefault is Set for a value that gives way to any that was set.
func (l *Layers) SetDefault(key string, values []string, origin string) error {
	if _, set := l.origins[key]; set {
		return nil
	}
	return l.Set(key, values, origin)
}

// IsSet reports whether a key has a value of anybody's.
func (l *Layers) IsSet(key string) bool { return l.origins[key] != "" }

// Values lists all settings in the order of the table.
func (l *Layers) Values() []Value {
	var out []Value
	for _, s := range SettingsTable() {
		v := Value{Key: s.Key, Origin: OriginDefault, Values: s.get(&l.Settings)}
		if origin, set := l.origins[s.Key]; set {
			v.Origin = origin
		}
		if v.Values == nil {
			v.Words = s.Default
			if s.Actual != nil {
				v.Words = s.Actual(&l.Settings)
			}
			v.Values = []string{}
			if v.Words != "" && !s.List {
				v.Values = []string{v.Words}
			}
		}
		out = append(out, v)
	}
	return out
}

// encode is config.toml with what differs from the defaults.
func (s Settings) encode() ([]byte, error) {
	changed := make(map[string]any)
	for _, setting := range SettingsTable() {
		values := setting.get(&s)
		switch {
		case values == nil:
		case setting.List:
			changed[setting.Key] = values
		case setting.Bool:
			changed[setting.Key] = values[0] == "true"
		default:
			changed[setting.Key] = values[0]
		}
	}
	return toml.Marshal(changed)
}

// parseSampling is the rules that a setting names.
func ParseSampling(setting string) (sampling.Rules, error) {
	switch setting {
	case "", "default":
		return sampling.Default, nil
	case "strict":
		return sampling.Strict, nil
	}
	return sampling.Rules{}, fmt.Errorf("%q: want default or strict", setting)
}

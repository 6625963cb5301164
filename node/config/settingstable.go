package config

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/types"
)

// Setting describes one thing that a user can set. Its flag is the key with - in place of _, its variable BEDROCK_ and the
// key in capitals.
type Setting struct {
	Key     string
	Group   string // Common, Network, Storage or Advanced
	Help    string // one sentence
	Default string // in words where it depends on something
	List    bool   // several values
	Bool    bool
	Actual  func(*Settings) string // the default beside these other settings; nil: Default

	put func(*Settings, []string) error
	get func(*Settings) []string // nil: the default
}

// Flag is the name of the command line's flag.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

// Variable is the name of the environment's variable.
func (s Setting) Variable() string { return VariableOf(s.Flag()) }

// VariableOf is the name of the variable that stands for a flag.
func VariableOf(flag string) string {
	return "BEDROCK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// The groups of settings, as they are shown.
const (
	groupCommon   = "Common"
	groupNetwork  = "Network"
	groupStorage  = "Storage"
	groupAdvanced = "Advanced"
)

// SettingsTable lists every setting: the one place from which flags, variables, config.toml and the reference page come.
func SettingsTable() []Setting {
	return []Setting{
		text(Setting{Key: "role", Group: groupCommon, Default: "peer", Help: "what the node does: peer, sequencer, prover, light or bootstrap"},
			func(s *Settings) *string { return (*string)(&s.Role) }, func(v string) error { _, err := ParseRole(v); return err }),
		text(Setting{Key: "network", Group: groupCommon, Default: DefaultNetwork, Help: "name of a network in the program (bedrock network list), or a network file"},
			func(s *Settings) *string { return &s.Network }, nil),
		text(Setting{Key: "profile", Group: groupCommon, Default: "home; server for sequencers, bootstrap for that role", Actual: actualProfile, Help: "machine and line to fit into: home, pi, server or bootstrap"},
			func(s *Settings) *string { return (*string)(&s.Profile) }, func(v string) error { _, err := ParseProfile(v); return err }),
		text(Setting{Key: "rpc", Group: groupCommon, Default: "127.0.0.1:8545; light 8546, bootstrap 8547", Actual: func(s *Settings) string { return DefaultRPC(s.Role) }, Help: "host:port of the JSON-RPC server, port 0 for any free, or off"},
			func(s *Settings) *string { return &s.RPC }, checkAddress),
		text(Setting{Key: "metrics", Group: groupCommon, Default: DefaultMetrics, Help: "host:port of the metrics for Prometheus, port 0 for any free, or off"},
			func(s *Settings) *string { return &s.Metrics }, checkAddress),

		list(Setting{Key: "listen", Group: groupNetwork, Default: "TCP and QUIC on port 4848 of all interfaces; any port for light clients", Actual: actualListen, Help: "multiaddr to listen on"},
			func(s *Settings) *[]string { return &s.Listen }, func(v []string) error { _, err := p2p.ParseAddrs(v); return err }),
		list(Setting{Key: "bootstrap", Group: groupNetwork, Default: "those of the network", Help: "multiaddr with /p2p/ of a node to join by"},
			func(s *Settings) *[]string { return &s.Bootstrap }, func(v []string) error { _, err := p2p.ParsePeers(v); return err }),
		list(Setting{Key: "announce", Group: groupNetwork, Default: "what the node finds out", Help: "multiaddr to tell others beside those the node finds out"},
			func(s *Settings) *[]string { return &s.Announce }, func(v []string) error { _, err := p2p.ParseAddrs(v); return err }),
		boolean(Setting{Key: "no_port_mapping", Group: groupNetwork, Default: "false", Help: "do not ask the router to forward the port (UPnP, NAT-PMP)"},
			func(s *Settings) *bool { return &s.NoPortMapping }),
		amount(Setting{Key: "bandwidth", Group: groupNetwork, Default: "by profile: home 100Mbit, pi 50Mbit, server and bootstrap 1Gbit; light clients 20Mbit", Actual: func(s *Settings) string { return formatRate(s.limits().Bandwidth) }, Help: "most that is sent and received together, as 50Mbit"},
			func(s *Settings) *int64 { return &s.Bandwidth }, parseBandwidth, formatRate),
		amount(Setting{Key: "upload", Group: groupNetwork, Default: "no bound", Help: "most that is sent to place rows at other peers, as 10Mbit: a tenth below what the line carries"},
			func(s *Settings) *int64 { return &s.Upload }, ParseUpload, formatRate),

		amount(Setting{Key: "disk", Group: groupStorage, Default: "by profile: home 20GiB, pi 8GiB, server 200GiB, bootstrap 50GiB; light clients 4GiB", Actual: func(s *Settings) string { return formatSize(s.limits().Disk) }, Help: "most disk that the node's data takes, as 20GiB"},
			func(s *Settings) *int64 { return &s.Disk }, parseDisk, formatSize),
		amount(Setting{Key: "memory", Group: groupStorage, Default: "by profile: home 1GiB, pi 512MiB, server 4GiB, bootstrap 2GiB; light clients 256MiB", Actual: func(s *Settings) string { return formatSize(s.limits().Memory) }, Help: "most memory that the node takes, as 1GiB"},
			func(s *Settings) *int64 { return &s.Memory }, parseMemory, formatSize),
		amount(Setting{Key: "row_budget", Group: groupStorage, Default: "30 % of disk", Help: "disk for rows of the network's blocks"},
			func(s *Settings) *int64 { return &s.RowBudget }, ParseRowBudget, formatSize),

		text(Setting{Key: "checkpoint", Group: groupAdvanced, Default: "that of the network", Help: "HEIGHT:DIGEST of an epoch's last header, from somebody you trust (docs/checkpoints.md)"},
			func(s *Settings) *string { return &s.Checkpoint }, func(v string) error { _, err := types.ParseCheckpoint(v); return err }),
		text(Setting{Key: "sampling", Group: groupAdvanced, Default: "default", Help: "default or strict: how sure the node makes of each block's data (docs/availability.md)"},
			func(s *Settings) *string { return &s.Sampling }, func(v string) error { _, err := ParseSampling(v); return err }),
		amount(Setting{Key: "sampling_rate", Group: groupAdvanced, Default: "524288 at light clients, no bound at others", Actual: actualSamplingRate, Help: "bytes a second that sampling may receive"},
			func(s *Settings) *int64 { return &s.SamplingRate }, parseCount, func(v int64) string { return strconv.FormatInt(v, 10) }),
		boolean(Setting{Key: "asserted", Group: groupAdvanced, Default: "false", Help: "light clients: let the tag latest stand for the newest asserted state, not the newest settled one"},
			func(s *Settings) *bool { return &s.LatestAsserted }),
		text(Setting{Key: "password_file", Group: groupAdvanced, Default: "no password, or systemd's credential bedrock-password", Help: "file with the password of the node's account on its first line, readable by you alone"},
			func(s *Settings) *string { return &s.PasswordFile }, nil),
		text(Setting{Key: "log_level", Group: groupAdvanced, Default: "info; warn for light clients", Actual: actualLogLevel, Help: "debug, info, warn or error"},
			func(s *Settings) *string { return &s.LogLevel }, oneOf("debug", "info", "warn", "error")),
		text(Setting{Key: "log_format", Group: groupAdvanced, Default: "text", Help: "text or json"},
			func(s *Settings) *string { return &s.LogFormat }, oneOf("text", "json")),
	}
}

// SettingKeys lists the keys.
func SettingKeys() []string {
	var keys []string
	for _, s := range SettingsTable() {
		keys = append(keys, s.Key)
	}
	return keys
}

func settingOf(key string) (Setting, bool) {
	table := SettingsTable()
	i := slices.IndexFunc(table, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return table[i], true
}

// oldKey is a name that config.toml had before for a whole number of units.
type oldKey struct {
	key    string // the name of today
	unit   int64
	suffix string // of the unit, as the value is written now
	field  func(*Settings) *int64
}

// oldKeys lists them all.
var oldKeys = map[string]oldKey{
	"shard_mib":   {"row_budget", 1 << 20, "MiB", func(s *Settings) *int64 { return &s.RowBudget }},
	"upload_mbit": {"upload", 1_000_000 / 8, "Mbit", func(s *Settings) *int64 { return &s.Upload }},
}

func text(s Setting, field func(*Settings) *string, check func(string) error) Setting {
	s.put = func(into *Settings, values []string) error {
		v, err := single(values)
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(v); err != nil {
				return err
			}
		}
		*field(into) = v
		return nil
	}
	s.get = func(from *Settings) []string {
		if v := *field(from); v != "" {
			return []string{v}
		}
		return nil
	}
	return s
}

func list(s Setting, field func(*Settings) *[]string, check func([]string) error) Setting {
	s.List = true
	s.put = func(into *Settings, values []string) error {
		if err := check(values); err != nil {
			return err
		}
		*field(into) = slices.Clone(values)
		return nil
	}
	s.get = func(from *Settings) []string {
		if v := *field(from); len(v) > 0 {
			return v
		}
		return nil
	}
	return s
}

func boolean(s Setting, field func(*Settings) *bool) Setting {
	s.Bool = true
	s.put = func(into *Settings, values []string) error {
		v, err := single(values)
		if err != nil {
			return err
		}
		on, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", v)
		}
		*field(into) = on
		return nil
	}
	s.get = func(from *Settings) []string {
		if *field(from) {
			return []string{"true"}
		}
		return nil
	}
	return s
}

func amount(s Setting, field func(*Settings) *int64, parse func(string) (int64, error), format func(int64) string) Setting {
	s.put = func(into *Settings, values []string) error {
		v, err := single(values)
		if err != nil {
			return err
		}
		n, err := parse(v)
		if err == nil {
			*field(into) = n
		}
		return err
	}
	s.get = func(from *Settings) []string {
		if v := *field(from); v != 0 {
			return []string{format(v)}
		}
		return nil
	}
	return s
}

func single(values []string) (string, error) {
	if len(values) != 1 {
		return "", fmt.Errorf("%d values, one is wanted", len(values))
	}
	return values[0], nil
}

// Off is what a setting of an address says that wants no server.
const Off = "off"

func checkAddress(v string) error {
	if v == Off {
		return nil
	}
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q: write it as 127.0.0.1:8545, or off", v)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: %q is no port: want a number up to 65535", v, port)
	}
	return nil
}

func oneOf(allowed ...string) func(string) error {
	return func(v string) error {
		if slices.Contains(allowed, v) {
			return nil
		}
		return fmt.Errorf("%q: choose one of %s", v, strings.Join(allowed, ", "))
	}
}

func parseCount(v string) (int64, error) {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q: want a whole number of bytes a second", v)
	}
	return n, nil
}

// SettingGroups lists the groups in the order in which they are shown.
func SettingGroups() []string {
	return []string{groupCommon, groupNetwork, groupStorage, groupAdvanced}
}

// OldSettings lists the old names of settings, each with the new one.
func OldSettings() (names [][2]string) {
	for _, old := range slices.Sorted(maps.Keys(oldKeys)) {
		names = append(names, [2]string{old, oldKeys[old].key})
	}
	return names
}

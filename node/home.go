package node

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/types"
)

// The files of a home directory.
const (
	genesisFile = "genesis.json"
	keyFile     = "node.key"
	accountFile = "account.json" // Ethereum account, a keystore file of go-ethereum's
	configFile  = "config.toml"
	dataDir     = "data"
	unusedMark  = "node.key.unused" // there until the key has signed its first vertex
)

// Settings are the values of config.toml. Only what was changed needs to stand there.
type Settings struct {
	Role      Role     `toml:"role"`
	Listen    []string `toml:"listen,omitempty"`    // multiaddrs
	Bootstrap []string `toml:"bootstrap,omitempty"` // multiaddrs with /p2p/
	RPC       string   `toml:"rpc,omitempty"`       // host:port; empty: no RPC
	// Checkpoint is HEIGHT:DIGEST of an epoch's last header; see docs/checkpoints.md.
	Checkpoint string `toml:"checkpoint,omitempty"`
	// ShardMiB is the disk for other people's rows in MiB; 0: 4096. UploadMbit paces the rows given to others, in Mbit/s, to
	// what the line can spare; 0: not at all.
	ShardMiB   uint32 `toml:"shard_mib,omitempty"`
	UploadMbit uint32 `toml:"upload_mbit,omitempty"`
	// Sampling is "default" or "strict", SamplingRate a bound in bytes a second; see docs/availability.md.
	Sampling     string `toml:"sampling,omitempty"`
	SamplingRate int64  `toml:"sampling_rate,omitempty"`
}

// Validate returns all problems joined, each naming its key.
func (s Settings) Validate() error {
	_, err := ParseRole(string(s.Role))
	_, wrong := parseCheckpoint(s.Checkpoint)
	_, unknown := parseSampling(s.Sampling)
	if s.SamplingRate < 0 {
		unknown = errors.Join(unknown, fmt.Errorf("sampling_rate %d is negative", s.SamplingRate))
	}
	return errors.Join(err, wrong, unknown)
}

// Home is an initialised home directory.
type Home struct {
	Dir      string
	Genesis  *types.Genesis
	Key      ed25519.PrivateKey
	Account  account.Key
	Settings Settings
}

// Identity are the two secret keys of a node: its own, and that of its Ethereum account. Fresh ones are drawn for nil.
type Identity struct {
	Key     ed25519.PrivateKey
	Account account.Key
}

// NewIdentity draws both keys.
func NewIdentity() (id Identity, err error) {
	if id.Key, err = NewKey(); err != nil {
		return id, fmt.Errorf("draw key: %w", err)
	}
	id.Account, err = account.NewKey()
	return id, err
}

// InitHome creates a home directory (mode 0700) with the genesis, the node's identity and the settings. It refuses a
// directory that already is a home.
func InitHome(dir string, genesis *types.Genesis, id Identity, settings Settings) (*Home, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if IsHome(dir) {
		return nil, fmt.Errorf("%s is a home already: choose another directory or remove it", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create home: %w", err)
	}
	fresh, err := NewIdentity()
	if err != nil {
		return nil, err
	}
	if id.Key == nil {
		id.Key = fresh.Key
	}
	if id.Account == nil {
		id.Account = fresh.Account
	}
	if err := MarkUnused(filepath.Join(dir, unusedMark)); err != nil {
		return nil, err
	}
	encoded, err := genesis.Encode()
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	config, err := toml.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if err := writeKey(filepath.Join(dir, keyFile), id.Key); err != nil {
		return nil, err
	}
	if err := account.SaveKey(filepath.Join(dir, accountFile), id.Account); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, configFile), config, 0o600); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	// The genesis is written last: a directory that has it is whole.
	if err := os.WriteFile(filepath.Join(dir, genesisFile), encoded, 0o600); err != nil {
		return nil, fmt.Errorf("write genesis: %w", err)
	}
	return &Home{Dir: dir, Genesis: genesis, Key: id.Key, Account: id.Account, Settings: settings}, nil
}

// IsHome reports whether a directory is an initialised home.
func IsHome(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, genesisFile))
	return err == nil
}

// LoadHome reads a home directory and checks every file in it. A home of before nodes had accounts is given one.
func LoadHome(dir string) (*Home, error) {
	file, err := os.ReadFile(filepath.Join(dir, genesisFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a bedrock home: run `bedrock init --role ROLE --genesis FILE --home %s`", dir, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	genesis, err := types.DecodeGenesis(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, genesisFile), err)
	}
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	purse, err := account.LoadOrMakeKey(filepath.Join(dir, accountFile))
	if err != nil {
		return nil, err
	}
	return &Home{Dir: dir, Genesis: genesis, Key: key, Account: purse, Settings: settings}, nil
}

// unknownKeys lists them on one line with their places.
func unknownKeys(strict *toml.StrictMissingError) string {
	words := make([]string, len(strict.Errors))
	for i, e := range strict.Errors {
		line, _ := e.Position()
		words[i] = fmt.Sprintf("key %q in line %d", strings.Join(e.Key(), "."), line)
	}
	return strings.Join(words, ", ")
}

func readSettings(path string) (Settings, error) {
	var s Settings
	file, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	dec := toml.NewDecoder(bytes.NewReader(file)).DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return s, fmt.Errorf("%s: unknown %s: correct or remove it", path, unknownKeys(strict))
		}
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

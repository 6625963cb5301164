package config

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/internal/durable"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// The files of a home directory.
const (
	genesisFile = "genesis.json"
	keyFile     = "node.key"
	accountFile = "account.json" // Ethereum account, a keystore file of go-ethereum's
	File        = "config.toml"  // only what was changed
	networkCopy = "network.json" // the network file, in homes that were made of one
	DataDir     = "data"
	UnusedMark  = "node.key.unused" // there until the key has signed its first vertex
)

// Home is an initialised home directory.
type Home struct {
	Dir     string
	Genesis *types.Genesis
	Key     ed25519.PrivateKey
	Account account.Key // nil while it is locked
	Locked  bool        // the account has a password, and Unlock was not called yet
	Secured bool        // the account has a password
	New     bool        // it was made now
	Layers  *Layers     // config.toml, and what was set over it
	Network *Network    // the file that the home was made of; nil in homes made of a genesis file
}

// Identity are the two secret keys of a node: its own, and that of its Ethereum account. Fresh ones are drawn for nil.
type Identity struct {
	Key     ed25519.PrivateKey
	Account account.Key

	restored []byte // the account's file, of a key that may have signed before; nil for others
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
	if err := os.Chmod(dir, 0o700); err != nil { // it may have been there
		return nil, fmt.Errorf("create home: %w", err)
	}
	if err := placeIdentity(dir, id); err != nil {
		return nil, err
	}
	encoded, err := genesis.Encode()
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	config, err := settings.encode()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if err := writeSettings(filepath.Join(dir, File), config); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	if err := writeLayout(dir, HomeLayout); err != nil {
		return nil, err
	}
	// The genesis is written last: a directory that has it is whole.
	if err := durable.Replace(filepath.Join(dir, genesisFile), encoded); err != nil {
		return nil, fmt.Errorf("write genesis: %w", err)
	}
	return LoadHome(dir)
}

// writeSettings writes config.toml. One that is there stays where there is nothing to write.
func writeSettings(path string, settings []byte) error {
	if _, err := os.Stat(path); err == nil && len(settings) == 0 {
		return nil
	}
	return os.WriteFile(path, settings, 0o600)
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
	if _, err := Layout(dir); err != nil {
		return nil, err
	}
	genesis, err := types.DecodeGenesis(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w, nothing was changed: %w; put the network's genesis file there again", filepath.Join(dir, genesisFile), store.ErrBroken, err)
	}
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	if err := checkHomeMode(dir); err != nil {
		return nil, err
	}
	layers, err := ReadLayers(filepath.Join(dir, File))
	if err != nil {
		return nil, err
	}
	purse, locked, err := openAccount(filepath.Join(dir, accountFile))
	if err != nil {
		return nil, err
	}
	home := &Home{Dir: dir, Genesis: genesis, Key: key, Account: purse, Locked: locked, Secured: locked, Layers: layers}
	if home.Network, err = ReadNetwork(filepath.Join(dir, networkCopy)); errors.Is(err, ErrNetworkFile) {
		return nil, fmt.Errorf("%w, nothing was changed: %w; put the network file there again, or remove it and name it with --network", store.ErrBroken, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return home, nil
	}
	return home, err
}

// openAccount opens an account that has no password, and finds out that it has one: where trying is dear, it counts as locked.
func openAccount(path string) (key account.Key, locked bool, err error) {
	if err := checkAccount(path); err != nil {
		return nil, false, err
	}
	if account.Costly(path) {
		return nil, true, nil
	}
	key, err = account.LoadOrMakeKey(path, "")
	if errors.Is(err, account.ErrPassword) {
		return nil, true, nil
	}
	return key, false, err
}

// Unlock opens the account of a home with its password.
func (h *Home) Unlock(password string) error {
	key, err := account.LoadKey(filepath.Join(h.Dir, accountFile), password)
	if err == nil {
		h.Account, h.Locked = key, false
	}
	return err
}

// SetPassword gives the account of a home another password; the account is open. An empty one is none.
func (h *Home) SetPassword(password string) error {
	err := account.ReplaceKey(filepath.Join(h.Dir, accountFile), h.Account, password)
	if err == nil {
		h.Secured = password != ""
	}
	return err
}

// checkHomeMode refuses a home that others may enter: it holds the keys.
func checkHomeMode(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("home: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fmt.Errorf("%s has mode %04o: %w; run `chmod 700 %s`", dir, mode, ErrKeyMode, dir)
	}
	return nil
}

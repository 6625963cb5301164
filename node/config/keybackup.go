package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/etherscale/bedrock/account"
)

// ErrBackup says that a backup does not hold what the home holds.
var ErrBackup = errors.New("the backup holds another key")

// KeyFiles are the two secret files of a node as they lie in a directory: a home, or a backup of one.
type KeyFiles struct {
	Dir     string
	Node    Identity // its Account is nil while it is locked
	Address [20]byte // of the account
	Locked  bool     // the account has a password
	account []byte   // the file
}

// ReadKeyFiles reads both and checks them. An account with a password stays locked until Open.
func ReadKeyFiles(dir string) (*KeyFiles, error) {
	k := &KeyFiles{Dir: dir}
	var err error
	if k.Node.Key, err = readKey(filepath.Join(dir, keyFile)); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, accountFile)
	if err := checkAccount(path); err != nil {
		return nil, err
	}
	if k.Locked = account.Costly(path); !k.Locked {
		err := k.Open("")
		if k.Locked = errors.Is(err, account.ErrPassword); err != nil && !k.Locked {
			return nil, err
		}
	}
	if k.account, err = os.ReadFile(path); err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	if k.Address, err = addressIn(k.account); err != nil {
		return nil, fmt.Errorf("%s is damaged, %w: %w", path, account.ErrDamaged, err)
	}
	return k, nil
}

// Open opens the account with its password, and checks that the file names the address of its key.
func (k *KeyFiles) Open(password string) error {
	path := filepath.Join(k.Dir, accountFile)
	key, err := account.LoadKey(path, password)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	if named, err := addressIn(file); err != nil || named != account.AddressOf(key) {
		return fmt.Errorf("%s names the address 0x%x and holds the key of 0x%x: restore it from your backup", path, named, account.AddressOf(key))
	}
	k.Node.Account, k.Locked = key, false
	return nil
}

// addressIn is the address that a keystore file names, which needs no password.
func addressIn(file []byte) (address [20]byte, err error) {
	var named struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(file, &named); err != nil {
		return address, err
	}
	return account.ParseAddress(named.Address)
}

// Same is nil if both directories hold the same keys. What is locked is compared by its address.
func (k *KeyFiles) Same(other *KeyFiles) error {
	switch {
	case !k.Node.Key.Equal(other.Node.Key):
		return fmt.Errorf("%w: %s is of node %s, %s of %s", ErrBackup, k.Dir, PublicKeyOf(k.Node.Key).PeerID(), other.Dir, PublicKeyOf(other.Node.Key).PeerID())
	case k.Address != other.Address:
		return fmt.Errorf("%w: %s has account 0x%x, %s 0x%x", ErrBackup, k.Dir, k.Address, other.Dir, other.Address)
	}
	return nil
}

// backupWords lies in a backup.
const backupWords = `Backup of the secret keys of a bedrock node.

node.key      SECRET. The node's identity. Who has it can act as this node and make it lose its bond.
account.json  SECRET. The Ethereum account of the node, a keystore file that wallets can import.

Test it:    bedrock keys verify THIS_DIRECTORY
Restore it: bedrock keys restore THIS_DIRECTORY --home DIRECTORY --network NETWORK
Never run two nodes with one key.
`

// Backup copies both files to a new directory and reads them again from there.
func (k *KeyFiles) Backup(to string) error {
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("%s is there already: choose another directory", to)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := writeKey(filepath.Join(to, keyFile), k.Node.Key); err != nil {
		return err
	}
	for name, content := range map[string][]byte{accountFile: k.account, "README.txt": []byte(backupWords)} {
		if err := os.WriteFile(filepath.Join(to, name), content, 0o600); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	back, err := ReadKeyFiles(to)
	if err != nil {
		return fmt.Errorf("backup, read again: %w", err)
	}
	if !bytes.Equal(back.account, k.account) {
		return fmt.Errorf("%w: %s was not written well", ErrBackup, filepath.Join(to, accountFile))
	}
	return k.Same(back)
}

// Restore makes a home of a network with these keys. The key counts as one that has signed before: it may have.
func (k *KeyFiles) Restore(dir string, network *Network) (*Home, error) {
	if IsHome(dir) {
		return nil, fmt.Errorf("%s is a home already: choose another directory", dir)
	}
	return makeHome(dir, network, Identity{Key: k.Node.Key, restored: k.account})
}

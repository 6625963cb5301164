package account

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
	"github.com/pbnjay/memory"
)

// Key is the secret key of an account.
type Key = *ecdsa.PrivateKey

// NewKey draws a fresh key.
func NewKey() (Key, error) {
	key, err := ecdsa.GenerateKey(crypto.S256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw account: %w", err)
	}
	return key, nil
}

// DeriveKey is the key that belongs to a secret, for development networks whose members are known by one seed each.
func DeriveKey(secret []byte) (Key, error) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("bedrock/account"), secret))
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	return key, nil
}

// AddressOf is the address of a key's account.
func AddressOf(key Key) [20]byte { return crypto.PubkeyToAddress(key.PublicKey) }

// ParseAddress reads an address of 40 hex digits, with or without 0x.
func ParseAddress(text string) ([20]byte, error) {
	if !common.IsHexAddress(text) {
		return [20]byte{}, fmt.Errorf("%q is no address: want 40 hex digits", text)
	}
	return common.HexToAddress(text), nil
}

// ErrPassword says that a keystore file has another password than the one that was given.
var ErrPassword = errors.New("the account's password is missing or wrong")

// ErrDamaged says that an account's file holds no key that can be opened, with any password.
var ErrDamaged = errors.New("restore it from your backup")

// SaveKey writes the key as a go-ethereum keystore file (version 3) without password that only the owner can read. It never
// overwrites. A node that starts alone needs no password: the file's mode protects the key as it does the node's own, and
// every wallet can import it.
func SaveKey(path string, key Key) error {
	encoded, err := EncryptKey(key, "")
	if err != nil {
		return err
	}
	return writeNew(path, encoded)
}

func writeNew(path string, encoded []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	_, err = file.Write(encoded)
	return errors.Join(err, file.Sync(), file.Close())
}

// smallMemory is the machine's memory in bytes below which guessing a password is made no harder than 4 MiB and some
// milliseconds a guess: the usual 256 MiB would not fit beside a node.
const smallMemory = 2 << 30

// EncryptKey is the keystore file of a key. The cost of scrypt is the light one where a password is empty, as nothing is gained,
// and on small machines.
func EncryptKey(key Key, password string) ([]byte, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("encrypt account: %w", err)
	}
	n, p := keystore.StandardScryptN, keystore.StandardScryptP
	if password == "" || memory.TotalMemory() < smallMemory {
		n, p = keystore.LightScryptN, keystore.LightScryptP
	}
	encoded, err := keystore.EncryptKey(&keystore.Key{Id: id, Address: AddressOf(key), PrivateKey: key}, password, n, p)
	if err != nil {
		return nil, fmt.Errorf("encrypt account: %w", err)
	}
	return append(encoded, '\n'), nil
}

// DecryptKey opens a keystore file. The error is ErrPassword if only the password is wrong.
func DecryptKey(file []byte, password string) (Key, error) {
	key, err := keystore.DecryptKey(file, password)
	switch {
	case errors.Is(err, keystore.ErrDecrypt):
		return nil, ErrPassword
	case err != nil:
		return nil, fmt.Errorf("no keystore file of version 3, as geth, clef or a wallet's export make it: %w", err)
	}
	return key.PrivateKey, nil
}

// maxFileBytes bounds a keystore file; one has some 500 bytes.
const maxFileBytes = 64 << 10

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	if info.Size() > maxFileBytes {
		return nil, fmt.Errorf("%s has %d bytes, at most %d: %w", path, info.Size(), maxFileBytes, ErrDamaged)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return file, nil
}

// LoadKey reads a key file. The error wraps fs.ErrNotExist if there is none, and ErrPassword if it has another password.
func LoadKey(path, password string) (Key, error) {
	file, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	key, err := DecryptKey(file, password)
	switch {
	case errors.Is(err, ErrPassword):
		return nil, fmt.Errorf("%s: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("%s is damaged, %w: %w", path, ErrDamaged, err)
	}
	return key, nil
}

// Costly reports whether opening a key file takes a second and 256 MiB: then a password is to be tried only if it is likely to be
// the right one. What cannot be read is not costly.
func Costly(path string) bool {
	file, err := readBounded(path)
	if err != nil {
		return false
	}
	var named struct {
		Crypto struct {
			Params struct {
				N int `json:"n"`
			} `json:"kdfparams"`
		} `json:"crypto"`
	}
	return json.Unmarshal(file, &named) == nil && named.Crypto.Params.N > keystore.LightScryptN
}

// LoadOrMakeKey is LoadKey, or a fresh key without password where there is no file yet.
func LoadOrMakeKey(path, password string) (Key, error) {
	key, err := LoadKey(path, password)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = NewKey(); err != nil {
		return nil, err
	}
	return key, SaveKey(path, key)
}

// ReplaceKey writes the key's file anew, with another password. The new file takes the old one's place only after it was read
// back and opened.
func ReplaceKey(path string, key Key, password string) error {
	encoded, err := EncryptKey(key, password)
	if err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a change that was cut off
		return fmt.Errorf("write account: %w", err)
	}
	if err := writeNew(fresh, encoded); err != nil {
		return err
	}
	again, err := LoadKey(fresh, password)
	if err != nil {
		return fmt.Errorf("the new file cannot be opened again, the old one stays: %w", err)
	}
	if !again.Equal(key) {
		return fmt.Errorf("%s holds another key than was written: the old file stays", fresh)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	return nil
}

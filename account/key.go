package account

import (
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
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

// SaveKey writes the key as a go-ethereum keystore file (version 3) that only the owner can read. It never overwrites. The
// password is empty: a password would lie beside the file, as the node must start alone; the file's mode protects the key
// as it does the node's own, and every wallet can import it.
func SaveKey(path string, key Key) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	encoded, err := keystore.EncryptKey(&keystore.Key{Id: id, Address: AddressOf(key), PrivateKey: key}, "", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	_, err = file.Write(append(encoded, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// LoadKey reads a key file. The error wraps fs.ErrNotExist if there is none.
func LoadKey(path string) (Key, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	key, err := keystore.DecryptKey(file, "")
	if err != nil {
		return nil, fmt.Errorf("%s is not a keystore file with an empty password: restore it from your backup (%w)", path, err)
	}
	return key.PrivateKey, nil
}

// LoadOrMakeKey is LoadKey, or a fresh key where there is no file yet.
func LoadOrMakeKey(path string) (Key, error) {
	key, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = NewKey(); err != nil {
		return nil, err
	}
	return key, SaveKey(path, key)
}

package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/store"
)

// MakeHome makes the home of a node of a network, with fresh keys and no settings. It makes the directories above it too.
func MakeHome(dir string, network *Network) (*Home, error) { return makeHome(dir, network, Identity{}) }

func makeHome(dir string, network *Network, id Identity) (*Home, error) {
	home, err := fillHome(dir, network, id)
	if refused := store.NotWritable(dir, err); refused != nil {
		return nil, refused
	}
	return home, err
}

func fillHome(dir string, network *Network, id Identity) (*Home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("home: %w", err)
	}
	release, err := holdHome(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	if id.Key == nil && IsHome(dir) { // made by another process while this one waited
		return LoadHome(dir)
	}
	if err := network.Write(filepath.Join(dir, networkCopy)); err != nil {
		return nil, err
	}
	home, err := InitHome(dir, network.Genesis, id, Settings{})
	if home != nil {
		home.New = true
	}
	return home, err
}

// makingFile lies in a directory while it is made a home: two programs that start at once would draw two keys.
const makingFile = ".making"

// holdHome waits until nobody else makes a home of the directory.
func holdHome(dir string) (release func(), err error) {
	path := filepath.Join(dir, makingFile)
	lock := flock.New(path)
	if err := lock.Lock(); err != nil {
		return nil, fmt.Errorf("home: %w", err)
	}
	return func() {
		_ = os.Remove(path) // who waits for it finds a whole home
		_ = lock.Unlock()
	}, nil
}

// placeIdentity writes both secrets of a new home, drawing those that are not given. What a start drew that was cut off before the
// home was whole is kept: the key with its mark, which was written before it.
func placeIdentity(dir string, id Identity) error {
	path := filepath.Join(dir, keyFile)
	if _, err := os.Stat(path); err == nil && id.Key == nil {
		if _, err := readKey(path); err != nil {
			return err
		}
		_, err := account.LoadOrMakeKey(filepath.Join(dir, accountFile), "")
		if errors.Is(err, account.ErrPassword) {
			err = nil
		}
		return err
	}
	fresh, err := NewIdentity()
	if err != nil {
		return err
	}
	if id.Key == nil {
		id.Key = fresh.Key
	}
	if id.Account == nil {
		id.Account = fresh.Account
	}
	if id.restored == nil {
		if err := MarkUnused(filepath.Join(dir, UnusedMark)); err != nil {
			return err
		}
	}
	if err := writeKey(path, id.Key); err != nil {
		return err
	}
	return saveAccount(filepath.Join(dir, accountFile), id)
}

func saveAccount(path string, id Identity) error {
	if id.restored == nil {
		return account.SaveKey(path, id.Account)
	}
	if err := os.WriteFile(path, id.restored, 0o600); err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	return nil
}

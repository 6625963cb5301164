package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/etherscale/bedrock/types"
)

// ErrKeyMode says that others could read the node's secret key.
var ErrKeyMode = errors.New("secret key is readable by others")

// ErrNoKey says that the node's secret key is missing or damaged.
var ErrNoKey = errors.New("no key of the node")

// PublicKeyOf is the identity that belongs to the secret key.
func PublicKeyOf(key ed25519.PrivateKey) types.PublicKey {
	return types.PublicKey(key.Public().(ed25519.PublicKey))
}

// NewKey draws a fresh identity.
func NewKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// writeKey stores the key's 32-byte seed as hex in a file that only the owner can read. It never overwrites.
func writeKey(path string, key ed25519.PrivateKey) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	_, err = file.WriteString(hex.EncodeToString(key.Seed()) + "\n")
	return errors.Join(err, file.Sync(), file.Close())
}

// maxKeyBytes bounds a key file: 64 digits and what an editor adds.
const maxKeyBytes = 1 << 10

// readKey loads a key file that checkSecret lets pass.
func readKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s: restore it from your backup", ErrNoKey, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if err := checkSecret(path, info); err != nil {
		return nil, err
	}
	if info.Size() > maxKeyBytes {
		return nil, fmt.Errorf("%w: %s has %d bytes, want 64 hex digits: restore it from your backup", ErrNoKey, path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: %s is not a key file (want 64 hex digits): restore it from your backup", ErrNoKey, path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// checkSecret refuses a file with a secret that others could read, or that another user owns and may change.
func checkSecret(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fmt.Errorf("%s has mode %04o: %w; run `chmod 600 %s`", path, mode, ErrKeyMode, path)
	}
	if uid, foreign := ownerOf(info); foreign {
		return fmt.Errorf("%s belongs to user %d: %w; run `chown %d %s`", path, uid, ErrKeyMode, os.Geteuid(), path)
	}
	return nil
}

// checkAccount is checkSecret for the file of an account; one that is not there is nobody's secret.
func checkAccount(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	return checkSecret(path, info)
}

// MarkUnused writes the file that says that a fresh key has never signed a vertex.
func MarkUnused(path string) error {
	if err := os.WriteFile(path, []byte("This key has not signed a vertex yet. Do not restore this file from a copy.\n"), 0o600); err != nil {
		return fmt.Errorf("mark key as unused: %w", err)
	}
	return nil
}

// isUnused reports whether the mark is there.
func IsUnused(mark string) bool {
	_, err := os.Stat(mark)
	return mark != "" && err == nil
}

// removeUnused removes the mark for good: when it returns nil, no power cut brings it back.
func RemoveUnused(mark string) error {
	if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the mark of an unused key: %w", err)
	}
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	dir, err := os.Open(filepath.Dir(mark))
	if err != nil {
		return fmt.Errorf("remove the mark of an unused key: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

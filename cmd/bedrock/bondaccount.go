package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node"
)

// maxKeystoreBytes bounds a keystore or password file; the first has some 500 bytes.
const maxKeystoreBytes = 64 << 10

// accountFlags name the Ethereum account that sends a transaction. No secret stands on a command line.
type accountFlags struct {
	keystore string
	password string
}

func (f *accountFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.keystore, "keystore", "", "keystore file (version 3) of the account that sends the transaction")
	cmd.Flags().StringVar(&f.password, "password-file", "", "file with the keystore's password on its first line, readable by you alone")
	_ = cmd.MarkFlagRequired("keystore")
	_ = cmd.MarkFlagRequired("password-file")
}

// unlock decrypts the account.
func (f *accountFlags) unlock() (*keystore.Key, error) {
	encrypted, err := readSecret("--keystore", f.keystore)
	if err != nil {
		return nil, err
	}
	text, err := readSecret("--password-file", f.password)
	if err != nil {
		return nil, err
	}
	password, _, _ := strings.Cut(string(text), "\n")
	key, err := keystore.DecryptKey(encrypted, strings.TrimSuffix(password, "\r"))
	if errors.Is(err, keystore.ErrDecrypt) {
		return nil, fmt.Errorf("the first line of %s is not the password of %s", f.password, f.keystore)
	}
	if err != nil {
		return nil, fmt.Errorf("--keystore %s is no keystore file of version 3 (as geth, clef or a wallet's export make it): %w", f.keystore, err)
	}
	return key, nil
}

// readSecret reads a file that only its owner may read.
func readSecret(flag, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &exitError{exitUsage, fmt.Errorf("%s %s: no such file", flag, path)}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s %s has mode %04o: %w; run `chmod 600 %s`", flag, path, mode, node.ErrKeyMode, path)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeystoreBytes {
		return nil, &exitError{exitUsage, fmt.Errorf("%s %s: want a file of at most %d bytes", flag, path, maxKeystoreBytes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return data, nil
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/config"
)

// maxKeystoreBytes bounds a keystore or password file; the first has some 500 bytes.
const maxKeystoreBytes = 64 << 10

// accountFlags name the Ethereum account that sends a transaction: that of a home, unless a keystore file is given. No secret
// stands on a command line.
type accountFlags struct {
	home     string
	keystore string
	password string
}

func (f *accountFlags) add(cmd *cobra.Command, home string) {
	cmd.Flags().StringVar(&f.home, "home", "", home)
	cmd.Flags().StringVar(&f.keystore, "keystore", "", "keystore file (version 3) of the account that sends the transaction; default: the home's own account")
	cmd.Flags().StringVar(&f.password, "password-file", "", "file with the account's password on its first line, readable by you alone; default: no password")
}

// unlock finds the account's key. home is nil where none was given.
func (f *accountFlags) unlock(home *config.Home) (account.Key, error) {
	if f.keystore == "" && home == nil {
		return nil, &exitError{exitUsage, errors.New("name the account that sends the transaction: --home DIR for a node's own, or --keystore FILE")}
	}
	if f.keystore == "" {
		return f.ofHome(home)
	}
	encrypted, err := readSecret("--keystore", f.keystore)
	if err != nil {
		return nil, err
	}
	key, err := account.DecryptKey(encrypted, "")
	from := ""
	if errors.Is(err, account.ErrPassword) {
		var password string
		if password, from, err = findPassword("--password-file", f.password, "Password of "+f.keystore); err != nil {
			return nil, err
		}
		key, err = account.DecryptKey(encrypted, password)
	}
	switch {
	case errors.Is(err, account.ErrPassword) && from == "":
		return nil, fmt.Errorf("%w: %s has a password: give --password-file", err, f.keystore)
	case errors.Is(err, account.ErrPassword):
		return nil, fmt.Errorf("%w: the first line of %s is not that of %s", err, from, f.keystore)
	case err != nil:
		return nil, fmt.Errorf("--keystore %s: %w", f.keystore, err)
	}
	return key, nil
}

// ofHome opens the home's own account.
func (f *accountFlags) ofHome(home *config.Home) (account.Key, error) {
	if !home.Locked && f.password != "" {
		return nil, &exitError{exitUsage, fmt.Errorf("--password-file: the account in %s has no password; for another account name --keystore, too", home.Dir)}
	}
	if err := unlock(home, "--password-file", f.password); err != nil {
		return nil, err
	}
	return home.Account, nil
}

// load reads the home, if one was given.
func (f *accountFlags) load() (*config.Home, error) {
	if f.home == "" {
		return nil, nil
	}
	return config.LoadHome(f.home)
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
		return nil, fmt.Errorf("%s %s has mode %04o: %w; run `chmod 600 %s`", flag, path, mode, config.ErrKeyMode, path)
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

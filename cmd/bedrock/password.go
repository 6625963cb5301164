package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/config"
)

// credentialName is what systemd's LoadCredential has to call the password of a node's account.
const credentialName = "bedrock-password"

// findPassword finds a password: in the file that is named, else in systemd's credentials, else on the terminal. from says where
// it was; empty if there is none anywhere. flag is the name of the option that named the file.
func findPassword(flag, file, prompt string) (password, from string, err error) {
	if file != "" {
		text, err := readSecret(flag, file)
		return firstLine(text), file, err
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		path := filepath.Join(dir, credentialName)
		if text, err := os.ReadFile(path); err == nil { // systemd guards its directory itself
			return firstLine(text), path, nil
		}
	}
	if prompt == "" || !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", "", nil
	}
	fmt.Fprint(os.Stderr, prompt+": ")
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", "", fmt.Errorf("read password: %w", err)
	}
	return string(text), "the terminal", nil
}

// firstLine is the first line of a password file, without its end.
func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r")
}

// unlock opens the account of a home if it has a password.
func unlock(home *config.Home, flag, file string) error {
	if !home.Locked {
		return nil
	}
	password, from, err := findPassword(flag, file, "Password of the account in "+home.Dir)
	if err != nil {
		return err
	}
	if from == "" {
		if home.Unlock("") == nil {
			return nil
		}
		return fmt.Errorf("%w: the account in %s has one: give --password-file FILE", account.ErrPassword, home.Dir)
	}
	if err := home.Unlock(password); err != nil {
		return fmt.Errorf("the password from %s: %w", from, err)
	}
	return nil
}

// protectNew gives the account of a new home the password that is named for it, if one is.
func protectNew(cmd *cobra.Command, home *config.Home) error {
	password, from, err := findPassword("--password-file", home.Layers.Settings.PasswordFile, "")
	if err != nil || from == "" {
		return err
	}
	if password == "" {
		return &exitError{exitSecret, fmt.Errorf("%s has an empty first line: write the password there, or name no file", from)}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "the new account has the password of %s\n", from)
	return home.SetPassword(password)
}

// newPassword finds the password that an account is to have, from a file or twice from the terminal.
func newPassword(file string) (string, error) {
	if file != "" {
		text, err := readSecret("--new-password-file", file)
		if err != nil {
			return "", err
		}
		if firstLine(text) == "" {
			return "", &exitError{exitSecret, fmt.Errorf("--new-password-file %s has an empty first line; to take the password away give --remove", file)}
		}
		return firstLine(text), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", &exitError{exitUsage, errors.New("give --new-password-file FILE, or run this in a terminal to be asked")}
	}
	var twice [2]string
	for i, prompt := range []string{"New password: ", "Once more: "} {
		fmt.Fprint(os.Stderr, prompt)
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		twice[i] = string(text)
	}
	if twice[0] != twice[1] || twice[0] == "" {
		return "", &exitError{exitSecret, errors.New("the two are not the same, or empty: nothing was changed")}
	}
	return twice[0], nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/config"
)

func newKeysCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "keys", Short: "Show, back up, test and protect the secret keys of a node"})
	cmd.AddCommand(newKeysShowCommand(), newKeysBackupCommand(), newKeysVerifyCommand(), newKeysRestoreCommand(), newKeysPasswordCommand())
	return cmd
}

// keysFlags name a home and, for an account with one, its password.
type keysFlags struct {
	home, network, password string
	json                    bool
}

func (f *keysFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.home, "home", "", "directory of the node; default: that of the network in the user's data directory")
	cmd.Flags().StringVar(&f.network, "network", "", "name of a network in the program, or a network file")
	cmd.Flags().StringVar(&f.password, "password-file", "", "file with the account's password on its first line, readable by you alone")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON in a versioned envelope")
}

// open opens the account of keys that were read, if it has a password. It reports whether it has one.
func (f *keysFlags) open(keys *config.KeyFiles) (protected bool, err error) {
	if !keys.Locked {
		return false, nil
	}
	password, from, err := findPassword("--password-file", f.password, "Password of the account in "+keys.Dir)
	if err != nil {
		return true, err
	}
	err = keys.Open(password)
	switch {
	case err == nil:
		return password != "", nil
	case from == "":
		return true, fmt.Errorf("%w: the account in %s cannot be tested without it: give --password-file FILE", account.ErrPassword, keys.Dir)
	default:
		return true, fmt.Errorf("the password from %s: %w", from, err)
	}
}

// shownKeys is what `keys show` and `keys verify` print.
type shownKeys struct {
	Dir       string `json:"dir"`
	PeerID    string `json:"peerId"`
	PublicKey string `json:"publicKey"`
	Account   string `json:"account"`
	Password  bool   `json:"password"` // the account has one
	Opened    bool   `json:"opened"`   // both secrets were read and fit what is public of them
}

func showKeys(k *config.KeyFiles, password bool) shownKeys {
	public := config.PublicKeyOf(k.Node.Key)
	return shownKeys{Dir: k.Dir, PeerID: public.PeerID(), PublicKey: fmt.Sprintf("0x%x", public[:]), Account: fmt.Sprintf("0x%x", k.Address), Password: password, Opened: !k.Locked}
}

func newKeysShowCommand() *cobra.Command {
	var f keysFlags
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Say which keys a node has, which files hold them, and what each is good for; no secret is printed",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := homeToRead(cmd, f.home)
			if err != nil {
				return err
			}
			keys, err := config.ReadKeyFiles(dir)
			if err != nil {
				return err
			}
			shown := showKeys(keys, keys.Locked)
			if f.json {
				return printJSON(cmd.OutOrStdout(), "keys", shown)
			}
			printKeys(cmd.OutOrStdout(), shown)
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

func printKeys(out io.Writer, k shownKeys) {
	guard := "no password: the file's mode alone protects it; `bedrock keys password` sets one"
	if k.Password {
		guard = "protected by a password"
	}
	fmt.Fprintf(out, "%s\n", k.Dir)
	fmt.Fprintf(out, "  node.key      SECRET, readable by you alone. The node's identity; of a sequencer or prover: what its bond stands for.\n")
	fmt.Fprintf(out, "                peer %s\n                public key %s\n", k.PeerID, k.PublicKey)
	fmt.Fprintf(out, "  account.json  SECRET, %s.\n", guard)
	fmt.Fprintf(out, "                account %s, a keystore file that wallets can import\n", k.Account)
	fmt.Fprintf(out, "  all other files are public, or can be fetched again\n")
}

func newKeysBackupCommand() *cobra.Command {
	var f keysFlags
	var to string
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy both keys to a new directory, and read them again from there",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := homeToRead(cmd, f.home)
			if err != nil {
				return err
			}
			keys, err := config.ReadKeyFiles(dir)
			if err != nil {
				return err
			}
			if err := keys.Backup(to); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if f.json {
				return printJSON(out, "backup", map[string]string{"dir": to})
			}
			fmt.Fprintf(out, "%s holds the keys of %s: keep it where only you can read it\nnext: bedrock keys verify %s --home %s\n", to, keys.Dir, to, keys.Dir)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&to, "out", "", "directory to make")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func newKeysVerifyCommand() *cobra.Command {
	var f keysFlags
	cmd := &cobra.Command{
		Use:   "verify [BACKUP]",
		Short: "Open a node's keys, or a backup of them, and check that they are whole; a backup is compared with the home",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, protected, err := f.verify(cmd, args)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if f.json {
				return printJSON(out, "keys", showKeys(keys, protected))
			}
			fmt.Fprintf(out, "%s is whole: node %s, account 0x%x\n", keys.Dir, config.PublicKeyOf(keys.Node.Key).PeerID(), keys.Address)
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

// verify opens the keys of a home or of a backup. A backup is compared with the home where one is named.
func (f *keysFlags) verify(cmd *cobra.Command, args []string) (keys *config.KeyFiles, protected bool, err error) {
	dir := ""
	if len(args) > 0 {
		dir = args[0]
	} else if dir, err = homeToRead(cmd, f.home); err != nil {
		return nil, false, err
	}
	if keys, err = config.ReadKeyFiles(dir); err != nil {
		return nil, false, err
	}
	if protected, err = f.open(keys); err != nil || len(args) == 0 || f.home == "" {
		return keys, protected, err
	}
	home, err := config.ReadKeyFiles(f.home)
	if err != nil {
		return nil, false, err
	}
	if err := keys.Same(home); err != nil {
		return nil, false, &exitError{exitNegative, err}
	}
	return keys, protected, nil
}

func newKeysRestoreCommand() *cobra.Command {
	var f keysFlags
	cmd := &cobra.Command{
		Use:   "restore BACKUP",
		Short: "Make a home of a backup's keys",
		Long: "Makes a home of a network with the keys of a backup. Be sure that no other node runs with them: a sequencer that signs in two\n" +
			"places loses its bond.",
		Args: oneArg("the directory of the backup"),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := config.ReadKeyFiles(args[0])
			if err != nil {
				return err
			}
			network, err := findNetwork(f.network)
			if err != nil {
				return err
			}
			dir := f.home
			if dir == "" {
				if dir, err = config.DefaultHome(network); err != nil {
					return err
				}
			}
			if _, err := keys.Restore(dir, network.Network); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if f.json {
				return printJSON(out, "keys", showKeys(keys, keys.Locked))
			}
			fmt.Fprintf(out, "%s is the home of node %s\nnext: bedrock run --home %s\n", dir, config.PublicKeyOf(keys.Node.Key).PeerID(), dir)
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

func newKeysPasswordCommand() *cobra.Command {
	var f keysFlags
	var fresh string
	var remove bool
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Give the account in a home a password, another one, or none",
		Long: "Changes the password of account.json. The old one is read from --password-file or asked for, the new one from\n" +
			"--new-password-file or asked for. A node with a password needs `--password-file` at each start, or systemd's credential\n" +
			"bedrock-password. node.key has no password: the node must start alone, and the file's mode protects it.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if remove && fresh != "" {
				return &exitError{exitUsage, errors.New("--remove and --new-password-file: choose one")}
			}
			dir, err := homeToRead(cmd, f.home)
			if err != nil {
				return err
			}
			home, err := config.LoadHome(dir)
			if err != nil {
				return err
			}
			if err := unlock(home, "--password-file", f.password); err != nil {
				return err
			}
			return changePassword(cmd, home, fresh, remove, f.json)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&fresh, "new-password-file", "", "file with the new password on its first line, readable by you alone")
	cmd.Flags().BoolVar(&remove, "remove", false, "take the password away")
	return cmd
}

func changePassword(cmd *cobra.Command, home *config.Home, file string, remove, asJSON bool) error {
	password := ""
	if !remove {
		var err error
		if password, err = newPassword(file); err != nil {
			return err
		}
	}
	if err := home.SetPassword(password); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, "password", map[string]bool{"password": !remove})
	}
	said := "has its new password; a backup made before has the old one"
	if remove {
		said = "has no password now: the file's mode alone protects it"
	}
	_, err := fmt.Fprintf(out, "the account in %s %s\n", home.Dir, said)
	return err
}

// homeToRead is the home that a verb means which only reads it: the one named, that of the network named, the only one that there
// is, or that of the default network.
func homeToRead(cmd *cobra.Command, dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	named, err := cmd.Flags().GetString("network")
	if err != nil {
		return "", err
	}
	if homes := defaultHomes(); named == "" && len(homes) == 1 {
		return homes[0], nil
	}
	network, err := findNetwork(named)
	if err != nil {
		return "", err
	}
	if dir, err = config.DefaultHome(network); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "genesis.json")); err != nil {
		return "", &exitError{exitUsage, fmt.Errorf("there is no home of network %s yet: `bedrock run` or `bedrock light` makes one; of another directory: --home DIR", network.Name)}
	}
	return dir, nil
}

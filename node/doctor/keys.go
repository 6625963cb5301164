package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
)

// checkKeys looks at who may read the node's secrets, and whether they are there.
func checkKeys(_ context.Context, p *Patient) Finding {
	if !p.exists() {
		return pass("no home yet at %s: its keys are made at the first start", p.Home)
	}
	if f, open := openSecrets(p.Home); open {
		return f
	}
	keys, err := config.ReadKeyFiles(p.Home)
	switch {
	case err == nil && keys.Locked:
		return pass("only this user reads the keys in %s; the account has a password", p.Home)
	case err == nil:
		return pass("only this user reads the keys in %s", p.Home)
	case errors.Is(err, config.ErrKeyMode): // of another user
		return fail(sentence(err), "ls -l "+p.Home)
	}
	f := fail(sentence(err), "bedrock keys restore BACKUP --home NEW_DIRECTORY --network NETWORK")
	f.Code = health.LostKey
	return f
}

// openSecrets reports which of the home and its secrets others may read, if any.
func openSecrets(home string) (f Finding, found bool) {
	if runtime.GOOS == "windows" { // it keeps users' files apart by itself
		return f, false
	}
	var open, commands []string
	for _, path := range append([]string{home}, config.SecretFiles(home)...) {
		info, err := os.Stat(path)
		if err != nil {
			continue // said by who reads it
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			open = append(open, fmt.Sprintf("%s has mode %04o", path, mode))
			commands = append(commands, fmt.Sprintf("chmod %o %s", ownerOnly(info.Mode()), path))
		}
	}
	if len(open) == 0 {
		return f, false
	}
	return fail("others may read the keys: "+strings.Join(open, ", "), strings.Join(commands, "; ")), true
}

func ownerOnly(mode fs.FileMode) fs.FileMode {
	if mode.IsDir() {
		return 0o700
	}
	return 0o600
}

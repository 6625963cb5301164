package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/etherscale/bedrock/node/config"
)

// checkKeys looks at who may read the node's secrets.
func checkKeys(_ context.Context, p *Patient) Finding {
	if !p.exists() {
		return pass("no home yet at %s: its keys are made at the first start", p.Home)
	}
	if runtime.GOOS == "windows" {
		return pass("this system keeps users' files apart by itself")
	}
	var open, commands []string
	secrets := config.SecretFiles(p.Home)
	for _, path := range append([]string{p.Home}, secrets...) {
		info, err := os.Stat(path)
		if err != nil {
			if path == secrets[0] {
				return fail(fmt.Sprintf("the node's key %s cannot be read: %s", path, sentence(err)), "ls -l "+p.Home)
			}
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			open = append(open, fmt.Sprintf("%s has mode %04o", path, mode))
			commands = append(commands, fmt.Sprintf("chmod %o %s", ownerOnly(info.Mode()), path))
		}
	}
	if len(open) > 0 {
		return fail("others may read the keys: "+strings.Join(open, ", "), strings.Join(commands, "; "))
	}
	return pass("only this user reads the keys in %s", p.Home)
}

func ownerOnly(mode fs.FileMode) fs.FileMode {
	if mode.IsDir() {
		return 0o700
	}
	return 0o600
}

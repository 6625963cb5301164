package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/etherscale/bedrock/store"
)

// checkDatabase asks the running node, or opens the database as it is, without changing it.
func checkDatabase(_ context.Context, p *Patient) Finding {
	if s, err := p.status(); err == nil {
		return pass("in use by the running node, which answers from it (block %d)", s.Certified)
	}
	dir := filepath.Join(p.config.Data, "store")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return pass("none yet: it is made at the first start")
	}
	return judgeDatabase(dir, openDatabase(p, dir))
}

// openDatabase opens the database, read-only, and closes it.
func openDatabase(p *Patient, dir string) error {
	network, err := p.config.Genesis.NetworkID()
	if err != nil {
		return err
	}
	db, err := store.Open(dir, store.Options{Network: network, ReadOnly: true})
	if err != nil {
		return err
	}
	return db.Close()
}

func judgeDatabase(dir string, err error) Finding {
	switch {
	case err == nil:
		return pass("%s opens", dir)
	case errors.Is(err, store.ErrInUse):
		return warn(fmt.Sprintf("%s is in use by a node that does not answer", dir), "bedrock status")
	case errors.Is(err, store.ErrNotWritable):
		return fail(sentence(err), "findmnt -T "+dir+"; ls -ld "+dir)
	case errors.Is(err, store.ErrVersion):
		return fail(sentence(err), "install the newest release")
	case errors.Is(err, store.ErrOtherNetwork):
		return fail(sentence(err), "bedrock network list")
	default:
		return fail(sentence(err), fmt.Sprintf("mv %s %s.broken   # the node fetches the blocks again", dir, dir))
	}
}

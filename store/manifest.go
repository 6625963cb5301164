package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/etherscale/bedrock/types"
)

// Schema is the version of the directory's layout that this program writes. Migrations only go forward.
const Schema = 1

const (
	manifestName     = "bedrock.json"
	maxManifestBytes = 4 << 10
)

// Manifest says what a data directory holds.
type Manifest struct {
	Schema  int        `json:"schema"`
	Network types.Hash `json:"network"`
}

// ReadManifest reads the manifest of a data directory without locking or changing it. The error wraps os.ErrNotExist if
// there is none, or ErrBroken.
func ReadManifest(dir string) (Manifest, error) { return readManifest(vfs.Default, dir) }

func readManifest(fs vfs.FS, dir string) (Manifest, error) {
	file, err := fs.Open(fs.PathJoin(dir, manifestName))
	if err != nil {
		return Manifest{}, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxManifestBytes+1))
	if err != nil {
		return Manifest{}, broken(dir, err)
	}
	m, err := decodeManifest(content)
	if err != nil {
		return Manifest{}, broken(dir, err)
	}
	return m, nil
}

func decodeManifest(content []byte) (Manifest, error) {
	if len(content) > maxManifestBytes {
		return Manifest{}, fmt.Errorf("%s is longer than %d bytes", manifestName, maxManifestBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	var m Manifest
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", manifestName, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("%s: bytes after its end", manifestName)
	}
	if m.Schema < 1 {
		return Manifest{}, fmt.Errorf("%s: schema %d, want 1 or more", manifestName, m.Schema)
	}
	return m, nil
}

// check compares the manifest with what this program and its configuration want.
func (m Manifest) check(dir string, network types.NetworkID) error {
	if m.Schema > Schema {
		return fmt.Errorf("%s: %w: schema %d, this program knows up to %d; run the newer program, or use another data directory",
			dir, ErrVersion, m.Schema, Schema)
	}
	if stored := types.NetworkID(m.Network); stored != network {
		return &OtherNetworkError{Dir: dir, Stored: stored, Want: network}
	}
	return nil
}

// claim makes the directory the network's: it checks the manifest, or writes it if the directory holds no data yet.
func claim(fs vfs.FS, dir string, opts Options) error {
	m, err := readManifest(fs, dir)
	if err == nil {
		return m.check(dir, opts.Network)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if entries, err := fs.List(fs.PathJoin(dir, dbName)); err == nil && len(entries) > 0 {
		return broken(dir, fmt.Errorf("there is a database but no %s", manifestName))
	}
	if opts.ReadOnly {
		return fmt.Errorf("%s: no data directory of a node (%w); run the node once to make it", dir, os.ErrNotExist)
	}
	content, err := json.Marshal(Manifest{Schema: Schema, Network: types.Hash(opts.Network)})
	if err != nil {
		return fmt.Errorf("%s: %w", manifestName, err)
	}
	return writeAtomic(fs, dir, manifestName, append(content, '\n'))
}

// makeDir makes dir and its missing parents, each durable before it returns: a directory whose parent was never synced
// vanishes in a power cut with everything that was synced inside.
func makeDir(fs vfs.FS, dir string) error {
	parent := fs.PathDir(dir)
	if _, err := fs.Stat(dir); err == nil || dir == "" {
		_ = syncDir(fs, parent) // an earlier run may have died before it did; a parent we may not read is not ours
		return nil
	}
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		if refused := NotWritable(dir, err); refused != nil {
			return refused
		}
		return fmt.Errorf("make the data directory: %w; choose one that this user may write", err)
	}
	return syncDir(fs, parent)
}

func syncDir(fs vfs.FS, dir string) error {
	folder, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// writeAtomic leaves either the old file or the whole new one, whatever happens.
func writeAtomic(fs vfs.FS, dir, name string, content []byte) error {
	temporary := fs.PathJoin(dir, name+".new")
	file, err := fs.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", temporary, err)
	}
	if err := fs.Rename(temporary, fs.PathJoin(dir, name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return syncDir(fs, dir)
}

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/etherscale/bedrock/node/internal/durable"
	"github.com/etherscale/bedrock/store"
)

// HomeLayout is the layout of a home's files that this program writes. Homes without a VERSION have layout 1 (v0.5.0 and before).
const HomeLayout = 2

const (
	versionFile   = "VERSION"   // the layout, a decimal number
	upgradingFile = "UPGRADING" // there while an upgrade is under way: the name of its backup
	backupPrefix  = "backup-of-layout-"
	// maxVersionBytes bounds both files.
	maxVersionBytes = 256
)

// migration brings a home from one layout to the next. It goes forward only, and may be done again after a crash in the middle.
type migration struct {
	from    int
	name    string   // what it changes, in a few words
	touches []string // files in the home that it changes: they are copied before; never keys or vertex logs
	do      func(home string) error
}

// migrations lists all of them in order.
func migrations() []migration {
	return []migration{
		{from: 1, name: "settings by their new names", touches: []string{File}, do: renameSettings},
	}
}

// Upgrade is what UpgradeHome did.
type Upgrade struct {
	From, To int
	Steps    []string // what was changed
	Backup   string   // directory with the files as they were
}

// String is the sentence for the user.
func (u *Upgrade) String() string {
	return fmt.Sprintf("this home had the layout of an older program and was upgraded from %d to %d: %s; the files as they were are in %s",
		u.From, u.To, strings.Join(u.Steps, ", "), u.Backup)
}

// UpgradeHome brings a home to the layout of this program; nil if it has it already. What it changes it copies first, into a
// directory of the home. A crash at any instant leaves a home that the next call upgrades to its end, and the copy whole. It fails
// with store.ErrVersion for the home of a newer program and with store.ErrInUse while a node runs there.
func UpgradeHome(home string) (*Upgrade, error) { return upgradeHome(home, migrations()) }

func upgradeHome(home string, steps []migration) (*Upgrade, error) {
	from, err := Layout(home)
	if err != nil {
		return nil, err
	}
	steps = slices.DeleteFunc(slices.Clone(steps), func(m migration) bool { return m.from < from })
	if len(steps) == 0 {
		if _, err := os.Stat(filepath.Join(home, upgradingFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, durable.Remove(filepath.Join(home, upgradingFile)) // left by a crash at the very end
	}
	release, err := store.Hold(filepath.Join(home, DataDir, "store"))
	if err != nil {
		return nil, err
	}
	u := &Upgrade{From: from, To: from}
	if u.Backup, err = backUp(home, from, steps); err == nil {
		err = u.migrate(home, steps)
	}
	if err = errors.Join(err, release()); err != nil {
		return nil, fmt.Errorf("upgrade %s: %w", home, err)
	}
	return u, nil
}

func (u *Upgrade) migrate(home string, steps []migration) error {
	for _, m := range steps {
		if err := m.do(home); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := writeLayout(home, m.from+1); err != nil {
			return err
		}
		u.To, u.Steps = m.from+1, append(u.Steps, m.name)
	}
	return durable.Remove(filepath.Join(home, upgradingFile))
}

// Layout reads which layout a home has: ErrVersion (of store) for one of a newer program, ErrBroken for none.
func Layout(home string) (int, error) {
	path := filepath.Join(home, versionFile)
	text, err := readShort(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	var layout int
	if _, err := fmt.Sscanf(text, "%d", &layout); err != nil || layout < 1 || text != fmt.Sprintln(layout) {
		return 0, fmt.Errorf("%s: %w, nothing was changed: it holds %q and not a layout; write %d into it if this program ran here last", path, store.ErrBroken, text, HomeLayout)
	}
	if layout > HomeLayout {
		return 0, fmt.Errorf("%s: %w: layout %d, this program knows up to %d; install the newest release, or use another --home", home, store.ErrVersion, layout, HomeLayout)
	}
	return layout, nil
}

func writeLayout(home string, layout int) error {
	return durable.Replace(filepath.Join(home, versionFile), []byte(fmt.Sprintln(layout)))
}

// backUp copies what the steps touch, and returns where to. An upgrade that a crash cut off has its copy already: of the files
// as they were before its first step.
func backUp(home string, layout int, steps []migration) (string, error) {
	mark := filepath.Join(home, upgradingFile)
	if name, err := readShort(mark); err == nil {
		return filepath.Join(home, filepath.Base(strings.TrimSpace(name))), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	name := fmt.Sprintf("%s%d-%s", backupPrefix, layout, time.Now().UTC().Format("20060102T150405.000Z"))
	dir := filepath.Join(home, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	for _, m := range steps {
		for _, file := range m.touches {
			content, err := os.ReadFile(filepath.Join(home, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = durable.Replace(filepath.Join(dir, file), content)
			}
			if err != nil {
				return "", fmt.Errorf("backup: %w", err)
			}
		}
	}
	if err := durable.Sync(home); err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	return dir, durable.Replace(mark, []byte(name+"\n"))
}

func readShort(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	buf := make([]byte, maxVersionBytes)
	n, err := f.Read(buf)
	if n == 0 && err != nil {
		return "", fmt.Errorf("%s: %w, nothing was changed: %w", path, store.ErrBroken, err)
	}
	return string(buf[:n]), nil
}

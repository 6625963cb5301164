package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

const oldSettings = "# my node\nrole = 'peer'\nshard_mib = 4_096 # half of the disk\nupload_mbit = 9\n"

// oldHome is a home as v0.5.0 made it, with settings of the time.
func oldHome(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	if _, err := InitHome(dir, testGenesis(t), Identity{}, Settings{Role: Peer}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, versionFile)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, File), oldSettings)
	return dir
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// checkUpgraded demands a home of today, of which nothing but the names of settings was changed, and the copy of what it was.
func checkUpgraded(t *testing.T, dir, backup string) {
	t.Helper()
	home, err := LoadHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := home.Layers.Settings
	if len(home.Layers.Warnings) > 0 || s.RowBudget != 4<<30 || s.Role != Peer {
		t.Errorf("settings after the upgrade: %+v, %v", s, home.Layers.Warnings)
	}
	if text := readFile(t, filepath.Join(dir, File)); !strings.Contains(text, "# my node\n") || !strings.Contains(text, "# half of the disk\n") {
		t.Errorf("comments are lost: %s", text)
	}
	if was := readFile(t, filepath.Join(backup, File)); was != oldSettings {
		t.Errorf("the copy holds %q", was)
	}
	if v := readFile(t, filepath.Join(dir, versionFile)); v != fmt.Sprintln(HomeLayout) {
		t.Errorf("VERSION is %q", v)
	}
	for _, name := range []string{upgradingFile, File + ".renamed", File + ".new"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

func TestUpgradeHome(t *testing.T) {
	dir := oldHome(t)
	if layers, err := ReadLayers(filepath.Join(dir, File)); err != nil || len(layers.Warnings) != 2 {
		t.Fatalf("settings before: %v, %v", layers, err)
	}
	u, err := UpgradeHome(dir)
	if err != nil || u.From != 1 || u.To != HomeLayout || !strings.Contains(u.String(), u.Backup) {
		t.Fatalf("%+v, %v", u, err)
	}
	checkUpgraded(t, dir, u.Backup)
	if again, err := UpgradeHome(dir); err != nil || again != nil {
		t.Errorf("upgraded twice: %v, %v", again, err)
	}
	fresh := filepath.Join(t.TempDir(), "home")
	if _, err := InitHome(fresh, testGenesis(t), Identity{}, Settings{}); err != nil {
		t.Fatal(err)
	}
	if u, err := UpgradeHome(fresh); err != nil || u != nil {
		t.Errorf("a new home is upgraded: %v, %v", u, err)
	}
}

// TestUpgradeLeavesWhatItCannotRead: a damaged config.toml is for the start to name, and an odd one is not guessed at.
func TestUpgradeLeavesWhatItCannotRead(t *testing.T) {
	for _, config := range []string{"shard_mib = \n", "rols = 'peer'\n", "\"shard_mib\" = 4096\n", "shard_mib = 4096\nrow_budget = '1GiB'\n"} {
		dir := oldHome(t)
		path := filepath.Join(dir, File)
		writeFile(t, path, config)
		if _, err := UpgradeHome(dir); err != nil {
			t.Errorf("%q: %v", config, err)
		}
		if left := readFile(t, path); left != config {
			t.Errorf("%q became %q", config, left)
		}
	}
}

// TestNewerHomeIsRefused by everything that reads a home, and left alone.
func TestNewerHomeIsRefused(t *testing.T) {
	dir := oldHome(t)
	for content, want := range map[string]error{
		fmt.Sprintln(HomeLayout + 1): store.ErrVersion, "0\n": store.ErrBroken, "2": store.ErrBroken, "two\n": store.ErrBroken, "": store.ErrBroken,
		"2\n2\n": store.ErrBroken, strings.Repeat("2", 2*maxVersionBytes): store.ErrBroken,
	} {
		writeFile(t, filepath.Join(dir, versionFile), content)
		_, err := UpgradeHome(dir)
		_, loaded := LoadHome(dir)
		if !errors.Is(err, want) || !errors.Is(loaded, want) {
			t.Errorf("VERSION %q: %v, %v", content, err, loaded)
		}
		if readFile(t, filepath.Join(dir, File)) != oldSettings {
			t.Errorf("VERSION %q: settings were changed", content)
		}
	}
}

// TestUpgradeWaitsForTheNode: nothing is changed under a node that runs.
func TestUpgradeWaitsForTheNode(t *testing.T) {
	dir := oldHome(t)
	db, err := store.Open(filepath.Join(dir, DataDir, "store"), store.Options{Network: types.NetworkID{1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := UpgradeHome(dir); !errors.Is(err, store.ErrInUse) {
		t.Errorf("upgraded under a running node: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	u, err := UpgradeHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	checkUpgraded(t, dir, u.Backup)
}

// killedAt names the moment at which a child process of TestUpgradeAfterKill kills itself.
const killedAt = "BEDROCK_TEST_KILLED_AT"

// TestUpgradeAfterKill kills a process with -9 before, in the middle of and after the step; the next start does the rest, and the
// copy is of the files as they were.
func TestUpgradeAfterKill(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	if at := os.Getenv(killedAt); at != "" {
		killedUpgrade(t, at)
		return
	}
	for _, at := range []string{"before", "middle", "after"} {
		dir := oldHome(t)
		child := exec.Command(os.Args[0], "-test.run=^TestUpgradeAfterKill$")
		child.Env = append(os.Environ(), killedAt+"="+at, "BEDROCK_TEST_HOME="+dir)
		if out, err := child.CombinedOutput(); err == nil || child.ProcessState.ExitCode() != -1 {
			t.Fatalf("%s: the child was not killed: %v\n%s", at, err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, upgradingFile)); err != nil {
			t.Fatalf("%s: no upgrade is under way: %v", at, err)
		}
		u, err := UpgradeHome(dir)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		checkUpgraded(t, dir, u.Backup)
		if copies, err := filepath.Glob(filepath.Join(dir, backupPrefix+"*")); err != nil || !slices.Equal(copies, []string{u.Backup}) {
			t.Errorf("%s: copies %v, %v", at, copies, err)
		}
	}
}

func killedUpgrade(t *testing.T, at string) {
	die := func() {
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Kill() == nil {
			select {} // until the signal comes
		}
	}
	step := migration{from: 1, name: "killed", touches: []string{File}, do: func(home string) error {
		if at == "before" {
			die()
		}
		if at == "middle" { // the new file is whole, and not yet in its place
			renamed := bytes.ReplaceAll([]byte(readFile(t, filepath.Join(home, File))), []byte("shard_mib = 4_096"), []byte("row_b"))
			writeFile(t, filepath.Join(home, File+".new"), string(renamed))
			die()
		}
		if err := renameSettings(home); err != nil {
			return err
		}
		die()
		return nil
	}}
	_, err := upgradeHome(os.Getenv("BEDROCK_TEST_HOME"), []migration{step})
	t.Fatalf("not killed: %v", err)
}

// TestMigrationsAreARow: each begins where the one before ends, the last ends at today's layout, and none touches keys or vertex logs.
func TestMigrationsAreARow(t *testing.T) {
	for i, m := range migrations() {
		if m.from != i+1 || m.name == "" || m.do == nil {
			t.Errorf("migration %d: %+v", i, m)
		}
		for _, file := range m.touches {
			if strings.HasPrefix(file, keyFile) || file == accountFile || strings.HasPrefix(file, DataDir) {
				t.Errorf("%s touches %s", m.name, file)
			}
		}
	}
	if n := len(migrations()); n != HomeLayout-1 {
		t.Errorf("%d migrations lead to layout %d", n, HomeLayout)
	}
}

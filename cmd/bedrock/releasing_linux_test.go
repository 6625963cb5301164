package main

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

const smapsOfTest = `00400000-00402000 r--p 00000000 fe:00 42 /usr/bin/bedrock
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd mr
00402000-01c84000 r-xp 00002000 fe:00 42 /usr/bin/bedrock
Rss:               22500 kB
Anonymous:             0 kB
VmFlags: rd ex
01c84000-03ae4000 r--p 01884000 fe:00 42 /usr/bin/bedrock
Anonymous:             4 kB
03ae4000-03c15000 rw-p 036e4000 fe:00 42 /usr/bin/bedrock
Anonymous:             0 kB
03c15000-05c6f000 rw-p 00000000 00:00 0 
Anonymous:             0 kB
7ffa74535000-7ffa7468b000 r-xp 00000000 fe:00 7 /usr/lib/libc.so.6
Anonymous:             0 kB
`

// What is writable, changed, another file's or nobody's is not dropped.
func TestOnlyUnchangedPagesOfTheProgramAreReleased(t *testing.T) {
	got, err := fileMappings(strings.NewReader(smapsOfTest), "/usr/bin/bedrock")
	want := []mapping{{0x400000, 0x402000}, {0x402000, 0x1c84000}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("mappings %x, %v; want %x", got, err, want)
	}
	if _, err := fileMappings(strings.NewReader("zz-00402000 r--p 00000000 fe:00 42 /usr/bin/bedrock\n"), "/usr/bin/bedrock"); err == nil {
		t.Error("a range that is none was taken")
	}
}

// A program goes on without the pages of its file, and has fewer of them.
func TestAProgramGoesOnWithoutItsPages(t *testing.T) {
	before := filePages(t)
	if err := releaseFile(); err != nil {
		t.Fatal(err)
	}
	if after := filePages(t); after > before {
		t.Errorf("%d KiB of files in memory after the release, %d before", after, before)
	}
}

// filePages is what this process has of files in memory, in KiB.
func filePages(t *testing.T) uint64 {
	t.Helper()
	rss, anonymous, err := residentBytes("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if rss == 0 || anonymous == 0 || anonymous > rss {
		t.Fatalf("%d bytes in memory, %d of no file (pid %d)", rss, anonymous, os.Getpid())
	}
	return (rss - anonymous) >> 10
}

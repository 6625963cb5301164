//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// ownerOf tells whose file it is, and whether that is neither this user nor root. Root may use anybody's.
func ownerOf(info fs.FileInfo) (uid int, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() == 0 {
		return 0, false
	}
	uid = int(stat.Uid)
	return uid, uid != 0 && uid != os.Geteuid()
}

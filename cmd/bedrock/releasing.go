package main

import (
	"log/slog"
	"time"
)

// startOver is how long after its start a node has done what it does but once.
const startOver = 20 * time.Second

// releaseStart takes the pages of the program's file that only the start has needed out of the process's memory, once. The start
// runs the initialization of every package and so touches most of the file; at rest a node needs a third of it. The pages stay in
// the kernel's cache of files, from where those that are needed again come back by themselves, without the disk.
func releaseStart(log *slog.Logger) (stop func() bool) {
	return time.AfterFunc(startOver, func() {
		if err := releaseFile(); err != nil {
			log.Debug("the pages of the program's file that the start has used stay in memory", "error", err)
		}
	}).Stop
}

package doctor

import (
	"context"
	"fmt"
)

const (
	// filesGood serve the connections of every profile but bootstrap and the database; with filesLeast a home node runs.
	filesGood  = 2048
	filesLeast = 512
)

// checkFiles looks at the limit after the program has raised it to what the system allows it, as a node does.
func checkFiles(context.Context, *Patient) Finding {
	limit, known := fileLimit()
	if !known {
		return pass("this system sets no limit to open files")
	}
	return judgeFiles(limit)
}

func judgeFiles(limit uint64) Finding {
	text := fmt.Sprintf("%d files and connections may be open", limit)
	const next = "ulimit -n 65536   # in the shell that starts the node; LimitNOFILE=65536 in a systemd unit"
	switch {
	case limit < filesLeast:
		return fail(text+fmt.Sprintf(", a node needs %d", filesLeast), next)
	case limit < filesGood:
		return warn(text+fmt.Sprintf(", %d are better", filesGood), next)
	}
	return pass("%s", text)
}

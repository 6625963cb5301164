package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/store"
)

// built is what `version` prints: which program this is, and what it can talk to and read.
type built struct {
	Version   string   `json:"version"`
	Module    string   `json:"module,omitempty"` // version of the module, of one that `go install` built
	Commit    string   `json:"commit,omitempty"` // of a build in a repository
	Time      string   `json:"time,omitempty"`   // of the commit, RFC 3339
	Modified  bool     `json:"modified"`         // files had been changed since the commit
	Go        string   `json:"go"`
	Platform  string   `json:"platform"`
	Cgo       bool     `json:"cgo"`       // without it executing is slower
	Protocols []string `json:"protocols"` // name/version, behind /bedrock/NETWORK/
	Home      int      `json:"home"`      // layout of a home
	Database  int      `json:"database"`  // schema
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print which program this is, and what it can talk to and read",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisProgram()
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, "version", b)
			}
			fmt.Fprintf(out, "bedrock %s\n  commit     %s\n", b.Version, b.commitWords())
			fmt.Fprintf(out, "  built      %s, %s, %s\n", b.Go, b.Platform, map[bool]string{true: "with cgo", false: "without cgo"}[b.Cgo])
			fmt.Fprintf(out, "  protocols  %s\n", strings.ReplaceAll(fold(strings.Join(b.Protocols, " "), 66), "\n", "\n             "))
			_, err := fmt.Fprintf(out, "  files      home %d, database %d\n", b.Home, b.Database)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in a versioned envelope")
	return cmd
}

// thisProgram reads what the Go tool left in the binary.
func thisProgram() built {
	b := built{Version: p2p.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Cgo: cgo,
		Protocols: append(gossip.Streams(), dht.Streams()...), Home: config.HomeLayout, Database: store.Schema}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "(devel)" {
		b.Module = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// commitWords tells of which source the program was built.
func (b built) commitWords() string {
	switch {
	case b.Commit == "" && b.Module == "":
		return "not known: it was built outside a repository"
	case b.Commit == "":
		return "of module " + b.Module
	case b.Modified:
		return b.Commit + " of " + b.Time + ", and changes"
	}
	return b.Commit + " of " + b.Time
}

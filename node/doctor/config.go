package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/etherscale/bedrock/node/config"
)

// checkConfig reads the files of the home as a start does.
func checkConfig(_ context.Context, p *Patient) Finding {
	show := "bedrock config show --home " + p.Home
	switch {
	case p.problem != nil:
		return fail(sentence(p.problem), show)
	case !p.exists():
		return pass("no home yet at %s: the defaults hold", p.Home)
	case len(p.warnings) > 0:
		return warn(strings.Join(p.warnings, "; "), "bedrock run --home "+p.Home)
	}
	return pass("%s is in order", filepath.Join(p.Home, config.File))
}

package doctor

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/store"
)

// checkConfig reads the files of the home as a start does.
func checkConfig(_ context.Context, p *Patient) Finding {
	file := filepath.Join(p.Home, config.File)
	var settings *config.SettingsError
	switch {
	case errors.As(p.problem, &settings):
		return fail(sentence(p.problem), "nano "+file)
	case p.problem != nil:
		return fail(sentence(p.problem), "ls -l "+p.Home)
	case !p.exists():
		return pass("no home yet at %s: the defaults hold", p.Home)
	case len(p.warnings) > 0:
		return warn(strings.Join(p.warnings, "; "), "bedrock run --home "+p.Home)
	}
	if _, err := config.Layout(p.Home); errors.Is(err, store.ErrVersion) {
		return fail(sentence(err), "install the newest release")
	} else if err != nil {
		return fail(sentence(err), "ls -l "+p.Home)
	}
	return pass("%s is in order", file)
}

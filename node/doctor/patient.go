package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Node is a running node that can be asked.
type Node interface {
	// Ask calls one JSON-RPC method.
	Ask(ctx context.Context, into any, method string, args ...any) error
}

// Patient is what is examined.
type Patient struct {
	Home string // directory of the node; it need not exist
	Node Node   // nil: none runs there

	config   node.Config
	warnings []string // about old settings
	problem  error    // why the home cannot be read

	around func() (*p2p.Surroundings, error)
	status func() (*rpc.Status, error)
}

// NewPatient reads as much of a home as can be read. A home that is not there has the settings of one that is made by itself
// in the network; it may be nil.
func NewPatient(home string, network *config.Network, running Node) *Patient {
	p := &Patient{Home: home, Node: running}
	h := &config.Home{Dir: home, Genesis: new(types.Genesis), Layers: new(config.Layers), Network: network}
	if layers, err := config.ReadLayers(filepath.Join(home, config.File)); err != nil {
		p.problem = err
	} else {
		h.Layers, p.warnings = layers, layers.Warnings
	}
	if own, err := config.ReadHomeNetwork(home); err == nil {
		h.Network = own
	} else if !errors.Is(err, fs.ErrNotExist) {
		p.problem = errors.Join(p.problem, err)
	}
	p.config = node.ConfigOf(h)
	if genesis, err := config.ReadHomeGenesis(home); err == nil {
		p.config.Genesis = genesis
	} else if !errors.Is(err, fs.ErrNotExist) {
		p.problem = errors.Join(p.problem, err)
	}
	return p
}

// exists reports whether there is a home at all.
func (p *Patient) exists() bool { return config.IsHome(p.Home) }

// begin prepares what several checks share, each asked for once.
func (p *Patient) begin(ctx context.Context) {
	p.status = sync.OnceValues(func() (*rpc.Status, error) {
		if p.Node == nil {
			return nil, errNoNode
		}
		ctx, cancel := context.WithTimeout(ctx, quick)
		defer cancel()
		s := new(rpc.Status)
		return s, p.Node.Ask(ctx, s, "bedrock_status")
	})
	p.around = sync.OnceValues(func() (*p2p.Surroundings, error) { return p.look(ctx) })
}

var errNoNode = errors.New("no node runs")

// look asks the running node how others reach it; those to join by are dialled from here in any case.
func (p *Patient) look(ctx context.Context) (*p2p.Surroundings, error) {
	ctx, cancel := context.WithTimeout(ctx, slow-quick/2)
	defer cancel()
	var reach rpc.Reachability
	asked := p.Node != nil && p.Node.Ask(ctx, &reach, "bedrock_reachability") == nil
	s, err := node.LookAround(ctx, p.config, !asked)
	if err == nil && asked {
		s.Reach = reach
	}
	return s, err
}

// folder is the deepest directory on the way to the node's data that exists.
func (p *Patient) folder() string {
	dir := p.config.Data
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return dir
		}
		dir = parent
	}
}

// sentence is an error in one line.
func sentence(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

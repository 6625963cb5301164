package devnet

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// Config says what swarm to run. Zero counts mean none of a kind; Sequencers must be at least 1.
type Config struct {
	Sequencers, Provers, Peers, Lights int
	DishonestProver                    bool
	Dir                                string // kept and resumed; empty: a temporary directory, removed at the end
	RPC                                string // host:port; port 0: any free
	Payload                            types.Payload
	Sandbox                            []string // see node.Config
	ChallengeWindow                    time.Duration
	// Heartbeat is after how much idle time an empty block closes; 0: 5 s, shorter than elsewhere, for wallets that wait for blocks.
	Heartbeat time.Duration
	// Listen says where the i-th node listens, in the order bootstrap, sequencers, provers, peers, lights; nil: loopback.
	Listen func(i int) []string
	// Delay holds back, one way, everything that nodes send each other.
	Delay time.Duration
	// Watch, if set, is told every fact of every node, by the node's name; it must not block.
	Watch func(name string, fact node.Fact)
}

// Validate returns everything that is wrong, each problem naming its flag.
func (c Config) Validate() error {
	var problems []error
	if c.Sequencers < 1 || c.Sequencers > 64 {
		problems = append(problems, fmt.Errorf("--sequencers %d is not in 1..64", c.Sequencers))
	}
	for name, n := range map[string]int{"provers": c.Provers, "peers": c.Peers, "lights": c.Lights} {
		if n < 0 || n > 64 {
			problems = append(problems, fmt.Errorf("--%s %d is not in 0..64", name, n))
		}
	}
	return errors.Join(problems...)
}

// member is one node of the plan.
type member struct {
	Name      string      `json:"name"`
	Role      config.Role `json:"role"`
	Seed      string      `json:"seed"` // Ed25519 seed, hex: development keys without value
	Dishonest bool        `json:"dishonest,omitempty"`
}

func (m member) key() (ed25519.PrivateKey, error) {
	seed, err := hex.DecodeString(m.Seed)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("devnet: %s has no usable key in %s", m.Name, planFile)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// account is the member's Ethereum account, funded in the genesis file where it posts anything.
func (m member) account() (account.Key, error) {
	key, err := m.key()
	if err != nil {
		return nil, err
	}
	return account.DeriveKey(key.Seed())
}

func (m member) unusedMark(dir string) string { return filepath.Join(dir, m.Name+".unused") }

// heartbeat is shorter than a public network's: ethers notices a transaction that was mined faster than it began to listen
// only with the next block, and a devnet is mostly idle.
const heartbeat = 5 * time.Second

// plan is the swarm as it stands on disk, so that a devnet resumes with the same identities and genesis.
type plan struct {
	Version int             `json:"version"`
	Genesis json.RawMessage `json:"genesis"`
	Members []member        `json:"members"`
}

const planFile = "devnet.json"

// DishonestProver is the name of the prover that lies.
const DishonestProver = "dishonest-prover"

// loadPlan reads the plan of a directory, or draws a new one and stores it.
func loadPlan(dir string, cfg Config) (*plan, *types.Genesis, error) {
	path := filepath.Join(dir, planFile)
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return drawPlan(path, cfg)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("devnet: %w", err)
	}
	p := new(plan)
	if err := json.Unmarshal(file, p); err != nil || p.Version != 1 {
		return nil, nil, fmt.Errorf("devnet: %s is not a plan of this version: use another --data-dir", path)
	}
	genesis, err := types.DecodeGenesis(p.Genesis)
	if err != nil {
		return nil, nil, fmt.Errorf("devnet: %s: %w", path, err)
	}
	return p, genesis, p.matches(path, cfg)
}

// matches refuses to resume a swarm of another shape: identities and committee are part of the genesis.
func (p *plan) matches(path string, cfg Config) error {
	want := shape(cfg)
	have := map[string]int{}
	for _, m := range p.Members {
		have[m.kind()]++
	}
	for kind, n := range want {
		if have[kind] != n {
			return fmt.Errorf("devnet: %s holds %d of kind %s, the flags ask for %d: use the same flags, or another --data-dir", path, have[kind], kind, n)
		}
	}
	return nil
}

func (m member) kind() string {
	if m.Dishonest {
		return "dishonest prover"
	}
	return string(m.Role)
}

func shape(cfg Config) map[string]int {
	s := map[string]int{string(config.Bootstrap): 1, string(config.Sequencer): cfg.Sequencers, string(config.Prover): cfg.Provers,
		string(config.Peer): cfg.Peers, string(config.Light): cfg.Lights, "dishonest prover": 0}
	if cfg.DishonestProver {
		s["dishonest prover"] = 1
	}
	return s
}

func drawPlan(path string, cfg Config) (*plan, *types.Genesis, error) {
	p := &plan{Version: 1}
	options := config.GenesisOptions{
		Name: "devnet", ChainID: config.DevnetChainID, Time: time.Now(), Payload: cfg.Payload, ChallengeWindow: cfg.ChallengeWindow,
		Accounts: Addresses(), Balance: Balance(), Heartbeat: cfg.Heartbeat,
	}
	if options.Heartbeat == 0 {
		options.Heartbeat = heartbeat
	}
	add := func(role config.Role, n int, dishonest bool) error {
		for i := range n {
			key, err := config.NewKey()
			if err != nil {
				return fmt.Errorf("devnet: draw key: %w", err)
			}
			m := member{Name: fmt.Sprintf("%s-%d", role, i), Role: role, Seed: hex.EncodeToString(key.Seed()), Dishonest: dishonest}
			if dishonest {
				m.Name = DishonestProver
			}
			p.Members = append(p.Members, m)
			purse, err := m.account()
			if err != nil {
				return err
			}
			owner := fmt.Sprintf("0x%x", account.AddressOf(purse))
			switch {
			case role == config.Sequencer:
				options.Committee, options.Owners = append(options.Committee, config.PublicKeyOf(key)), append(options.Owners, owner)
			case role == config.Prover:
				options.Provers, options.Owners = append(options.Provers, config.PublicKeyOf(key)), append(options.Owners, owner)
			case role.Executes():
				options.Accounts = append(options.Accounts, owner)
			}
		}
		return nil
	}
	dishonest := 0
	if cfg.DishonestProver {
		dishonest = 1
	}
	if err := errors.Join(add(config.Bootstrap, 1, false), add(config.Sequencer, cfg.Sequencers, false), add(config.Prover, cfg.Provers, false),
		add(config.Prover, dishonest, true), add(config.Peer, cfg.Peers, false), add(config.Light, cfg.Lights, false)); err != nil {
		return nil, nil, err
	}
	genesis, err := config.NewGenesis(options)
	if err != nil {
		return nil, nil, err
	}
	if p.Genesis, err = genesis.Encode(); err != nil {
		return nil, nil, err
	}
	for _, m := range p.Members {
		if err := config.MarkUnused(m.unusedMark(filepath.Dir(path))); err != nil {
			return nil, nil, err
		}
	}
	return p, genesis, p.save(path)
}

// save writes the plan whole or not at all.
func (p *plan) save(path string) error {
	encoded, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("devnet: %w", err)
	}
	if err := os.WriteFile(path+".new", encoded, 0o600); err != nil {
		return fmt.Errorf("devnet: %w", err)
	}
	return os.Rename(path+".new", path)
}

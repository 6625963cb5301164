package sim

import "slices"

// Manifest says everything about one run. Times are in milliseconds since the start of the run unless named otherwise;
// shares are in percent.
type Manifest struct {
	Seed   uint64   `json:"seed"`
	Stakes []uint64 `json:"stakes"` // one a member, 4 to 100 of them; 0: not in the first committee
	Signed bool     `json:"signed,omitempty"`

	Safety int `json:"safetyMs"` // length of the first phase
	Heal   int `json:"healMs"`   // most that the second phase may take

	Pacing  Pacing  `json:"pacing"`
	Load    Load    `json:"load"`
	Network Network `json:"network"`

	Partitions []Partition `json:"partitions,omitempty"`
	Slow       []Slow      `json:"slow,omitempty"`
	Crashes    []Crash     `json:"crashes,omitempty"`
	Clocks     []Clock     `json:"clocks,omitempty"`
	Liars      []Liar      `json:"liars,omitempty"`
	// Dead members stay down in the second phase, and count as faulty with liars, lost logs and clocks far off.
	Dead []int `json:"dead,omitempty"`
	// Epochs: the committee changes; nil: the run is one epoch.
	Epochs *Epochs `json:"epochs,omitempty"`
	// Windows: what the order remembers is cut very short; nil: it is not. Then repetitions are ordered again.
	Windows *Windows `json:"windows,omitempty"`
}

// Windows are those of consensus.Windows.
type Windows struct {
	Repeats      int `json:"repeats"`      // rounds
	Transactions int `json:"transactions"` // of a generation
}

// Epochs says how long epochs are and who is in the bonding contract when.
type Epochs struct {
	Length  int      `json:"length"` // blocks
	Changes []Change `json:"changes,omitempty"`
	Upgrade bool     `json:"upgrade,omitempty"` // all honest members know newer rules, that begin when a quorum said so
}

// Change sets a member's stake from an epoch on; 0: it leaves.
type Change struct {
	Epoch  int    `json:"epoch"`
	Member int    `json:"member"`
	Stake  uint64 `json:"stake"`
}

// Pacing is the honest nodes' own timing.
type Pacing struct {
	MinRound int `json:"minRoundMs"`
	Encode   int `json:"encodeMs"` // how long a block takes to be encoded and stored
}

// Load is what is submitted.
type Load struct {
	Gap      int `json:"gapMs"`    // mean time between two batches
	Junk     int `json:"junk"`     // share of batches that at most f stake admits
	Partial  int `json:"partial"`  // share of batches that some do not admit
	Late     int `json:"late"`     // share of batches that some admit later than they hold them
	Private  int `json:"private"`  // share of batches that gossip brings to one member only
	Repeated int `json:"repeated"` // share of transactions that were in another batch before

	Challenges int `json:"challenges,omitempty"` // mean time between two challenges; 0: there are none
}

// Network is the weather of the first phase. In the second nothing is lost and delays have no spikes.
type Network struct {
	Delay     int  `json:"delayMs"` // median one-way delay
	Sigma     int  `json:"sigma"`   // of the logarithm of the delay, in percent
	Spike     int  `json:"spike"`   // messages in a thousand that take SpikeDelay longer
	SpikeTime int  `json:"spikeMs"`
	Loss      int  `json:"loss"`
	Duplicate int  `json:"duplicate"`
	Scheduler bool `json:"scheduler,omitempty"` // the network delays the first slot's author of every round
}

// Partition cuts links between A and B; B empty: everybody else. OneWay cuts only what A sends.
type Partition struct {
	From   int   `json:"fromMs"`
	Until  int   `json:"untilMs"`
	A      []int `json:"a"`
	B      []int `json:"b,omitempty"`
	OneWay bool  `json:"oneWay,omitempty"`
}

// Slow delays everything that a member sends.
type Slow struct {
	Member int `json:"member"`
	Extra  int `json:"extraMs"`
}

// Crash points: where in its work the node loses power.
const (
	AtRest     = "rest"     // between two events
	BeforeSync = "presync"  // records are appended, nothing is synced
	AfterSync  = "postsync" // synced, nothing is sent
	InSend     = "insend"   // half of the messages are out
)

// Crash stops an honest member at or after At, for Down. Keep is the share of the unsynced records that survives; Lost
// takes the whole disk.
type Crash struct {
	Member int    `json:"member"`
	At     int    `json:"atMs"`
	Down   int    `json:"downMs"`
	Point  string `json:"point"`
	Keep   int    `json:"keep"`
	Lost   bool   `json:"lost,omitempty"`
}

// Clock sets a member's clock off by By from At on.
type Clock struct {
	Member int `json:"member"`
	At     int `json:"atMs"`
	By     int `json:"byMs"`
}

// Kinds of liars. All but the forger run the product's core with something changed around it.
const (
	Silent    = "silent"    // never says anything
	Twins     = "twins"     // one key, two nodes, each talking to its part of the committee
	Half      = "half"      // shows its vertices to f others only
	Selective = "selective" // drops a share of what it sends, by receiver
	Withhold  = "withhold"  // never answers a request, and lists bodies nobody else has
	Refuse    = "refuse"    // lists no batch
	Frozen    = "frozen"    // its clock stands
	Hasty     = "hasty"     // its clock is 495 ms ahead
	Forger    = "forger"    // makes vertices of its own: see Forge
)

// Liar is a Byzantine member.
type Liar struct {
	Member int    `json:"member"`
	Kind   string `json:"kind"`
	Forge  *Forge `json:"forge,omitempty"`
}

// Forge says what a forger does, in percent of its vertices.
type Forge struct {
	Twin     int    `json:"twin"`     // a second vertex of the round, for a part of the committee
	Orphan   int    `json:"orphan"`   // without its own previous vertex
	Gap      int    `json:"gap"`      // no vertex in this round
	Invalid  int    `json:"invalid"`  // breaks a rule
	Narrow   int    `json:"narrow"`   // shown to f others only
	Lie      int    `json:"lie"`      // signs a header that does not exist
	Receipts string `json:"receipts"` // true, early, refused, junk
	Time     string `json:"time"`     // clock, floor, ahead
}

func (m *Manifest) n() int { return len(m.Stakes) }

// stakesAt are the members' stakes in an epoch, as the state says.
func (m *Manifest) stakesAt(epoch int) []uint64 {
	stakes := slices.Clone(m.Stakes)
	if m.Epochs != nil {
		for _, c := range m.Epochs.Changes {
			if c.Epoch <= epoch {
				stakes[c.Member] = c.Stake
			}
		}
	}
	return stakes
}

// lastChange is the epoch from which on nothing changes.
func (m *Manifest) lastChange() (last int) {
	if m.Epochs != nil {
		for _, c := range m.Epochs.Changes {
			last = max(last, c.Epoch)
		}
	}
	return last
}

// standing is the largest faulty stake that the protocol stands with these stakes.
func standing(stakes []uint64) uint64 {
	var total uint64
	for _, s := range stakes {
		total += s
	}
	return (total+2)/3 - 1
}

// f is standing with the first committee.
func (m *Manifest) f() uint64 { return standing(m.Stakes) }

// FarClock is the offset in milliseconds beyond which a clock makes its member count as faulty.
const FarClock = 200

// faulty lists the members of which no liveness is demanded, and that together must not hold more than f stake.
func (m *Manifest) faulty() map[int]bool {
	out := map[int]bool{}
	for _, l := range m.Liars {
		out[l.Member] = true
	}
	for _, c := range m.Crashes {
		if c.Lost {
			out[c.Member] = true
		}
	}
	for _, c := range m.Clocks {
		if c.By > FarClock || c.By < -FarClock {
			out[c.Member] = true
		}
	}
	for _, d := range m.Dead {
		out[d] = true
	}
	return out
}

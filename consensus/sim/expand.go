package sim

import (
	"math/rand/v2"
)

// stream is the randomness of one purpose: a draw more in one does not shift the others.
func stream(seed uint64, purpose string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(purpose) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}

// expander draws a manifest.
type expander struct {
	*rand.Rand
	m    Manifest
	used map[int]bool // the faulty ones
	most int          // of them
}

func (x *expander) chance(percent int) bool { return x.IntN(100) < percent }

func (x *expander) between(low, high int) int { return low + x.IntN(high-low+1) }

// Expand draws the manifest of a seed: a random subset of all faults, each of random strength.
func Expand(seed uint64) Manifest {
	x := &expander{Rand: stream(seed, "expand"), m: Manifest{Seed: seed}, used: map[int]bool{}}
	x.committee()
	x.m.Signed = x.chance(1)
	x.m.Pacing = Pacing{MinRound: x.between(20, 60), Encode: x.between(0, 30)}
	if x.m.n() > 34 {
		x.m.Pacing.MinRound = 150
	}
	x.most = x.m.n()
	x.epochs()
	x.load()
	x.network()
	x.liars()
	x.clocks()
	x.crashes()
	x.partitions()
	slow := 15
	if x.equivocates() {
		slow = 60 // second vertices matter most where somebody's first are late
	}
	if x.chance(slow) {
		for range x.between(1, 2) {
			x.m.Slow = append(x.m.Slow, Slow{Member: x.IntN(x.m.n()), Extra: x.between(20, 250)})
		}
	}
	if x.chance(20) {
		if d := x.IntN(x.m.n()); x.take(d) {
			x.m.Dead = append(x.m.Dead, d)
		}
	}
	return x.m
}

func (x *expander) equivocates() bool {
	for _, l := range x.m.Liars {
		if l.Kind == Twins || l.Forge != nil && l.Forge.Twin > 0 {
			return true
		}
	}
	return false
}

// committee draws mostly small committees: faults are dense there, and a step is cheap.
func (x *expander) committee() {
	n := 4
	switch p := x.IntN(1000); {
	case p < 520:
	case p < 800:
		n = 7
	case p < 900:
		n = x.between(5, 8)
	case p < 980:
		n = x.between(9, 13)
	case p < 999:
		n = x.between(16, 34)
	default:
		n = 100
	}
	x.m.Stakes = make([]uint64, n)
	uneven := x.chance(20)
	for i := range x.m.Stakes {
		x.m.Stakes[i] = 1
		if uneven {
			x.m.Stakes[i] = uint64(x.between(3, 8))
		}
	}
	x.m.Safety, x.m.Heal = x.between(3000, 7000), 60_000
	switch {
	case n > 34:
		x.m.Safety = 400
	case n > 13:
		x.m.Safety = 1200
	case n > 8:
		x.m.Safety = 2500
	}
}

// take makes the member faulty if what the protocol stands allows it in every epoch.
func (x *expander) take(member int) bool {
	if x.used[member] || len(x.used) >= x.most {
		return false
	}
	for epoch := range x.m.lastChange() + 1 {
		stakes := x.m.stakesAt(epoch)
		faulty := stakes[member]
		for other := range x.used { // a sum
			faulty += stakes[other]
		}
		if faulty > standing(stakes) {
			return false
		}
	}
	x.used[member] = true
	return true
}

func (x *expander) load() {
	l := Load{Gap: x.between(8, 60)}
	if x.m.n() > 13 {
		l.Gap = 60
	}
	for _, share := range []struct {
		field *int
		most  int
	}{{&l.Junk, 20}, {&l.Partial, 40}, {&l.Late, 40}, {&l.Private, 20}, {&l.Repeated, 30}} {
		if x.chance(35) {
			*share.field = x.between(1, share.most)
		}
	}
	if y := stream(x.m.Seed, "challenges"); y.IntN(100) < 40 && x.m.n() <= 34 {
		l.Challenges = 200 + y.IntN(1500)
	}
	x.m.Load = l
}

func (x *expander) network() {
	w := Network{Delay: x.between(2, 40), Sigma: x.between(5, 60)}
	if x.chance(30) {
		w.Spike, w.SpikeTime = x.between(1, 60), x.between(100, 3000)
	}
	if x.chance(40) {
		w.Loss = x.between(1, 30)
	}
	if x.chance(30) {
		w.Duplicate = x.between(1, 20)
	}
	w.Scheduler = x.chance(15)
	x.m.Network = w
}

func (x *expander) liars() {
	if x.chance(25) {
		return
	}
	kinds := []string{Silent, Twins, Twins, Twins, Twins, Half, Half, Selective, Withhold, Refuse, Frozen, Hasty, Forger, Forger, Forger, Forger}
	only := ""
	if x.chance(40) {
		only = kinds[x.IntN(len(kinds))] // f of one kind, together
	}
	for _, i := range x.Perm(x.m.n()) {
		if !x.take(i) {
			break
		}
		l := Liar{Member: i, Kind: only}
		if only == "" {
			l.Kind = kinds[x.IntN(len(kinds))]
		}
		if l.Kind == Forger {
			l.Forge = x.forge()
		}
		x.m.Liars = append(x.m.Liars, l)
		if x.chance(15) {
			break
		}
	}
}

func (x *expander) forge() *Forge {
	f := &Forge{
		Receipts: []string{"true", "early", "early", "refused", "junk"}[x.IntN(5)],
		Time:     []string{"clock", "clock", "floor", "ahead"}[x.IntN(4)],
	}
	for _, share := range []struct {
		field *int
		most  int
	}{{&f.Twin, 30}, {&f.Twin, 60}, {&f.Orphan, 40}, {&f.Gap, 40}, {&f.Invalid, 20}, {&f.Narrow, 100}, {&f.Lie, 30}} {
		if x.chance(40) {
			*share.field = x.between(1, share.most)
		}
	}
	return f
}

func (x *expander) clocks() {
	if x.chance(40) {
		for i := range x.m.n() {
			x.m.Clocks = append(x.m.Clocks, Clock{Member: i, By: x.between(-FarClock, FarClock)})
		}
	}
	if !x.chance(20) {
		return
	}
	i := x.IntN(x.m.n())
	if !x.take(i) {
		return
	}
	by := []int{-3_600_000, 3_600_000, -2000, 2000, -700, 700}[x.IntN(6)]
	at := x.IntN(x.m.Safety)
	x.m.Clocks = append(x.m.Clocks, Clock{Member: i, At: at, By: by})
	if x.chance(50) {
		x.m.Clocks = append(x.m.Clocks, Clock{Member: i, At: at + x.between(1, 2000), By: 0})
	}
}

func (x *expander) crashes() {
	if !x.chance(50) {
		return
	}
	points := []string{AtRest, BeforeSync, AfterSync, InSend}
	keeps := []int{0, 50, 100}
	lost := x.chance(35)
	for range x.between(1, 8) {
		c := Crash{Member: x.IntN(x.m.n()), At: x.IntN(x.m.Safety), Down: x.between(1, 1500),
			Point: points[x.IntN(4)], Keep: keeps[x.IntN(3)]}
		if x.chance(30) {
			c.Down = x.between(1, 30)
		}
		if lost && x.take(c.Member) {
			c.Lost = true
			x.isolate(&c)
		}
		if !x.isLiar(c.Member) {
			x.m.Crashes = append(x.m.Crashes, c)
		}
	}
	if x.chance(20) { // everybody at once
		at := x.IntN(x.m.Safety)
		for i := range x.m.n() {
			if !x.isLiar(i) {
				x.m.Crashes = append(x.m.Crashes, Crash{Member: i, At: at, Down: x.between(1, 1000), Point: points[x.IntN(4)], Keep: keeps[x.IntN(3)]})
			}
		}
	}
}

// isolate makes the loss of a log hurt: often nobody heard the last vertices, and the node is back at once. Sometimes the
// others hear one another no more than they hear the node: then it is a round ahead of all of them.
func (x *expander) isolate(c *Crash) {
	if x.chance(30) {
		return
	}
	c.Down, c.Point = x.between(1, 5), AtRest
	alone := Partition{From: max(0, c.At-x.between(20, 100)), Until: c.At + 1, A: []int{c.Member}, OneWay: true}
	if x.chance(50) {
		alone.From = max(0, c.At-x.between(200, 400))
		var others []int
		for i := range x.m.n() {
			if i != c.Member {
				others = append(others, i)
			}
		}
		x.m.Partitions = append(x.m.Partitions, Partition{From: alone.From, Until: c.At + 300, A: others, B: others})
	}
	x.m.Partitions = append(x.m.Partitions, alone)
}

func (x *expander) isLiar(member int) bool {
	for _, l := range x.m.Liars {
		if l.Member == member {
			return true
		}
	}
	return false
}

func (x *expander) partitions() {
	if !x.chance(30) {
		return
	}
	for range x.between(1, 4) {
		from := x.IntN(x.m.Safety)
		p := Partition{From: from, Until: from + x.between(50, 2500), OneWay: x.chance(40)}
		size := x.between(1, max(1, x.m.n()/2))
		p.A = x.Perm(x.m.n())[:size]
		x.m.Partitions = append(x.m.Partitions, p)
	}
}

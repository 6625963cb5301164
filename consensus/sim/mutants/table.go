package main

import "slices"

// mutant is one planted bug: a text that stands once in a file of the product or of the simulated driver, and what it is
// replaced by. The files on disk are never changed: the compiler is given an overlay.
type mutant struct {
	Name string
	File string // from the module's root
	Old  string
	New  string
	Why  string // what goes wrong, in one line
}

// mutants are the bugs that the simulator has to find. A text that does not stand exactly once in its file fails a test,
// so that the table follows the code.
var mutants = []mutant{
	{
		"quorum-minus-one", "consensus/dag.go",
		"f: c.F(), quorum: c.Quorum(),\n", "f: c.F(), quorum: c.Quorum() - 1,\n",
		"two quorums need not share an honest member: agreement breaks, or vertices are made without a quorum of parents",
	},
	{
		"send-before-sync", "consensus/sim/step.go",
		"		if n.dies(BeforeSync) {\n			return\n		}\n		n.disk.sync()\n		if n.dies(AfterSync) {\n			return\n		}\n		if !n.sendAll(fx.Send) {\n			return\n		}\n",
		"		if !n.sendAll(fx.Send) {\n			return\n		}\n		if n.dies(BeforeSync) {\n			return\n		}\n		n.disk.sync()\n		if n.dies(AfterSync) {\n			return\n		}\n",
		"a vertex that was sent is gone after a crash, and another of the round follows",
	},
	{
		"anchor-at-two", "consensus/commit.go",
		"d.evaluateRound(rs, anchors[anchorDistance-1])", "d.evaluateRound(rs, anchors[anchorDistance-2])",
		"an anchor two rounds above reaches no certificate but its own: verdicts depend on what was seen",
	},
	{
		"certificates-per-vertex", "consensus/commit.go",
		"if !v.certified.add(n.ref.Author) {\n			continue\n		}\n", "",
		"twins certify twice: a slot is committed without a quorum of authors",
	},
	{
		"blames-per-vertex", "consensus/commit.go",
		"parents.Has(types.Member(a)) || !s.blamed.add(n.ref.Author)", "parents.Has(types.Member(a))",
		"twins blame twice: a slot is skipped without a quorum of authors",
	},
	{
		"fixed-slot-order", "consensus/dag.go",
		"order: d.committee.Draw(d.seed, number),", "order: d.committee.Draw(d.seed, 1),",
		"one member holds the first place of every round, and can hold up every decision by half-publishing",
	},
	{
		"no-clamp", "consensus/fairorder.go",
		"Time: max(at, o.watermark[a]), Explicit", "Time: at, Explicit",
		"a receipt counts below its author's watermark: bounds fall",
	},
	{
		"watermark-falls", "consensus/fairorder.go",
		"o.watermark[author] = max(o.watermark[author], n.v.Time())", "o.watermark[author] = n.v.Time()",
		"a vertex without its author's previous one takes the watermark back",
	},
	{
		"twin-watermark-counted", "consensus/fairorder.go",
		"	o.watermark[author] = maxTime\n", "",
		"an excluded author's watermark still holds theta",
	},
	{
		"twin-entries-kept", "consensus/fairorder.go",
		"if t.incomplete() && t.present.has(author) {", "if false && t.present.has(author) {",
		"an excluded author's receipts still count",
	},
	{
		"theta-without-unseen", "consensus/theta.go",
		"	theta := o.lowerBound(nil)\n", "	theta := o.theta\n	for _, w := range o.watermark {\n		if w != maxTime {\n			theta = max(theta, w)\n		}\n	}\n",
		"batches that nobody listed yet are left out of the bound: one comes after a later one has left",
	},
	{
		"restart-at-max-plus-one", "consensus/sim/recovery.go",
		"n.disk.bound = top + 1\n", "n.disk.bound = top\n",
		"a node that lost its log signs its last round again",
	},
	{
		"implicit-ignored", "consensus/fairorder.go",
		"		touched = o.implicitReceipts(n, touched)\n", "",
		"a batch that not all list never completes, and holds everything",
	},
	{
		"implicit-at-once", "consensus/fairorder.go",
		"if n.ref.Round < t.opened+2 {", "if n.ref.Round < t.opened {",
		"implicit receipts come from vertices that need not have the opening among their ancestors",
	},
	{
		"no-void", "consensus/fairorder.go",
		"if t.opened == 0 && by < t.first+Horizon {", "if t.opened == 0 {",
		"what at most f stake lists is never forgotten, and holds everything",
	},
	{
		"void-by-local-top", "consensus/sequence.go",
		"c.fair.append(n, by.Round, index, twin)", "c.fair.append(n, c.dag.top(), index, twin)",
		"what is forgotten depends on how much a node has seen",
	},
	{
		"blocks-per-lump", "consensus/sequence.go",
		"	c.closeBlocks(n, index)\n", "	if by.Digest == n.ref.Digest {\n		c.closeBlocks(n, index)\n	}\n",
		"blocks close after a lump of vertices instead of after each",
	},
	{
		"horizon-by-local-round", "consensus/sequence.go",
		"!n.appended && n.ref.Round+Horizon > v.ref.Round", "!n.appended && n.ref.Round+8 > d.top()",
		"garbage collection by a local depth decides what is appended",
	},
	{
		"early-receipts", "consensus/rules.go",
		"len(receipts) > 0 && receipts[0].Time <= last {", "len(receipts) > 0 && receipts[0].Time == 0 {",
		"receipts from before the author's previous vertex are accepted",
	},
	{
		"no-time-floor", "consensus/rules.go",
		"v.Time() < floor {", "v.Time() == 0 {",
		"frozen clocks are accepted: with one slow member they hold all output",
	},
	{
		"body-not-waited-for", "consensus/accept.go",
		"		if !c.holds(r.Batch, v.Round()) {\n", "		if false {\n",
		"a vertex is accepted without the bodies it lists",
	},
	{
		"evidence-forgotten", "consensus/accept.go",
		"	if c.proven[accused] {\n", "	if c.proven[accused] || !found {\n",
		"what others prove is not believed",
	},
	{
		"verdicts-by-heads", "consensus/verdicts.go",
		"	t.stake += d.committee.Stake(author)\n", "	t.stake += d.committee.Total() / types.Stake(d.committee.Len())\n",
		"many small members take a bond, or one large one is not needed",
	},
	{
		"verdict-listed-twice", "consensus/verdicts.go",
		"	return due || d.accused", "	return due && false || d.accused",
		"who states a verdict again has it listed again",
	},
	{
		"verdict-waits-for-transactions", "consensus/certificates.go",
		"c.blocks.close(c.fair.theta, c.verdicts.waiting())", "c.blocks.close(c.fair.theta, false)",
		"a due verdict closes no block",
	},
	{
		"signed-by-anything", "consensus/seals.go",
		"s.digests[len(s.digests)-1-back] == x.Digest {", "true {",
		"a late signature over any digest earns a reward",
	},
	{
		"duplicates-kept", "consensus/blocks.go",
		"if q.seen.has(tx.Hash) {", "if q.seen.has(tx.Hash) && len(q.queue) > 0 {",
		"a transaction is in two blocks",
	},
	{
		"rounds-jumped", "consensus/pace.go",
		"	for r := min(c.dag.current+2, c.dag.top()+1); r > last+1; r-- {\n", "	for r := c.dag.top() + 1; r > last+1; r-- {\n",
		"a late node leaves out rounds whose slots still need its votes",
	},
	{
		"weak-parents-dropped", "consensus/propose.go",
		"	body.Weak = c.weakParents(round, strong)\n", "",
		"after a gap a node forgets its own last vertex, and slow authors are never heard",
	},
	{
		"order-after-the-end", "consensus/certificates.go",
		"	for !c.ended() {\n", "	for {\n",
		"blocks close above the epoch's last one",
	},
	{
		"release-after-the-end", "consensus/sequence.go",
		"	if c.ended() {\n		return\n	}\n", "",
		"fair order goes on in an epoch that has ended",
	},
	{
		"rewards-count-twins", "consensus/sequence.go",
		"	if !twin {\n		c.epoch.count(", "	{\n		c.epoch.count(",
		"whoever equivocates is rewarded twice",
	},
	{
		"active-in-either-half", "consensus/epoch.go",
		"	if closed >= e.half {\n", "	if closed >= 0 {\n",
		"a member that fell silent keeps its seat",
	},
	{
		"dag-stops-at-the-end", "consensus/propose.go",
		"	if !c.member || c.convicted || ", "	if c.ended() || !c.member || c.convicted || ",
		"nobody makes vertices any more, and the last header is never signed by a quorum",
	},
	{
		"unordered-lost", "consensus/epoch.go",
		"		if !listed[id] {\n			out = append(out, id)\n		}\n	}\n	rest", "		if false {\n			out = append(out, id)\n		}\n	}\n	rest",
		"what was not released when the epoch ended is forgotten",
	},
	{
		"old-epoch-admitted", "consensus/sim/node.go",
		"		if in && height <= n.era.parent.Height {\n			return false\n		}\n		left = left || !in ||", "		left = left || height <= n.era.parent.Height || !in ||",
		"batches of the epoch before are admitted, and ordered, again",
	},
	{
		"any-signers", "consensus/certificates.go",
		"		if stake >= c.dag.quorum {\n			return v.Digest, true", "		if stake > c.dag.f {\n			return v.Digest, true",
		"a header counts as certified with the word of one honest member",
	},
}

// twinsFind names the planted bugs that the scenarios of package twins have to find, too: those of the commit rule and
// of what a bound is made of.
var twinsFind = []string{
	"quorum-minus-one", "anchor-at-two", "certificates-per-vertex", "blames-per-vertex", "fixed-slot-order", "no-clamp",
	"watermark-falls", "twin-watermark-counted", "twin-entries-kept", "theta-without-unseen", "horizon-by-local-round",
	"body-not-waited-for", "evidence-forgotten",
}

func foundByTwins() (out []mutant) {
	for _, m := range mutants {
		if slices.Contains(twinsFind, m.Name) {
			out = append(out, m)
		}
	}
	return out
}

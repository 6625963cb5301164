package metrics

// group is a part of the table with the title that the reference page gives it.
type group struct {
	title   string
	metrics []Metric
}

// Table lists every metric of the project.
func Table() []Metric {
	var all []Metric
	for _, g := range groups() {
		all = append(all, g.metrics...)
	}
	return all
}

func groups() []group {
	return []group{
		{"The node", nodeMetrics()}, {"The chain", chainMetrics()}, {"Peers and the way to them", peerMetrics()},
		{"Sampling", samplingMetrics()}, {"Rows for others", rowMetrics()}, {"Gossip and the pool", gossipMetrics()},
		{"Ordering", orderMetrics()}, {"Execution", executionMetrics()}, {"Assertions, challenges, bonds", courtMetrics()},
		{"The store", storeMetrics()}, {"Budgets", budgetMetrics()},
	}
}

func gauge(name Name, help string, labels ...Label) Metric {
	return Metric{Name: name, Kind: Gauge, Help: help, Labels: labels}
}

func counter(name Name, help string, labels ...Label) Metric {
	return Metric{Name: name, Kind: Counter, Help: help, Labels: labels}
}

func histogram(name Name, help string, buckets []float64) Metric {
	return Metric{Name: name, Kind: Histogram, Help: help, Buckets: buckets}
}

func label(name string, values ...string) Label { return Label{name, values} }

func nodeMetrics() []Metric {
	return []Metric{
		gauge(BuildInfo, "1; the labels say what runs.", label("version"), label("role"), label("profile"), label("go")),
		gauge(StartTime, "When the node was opened, in Unix time."),
		gauge(Ready, "1 once the node is up to date and has sampled a recent block itself, as /readyz says."),
		gauge(Health, "1 while a health code is raised (docs/reference/health.md), else 0.", label("code"), label("severity")),
	}
}

// stages of a block; up to which height each has come.
func stages() []string {
	return []string{"certified", "bodies", "executed", "sampled", "asserted", "settled"}
}

// Buckets of latencies: of what the network does in tens of milliseconds, and of what may take minutes.
func quick() []float64 {
	return []float64{0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30}
}

func slow() []float64 {
	return []float64{0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 300, 1800}
}

func chainMetrics() []Metric {
	return []Metric{
		gauge(Height, "Height up to which blocks are certified (the head of the network that is known here), stored, executed, sampled, asserted and settled.",
			label("stage", stages()...)),
		gauge(HeadAge, "Age of the newest certified block by this machine's clock; the network makes one at least every 10 seconds."),
		gauge(ClockOffset, "How far this machine's clock seems to be ahead of the committee's (below 0: behind), from how old new blocks are when they come."),
		gauge(Epoch, "Epoch of the newest certified block."),
		gauge(CommitteeMembers, "Members of the committee of that epoch."),
		gauge(CommitteeQuorum, "Votes that make a quorum of it."),
		gauge(CommitteeSeat, "1 while this node's key is a member of it."),
		gauge(Stopped, "1 when the node follows the network no further, because a quorum is proven corrupt."),
		histogram(CertifySeconds, "From the time of a block to its certificate's arrival here, for blocks that come one by one.", quick()),
	}
}

func peerMetrics() []Metric {
	transport := label("transport", "quic", "tcp", "relay")
	state := label("state", "reachable", "unreachable", "unknown")
	return []Metric{
		gauge(Peers, "Connected peers, by their best connection; transport relay: only through a relay.", transport, label("direction", "in", "out")),
		gauge(MemberPeers, "Connected members of the committee, without this node."),
		gauge(ScoresBelowZero, "Connected peers that gossip scores below 0 for what they sent."),
		gauge(Reachability, "1 for what is known of how others can dial this node, 0 for the other states.", state),
		gauge(Addresses, "Addresses that others may dial, by what they found when they tried.", state, transport),
		counter(StreamBytes, "Bytes of streams with peers, received and sent, without the overhead of transports.", label("direction", "in", "out"),
			label("for", "gossip", "ordering", "blocks", "transactions", "proofs", "rows", "snapshot", "routing", "connecting")),
		gauge(Relays, "Relays that pass connections on to this node."),
		gauge(PortMapped, "1 while the router forwards a port to this node."),
		gauge(SharedAddress, "1 when the router's own outer address is not public: the provider shares one among homes."),
		counter(PunchesTried, "Holes that were tried to be punched through routers."),
		counter(PunchesDone, "Of these, those that made a direct connection."),
		counter(PunchSeconds, "Time that successful ones took in all."),
	}
}

func samplingMetrics() []Metric {
	return []Metric{
		counter(SampledBlocks, "Verdicts that sampling came to.", label("verdict", "available", "unavailable", "misencoded")),
		counter(SampledRows, "Rows that verdicts rest on: correct, not answered, or a lie.", label("result", "correct", "missing", "wrong")),
		histogram(SamplingSeconds, "From the first sight of a block's header to the verdict that its data is available.", slow()),
		gauge(Confidence, "How sure the newest verdict is: the chance to be fooled is 2 to the power of minus this."),
	}
}

func rowMetrics() []Metric {
	return []Metric{
		gauge(Rows, "Rows of blocks on disk."),
		gauge(RowBlocks, "Blocks that they belong to."),
		gauge(RowBytes, "Disk that they take."),
		gauge(RowBudget, "Disk that they may take."),
		gauge(RowWaiting, "Rows in memory that wait for their block's certificate."),
		gauge(RowServers, "Peers known to keep rows, this node included if it does."),
		counter(RowsTaken, "Rows taken from offers."),
		counter(RowsHandedOn, "Copies made by handing rows on to other holders."),
		counter(RowsHandOnLost, "Rows not handed on, because too many waited."),
		counter(RowsRefused, "Offers or rows refused: too many requests or a peer in bad standing, no certified header, others are nearer, no room.",
			label("reason", "request", "header", "place", "full")),
		counter(RepairLooks, "Blocks whose copies at other holders were looked at."),
		counter(RepairCopied, "Rows that others took when copies were looked at."),
		counter(RepairPushed, "Rows that rebuilding blocks gave back to the network."),
		counter(RepairRebuilds, "Blocks that were rebuilt from rows, or not.", label("result", "done", "failed")),
		counter(RepairBytes, "Bytes of questions, and of rows shown, about copies."),
		gauge(RepairPending, "Blocks with few live rows that are to be rebuilt."),
		gauge(RepairImpossible, "Blocks whose rows do not make what their header commits to."),
		gauge(LiveRows, "Estimated share of a block's rows that are still held: of the newest block looked at, and of the one with the fewest.", label("block", "newest", "lowest")),
	}
}

func gossipMetrics() []Metric {
	topic := label("topic", "batch", "head", "assertion", "challenge")
	return []Metric{
		gauge(GossipPeers, "Peers that take part in a topic.", topic),
		counter(GossipMessages, "Messages of a topic: published here, accepted, ignored, rejected as their sender's fault.",
			topic, label("verdict", "published", "accepted", "ignored", "rejected")),
		counter(GossipServed, "Requests of peers that were answered."),
		counter(GossipLimited, "Requests of peers refused because they were too many."),
		counter(GossipWrong, "Answers and requests of peers that no honest peer sends: who sent them is asked last for some minutes."),
		gauge(PushLinks, "Push streams to other members, open or not.", label("state", "open", "closed")),
		gauge(PushQueued, "Bytes that wait in their queues."),
		counter(PushSent, "Messages sent to members over streams that are open now."),
		counter(PushDropped, "Messages to them that a full queue pushed out."),
		counter(PushReceived, "Messages received from members."),
		counter(PushOtherEpoch, "Of these, those of an epoch that is not live here."),
		gauge(PoolTransactions, "Transactions that wait in the pool, by what happens to them: held back by a nonce gap, on their way.", label("state", "held", "sent")),
		gauge(PoolBytes, "Bytes of the pool."),
		gauge(PoolAccounts, "Accounts with transactions in the pool."),
	}
}

package metrics

func orderMetrics() []Metric {
	return []Metric{
		gauge(OrderRound, "Round of the newest own vertex, of the newest vertex accepted, and up to which every slot is decided.", label("of", "own", "accepted", "decided")),
		counter(OrderSlots, "Slots of the order that were decided in this epoch: a vertex was committed to its place or skipped, at once or by a later one.",
			label("decision", "commit", "skip"), label("path", "direct", "indirect")),
		counter(OrderVertices, "Vertices accepted and logged in this epoch."),
		counter(OrderRefused, "Vertices refused in this epoch, before or by the ordering core.", label("by", "check", "core")),
		counter(OrderReleased, "Batches that left the fair order in this epoch."),
		counter(OrderClosed, "Blocks that this member saw certified in this epoch."),
		gauge(OrderWaiting, "Ordered transactions that are in no block yet."),
		gauge(OrderWaitingBytes, "Bytes of these."),
		gauge(OrderIncomplete, "Batches with a receipt and no fair time yet."),
		gauge(OrderMissing, "Vertices and bodies that are being fetched."),
		gauge(OrderSilent, "Members whose newest vertex is more than 64 rounds behind the newest of all."),
		gauge(OrderCongested, "1 while the member makes no room for new batches."),
		gauge(OrderEquivocators, "Members proven in this epoch to have signed two vertices of one round."),
		counter(OrderFetches, "Requests to members in this epoch.", label("result", "answered", "failed")),
		counter(OrderCatchUps, "Passes over another member's log in this epoch."),
		counter(OrderPushesLost, "Messages to or from members that a full queue lost in this epoch.", label("direction", "in", "out")),
		counter(OrderSyncs, "Syncs of the vertex log to the disk in this epoch."),
		histogram(OrderSeconds, "From a batch's fair time to its final place in the order, at this member.", quick()),
	}
}

func executionMetrics() []Metric {
	return []Metric{
		counter(ExecutedBlocks, "Blocks executed since the start."),
		counter(ExecutedTransactions, "Transactions of these, executed, or skipped as not executable.", label("result", "executed", "skipped")),
		counter(ExecutedGas, "Gas that they used."),
		histogram(ExecutionSeconds, "Time that executing a block took, the disk included.", quick()),
		gauge(BaseFee, "Base fee of the newest executed block."),
	}
}

func courtMetrics() []Metric {
	kind := label("kind", "wrong-state", "double-assertion", "double-vertex", "bad-encoding", "double-header", "double-signature", "wrong-prefix", "other")
	return []Metric{
		counter(Assertions, "Assertions accepted as well formed."),
		counter(Refutations, "Claims or keys that a challenge proved wrong here.", kind),
		counter(Challenges, "Challenges that came from others, by what became of them.", kind, label("result", "upheld", "invalid", "undecided")),
		gauge(CourtWaiting, "Challenges that wait to be verified."),
		counter(CourtBusy, "Challenges not looked at, because too many waited."),
		counter(VerdictsStated, "Verdicts that this member had for its vertices."),
		counter(VerdictsListed, "Verdicts in certified headers since the start."),
		gauge(VerdictsFalse, "Of all listed verdicts, those that took a bond without a reason."),
		gauge(Bond, "1 for the state of the bond of this node's key, 0 for the others.", label("state", "none", "active", "leaving", "released", "slashed")),
		gauge(BondStake, "Stake of that bond."),
		gauge(AccountBalance, "Balance of the node's own account, which pays for what it posts."),
		gauge(BackgroundQueue, "Jobs that wait for a free worker.", label("of", "rows", "heads", "batches")),
	}
}

func storeMetrics() []Metric {
	return []Metric{
		gauge(StoreBytes, "Disk that the store of headers, bodies, rows and proofs takes; the executed state is beside it."),
		gauge(StoreLogBytes, "Of these, its write-ahead log."),
		gauge(StoreDebt, "Bytes that compactions have still to rewrite; growing without end means that the disk is too slow."),
		gauge(StoreCacheBytes, "Bytes of its block cache."),
		counter(StoreReads, "Reads of blocks that were in the cache, or had to come from the disk.", label("result", "hit", "miss")),
		gauge(StoreLevels, "Places to look at for one key, at worst."),
		counter(StoreCompactions, "Compactions since the start."),
	}
}

func budgetMetrics() []Metric {
	return []Metric{
		gauge(DiskUsed, "Disk that the node's data takes."),
		gauge(DiskBudget, "Disk that it may take (`--disk`); absent without a bound."),
		gauge(DiskFree, "Free disk where it lies."),
		gauge(MemoryUsed, "Memory that the Go runtime holds of the system."),
		gauge(MemoryBudget, "Memory that it keeps within (`--memory`, or GOMEMLIMIT); absent without a bound."),
		gauge(BandwidthBudget, "Bytes a second that streams may send and receive together (`--bandwidth`); bedrock_stream_bytes_total counts them. Absent without a bound."),
	}
}

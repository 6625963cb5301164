package node

import (
	"time"

	"github.com/etherscale/bedrock/node/metrics"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
)

// openMeter tells the registry where to read. All parts are open; those that the role lacks are nil.
func (n *Node) openMeter() error {
	r := n.meter.registry
	for _, read := range []metrics.Source{n.readNode, n.readChain, n.readPeers, n.readReach, n.readTraffic, n.readGossip, n.readDisk, n.readBudgets, n.readBackground} {
		r.Read(read)
	}
	if n.cfg.Role.Stores() {
		r.Read(n.readRows)
	}
	if n.sampling != nil {
		r.Read(func(s *metrics.Scrape) { s.Set(metrics.Confidence, n.meter.sure()) })
	}
	if n.wallets != nil {
		r.Read(n.readPool)
	}
	if n.order != nil {
		r.Read(n.readOrder)
	}
	if n.proofs != nil {
		r.Read(n.readCourt)
	}
	if n.exec != nil {
		r.Read(n.readState)
	}
	return nil
}

// readChain is how far the chain has come.
func (n *Node) readChain(s *metrics.Scrape) {
	head := n.chain.Head().Header
	s.Set(metrics.Height, float64(head.Height), "certified")
	if n.cfg.Role.FollowsBodies() {
		s.Set(metrics.Height, float64(n.chain.BodiesHead()), "bodies")
	}
	if n.exec != nil {
		s.Set(metrics.Height, float64(n.exec.Height()), "executed")
	}
	if n.sampling != nil {
		s.Set(metrics.Height, float64(n.sampled()), "sampled")
	}
	if n.proofs != nil {
		s.Set(metrics.Height, float64(n.asserted()), "asserted")
		s.Set(metrics.Height, float64(n.settled()), "settled")
	}
	s.Set(metrics.HeadAge, time.Since(head.Time.Std()).Seconds())
	epoch := n.chain.Epoch()
	s.Set(metrics.Epoch, float64(epoch))
	if committee := n.committeeOf(epoch); committee != nil {
		s.Set(metrics.CommitteeMembers, float64(committee.Len()))
		s.Set(metrics.CommitteeQuorum, float64(committee.Quorum()))
	}
	_, member := n.placeIn(epoch)
	s.Flag(metrics.CommitteeSeat, member)
	s.Flag(metrics.Stopped, n.chain.Err() != nil)
}

// readPeers counts connections.
func (n *Node) readPeers(s *metrics.Scrape) {
	count := make(map[[2]string]int)
	members, low := 0, 0
	committee := n.committeeOf(n.chain.Epoch())
	for _, p := range n.host.Network().Peers() {
		conn := bestConn(n.host.Network().ConnsToPeer(p))
		if conn == nil {
			continue
		}
		count[[2]string{p2p.TransportOf(conn.RemoteMultiaddr()), directionOf(conn)}]++
		if _, ok := memberAmong(committee, p); ok {
			members++
		}
		if n.gossip.Score(p) < 0 {
			low++
		}
	}
	for _, transport := range []string{"quic", "tcp", "relay"} {
		for _, direction := range []string{"in", "out"} {
			s.Set(metrics.Peers, float64(count[[2]string{transport, direction}]), transport, direction)
		}
	}
	s.Set(metrics.MemberPeers, float64(members))
	s.Set(metrics.ScoresBelowZero, float64(low))
}

// readTraffic is what streams carried.
func (n *Node) readTraffic(s *metrics.Scrape) {
	n.host.Traffic().Each(func(use string, in, out uint64) {
		s.Set(metrics.StreamBytes, float64(in), "in", use)
		s.Set(metrics.StreamBytes, float64(out), "out", use)
	})
}

// readReach is how others reach the node.
func (n *Node) readReach(s *metrics.Scrape) {
	r := n.Reachability()
	count := make(map[[2]string]int)
	for _, a := range r.Addrs {
		count[[2]string{a.State, a.Transport}]++
	}
	for _, state := range []string{rpc.Reachable, rpc.Unreachable, rpc.Unknown} {
		s.Flag(metrics.Reachability, r.State == state, state)
		for _, transport := range []string{"quic", "tcp", "relay"} {
			s.Set(metrics.Addresses, float64(count[[2]string{state, transport}]), state, transport)
		}
	}
	s.Set(metrics.Relays, float64(len(r.Relays)))
	s.Flag(metrics.PortMapped, len(r.Mapped) > 0)
	s.Flag(metrics.SharedAddress, r.CGNAT)
	s.Set(metrics.PunchesTried, float64(r.Punches.Tried))
	s.Set(metrics.PunchesDone, float64(r.Punches.Done))
	s.Set(metrics.PunchSeconds, r.Punches.Elapsed.Seconds())
}

func (n *Node) readRows(s *metrics.Scrape) {
	d := n.dht.Stats()
	s.Set(metrics.Rows, float64(d.Rows))
	s.Set(metrics.RowBlocks, float64(d.Blocks))
	s.Set(metrics.RowBytes, float64(d.Bytes))
	s.Set(metrics.RowBudget, float64(d.Budget))
	s.Set(metrics.RowWaiting, float64(d.Provisional))
	s.Set(metrics.RowServers, float64(d.Servers))
	s.Set(metrics.RowsTaken, float64(d.Taken))
	s.Set(metrics.RowsHandedOn, float64(d.HandedOn))
	s.Set(metrics.RowsHandOnLost, float64(d.HandOnLost))
	s.Set(metrics.RowsRefused, float64(d.Refused), "request")
	s.Set(metrics.RowsRefused, float64(d.RefusedHeader), "header")
	s.Set(metrics.RowsRefused, float64(d.RefusedPlace), "place")
	s.Set(metrics.RowsRefused, float64(d.RefusedFull), "full")
	r := d.Repair
	s.Set(metrics.RepairLooks, float64(r.Looks))
	s.Set(metrics.RepairCopied, float64(r.Copied))
	s.Set(metrics.RepairPushed, float64(r.Pushed))
	s.Set(metrics.RepairRebuilds, float64(r.Ended), "done")
	s.Set(metrics.RepairRebuilds, float64(r.Failed), "failed")
	s.Set(metrics.RepairBytes, float64(r.Asked))
	s.Set(metrics.RepairPending, float64(r.Pending))
	s.Set(metrics.RepairImpossible, float64(r.Beyond))
	if r.Newest.Height > 0 {
		s.Set(metrics.LiveRows, r.Newest.Share, "newest")
	}
	if r.Lowest.Height > 0 {
		s.Set(metrics.LiveRows, r.Lowest.Share, "lowest")
	}
}

func (n *Node) readGossip(s *metrics.Scrape) {
	g := n.gossip.Stats()
	for _, t := range g.Topics {
		topic := string(t.Topic)
		s.Set(metrics.GossipPeers, float64(t.Peers), topic)
		s.Set(metrics.GossipMessages, float64(t.Published), topic, "published")
		s.Set(metrics.GossipMessages, float64(t.Accepted), topic, "accepted")
		s.Set(metrics.GossipMessages, float64(t.Ignored), topic, "ignored")
		s.Set(metrics.GossipMessages, float64(t.Rejected), topic, "rejected")
	}
	s.Set(metrics.GossipServed, float64(g.Served))
	s.Set(metrics.GossipLimited, float64(g.Limited))
	s.Set(metrics.GossipWrong, float64(g.Wrong))
	s.Set(metrics.PushReceived, float64(g.PushesIn))
	s.Set(metrics.PushOtherEpoch, float64(g.OtherEpoch))
	var open, closed, queued int
	var sent, dropped uint64
	for _, l := range g.Links {
		if l.Connected {
			open++
		} else {
			closed++
		}
		queued, sent, dropped = queued+l.Queued, sent+l.Sent, dropped+l.Dropped
	}
	s.Set(metrics.PushLinks, float64(open), "open")
	s.Set(metrics.PushLinks, float64(closed), "closed")
	s.Set(metrics.PushQueued, float64(queued))
	s.Set(metrics.PushSent, float64(sent))
	s.Set(metrics.PushDropped, float64(dropped))
}

func (n *Node) readPool(s *metrics.Scrape) {
	p := n.wallets.Stats()
	s.Set(metrics.PoolTransactions, float64(p.Held), "held")
	s.Set(metrics.PoolTransactions, float64(p.Transactions-p.Held), "sent")
	s.Set(metrics.PoolBytes, float64(p.Bytes))
	s.Set(metrics.PoolAccounts, float64(p.Accounts))
}

// readDisk is what the store takes, and what is free where it lies.
func (n *Node) readDisk(s *metrics.Scrape) {
	if free, err := store.FreeSpace(n.cfg.Data); err == nil {
		s.Set(metrics.DiskFree, float64(free))
	}
	if d, err := n.store.Stats(); err == nil {
		s.Set(metrics.StoreBytes, float64(d.Bytes))
		s.Set(metrics.StoreLogBytes, float64(d.Log))
		s.Set(metrics.StoreDebt, float64(d.Debt))
		s.Set(metrics.StoreCacheBytes, float64(d.CacheBytes))
		s.Set(metrics.StoreReads, float64(d.CacheHits), "hit")
		s.Set(metrics.StoreReads, float64(d.CacheMisses), "miss")
		s.Set(metrics.StoreLevels, float64(d.ReadLevels))
		s.Set(metrics.StoreCompactions, float64(d.Compactions))
	}
	used, bound := memoryUse()
	s.Set(metrics.MemoryUsed, float64(used))
	if bound > 0 {
		s.Set(metrics.MemoryBudget, float64(bound))
	}
}

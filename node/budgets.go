package node

import (
	"fmt"

	"github.com/etherscale/bedrock/node/metrics"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// diskWarnAt is the part of the disk budget from which on the owner is told.
const diskWarnAt = 0.8

// budgets are the bounds that the node keeps within, and what it uses of each.
func (n *Node) budgets() (list []rpc.Budget) {
	if n.cfg.Role.Stores() {
		rows := n.dht.Stats()
		list = append(list, rpc.Budget{Name: "rows", Used: uint64(rows.Bytes), Budget: uint64(rows.Budget), Unit: "bytes"})
	}
	if disk, err := n.Disk(); err == nil && disk.Budget > 0 {
		list = append(list, rpc.Budget{Name: "disk", Used: uint64(disk.Used), Budget: uint64(disk.Budget), Unit: "bytes"})
	}
	if n.cfg.Memory > 0 {
		used, _ := memoryUse()
		list = append(list, rpc.Budget{Name: "memory", Used: used, Budget: uint64(n.cfg.Memory), Unit: "bytes"})
	}
	if n.cfg.Bandwidth > 0 {
		list = append(list, rpc.Budget{Name: "bandwidth", Used: n.meter.lineUse(n.host.Traffic()), Budget: uint64(n.cfg.Bandwidth), Unit: "bytes/s"})
	}
	return list
}

// readBudgets is what the metrics say of them.
func (n *Node) readBudgets(s *metrics.Scrape) {
	if disk, err := n.Disk(); err == nil {
		s.Set(metrics.DiskUsed, float64(disk.Used))
	}
	if n.cfg.Disk > 0 {
		s.Set(metrics.DiskBudget, float64(n.cfg.Disk))
	}
	if n.cfg.Bandwidth > 0 {
		s.Set(metrics.BandwidthBudget, float64(n.cfg.Bandwidth))
	}
}

// fillsDisk tells of a budget that is nearly used up, or of a disk that is.
func (n *Node) fillsDisk() string {
	if use, err := n.Disk(); err == nil && use.Budget > 0 && float64(use.Used) > diskWarnAt*float64(use.Budget) {
		return fmt.Sprintf("%d of %d MiB are in use", use.Used>>20, use.Budget>>20)
	}
	return n.lacksDisk()
}

// gaveUpHistory tells of blocks whose transactions and receipts are not here any more.
func (n *Node) gaveUpHistory() string { return prunedWords(n.exec.Pruned(), n.exec.First()) }

// prunedWords: what was before the first block here was never here.
func prunedWords(pruned, first types.Height) string {
	if pruned <= first {
		return ""
	}
	return fmt.Sprintf("transactions and receipts of the blocks up to %d", pruned)
}

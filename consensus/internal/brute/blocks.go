package brute

import "github.com/etherscale/bedrock/types"

// Limits of blocks; times in microseconds.
type Limits struct {
	Interval, Heartbeat uint64
	Bytes, Gas          uint64
	EpochLength         uint64 // blocks; 0: no end
}

// Tx is a transaction of a batch.
type Tx struct {
	Hash types.Hash
	Gas  uint64
	Size uint64
}

// Block is a closed block.
type Block struct {
	Time  types.Time
	After int // index of the appended vertex after which it closed
	Txs   []types.Hash

	Verdicts []types.Verdict
}

type queued struct {
	tx Tx
	t  types.Time
}

// Blocks replays the sequence and closes blocks after each vertex, up to the epoch's last one. It also returns the final state of the fair order.
func Blocks(s Setting, limits Limits, appended []Appended, contents map[types.BatchID][]Tx) ([]Block, *Fair) {
	s = s.withDefaults()
	fair, verdicts := NewFair(s), NewVerdicts(s.Committee)
	var blocks []Block
	var queue []queued
	last := map[types.Hash]int{} // where in the list of queued ones, from 1
	count := 0
	taken := 0
	parentTime := s.Start
	boundary := (uint64(s.Start)/limits.Interval + 1) * limits.Interval
	for i, next := range appended {
		if limits.EpochLength > 0 && len(blocks) == int(limits.EpochLength) {
			break
		}
		fair.Append(next)
		verdicts.Append(next.Vertex, fair.excluded)
		for ; taken < len(fair.Released); taken++ {
			for _, tx := range contents[fair.Released[taken].Batch] {
				if at := last[tx.Hash]; at > 0 && (at-1)/s.Transactions+1 >= (count-1)/s.Transactions {
					continue
				}
				count++
				last[tx.Hash] = count
				queue = append(queue, queued{tx, fair.Released[taken].T})
			}
		}
		for ; uint64(fair.Theta) >= boundary && fair.Theta != Forever; boundary += limits.Interval {
			n := fitting(queue, types.Time(boundary), limits)
			if n == 0 && verdicts.Listed == len(verdicts.Due) && boundary < uint64(parentTime)+limits.Heartbeat {
				continue
			}
			b := Block{Time: types.Time(boundary), After: i, Verdicts: verdicts.List()}
			for _, q := range queue[:n] {
				b.Txs = append(b.Txs, q.tx.Hash)
			}
			queue = queue[n:]
			blocks = append(blocks, b)
			parentTime = b.Time
			if len(blocks) == int(limits.EpochLength) {
				break
			}
		}
	}
	return blocks, fair
}

// fitting is how many transactions at the head of the queue go into the block of the boundary.
func fitting(queue []queued, boundary types.Time, limits Limits) int {
	size, gas := uint64(4), uint64(0)
	for n, q := range queue {
		size += 4 + q.tx.Size
		gas += q.tx.Gas
		if q.t >= boundary || size > limits.Bytes || gas > limits.Gas {
			return n
		}
	}
	return len(queue)
}

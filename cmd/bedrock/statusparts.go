package main

import (
	"fmt"
	"io"

	"github.com/etherscale/bedrock/rpc"
)

// printOwnBond tells how the bond of the node's key stands.
func printOwnBond(out io.Writer, b *rpc.OwnBond) {
	if b == nil {
		return
	}
	fmt.Fprintf(out, "  bond       %s", b.State)
	if b.Role != "" && b.Stake != nil {
		fmt.Fprintf(out, ", %s, %s ether", b.Role, formatEther(b.Stake.ToInt()))
	}
	if place := placeOf(b.Serves, b.Next); place != "" {
		fmt.Fprintf(out, ", in the committee %s", place)
	}
	fmt.Fprintln(out)
	if b.Note != "" {
		fmt.Fprintf(out, "             %s\n", b.Note)
	}
}

// printStorage tells what a node stores for others and how its rows fare in the network.
func printStorage(out io.Writer, s *rpc.Storage) {
	if s == nil {
		return
	}
	fmt.Fprintf(out, "  rows       %d of %s, %s of %s\n", s.Rows, counted(int(s.Blocks), "block"), amountOf(uint64(s.Bytes), "bytes"), amountOf(uint64(s.Budget), "bytes"))
	r := s.Repair
	if r.Newest != nil && r.Lowest != nil {
		fmt.Fprintf(out, "  live rows  about %.0f %% of block %d, the newest looked at; least %.0f %%, of block %d\n",
			100*r.Newest.Share, r.Newest.Height, 100*r.Lowest.Share, r.Lowest.Height)
	}
	if r.Begun > 0 || r.Pending > 0 || r.Beyond > 0 {
		fmt.Fprintf(out, "  rebuilds   %d done, %d failed, %d to come, %d impossible\n", r.Ended, r.Failed, r.Pending, r.Beyond)
	}
}

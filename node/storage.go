package node

import (
	"context"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/rpc"
)

var _ rpc.Store = (*service)(nil)

// Storage implements rpc.Store.
func (s *service) Storage(context.Context) (*rpc.Storage, error) {
	if !s.n.cfg.Role.Stores() {
		return nil, nil
	}
	st := s.n.dht.Stats()
	r := st.Repair
	return &rpc.Storage{
		Rows: st.Rows, Blocks: st.Blocks, Bytes: st.Bytes, Budget: st.Budget, Waiting: st.Provisional, Servers: st.Servers,
		Taken: st.Taken, HandedOn: st.HandedOn, HandLost: st.HandOnLost,
		Refused: rpc.StorageRefused{Requests: st.Refused, Header: st.RefusedHeader, Place: st.RefusedPlace, Full: st.RefusedFull},
		Repair: rpc.StorageRepair{
			Copied: r.Copied, Checks: r.Checks, Begun: r.Begun, Ended: r.Ended, Failed: r.Failed, Pushed: r.Pushed,
			Pending: r.Pending, Beyond: r.Beyond, Known: r.Known, Newest: liveRows(r.Newest), Lowest: liveRows(r.Lowest),
		},
	}, nil
}

// liveRows is nil where no block was looked at.
func liveRows(l dht.Live) *rpc.LiveRows {
	if l.Height == 0 {
		return nil
	}
	return &rpc.LiveRows{Height: rpc.Height(l.Height), Share: l.Share}
}

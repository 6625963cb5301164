package pool

import (
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// parcel is a transaction that waits for a batch.
type parcel struct {
	envelope []byte
	info     consensus.TxInfo
	group    [20]byte // the account; parcels of one group keep their order. Zero: no group, no spacing
	at       time.Time
}

// outbox coalesces parcels into batches. It is a plain value: its owner locks it and tells it the time.
type outbox struct {
	company company
	spacing time.Duration
	parcels []parcel // in order of arrival
	bytes   int
	last    map[[20]byte]time.Time // when a group was taken last, while that is less than spacing ago
}

func newOutbox(delay, spacing time.Duration) *outbox {
	return &outbox{company: company{delay: delay}, spacing: spacing, last: make(map[[20]byte]time.Time)}
}

func (o *outbox) add(p parcel) {
	o.company.arrive(p.at)
	o.parcels = append(o.parcels, p)
	o.bytes += rlpSize(p.envelope)
}

// remove takes a parcel back and reports whether it was still there.
func (o *outbox) remove(hash types.Hash) bool {
	for i := range o.parcels {
		if o.parcels[i].info.Hash == hash {
			o.bytes -= rlpSize(o.parcels[i].envelope)
			o.parcels = append(o.parcels[:i], o.parcels[i+1:]...)
			return true
		}
	}
	return false
}

// ready is when a parcel may leave, as far as it alone decides.
func (o *outbox) ready(p *parcel, burst time.Time) time.Time {
	at := o.company.until(p.at, burst)
	if last, ok := o.last[p.group]; ok && p.group != [20]byte{} {
		if spaced := last.Add(o.spacing); spaced.After(at) {
			return spaced
		}
	}
	return at
}

// full reports whether a batch can be filled without waiting for more.
func (o *outbox) full() bool {
	return o.bytes >= batchRoom || len(o.parcels) >= types.MaxBatchTransactions
}

// due is when take will give a batch; false: nothing waits.
func (o *outbox) due() (time.Time, bool) {
	var due time.Time
	burst := o.company.next()
	for i := range o.parcels {
		p := &o.parcels[i]
		at := o.ready(p, burst)
		if o.full() && !o.blocked(p, p.at) {
			at = p.at
		}
		if due.IsZero() || at.Before(due) {
			due = at
		}
		if o.spacing == 0 {
			break // the first came first, and nothing holds it back
		}
	}
	return due, len(o.parcels) > 0
}

// blocked reports whether the group of p left less than spacing before now.
func (o *outbox) blocked(p *parcel, now time.Time) bool {
	last, ok := o.last[p.group]
	return ok && p.group != [20]byte{} && now.Before(last.Add(o.spacing))
}

// take removes and returns the parcels of the next batch, nil when none is due at the time now. They are in order of
// arrival, fit one batch, and no group is in two batches less than spacing apart.
func (o *outbox) take(now time.Time) []parcel {
	if due, any := o.due(); !any || due.After(now) {
		return nil
	}
	for group, last := range o.last {
		if !now.Before(last.Add(o.spacing)) {
			delete(o.last, group)
		}
	}
	var batch, rest []parcel
	size, closed := 0, false
	for _, p := range o.parcels {
		n := rlpSize(p.envelope)
		if !closed && !o.blocked(&p, now) {
			closed = len(batch) > 0 && (size+n > batchRoom || len(batch) == types.MaxBatchTransactions)
		}
		if closed || o.blocked(&p, now) {
			rest = append(rest, p)
			continue
		}
		batch = append(batch, p)
		size += n
		o.bytes -= n
	}
	o.parcels = rest
	for _, p := range batch {
		if p.group != [20]byte{} && o.spacing > 0 {
			o.last[p.group] = now
		}
	}
	return batch
}

// batchRoom is what the items of a batch may take beside the prefix of the list.
const batchRoom = types.MaxBatchBytes - 4

// rlpSize is the size of an envelope as a byte string in RLP, at most.
func rlpSize(envelope []byte) int {
	switch n := len(envelope); {
	case n < 56:
		return n + 1
	case n < 1<<8:
		return n + 2
	case n < 1<<16:
		return n + 3
	default:
		return n + 4
	}
}

// outgoing makes the message of a batch of parcels.
func outgoing(batch []parcel, now time.Time, attempt int) (Outgoing, error) {
	envelopes := make([][]byte, len(batch))
	infos := make([]consensus.TxInfo, len(batch))
	for i, p := range batch {
		envelopes[i], infos[i] = p.envelope, p.info
	}
	body, err := types.EncodeBatch(envelopes)
	if err != nil {
		return Outgoing{}, err
	}
	return Outgoing{ID: types.BatchIDOf(body), Body: body, Txs: infos, Time: types.TimeOf(now), Attempt: attempt}, nil
}

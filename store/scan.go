package store

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Range bounds a scan. The zero value is the whole space, ascending.
type Range struct {
	From []byte // first key, inclusive; nil: the first of the space
	To   []byte // end, exclusive; nil: the end of the space
	// Reverse visits the keys in descending order.
	Reverse bool
}

// ErrStop, returned by a visitor, ends a scan without error.
var ErrStop = errors.New("stop the scan")

// Scan calls visit for every key of the range as it was when Scan was called. Key (without its space) and value are only
// valid during the call. It ends at the first error of visit and returns it, or nil if that is ErrStop.
func (db *DB) Scan(space Space, r Range, visit func(key, value []byte) error) (err error) {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	lower, upper := space.bounds(r.From, r.To)
	it, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return wrapPebble("scan", err)
	}
	defer func() { err = errors.Join(err, wrapPebble("scan", it.Close())) }()
	first, next := it.First, it.Next
	if r.Reverse {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return wrapPebble("scan", err)
		}
		if err := visit(it.Key()[1:], value); errors.Is(err, ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return wrapPebble("scan", it.Error())
}

// Package parallel runs the parts of a coding on several goroutines.
package parallel

import (
	"sync"
	"sync/atomic"

	"github.com/etherscale/bedrock/coding"
)

// Workers runs the parts on n goroutines, each of which takes the next part when it is done with one. For n < 2 it is nil,
// which runs them in order.
func Workers(n int) coding.Spread {
	if n < 2 {
		return nil
	}
	return func(parts int, do func(part int)) {
		var next atomic.Int64
		var group sync.WaitGroup
		for range min(n, parts) {
			group.Go(func() {
				for part := int(next.Add(1)) - 1; part < parts; part = int(next.Add(1)) - 1 {
					do(part)
				}
			})
		}
		group.Wait()
	}
}

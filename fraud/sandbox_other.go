//go:build !linux

package fraud

import "runtime/debug"

// apply limits this process as far as the runtime can: where the kernel cannot cap memory, the timeout and the bounds on
// a challenge's size have to do.
func (l Limits) apply() error {
	debug.SetMemoryLimit(int64(l.withDefaults().Memory / 4 * 3))
	return nil
}

package sequencer

import "github.com/etherscale/bedrock/types"

// allowance limits the bytes of bodies that a member's pushes may bring in and the own pool does not admit: such bodies
// are kept whether or not a vertex ever receipts them. What is refused is fetched when the core wants it. It has one user at a
// time: of one member one push is checked at a time.
type allowance struct {
	rate, burst int64 // bytes a second, bytes
	left        int64
	at          types.Time
}

// take spends the bytes if they are left.
func (a *allowance) take(bytes int, at types.Time) bool {
	if at > a.at {
		refill := float64(a.rate) * float64(at-a.at) / 1e6
		a.left = int64(min(float64(a.left)+refill, float64(a.burst)))
	}
	a.at = at // also when the clock was set back: else nothing would be refilled until it is where it was
	if a.left < int64(bytes) {
		return false
	}
	a.left -= int64(bytes)
	return true
}

// refund gives bytes back that turned out to be welcome.
func (a *allowance) refund(bytes int) { a.left = min(a.left+int64(bytes), a.burst) }

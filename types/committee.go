package types

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// MaxCommittee is the largest number of sequencers in a committee.
const MaxCommittee = 1024

// CommitteeMember is a sequencer with its stake.
type CommitteeMember struct {
	Key   PublicKey `json:"key"`
	Stake Stake     `json:"stake"`
}

// Committee is the set of sequencers of an epoch, ascending by public key. It is immutable.
type Committee struct {
	members []CommitteeMember
	index   map[PublicKey]Member
	total   Stake
}

// NewCommittee checks the members (ascending by key without repeats, stake above 0, sound keys, 1..MaxCommittee of
// them, total stake below 2^62) and builds the committee.
func NewCommittee(members []CommitteeMember) (*Committee, error) {
	if len(members) == 0 || len(members) > MaxCommittee {
		return nil, fmt.Errorf("committee of %d members, want 1..%d", len(members), MaxCommittee)
	}
	c := &Committee{members: append([]CommitteeMember(nil), members...), index: make(map[PublicKey]Member, len(members))}
	for i, m := range members {
		if i > 0 && bytes.Compare(members[i-1].Key[:], m.Key[:]) >= 0 {
			return nil, fmt.Errorf("committee member %d (%s) is not above the one before it", i, m.Key)
		}
		if m.Stake == 0 || m.Stake > math.MaxInt64/2-c.total {
			return nil, fmt.Errorf("committee member %d (%s) has stake %d", i, m.Key, m.Stake)
		}
		if err := CheckKey(m.Key); err != nil {
			return nil, fmt.Errorf("committee member %d: %w", i, err)
		}
		c.index[m.Key] = Member(i)
		c.total += m.Stake
	}
	return c, nil
}

// Len is the number of members.
func (c *Committee) Len() int { return len(c.members) }

// Members returns a copy of the member list.
func (c *Committee) Members() []CommitteeMember { return append([]CommitteeMember(nil), c.members...) }

// Member returns member i, which must be below Len.
func (c *Committee) Member(i Member) CommitteeMember { return c.members[i] }

// Has reports whether i is a member index.
func (c *Committee) Has(i Member) bool { return int(i) < len(c.members) }

// Index finds the member that has the key.
func (c *Committee) Index(key PublicKey) (Member, bool) {
	i, ok := c.index[key]
	return i, ok
}

// Stake is the stake of member i.
func (c *Committee) Stake(i Member) Stake { return c.members[i].Stake }

// Total is the stake of all members.
func (c *Committee) Total() Stake { return c.total }

// F is the largest Byzantine stake tolerated: ceil(total/3) - 1.
func (c *Committee) F() Stake { return (c.total+2)/3 - 1 }

// Quorum is the stake that decides: total - F.
func (c *Committee) Quorum() Stake { return c.total - c.F() }

// Draw returns the order of the members in a round: drawn without replacement with chance by stake. Draw k is
// sha256("bedrock/draw" || seed || BE64 round || BE32 k) as a big-endian integer mod the stake left, walked through the
// members left in committee order.
func (c *Committee) Draw(seed Hash, round Round) []Member {
	left := make([]Member, len(c.members))
	for i := range left {
		left[i] = Member(i)
	}
	order := make([]Member, 0, len(left))
	stake := c.total
	for k := uint32(0); len(left) > 0; k++ {
		point := drawPoint(seed, round, k, stake)
		i := 0
		for point >= c.members[left[i]].Stake {
			point -= c.members[left[i]].Stake
			i++
		}
		order = append(order, left[i])
		stake -= c.members[left[i]].Stake
		left = append(left[:i], left[i+1:]...)
	}
	return order
}

func drawPoint(seed Hash, round Round, k uint32, stake Stake) Stake {
	buf := append([]byte("bedrock/draw"), seed[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(round))
	buf = binary.BigEndian.AppendUint32(buf, k)
	sum := sha256.Sum256(buf)
	n := new(big.Int).SetBytes(sum[:])
	return Stake(n.Mod(n, new(big.Int).SetUint64(uint64(stake))).Uint64())
}

// Bitmap marks members: bit i is member i, least significant bit of byte 0 first. Its length is (n+7)/8.
type Bitmap []byte

// NewBitmap makes an empty bitmap for a committee of n members.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+7)/8) }

// Set marks member i.
func (b Bitmap) Set(i Member) { b[i/8] |= 1 << (i % 8) }

// Has reports whether member i is marked; indices beyond the bitmap are not.
func (b Bitmap) Has(i Member) bool { return int(i/8) < len(b) && b[i/8]&(1<<(i%8)) != 0 }

// Count is the number of marked members.
func (b Bitmap) Count() int {
	n := 0
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return n
}

// Members lists the marked members in ascending order.
func (b Bitmap) Members() []Member {
	out := make([]Member, 0, b.Count())
	for i := 0; i < len(b)*8; i++ {
		if b.Has(Member(i)) {
			out = append(out, Member(i))
		}
	}
	return out
}

// Check refuses a bitmap of the wrong length for the committee or with bits beyond its last member.
func (b Bitmap) Check(c *Committee) error {
	if len(b) != (c.Len()+7)/8 {
		return fmt.Errorf("bitmap of %d bytes for %d members: %w", len(b), c.Len(), ErrMalformed)
	}
	if spare := c.Len() % 8; spare != 0 && b[len(b)-1]>>spare != 0 {
		return fmt.Errorf("bitmap marks members beyond %d: %w", c.Len(), ErrMalformed)
	}
	return nil
}

// StakeOf sums the stake of the marked members.
func (c *Committee) StakeOf(b Bitmap) Stake {
	var sum Stake
	for i, m := range c.members {
		if b.Has(Member(i)) {
			sum += m.Stake
		}
	}
	return sum
}

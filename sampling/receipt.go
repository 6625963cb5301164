package sampling

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Receipt is the record of one client's sampling of one block, which a stranger can check offline ([Receipt.Verify]).
// Encoded:
//
//	"bedrock-sampling-receipt" | version (1)
//	| LE32 length | certified header
//	| LE32 number of headers that end epochs | for each: LE32 length | certified header
//	| row root (32) | value root (32)
//	| rules: LE16 samples | LE16 accept | LE16 samples | LE16 accept     (zeros: the block was to be decoded)
//	| LE64 time of the first question
//	| LE32 number of rows asked for | for each, in the order drawn: LE32 index
//	| LE32 number of rows that came | for each, ascending by place: LE32 place among those asked for | LE64 time
//	      | peer length (1) | peer | hash of the row (32) | path (32 * log2 N)
//	| LE32 length | evidence of bad encoding (coding.Evidence)           (empty: none)
//
// Times are microseconds since 1970. There is one encoding of a receipt.
type Receipt struct {
	Header types.CertifiedHeader
	// Epochs are the headers that end the epochs before Header's, oldest first: they lead from the genesis file, or from a
	// checkpoint, to the committee that certified it.
	Epochs    []types.CertifiedHeader
	RowRoot   types.Hash
	ValueRoot types.Hash
	Rules     Rules
	Began     types.Time
	Asked     []uint32 // indices, in the order drawn
	Rows      []ReceivedRow
	Evidence  []byte
}

// ReceivedRow is a row that came.
type ReceivedRow struct {
	Place int // among Asked
	Time  types.Time
	Peer  string // who gave it, as the client's transport names it
	Proof coding.RowProof
}

const (
	receiptMagic   = "bedrock-sampling-receipt"
	receiptVersion = 1
	// MaxReceiptBytes bounds an encoded receipt: six years of weekly epochs of a committee of a thousand.
	MaxReceiptBytes = 64 << 20
	// maxReceiptEpochs bounds the headers that end epochs.
	maxReceiptEpochs = 1 << 16
	// maxPeerName bounds the name of a peer, in bytes.
	maxPeerName = 128
)

// ErrReceipt says that bytes are not a sampling receipt in its one encoding.
var ErrReceipt = errors.New("sampling: not a sampling receipt")

// Encode is the receipt's encoding.
func (r *Receipt) Encode() []byte {
	b := append([]byte(receiptMagic), receiptVersion)
	b = appendBytes(b, r.Header.Encode())
	b = le32(b, len(r.Epochs))
	for i := range r.Epochs {
		b = appendBytes(b, r.Epochs[i].Encode())
	}
	b = append(append(b, r.RowRoot[:]...), r.ValueRoot[:]...)
	for _, rule := range r.Rules {
		b = binary.LittleEndian.AppendUint16(b, uint16(rule.Samples))
		b = binary.LittleEndian.AppendUint16(b, uint16(rule.Accept))
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Began))
	b = le32(b, len(r.Asked))
	for _, i := range r.Asked {
		b = binary.LittleEndian.AppendUint32(b, i)
	}
	b = le32(b, len(r.Rows))
	for _, row := range r.Rows {
		b = binary.LittleEndian.AppendUint64(le32(b, row.Place), uint64(row.Time))
		peer := row.Peer[:min(len(row.Peer), maxPeerName)]
		b = append(append(b, byte(len(peer))), peer...)
		b = append(b, row.Proof.Leaf[:]...)
		for _, h := range row.Proof.Path {
			b = append(b, h[:]...)
		}
	}
	return appendBytes(b, r.Evidence)
}

func le32(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

func appendBytes(b, field []byte) []byte { return append(le32(b, len(field)), field...) }

// DecodeReceipt is the strict inverse of Encode. What it returns is well-formed, with indices within the block and no row
// twice; whether it proves anything is for Verify to say. It fails with ErrReceipt.
func DecodeReceipt(b []byte) (*Receipt, error) {
	if len(b) > MaxReceiptBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrReceipt, len(b))
	}
	d := &receiptDecoder{left: b}
	if string(d.take(len(receiptMagic))) != receiptMagic {
		return nil, ErrReceipt
	}
	if version := d.take(1); d.err == nil && version[0] != receiptVersion {
		return nil, fmt.Errorf("%w of version %d: this program knows %d", ErrReceipt, version[0], receiptVersion)
	}
	r := &Receipt{Header: d.header()}
	// A header is no shorter than 100 bytes; the bound keeps the list in proportion to the file.
	for range d.count(min(maxReceiptEpochs, len(b)/100)) {
		r.Epochs = append(r.Epochs, d.header())
	}
	r.RowRoot, r.ValueRoot = d.hash(), d.hash()
	for i := range r.Rules {
		r.Rules[i] = Rule{d.uint16(), d.uint16()}
	}
	r.Began = types.Time(d.uint64())
	d.asked(r)
	d.rows(r)
	if evidence := d.bytes(); len(evidence) > 0 {
		r.Evidence = evidence
	}
	if d.err == nil && len(d.left) > 0 {
		d.fail("%d bytes at its end", len(d.left))
	}
	return r, d.err
}

// receiptDecoder reads from left; after an error everything is zero.
type receiptDecoder struct {
	left []byte
	err  error
}

func (d *receiptDecoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrReceipt, fmt.Sprintf(format, args...))
	}
	d.left = nil
}

func (d *receiptDecoder) take(n int) []byte {
	if d.err != nil || n > len(d.left) {
		d.fail("it ends early")
		return nil
	}
	out := d.left[:n:n]
	d.left = d.left[n:]
	return out
}

func (d *receiptDecoder) uint16() int {
	if b := d.take(2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (d *receiptDecoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *receiptDecoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *receiptDecoder) hash() (h types.Hash) {
	copy(h[:], d.take(len(h)))
	return h
}

// count reads a number of at most limit.
func (d *receiptDecoder) count(limit int) int {
	n := d.uint32()
	if int64(n) > int64(limit) {
		d.fail("a list of %d, at most %d", n, limit)
		return 0
	}
	return int(n)
}

func (d *receiptDecoder) bytes() []byte { return d.take(d.count(len(d.left))) }

func (d *receiptDecoder) header() types.CertifiedHeader {
	raw := d.bytes()
	if d.err != nil {
		return types.CertifiedHeader{}
	}
	ch, err := types.DecodeCertifiedHeader(raw)
	if err != nil {
		d.fail("%v", err)
		return types.CertifiedHeader{}
	}
	return *ch
}

func (d *receiptDecoder) asked(r *Receipt) {
	p, err := coding.ParamsFor(r.Header.Header.DataLength)
	if err != nil {
		d.fail("%v", err)
	}
	seen := make(map[uint32]bool)
	for range d.count(maxAsked) {
		i := d.uint32()
		if int64(i) >= int64(p.N) || seen[i] {
			d.fail("row %d of %d is out of range or asked for twice", i, p.N)
			return
		}
		seen[i] = true
		r.Asked = append(r.Asked, i)
	}
}

func (d *receiptDecoder) rows(r *Receipt) {
	p, _ := coding.ParamsFor(r.Header.Header.DataLength) // checked in asked
	last := -1
	for range d.count(len(r.Asked)) {
		row := ReceivedRow{Place: int(d.uint32()), Time: types.Time(d.uint64())}
		if d.err != nil || row.Place <= last || row.Place >= len(r.Asked) {
			d.fail("rows out of order")
			return
		}
		last = row.Place
		n := 0
		if b := d.take(1); b != nil {
			n = int(b[0])
		}
		if n > maxPeerName {
			d.fail("a peer's name of %d bytes", n)
		}
		row.Peer = string(d.take(n))
		row.Proof.Index, row.Proof.Leaf = r.Asked[row.Place], d.hash()
		for range p.PathLen() {
			row.Proof.Path = append(row.Proof.Path, d.hash())
		}
		r.Rows = append(r.Rows, row)
	}
}

// After is how long after the first question the row came.
func (r *Receipt) After(row ReceivedRow) time.Duration { return row.Time.Std().Sub(r.Began.Std()) }

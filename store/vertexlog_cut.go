package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/etherscale/bedrock/types"
)

// Cut is a state of the ordering core, from which a node goes on with the end of the log instead of the whole of it.
type Cut struct {
	Round    types.Round // whose slots the state has decided
	Digest   types.Hash  // of State, by the core's own rule: what other nodes call it
	Position uint64      // of the first vertex in the log that is to be replayed after the state
	Own      types.Round // newest own vertex at that time; 0: none
	OwnName  types.Hash  // its digest
	State    []byte
}

const (
	cutMagic       = "bedrockc"
	cutVersion     = 1
	cutHeaderBytes = 8 + 4 + 8 + 32 + 8 + 8 + 32 + 8 // magic, version, round, digest, position, own, its digest, length
	keptCuts       = 2
	// MaxCutBytes bounds a cut's state: the core's own bound on its encoding lies below it.
	MaxCutBytes = 256 << 20
)

func cutName(r types.Round) string { return fmt.Sprintf("%020d.cut", uint64(r)) }

// SaveCut keeps the cut beside the log, durably when it returns, and what was appended before it too. Of several only the two
// newest are kept.
//
//	file = magic(8) version(4) round(8) digest(32) position(8) own(8) name(32) length(8) state crc(4)    little-endian, CRC-32C of all before
func (l *VertexLog) SaveCut(c Cut) error {
	if len(c.State) > MaxCutBytes {
		return fmt.Errorf("vertex log: cut of %d bytes, at most %d", len(c.State), MaxCutBytes)
	}
	if c.Position < l.First() || c.Position > l.Len() {
		return fmt.Errorf("vertex log: cut at position %d, the log has %d to %d", c.Position, l.First(), l.Len())
	}
	if err := l.Sync(); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(l.dir, cutName(c.Round)), encodeCut(c)); err != nil {
		return err
	}
	names, err := listCuts(l.dir)
	if err != nil {
		return err
	}
	for _, name := range names[min(len(names), keptCuts):] {
		if err := os.Remove(filepath.Join(l.dir, name)); err != nil {
			return fmt.Errorf("vertex log: %w", err)
		}
	}
	return nil
}

// Cuts returns the cuts that are kept, newest first. A damaged one, or one whose vertices the log has no more, is removed: the
// older one or the whole log serves in its place.
func (l *VertexLog) Cuts() ([]Cut, error) {
	names, err := listCuts(l.dir)
	if err != nil {
		return nil, err
	}
	var cuts []Cut
	for _, name := range names {
		path := filepath.Join(l.dir, name)
		c, err := readCut(path)
		if errors.Is(err, ErrLogCorrupt) || err == nil && (c.Position < l.First() || c.Position > l.Len()) {
			if err = os.Remove(path); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("vertex log: %w", err)
		}
		cuts = append(cuts, c)
	}
	return cuts, nil
}

// CutPiece reads part of the state of the cut of a round: at most so many bytes from the offset on, none beyond its end.
// ErrNotInLog when the cut is not kept.
func (l *VertexLog) CutPiece(r types.Round, offset uint64, most int) ([]byte, error) {
	f, err := os.Open(filepath.Join(l.dir, cutName(r)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cut of round %d: %w", r, ErrNotInLog)
	}
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	end := info.Size() - 4 // the checksum is no part of the state
	if offset > MaxCutBytes || int64(cutHeaderBytes+offset) >= end {
		return nil, nil
	}
	piece := make([]byte, min(int64(most), end-int64(cutHeaderBytes+offset)))
	if _, err := f.ReadAt(piece, int64(cutHeaderBytes+offset)); err != nil {
		return nil, fmt.Errorf("vertex log: read the cut of round %d: %w", r, err)
	}
	return piece, nil
}

// listCuts names the files of cuts, newest first.
func listCuts(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".cut") {
			names = append(names, e.Name())
		}
	}
	sort.Sort(sort.Reverse(sort.StringSlice(names)))
	return names, nil
}

func encodeCut(c Cut) []byte {
	out := append(make([]byte, 0, cutHeaderBytes+len(c.State)+4), cutMagic...)
	out = binary.LittleEndian.AppendUint32(out, cutVersion)
	out = binary.LittleEndian.AppendUint64(out, uint64(c.Round))
	out = append(out, c.Digest[:]...)
	out = binary.LittleEndian.AppendUint64(out, c.Position)
	out = binary.LittleEndian.AppendUint64(out, uint64(c.Own))
	out = append(out, c.OwnName[:]...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(c.State)))
	out = append(out, c.State...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

func readCut(path string) (Cut, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Cut{}, fmt.Errorf("vertex log: %w", err)
	}
	if info.Size() > cutHeaderBytes+MaxCutBytes+4 {
		return Cut{}, &CorruptLogError{File: path, Reason: "the cut is larger than any this program writes"}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Cut{}, fmt.Errorf("vertex log: %w", err)
	}
	c, ok := decodeCut(raw)
	if !ok {
		return Cut{}, &CorruptLogError{File: path, Reason: "the cut is damaged"}
	}
	return c, nil
}

// decodeCut is the strict inverse of encodeCut.
func decodeCut(raw []byte) (Cut, bool) {
	if len(raw) < cutHeaderBytes+4 {
		return Cut{}, false
	}
	body, sum := raw[:len(raw)-4], binary.LittleEndian.Uint32(raw[len(raw)-4:])
	version, length := binary.LittleEndian.Uint32(raw[8:]), binary.LittleEndian.Uint64(raw[cutHeaderBytes-8:])
	if !bytes.HasPrefix(raw, []byte(cutMagic)) || version != cutVersion || length != uint64(len(body)-cutHeaderBytes) ||
		crc32.Checksum(body, castagnoli) != sum {
		return Cut{}, false
	}
	return Cut{
		Round:    types.Round(binary.LittleEndian.Uint64(raw[12:])),
		Digest:   types.Hash(raw[20:52]),
		Position: binary.LittleEndian.Uint64(raw[52:]),
		Own:      types.Round(binary.LittleEndian.Uint64(raw[60:])),
		OwnName:  types.Hash(raw[68:100]),
		State:    body[cutHeaderBytes:],
	}, true
}

// unfinished ends the name of a file that writeDurably has not put into its place yet.
const unfinished = ".new"

// removeUnfinished removes what a crash in writeDurably left.
func removeUnfinished(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"+unfinished))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	return nil
}

// writeDurably replaces the file by one with the bytes: after a crash it is the old one, or the new one as a whole.
func writeDurably(path string, content []byte) error {
	temporary := path + unfinished
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("vertex log: write %s: %w", temporary, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/etherscale/bedrock/coding"
)

// encodesBedrock and encodesRsema1d encode data once and return what must be kept.
func encodesBedrock(data []byte) (any, error) { return coding.Encode(data) }

func encodesRsema1d(data []byte) (any, error) {
	p, err := coding.ParamsFor(uint64(len(data)))
	if err != nil {
		return nil, err
	}
	r := &rsema1d{params: p}
	r.data = cut(data, p.RowSize) // rsema1d wants the rows in any memory: the data is not copied for it
	r.rows = append(r.rows, r.data...)
	r.rows = append(r.rows, cut(make([]byte, (p.N-p.K)*p.RowSize), p.RowSize)...)
	return r, r.start(1)
}

// memory is the most that is resident while a block is encoded, the data included and what was there before left out,
// over the block's size. The block's rows must fill up exactly.
func (p part) memory(encode func([]byte) (any, error)) (float64, error) {
	if _, err := encode(payload(64 << 10)); err != nil { // tables of the libraries
		return 0, err
	}
	debug.FreeOSMemory()
	before, err := resident("VmRSS")
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the high-water mark falls to what is resident now
		return 0, err
	}
	data := payload(p.Bytes)
	kept, err := encode(data)
	if err != nil {
		return 0, err
	}
	peak, err := resident("VmHWM")
	if err != nil {
		return 0, err
	}
	runtime.KeepAlive(data)
	runtime.KeepAlive(kept)
	return float64(peak-before) / float64(p.Bytes), nil
}

// resident is a line of Linux's account of this process, in bytes.
func resident(what string) (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^` + what + `:\s+(\d+) kB$`).FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("/proc/self/status has no %s", what)
	}
	kib, err := strconv.Atoi(string(found[1]))
	return kib << 10, err
}

package config

import (
	"fmt"
	"strconv"
	"strings"
)

// minUpload is the least upload limit: a row of 64 KiB takes 4 s, and a holder waits 20 s for one.
const minUpload = 16 << 10

// minRowBudget is the least disk budget for rows: those of a few blocks.
const minRowBudget = 64 << 20

// ParseUpload reads a rate as line contracts state it ("10Mbit", "800kbit", "1.5Gbit") and returns bytes a second; 0 for
// the empty text, which means no limit.
func ParseUpload(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := quantity(text, map[string]float64{"kbit": 1e3 / 8, "mbit": 1e6 / 8, "gbit": 1e9 / 8})
	if err != nil || n < minUpload {
		return 0, fmt.Errorf("%q: write it as 10Mbit, 800kbit or 1Gbit, at least 132kbit", text)
	}
	return n, nil
}

// ParseRowBudget reads a size ("4GiB", "500MiB", "1TiB") and returns bytes; 0 for the empty text, which means the default.
func ParseRowBudget(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := quantity(text, map[string]float64{"mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40})
	if err != nil || n < minRowBudget {
		return 0, fmt.Errorf("%q: write it as 500MiB or 4GiB, at least 64MiB", text)
	}
	return n, nil
}

// The least budgets: below them a node of any role does not do its work.
const (
	MinDisk      = 256 << 20
	minMemory    = 96 << 20
	minBandwidth = 125_000 // 1 Mbit/s
)

func parseBandwidth(text string) (int64, error) {
	n, err := quantity(text, map[string]float64{"kbit": 1e3 / 8, "mbit": 1e6 / 8, "gbit": 1e9 / 8})
	if err != nil || n < minBandwidth {
		return 0, fmt.Errorf("%q: write it as 50Mbit or 1Gbit, at least 1Mbit", text)
	}
	return n, nil
}

func parseDisk(text string) (int64, error) {
	n, err := quantity(text, map[string]float64{"mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40})
	if err != nil || n < MinDisk {
		return 0, fmt.Errorf("%q: write it as 500MiB or 20GiB, at least 256MiB", text)
	}
	return n, nil
}

func parseMemory(text string) (int64, error) {
	n, err := quantity(text, map[string]float64{"mib": 1 << 20, "gib": 1 << 30})
	if err != nil || n < minMemory {
		return 0, fmt.Errorf("%q: write it as 512MiB or 1GiB, at least 96MiB", text)
	}
	return n, nil
}

// quantity is a decimal number followed by a unit, in any case.
func quantity(text string, units map[string]float64) (int64, error) {
	at := strings.LastIndexAny(text, "0123456789.") + 1
	factor, known := units[strings.ToLower(strings.TrimSpace(text[at:]))]
	value, err := strconv.ParseFloat(text[:at], 64)
	if err != nil || !known || value < 0 || value*factor > 1<<50 {
		return 0, fmt.Errorf("%q is no quantity", text)
	}
	return int64(value * factor), nil
}

// formatRate writes bytes a second as ParseUpload reads them.
func formatRate(bytes int64) string {
	if bytes%(1e6/8) == 0 {
		return strconv.FormatInt(bytes/(1e6/8), 10) + "Mbit"
	}
	return strconv.FormatFloat(float64(bytes)*8/1e3, 'f', -1, 64) + "kbit"
}

// formatSize writes bytes as ParseRowBudget reads them.
func formatSize(bytes int64) string {
	if bytes%(1<<30) == 0 {
		return strconv.FormatInt(bytes>>30, 10) + "GiB"
	}
	return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', -1, 64) + "MiB"
}

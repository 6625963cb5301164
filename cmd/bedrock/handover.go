package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// parseHandover reads EPOCH:NUMBER,NUMBER=STAKE,...: the sequencers by the numbers of their keys.
func parseHandover(text string, ids []config.Identity) (h types.Handover, err error) {
	epoch, list, ok := strings.Cut(text, ":")
	if !ok {
		return h, errors.New("want EPOCH:NUMBER,NUMBER=STAKE,...")
	}
	n, err := strconv.ParseUint(epoch, 10, 64)
	if err != nil {
		return h, fmt.Errorf("epoch %q is no number", epoch)
	}
	h.Epoch = types.Epoch(n)
	for _, member := range strings.Split(list, ",") {
		m, err := parseMember(member, ids)
		if err != nil {
			return h, err
		}
		h.Committee = append(h.Committee, m)
	}
	return h, nil
}

// parseMember reads NUMBER or NUMBER=STAKE.
func parseMember(text string, ids []config.Identity) (types.CommitteeMember, error) {
	number, stake, given := strings.Cut(text, "=")
	if !given {
		stake = "1"
	}
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(ids) {
		return types.CommitteeMember{}, fmt.Errorf("sequencer %q is not one of 0..%d", number, len(ids)-1)
	}
	s, err := strconv.ParseUint(stake, 10, 62)
	if err != nil || s == 0 {
		return types.CommitteeMember{}, fmt.Errorf("stake %q of sequencer %d is no number above 0", stake, i)
	}
	return types.CommitteeMember{Key: config.PublicKeyOf(ids[i].Key), Stake: types.Stake(s)}, nil
}

package gossip

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multistream"

	"github.com/etherscale/bedrock/types"
)

// Two processes with one key cannot connect to each other, and each looks to the others like the one peer. To find out whether it
// has a twin a process asks another peer to ask over every connection of its key who is there:
//
//	request   kind (1 byte) | nonce (32 bytes)
//	1: which process are you?    answer: instance (16) | signature (64)
//	2: which ones have my key?   answer: connections that did not answer (1) | the answers to 1
//
// A process draws its instance when it starts. The signature, by the peer's key over nonce and instance, makes an answer worth
// something also when a liar passes it on; a connection that does not answer may be an older program's, or dead.
const (
	askInstance  = 1
	askInstances = 2

	instanceSize   = 16
	nonceSize      = 32
	instanceAnswer = instanceSize + ed25519.SignatureSize
	// maxInstances bounds the connections of one peer that are asked.
	maxInstances = 8
	// maxInstanceRequest is the exact size.
	maxInstanceRequest = 1 + nonceSize
	// instancePatience is how long one connection may take to answer.
	instancePatience = 700 * time.Millisecond
)

// instance names a process for as long as it runs.
type instance [instanceSize]byte

func newInstance() (name instance, err error) {
	_, err = rand.Read(name[:])
	return name, err
}

// answerInstance serves both questions; the second to members only, about themselves.
func (g *Gossip) answerInstance(ctx context.Context, from peer.ID, request []byte) (status, []byte) {
	if len(request) != maxInstanceRequest {
		g.Penalize(from)
		return statusRefused, nil
	}
	switch {
	case request[0] == askInstance:
		answer, err := g.signInstance(request[1:])
		if err != nil {
			return statusNotFound, nil
		}
		return statusOK, answer
	case request[0] == askInstances && g.live.Load().member(from):
		return statusOK, g.askConnections(ctx, from, request[1:])
	}
	return statusRefused, nil
}

func (g *Gossip) signInstance(nonce []byte) ([]byte, error) {
	key := g.cfg.Host.Peerstore().PrivKey(g.self)
	if key == nil {
		return nil, errors.New("the host's key is not known")
	}
	digest := g.instanceDigest(nonce, g.instance[:])
	signature, err := key.Sign(digest[:])
	return append(g.instance[:len(g.instance):len(g.instance)], signature...), err
}

func (g *Gossip) instanceDigest(nonce, instance []byte) types.Hash {
	return types.DigestOf(g.cfg.Network, types.KindInstance, append(append([]byte{}, nonce...), instance...))
}

// askConnections asks who is at the other end of every connection of a peer.
func (g *Gossip) askConnections(ctx context.Context, p peer.ID, nonce []byte) []byte {
	conns := g.cfg.Host.Network().ConnsToPeer(p)
	conns = conns[:min(len(conns), maxInstances)]
	answers := make([][]byte, len(conns))
	var group sync.WaitGroup
	for i, c := range conns {
		group.Go(func() { answers[i], _ = g.askConnection(ctx, c, nonce) })
	}
	group.Wait()
	out := []byte{0}
	for _, a := range answers {
		if len(a) != instanceAnswer {
			out[0]++
			continue
		}
		out = append(out, a...)
	}
	return out
}

func (g *Gossip) askConnection(ctx context.Context, c network.Conn, nonce []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "instance"), instancePatience)
	defer cancel()
	s, err := c.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err := multistream.SelectProtoOrFail(g.protocols.instance, s); err != nil {
		_ = s.Reset()
		return nil, err
	}
	if err := s.SetProtocol(g.protocols.instance); err != nil {
		_ = s.Reset()
		return nil, err
	}
	frame, err := g.converse(s, append([]byte{askInstance}, nonce...), instanceAnswer)
	if err != nil {
		_ = s.Reset()
		return nil, err
	}
	_ = s.Close()
	return splitResponse(frame)
}

// Elsewhere asks a member whether it is connected to another process with this node's key. twin: there is one, by its own
// signature. sure: the member sees none, and every connection of the key was accounted for.
func (g *Gossip) Elsewhere(ctx context.Context, epoch types.Epoch, at types.Member) (twin, sure bool, err error) {
	committee, ok := g.committee(epoch)
	if !ok || !committee.Has(at) {
		return false, false, fmt.Errorf("member %d of epoch %d is not known", at, epoch)
	}
	p, err := PeerIDOf(committee.Member(at).Key)
	if err != nil {
		return false, false, err
	}
	if err := g.connect(ctx, p); err != nil {
		return false, false, err
	}
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return false, false, err
	}
	answer, err := g.exchange(ctx, p, g.protocols.instance, append([]byte{askInstances}, nonce...), 1+maxInstances*instanceAnswer)
	if err != nil {
		return false, false, err
	}
	return g.readInstances(p, nonce, answer)
}

// readInstances judges the answer of a member; it penalizes one that no honest member gives.
func (g *Gossip) readInstances(from peer.ID, nonce, answer []byte) (twin, sure bool, err error) {
	own, keyErr := KeyOf(g.self)
	if keyErr != nil {
		return false, false, keyErr
	}
	if len(answer) == 0 || (len(answer)-1)%instanceAnswer != 0 {
		g.Penalize(from)
		return false, false, fmt.Errorf("instances from %s: %w", from, types.ErrMalformed)
	}
	seen := 0
	for rest := answer[1:]; len(rest) > 0; rest = rest[instanceAnswer:] {
		name, signature := rest[:instanceSize], types.Signature(rest[instanceSize:instanceAnswer])
		if err := types.VerifyDigest(own, g.instanceDigest(nonce, name), signature); err != nil {
			g.Penalize(from)
			return false, false, fmt.Errorf("instances from %s: %w", from, err)
		}
		if instance(name) != g.instance {
			return true, false, nil
		}
		seen++
	}
	return false, answer[0] == 0 && seen > 0, nil
}

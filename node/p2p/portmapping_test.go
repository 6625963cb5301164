package p2p

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p"
	"github.com/multiformats/go-multiaddr"
)

// promptRouter is a router that answers NAT-PMP at once.
type promptRouter struct {
	mu     sync.Mutex
	asked  int
	mapped map[int]int // lifetimes in seconds by inside port
}

func (r *promptRouter) GetExternalAddress() (*natpmp.GetExternalAddressResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	return &natpmp.GetExternalAddressResult{ExternalIPAddress: netip.MustParseAddr("45.9.0.1").As4()}, nil
}

func (r *promptRouter) AddPortMapping(_ string, inside, _, life int) (*natpmp.AddPortMappingResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mapped[inside] = life
	return &natpmp.AddPortMappingResult{InternalPort: uint16(inside), MappedExternalPort: 5000}, nil
}

func (r *promptRouter) wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		r.mu.Lock()
		ok := holds()
		r.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("after 10 s: not yet %s", what)
}

// TestPortIsMappedThatIsListenedAtLater: a router that answers before the host listens is asked again when it does.
func TestPortIsMappedThatIsListenedAtLater(t *testing.T) {
	h, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	network := h.Network()
	router := &promptRouter{mapped: make(map[int]int)}
	m := startPortMapper(network, func() pmpRouter { return router })
	router.wait(t, "asked", func() bool { return router.asked > 0 })

	if err := network.Listen(multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")); err != nil {
		t.Fatal(err)
	}
	listen := network.ListenAddresses()[0]
	router.wait(t, "mapped", func() bool { return m.GetMapping(listen) != nil })
	if got := m.GetMapping(listen).String(); got != "/ip4/45.9.0.1/tcp/5000" {
		t.Errorf("mapped to %s", got)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := transportPort(listen)
	if life, ok := router.mapped[port]; !ok || life != 0 {
		t.Errorf("the mapping was not given back: lifetime %d s", life)
	}
}

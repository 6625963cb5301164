package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/etherscale/bedrock/rpc"
)

// metricsServer serves /metrics, /livez and /readyz on an address of their own.
type metricsServer struct {
	listener net.Listener
	handler  http.Handler
	log      *slog.Logger
}

// openMetrics binds the address of the metrics.
func (n *Node) openMetrics() error {
	if n.cfg.Metrics == "" {
		return nil
	}
	listener, err := net.Listen("tcp", n.cfg.Metrics)
	if n.cfg.MetricsMayMove && errors.Is(err, syscall.EADDRINUSE) {
		if listener, err = net.Listen("tcp", net.JoinHostPort(hostOf(n.cfg.Metrics), "0")); err == nil {
			n.log.Info("the usual address of the metrics is taken: they have another", "usual", n.cfg.Metrics, "metrics", listener.Addr())
		}
	}
	if err != nil {
		return fmt.Errorf("metrics: cannot listen on %s, choose another --metrics address, or off: %w", n.cfg.Metrics, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", n.metrics.Handler())
	n.exposed = &metricsServer{listener: listener, handler: rpc.Guard(rpc.HealthPaths(&service{n: n}, mux)), log: n.log}
	n.onClose(func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// run serves until ctx ends.
func (m *metricsServer) run(ctx context.Context) error {
	server := &http.Server{
		Handler: m.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// MetricsAddr is the host:port where /metrics is served, or empty.
func (n *Node) MetricsAddr() string {
	if n.exposed == nil {
		return ""
	}
	return n.exposed.listener.Addr().String()
}

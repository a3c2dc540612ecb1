// Package server answers requests for recommendations over HTTP, and replaces its model by newer ones
// while it does so. openapi.json describes the answers.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// Limits bound what requests can cost.
type Limits struct {
	MaxBody        int64         // bytes of a body
	MaxN           int           // length of a list
	RequestTimeout time.Duration // for reading a request; its answer may take as long again
	// MaxMemory is what all requests together may take, beside the models and some 32 KiB for each
	// connection; 0 is DefaultMaxMemory, or MemoryOfBody times MaxBody if that is more.
	MaxMemory int64
}

// Options say which model is served, and how.
type Options struct {
	ModelDir        string // a directory, or a link to one that is switched to newer ones
	Attributes      string // a file of a catalogue, which is read anew when it changes; or nothing
	ReloadInterval  time.Duration
	VerifyFirst     bool // whether every byte of the first model is checked
	VerifyReloads   bool // the same for the models that follow
	Limits          Limits
	ShutdownTimeout time.Duration // for the requests being answered when the server is stopped
	TokenFile       string        // with the tokens of whom it answers, or nothing for everybody
	CertFile        string        // with the certificate of its own TLS, or nothing for plain HTTP
	KeyFile         string        // with the key of the certificate
	Log             *slog.Logger
}

// Server answers requests; it is an [http.Handler].
type Server struct {
	options  Options
	limits   Limits
	log      *slog.Logger
	routes   []*route
	metrics  metrics
	models   models
	stopping atomic.Bool

	admission   admission
	connections *connectionGate
	tokens      *watched[tokens]          // or nil
	certificate *watched[tls.Certificate] // or nil
	document    []byte                    // of /openapi.json, for any model
}

const (
	// An id in a path has at most 65,535 bytes, three characters each; a longer header is answered
	// with 431.
	maxHeaderBytes = 256 << 10
	idleTimeout    = 2 * time.Minute
)

// New opens the first model.
func New(options Options) (*Server, error) {
	s := &Server{options: options, limits: options.Limits, log: options.Log, routes: routes()}
	s.admission.set(&s.limits)
	s.models.attributes = options.Attributes
	s.models.path, s.models.log, s.models.metrics = options.ModelDir, options.Log, &s.metrics
	s.models.wake = make(chan struct{}, 1)
	s.connections = newConnectionGate(options.Log)
	s.document = renderDocument(&s.limits, options.TokenFile != "")
	// The small files first: a mistake in them should not cost the time of a model.
	if err := cmp.Or(s.openTokens(), s.openTLS()); err != nil {
		return nil, err
	}
	if err := s.models.loadFirst(options.VerifyFirst); err != nil {
		return nil, err
	}
	return s, nil
}

// ErrCutOff says that requests were still being answered at the end of the shutdown timeout.
var ErrCutOff = errors.New("shutdown: expected the last answers within the timeout, got some cut off")

// Serve answers requests until the context ends, then those being answered, and closes the model. A
// signal makes it look for a newer model at once, and try one again that it has refused.
func (s *Server) Serve(ctx context.Context, listener net.Listener, reload <-chan os.Signal) error {
	defer s.models.close()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a connection has one request at a time, so limits of connections are limits
	httpServer := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.limits.RequestTimeout,
		ReadTimeout:       s.limits.RequestTimeout,
		WriteTimeout:      2 * s.limits.RequestTimeout, // it begins with the request
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		TLSConfig:         s.tlsConfig(),
		ConnState: func(connection net.Conn, state http.ConnState) {
			s.connections.track(connection, state)
			noteState(connection, state)
		},
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go s.models.watch(watching, s.options.ReloadInterval, reload, s.options.VerifyReloads)
	failed := make(chan error, 1)
	s.connections.setLimit()
	go func() { failed <- s.serve(httpServer, countingListener{listener, &s.admission, s.certificate != nil}) }()
	s.log.Info("listening", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return s.shutDown(httpServer)
	}
}

// serve accepts connections until the listener is closed.
func (s *Server) serve(httpServer *http.Server, inner net.Listener) error {
	bounded := &listener{inner, s.connections}
	if httpServer.TLSConfig != nil {
		return httpServer.ServeTLS(bounded, "", "")
	}
	return httpServer.Serve(bounded)
}

func (s *Server) shutDown(httpServer *http.Server) error {
	s.stopping.Store(true)
	s.log.Info("shutting down", "in_flight", s.metrics.inFlight.Load())
	ctx, cancel := context.WithTimeout(context.Background(), s.options.ShutdownTimeout)
	defer cancel()
	if err := httpServer.Shutdown(ctx); err != nil {
		httpServer.Close()
		s.log.Error("answers cut off", "in_flight", s.metrics.inFlight.Load())
		return ErrCutOff
	}
	s.log.Info("stopped")
	return nil
}

func (s *Server) health(x *exchange) *fault {
	x.body = append(x.body, "{\"status\": \"ok\"}\n"...)
	return nil
}

func (s *Server) ready(x *exchange) *fault {
	current := s.models.current.Load()
	if current == nil || s.stopping.Load() {
		return unavailable()
	}
	if current.damaged.Load() {
		return damagedModel()
	}
	x.writer.Header().Set(modelHeader, current.name())
	x.body = append(x.body, "{\"status\": \"ready\"}\n"...)
	return nil
}

func (s *Server) exposeMetrics(x *exchange) *fault {
	x.contentType = "text/plain; version=0.0.4; charset=utf-8"
	x.body = s.appendMetrics(x.body)
	return nil
}

package server

import (
	"container/list"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// connectionGate bounds how many connections are open, so that descriptors are left for the files of a newer
// model. Where there is no room for another one, the one that has waited the longest for a request is closed.
type connectionGate struct {
	most int // 0 for no bound
	log  *slog.Logger

	mutex  sync.Mutex
	change sync.Cond                  // of which mutex is the lock
	open   map[net.Conn]*list.Element // the place in idle, nil while a request is answered
	idle   list.List                  // the longest first
	closed bool

	shed         atomic.Int64
	acceptErrors atomic.Int64
	fullWarning  sparing
	errorWarning sparing
}

// keptBack are descriptors for what is open for a moment: a connection that waits for room, a model's
// directory and one of its files, a catalogue, tokens, a certificate.
const keptBack = 12

func newConnectionGate(log *slog.Logger) *connectionGate {
	c := &connectionGate{log: log, open: map[net.Conn]*list.Element{}}
	c.change.L = &c.mutex
	return c
}

// setLimit is called when all that stays open is open.
func (c *connectionGate) setLimit() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if limit := descriptorLimit(); limit > 0 {
		c.most = max(limit-usedDescriptors()-keptBack, 1)
	}
}

// usedDescriptors counts what is open now.
func usedDescriptors() int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 8 // standard streams, the listener, what Go waits with
	}
	return len(entries)
}

// track is the ConnState of an [http.Server].
func (c *connectionGate) track(conn net.Conn, state http.ConnState) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if place := c.open[conn]; place != nil {
		c.idle.Remove(place)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.idle.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	default:
		delete(c.open, conn)
	}
	c.change.Signal()
}

// makeRoom waits until there is room for another connection, and reports whether it is wanted still.
func (c *connectionGate) makeRoom() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for c.most > 0 && len(c.open) >= c.most && !c.closed {
		if c.fullWarning.isDue() {
			c.log.Warn("no room for more connections, idle ones are closed", "open", len(c.open), "limit", c.most)
		}
		if !c.closeIdle() {
			c.change.Wait()
		}
	}
	return !c.closed
}

// closeIdle closes the connection that has been idle the longest, if one is.
func (c *connectionGate) closeIdle() bool {
	oldest := c.idle.Front()
	if oldest == nil {
		return false
	}
	conn := c.idle.Remove(oldest).(net.Conn)
	delete(c.open, conn)
	c.shed.Add(1)
	if secure, isSecure := conn.(*tls.Conn); isSecure {
		conn = secure.NetConn() // saying goodbye could take seconds
	}
	conn.Close()
	return true
}

// listener accepts connections as long as there is room for them.
type listener struct {
	net.Listener
	connections *connectionGate
}

// retryInterval is how long a failed accept waits.
const retryInterval = 20 * time.Millisecond

// Accept waits for the next connection. Want of descriptors or memory does not end it.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil && l.connections.makeRoom():
			return conn, nil
		case err == nil:
			conn.Close()
		case !isScarcity(err):
			return nil, err
		default:
			l.connections.noteAcceptError(err)
			time.Sleep(retryInterval)
		}
	}
}

func isScarcity(err error) bool {
	return isExhausted(err) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

func (c *connectionGate) noteAcceptError(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.acceptErrors.Add(1)
	if c.errorWarning.isDue() {
		c.log.Error("a connection was not accepted", "error", err.Error(), "open", len(c.open),
			"descriptor_limit", descriptorLimit())
	}
	c.closeIdle()
}

// Close ends accepting.
func (l *listener) Close() error {
	l.connections.mutex.Lock()
	l.connections.closed = true
	l.connections.mutex.Unlock()
	l.connections.change.Broadcast()
	return l.Listener.Close()
}

func (c *connectionGate) append(e *exposition) {
	c.mutex.Lock()
	open, most := len(c.open), c.most
	c.mutex.Unlock()
	e.family("mlcore_connections_open", "gauge", "Connections of clients.")
	e.sample("mlcore_connections_open", float64(open))
	e.family("mlcore_connections_limit", "gauge", "How many may be open, by the limit of descriptors; 0 for no limit.")
	e.sample("mlcore_connections_limit", float64(most))
	e.family("mlcore_connections_shed_total", "counter", "Idle connections closed to make room for others.")
	e.sample("mlcore_connections_shed_total", float64(c.shed.Load()))
	e.family("mlcore_accept_errors_total", "counter", "Connections that could not be accepted, for want of descriptors or memory.")
	e.sample("mlcore_accept_errors_total", float64(c.acceptErrors.Load()))
}

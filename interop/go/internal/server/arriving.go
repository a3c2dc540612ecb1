package server

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// countingListener counts the memory of headers as they arrive: package http holds what is there of them,
// and tells nobody. Its server must have noteState.
type countingListener struct {
	net.Listener
	of *admission
}

func (l countingListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counting := &countingConn{Conn: connection, of: l.of}
	counting.inHeader.Store(true)
	return counting, nil
}

type countingConn struct {
	net.Conn
	of       *admission
	inHeader atomic.Bool

	mutex   sync.Mutex
	arrived int64 // bytes of the header
	held    int64 // of the memory of all requests
}

const (
	// uncounted is so little that it belongs to the memory of a connection.
	uncounted = 16 << 10
	// bytesOfHeader are for each byte of it: a line is copied as it grows.
	bytesOfHeader = 2
)

// errNoRoom ends a connection whose header finds no memory. Package http has no answer to an error of this type.
var errNoRoom = &net.OpError{Op: "read", Err: errors.New("no room for one more request")}

func (c *countingConn) Read(room []byte) (int, error) {
	count, err := c.Conn.Read(room)
	if count > 0 && c.inHeader.Load() && !c.hold(int64(count)) {
		c.of.refused[reasonMemory].Add(1)
		return 0, errNoRoom
	}
	return count, err
}

func (c *countingConn) hold(more int64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.arrived += more; c.arrived <= uncounted {
		return true
	}
	wanted := bytesOfHeader*c.arrived - c.held
	if !c.of.take(wanted, c.of.largeMemory()) {
		return false
	}
	c.held += wanted
	return true
}

// CloseWrite is what package http ends a connection with of which it has not read all, so that the answer
// is not lost.
func (c *countingConn) CloseWrite() error {
	if half, isHalf := c.Conn.(interface{ CloseWrite() error }); isHalf {
		return half.CloseWrite()
	}
	return nil
}

// noteState is told by package http when a header is whole, and when its request is answered.
func noteState(connection net.Conn, state http.ConnState) {
	if wrapped, isWrapped := connection.(interface{ NetConn() net.Conn }); isWrapped { // in TLS
		connection = wrapped.NetConn()
	}
	c, isCounting := connection.(*countingConn)
	if !isCounting || state == http.StateNew {
		return
	}
	if state == http.StateActive {
		c.inHeader.Store(false)
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.of.memory.Add(-c.held)
	c.arrived, c.held = 0, 0
	c.inHeader.Store(true)
}

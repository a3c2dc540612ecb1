package server

import (
	"bytes"
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
	of       *admission
	isSecret bool // whether TLS hides the lines
}

func (l countingListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counting := &countingConn{Conn: connection, of: l.of, isSecret: l.isSecret}
	counting.inHeader.Store(true)
	return counting, nil
}

type countingConn struct {
	net.Conn
	of       *admission
	isSecret bool
	inHeader atomic.Bool

	mutex          sync.Mutex
	arrived, lines int64 // of the header
	held           int64 // of the memory of all requests
}

const (
	// uncounted is memory so little that it belongs to that of a connection.
	uncounted = 32 << 10
	// bytesOfHeader are for each byte of it: a line is copied as it grows.
	bytesOfHeader = 2
	// bytesOfLine are for each line besides, as measured: a key and a value with their places in a map.
	bytesOfLine = 100
	// shortestLine is one of two letters, a colon and a line feed: few can be shorter.
	shortestLine = 4
	// bytesOfHandshake are of TLS and a header of some lines, which are not told apart.
	bytesOfHandshake = 4 << 10
)

// errNoRoom ends a connection whose header finds no memory. Package http has no answer to an error of this type.
var errNoRoom = &net.OpError{Op: "read", Err: errors.New("no room for one more request")}

func (c *countingConn) Read(room []byte) (int, error) {
	count, err := c.Conn.Read(room)
	if count > 0 && c.inHeader.Load() && !c.hold(room[:count]) {
		c.of.refused[reasonMemory].Add(1)
		return 0, errNoRoom
	}
	return count, err
}

func (c *countingConn) hold(more []byte) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.arrived += int64(len(more))
	if c.isSecret {
		c.lines = max(0, c.arrived-bytesOfHandshake) / shortestLine // as many as there may be
	} else {
		c.lines += int64(bytes.Count(more, []byte{'\n'}))
	}
	needed := bytesOfHeader*c.arrived + bytesOfLine*c.lines
	if needed <= uncounted {
		return true
	}
	wanted := needed - c.held
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
	c.arrived, c.lines, c.held = 0, 0, 0
	c.inHeader.Store(true)
}

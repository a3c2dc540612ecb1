package server

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// countingListener counts the memory of what arrives on its connections until it is answered: of a header
// that is not whole yet nobody else knows.
type countingListener struct {
	net.Listener
	of *admission
}

func (l countingListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{Conn: connection, of: l.of}, nil
}

// countingConn may be read and written at the same time.
type countingConn struct {
	net.Conn
	of      *admission
	arrived atomic.Int64 // bytes since something was last sent

	mutex sync.Mutex
	held  int64 // of the memory of all requests
}

const (
	// uncounted is so little that it belongs to the memory of a connection.
	uncounted = 16 << 10
	// bytesOfHeader are for each byte of it: a line is copied as it grows.
	bytesOfHeader = 2
)

// errNoRoom ends the reading of a request for which there is no memory.
var errNoRoom = errors.New("no room for one more request")

func (c *countingConn) Read(room []byte) (int, error) {
	count, err := c.Conn.Read(room)
	if arrived := c.arrived.Add(int64(count)); arrived > uncounted && !c.hold(arrived) {
		return count, errNoRoom
	}
	return count, err
}

// hold counts what has arrived; beyond the longest header it is a body, which is counted where it is read.
func (c *countingConn) hold(arrived int64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	more := bytesOfHeader*min(arrived, maxHeaderBytes) - c.held
	if more <= 0 {
		return true
	}
	if !c.of.take(more, c.of.largeMemory()) {
		return false
	}
	c.held += more
	return true
}

func (c *countingConn) Write(text []byte) (int, error) {
	c.release()
	return c.Conn.Write(text)
}

func (c *countingConn) Close() error {
	c.release()
	return c.Conn.Close()
}

// CloseWrite is what package http ends a connection with of which it has not read all, so that the answer
// is not lost.
func (c *countingConn) CloseWrite() error {
	if half, isHalf := c.Conn.(interface{ CloseWrite() error }); isHalf {
		return half.CloseWrite()
	}
	return nil
}

func (c *countingConn) release() {
	if c.arrived.Swap(0) <= uncounted {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.of.memory.Add(-c.held)
	c.held = 0
}

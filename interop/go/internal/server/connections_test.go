//go:build unix

package server

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// keepAlive asks for the health on a connection, which stays open.
func keepAlive(t *testing.T, connection net.Conn) error {
	t.Helper()
	write(t, connection, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
	}
	return err
}

func TestTheLongestIdleConnectionsMakeRoomForOthers(t *testing.T) {
	const most = 8
	server := start(t, testOptions(cosineModel))
	waitFor(t, "the server to listen", func() bool { return server.log.find(t, "listening") != nil })
	server.connections.mutex.Lock()
	server.connections.most = most
	server.connections.mutex.Unlock()
	var kept []net.Conn
	for number := range 3 * most {
		connection := server.dial(t)
		if number%2 == 0 { // the others never send anything
			if err := keepAlive(t, connection); err != nil {
				t.Fatal(err)
			}
		}
		kept = append(kept, connection)
	}
	waitFor(t, "the last connection", func() bool { return server.connections.shed.Load() == 2*most })
	if err := keepAlive(t, kept[len(kept)-1]); err != nil {
		t.Errorf("the newest connection: %v", err)
	}
	for _, connection := range kept[:most] {
		connection.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := connection.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an old one: %v", err)
		}
	}
	if record := server.log.find(t, "no room for more connections, idle ones are closed"); record == nil || record["limit"] != float64(most) {
		t.Errorf("logged %v", record)
	}
	values := parseMetrics(t, string(server.appendMetrics(nil)))
	if values["mlcore_connections_limit"] != most || values["mlcore_connections_open"] > most || values["mlcore_connections_shed_total"] < most {
		t.Errorf("metrics %v", values)
	}
}

func TestConnectionsThatAreAnsweredAreNotClosedForOthers(t *testing.T) {
	asked, answer := make(chan bool, 1), make(chan bool)
	server := startChanged(t, testOptions(cosineModel), func(s *Server) {
		s.routes[0].answer = func(_ *Server, x *exchange) *fault {
			asked <- true
			<-answer
			return nil
		}
	})
	waitFor(t, "the server to listen", func() bool { return server.log.find(t, "listening") != nil })
	server.connections.mutex.Lock()
	server.connections.most = 1
	server.connections.mutex.Unlock()
	busy := server.dial(t)
	write(t, busy, "GET /v1/users/a/recommendations HTTP/1.1\r\nHost: x\r\n\r\n")
	<-asked
	waiting := server.dial(t)
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		if err := keepAlive(t, waiting); err != nil {
			t.Errorf("the one that waited: %v", err)
		}
	}()
	answer <- true
	if got := read(t, busy); got.status != 200 {
		t.Errorf("the one that was answered: got %d", got.status)
	}
	group.Wait()
}

// failing is a listener of which some accepts fail.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return nil, net.ErrClosed
}

func TestWantOfDescriptorsOrMemoryDoesNotEndAccepting(t *testing.T) {
	log := &logBuffer{}
	gate := newConnectionGate(slog.New(slog.NewJSONHandler(log, nil)))
	idle, _ := net.Pipe()
	gate.track(idle, http.StateNew)
	l := &listener{&failing{errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}}, gate}
	if _, err := l.Accept(); err != net.ErrClosed {
		t.Errorf("got %v", err)
	}
	if gate.acceptErrors.Load() != 4 || gate.shed.Load() != 1 || countLines(log, "a connection was not accepted") != 1 {
		t.Errorf("%d errors, %d shed, logged %s", gate.acceptErrors.Load(), gate.shed.Load(), log.text.String())
	}
	record := log.find(t, "a connection was not accepted")
	if !strings.Contains(record["error"].(string), "too many open files") || record["descriptor_limit"] == 0.0 {
		t.Errorf("logged %v", record)
	}
}

//go:build unix

package server

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

var (
	loadModel   = flag.String("model", "", "serve this model to BenchmarkBesideFixedBody instead of a random one")
	connections = flag.Int("connections", 16, "of BenchmarkBesideFixedBody")
)

// loadTurn is how long each server is asked in a turn.
const loadTurn = 200 * time.Millisecond

// BenchmarkBesideFixedBody asks this server for lists of its users, and one that knows nothing but an answer
// of the same size, in turns, on the cores they share with who asks:
//
//	go test -run - -bench BesideFixedBody -benchtime 25x ./internal/server -model DIR
func BenchmarkBesideFixedBody(b *testing.B) {
	dir := *loadModel
	if dir == "" {
		dir = modeltest.Random(rand.New(rand.NewPCG(1, 1)), 10_000, 5_000, 100).Write(b, b.TempDir())
	}
	options := testOptions(dir)
	options.Log = discard
	server, err := New(options)
	if err != nil {
		b.Fatal(err)
	}
	requests := userRequests(b, server)
	listener := listen(b)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx, listener, nil) }()
	defer func() { stop(); <-done }()

	first := dial(b, listener.Addr())
	defer first.Close()
	answer, err := first.ask(requests[0])
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, answer)
	plain := listen(b)
	defer plain.Close()
	go http.Serve(plain, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	}))
	var ours, fixed load
	for b.Loop() {
		ours.add(b, listener.Addr(), requests)
		fixed.add(b, plain.Addr(), requests)
	}
	ours.report(b, "")
	fixed.report(b, "fixed-")
	b.ReportMetric(100*ours.rate()/fixed.rate(), "%-of-fixed")
}

// userRequests are those for the list of each user, in any order.
func userRequests(b *testing.B, server *Server) [][]byte {
	var requests [][]byte
	model := server.models.current.Load().model
	for _, index := range rand.New(rand.NewPCG(1, 1)).Perm(int(model.Manifest().Counts.Users)) {
		id, err := model.UserID(index)
		if err != nil {
			b.Fatal(err)
		}
		requests = append(requests, fmt.Appendf(nil, "GET /v1/users/%s/recommendations HTTP/1.1\r\nHost: localhost\r\n\r\n",
			url.PathEscape(id)))
	}
	return requests
}

func listen(b *testing.B) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return listener
}

// load is what came of the requests of all turns.
type load struct {
	latencies []time.Duration
	elapsed   time.Duration
	processor time.Duration // of server and clients
}

func (l *load) add(b *testing.B, address net.Addr, requests [][]byte) {
	var mutex sync.Mutex
	var asking sync.WaitGroup
	begun, processor := time.Now(), processorTime(b)
	for number := range *connections {
		c := dial(b, address)
		asking.Add(1)
		go func() {
			defer asking.Done()
			defer c.Close()
			var latencies []time.Duration
			for turn := number; time.Since(begun) < loadTurn; turn += *connections {
				sent := time.Now()
				if _, err := c.ask(requests[turn%len(requests)]); err != nil {
					b.Error(err)
					return
				}
				latencies = append(latencies, time.Since(sent))
			}
			mutex.Lock()
			defer mutex.Unlock()
			l.latencies = append(l.latencies, latencies...)
		}()
	}
	asking.Wait()
	l.elapsed += time.Since(begun)
	l.processor += processorTime(b) - processor
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (l *load) rate() float64 { return float64(len(l.latencies)) / l.elapsed.Seconds() }

func (l *load) report(b *testing.B, name string) {
	if slices.Sort(l.latencies); len(l.latencies) == 0 {
		b.Fatal("no answers")
	}
	b.ReportMetric(l.rate(), name+"requests/s")
	b.ReportMetric(float64(l.processor.Microseconds())/float64(len(l.latencies)), name+"cpu-us/request")
	for _, percent := range []int{50, 99} {
		latency := l.latencies[len(l.latencies)*percent/100]
		b.ReportMetric(float64(latency.Microseconds())/1000, fmt.Sprintf("%sp%d-ms", name, percent))
	}
}

// client is a connection that is kept.
type client struct {
	net.Conn
	reader *bufio.Reader
}

func dial(b *testing.B, address net.Addr) client {
	connection, err := net.Dial("tcp", address.String())
	if err != nil {
		b.Fatal(err)
	}
	return client{connection, bufio.NewReader(connection)}
}

// ask sends a request and returns the length of its answer; no more is read of it than that takes.
func (c client) ask(request []byte) (length int, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	const key = "Content-Length: "
	for number := 0; ; number++ {
		line, err := c.reader.ReadSlice('\n')
		switch {
		case err != nil:
			return 0, err
		case number == 0 && string(line) != "HTTP/1.1 200 OK\r\n":
			return 0, errors.New(string(line))
		case len(line) > len(key) && string(line[:len(key)]) == key:
			if length, err = strconv.Atoi(string(line[len(key) : len(line)-2])); err != nil {
				return 0, err
			}
		case len(line) == 2:
			_, err = io.CopyN(io.Discard, c.reader, int64(length))
			return length, err
		}
	}
}

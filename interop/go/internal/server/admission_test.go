package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// startDense serves a model whose items are all neighbors of each other.
func startDense(t *testing.T, items int, change func(*Server)) (*running, *modeltest.Model) {
	written := modeltest.Dense(rand.New(rand.NewPCG(1, 1)), 20, items)
	return startChanged(t, testOptions(written.Write(t, t.TempDir())), change), written
}

// heaviest asks for the list of a history of all items, explained.
func heaviest(m *modeltest.Model, n int) string {
	return fmt.Sprintf(`{"history": [{"item_id": "%s"}], "n": %d, "include_seen": true, "explain": true}`,
		strings.Join(m.Items, `"}, {"item_id": "`), n)
}

func (r *running) expectIdle(t *testing.T) {
	t.Helper()
	waitFor(t, "all memory to be given back", func() bool { return r.admission.memory.Load() == 0 })
	expectEmpty(t, &r.admission.short)
	expectEmpty(t, &r.admission.long)
}

func TestWhatFindsNoRoomIsToldWhenToComeAgain(t *testing.T) {
	server, written := startDense(t, 1000, func(s *Server) {
		s.admission.long.running, s.admission.long.steps = s.admission.long.slots, 7.5e9
	})
	seconds := (7500 + 1000*server.admission.long.slots - 1) / (1000 * server.admission.long.slots)
	answer := server.post(t, heaviest(written, 400))
	code, field := answer.fault(t)
	if answer.status != 429 || code != "busy" || field != "" || answer.header.Get("Retry-After") != fmt.Sprint(max(1, seconds)) {
		t.Errorf("got %d %s, Retry-After %s", answer.status, answer.body, answer.header.Get("Retry-After"))
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/v1/users/u000003/recommendations", "/v1/items/i000003/similar"} {
		if answer := server.get(t, path); answer.status != 200 {
			t.Errorf("%s: got %d %s", path, answer.status, answer.body)
		}
	}
	metrics := parseMetrics(t, server.get(t, "/metrics").body)
	for series, want := range map[string]float64{
		`mlcore_load_refused_total{reason="queue"}`: 1, `mlcore_load_running{lane="long"}`: float64(server.admission.long.slots),
		`mlcore_load_cost_seconds{lane="long"}`: 7.5, `mlcore_load_waiting{lane="short"}`: 0, `mlcore_load_memory_bytes`: 0,
	} {
		if metrics[series] != want {
			t.Errorf("%s: got %v, wanted %v", series, metrics[series], want)
		}
	}
}

func TestMemoryThatIsTakenLeavesRoomForSmallRequests(t *testing.T) {
	server, written := startDense(t, 1000, func(s *Server) { s.admission.memory.Store(s.admission.largeMemory()) })
	if answer := server.post(t, heaviest(written, 400)); answer.status != 429 || !strings.Contains(answer.body, "memory") {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	if answer := server.get(t, "/v1/users/u000003/recommendations"); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}

func TestAConnectionLivesOnAfterARefusal(t *testing.T) {
	server, written := startDense(t, 1000, func(s *Server) {
		s.admission.memory.Store(s.admission.largeMemory())
		s.admission.long.running, s.admission.long.steps = s.admission.long.slots, 1e12
	})
	connection := server.dial(t)
	body := heaviest(written, 400) + strings.Repeat(" ", 80<<10) // so that it is refused before it is read
	for range 3 {
		write(t, connection, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", slowStart, len(body), body))
		if answer := read(t, connection); answer.status != 429 {
			t.Errorf("got %d %s", answer.status, answer.body)
		}
		write(t, connection, "GET /v1/users/u000003/recommendations HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer := read(t, connection); answer.status != 200 {
			t.Errorf("got %d %s", answer.status, answer.body)
		}
	}
}

func TestARequestThatNeverFindsRoomIsRefusedAtOnce(t *testing.T) {
	server, written := startDense(t, 1000, func(s *Server) {})
	answer := server.post(t, heaviest(written, 1000))
	want := "explain: expected at most 500000 shares, of which a smaller n or a shorter history has fewer, got up to 999000"
	if code, field := answer.fault(t); answer.status != 400 || code != "request" || field != "explain" || !strings.Contains(answer.body, want) {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	small := startChanged(t, testOptions(written.Write(t, t.TempDir())), func(s *Server) { s.admission.maxMemory = 1 << 20 })
	answer = small.post(t, heaviest(written, 400))
	if code, field := answer.fault(t); answer.status != 400 || code != "request" || field != "n" || !strings.Contains(answer.body, "a list for which 786432 bytes of memory are enough") {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	small.expectIdle(t)
}

func TestLongAnswersAreSentInPieces(t *testing.T) {
	server, written := startDense(t, 1000, func(*Server) {})
	model := server.models.current.Load().model
	for n, isLong := range map[int]bool{1: false, 400: true} {
		options := mlcore.RecommendOptions{IncludeSeen: true, Explain: true}
		items, err := model.Recommend(written.Users[0], n, options)
		if err != nil {
			t.Fatal(err)
		}
		want := string(mlcore.AppendPrediction(nil, written.Users[0], items))
		answer := server.get(t, fmt.Sprintf("/v1/users/%s/recommendations?n=%d&include_seen=true&explain=true", written.Users[0], n))
		if answer.status != 200 || answer.body != want || isLong != (answer.header.Get("Content-Length") == "") {
			t.Errorf("n = %d: got %d, %d bytes, wanted %d, %v", n, answer.status, len(answer.body), len(want), answer.header)
		}
	}
	server.expectIdle(t)
}

// serve answers a request in a context, and returns what the request did not give back.
func (r *running) serve(ctx context.Context, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest("POST", "/v1/recommendations", strings.NewReader(body)).WithContext(ctx)
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, request)
	return recorder
}

func TestARequestEndsWithItsClient(t *testing.T) {
	server, written := startDense(t, 1000, func(*Server) {})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	server.serve(gone, heaviest(written, 400)) // ends while it is added up
	metrics := parseMetrics(t, server.get(t, "/metrics").body)
	if metrics[`mlcore_load_refused_total{reason="gone"}`] != 1 ||
		metrics[`mlcore_requests_total{route="/v1/recommendations",status="499"}`] != 1 {
		t.Error("a client that is gone is not counted")
	}
	server.expectIdle(t)

	// While it waits.
	l := &server.admission.long
	for range l.slots {
		l.enter(t.Context(), 1)
	}
	waiting, cancel := context.WithCancel(t.Context())
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- server.serve(waiting, heaviest(written, 400)) }()
	waitFor(t, "the request to wait", func() bool { return l.state().waiting == 1 })
	cancel()
	<-done
	if state := l.state(); state.waiting != 0 || state.cost != time.Duration(l.slots) {
		t.Errorf("left behind: %+v", state)
	}
	for range l.slots {
		l.leave(1)
	}
	server.expectIdle(t)
}

func TestARequestEndsWhenNoTimeIsLeftToAnswer(t *testing.T) {
	server, written := startDense(t, 1000, func(s *Server) {
		s.limits.RequestTimeout = time.Nanosecond // of which the server's connections know nothing
	})
	answer := server.serve(t.Context(), heaviest(written, 400))
	if answer.Code != 429 || !strings.Contains(answer.Body.String(), "no time left to answer") {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
	server.expectIdle(t)
}

// heap returns the memory of the heap that is in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse)
}

// peak watches the heap until it is told to stop, and returns how far it grew.
func peak(stop <-chan struct{}) int64 {
	begun, most := heap(), int64(0)
	for {
		most = max(most, heap()-begun)
		select {
		case <-stop:
			return most
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestBodiesThatAreWaitedForStayWithinTheBound(t *testing.T) {
	const connections, bound = 200, 64 << 20
	server := startChanged(t, testOptions(cosineModel), func(s *Server) {
		s.limits.MaxMemory = bound
		s.admission.set(&s.limits)
	})
	stop, grown := make(chan struct{}), make(chan int64)
	go func() { grown <- peak(stop) }()
	body := bytes.Repeat([]byte(" "), 1<<20-1)
	var refused atomic.Int64
	var asking sync.WaitGroup
	for range connections {
		connection := server.dial(t)
		asking.Add(1)
		go func() {
			defer asking.Done()
			io.WriteString(connection, slowStart+"Content-Length: 1048576\r\n\r\n")
			connection.Write(body) // fails where the answer came first
			var room [12]byte
			connection.SetReadDeadline(time.Now().Add(time.Second))
			if io.ReadFull(connection, room[:]); strings.HasSuffix(string(room[:]), "429") {
				refused.Add(1)
			}
			if held := server.admission.memory.Load(); held > server.admission.maxMemory {
				t.Errorf("%d bytes are held", held)
			}
		}()
	}
	waitFor(t, "bodies to be refused", func() bool { return refused.Load() > 0 })
	if answer := server.get(t, "/v1/users/u0002/recommendations"); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	asking.Wait()
	close(stop)
	most := <-grown
	t.Logf("%d of %d bodies refused, %d MiB more", refused.Load(), connections, most>>20)
	if most > bound+connections<<15 {
		t.Errorf("the heap grew by %d MiB", most>>20)
	}
}

func TestHeadersThatAreWaitedForStayWithinTheBound(t *testing.T) {
	const connections, bound = 200, 64 << 20
	server := startChanged(t, testOptions(cosineModel), func(s *Server) {
		s.limits.MaxMemory = bound
		s.admission.set(&s.limits)
	})
	most := heap()
	var opened []net.Conn
	for range connections {
		connection := server.dial(t)
		write(t, connection, "GET /v1/users/"+strings.Repeat("a", 10<<10))
		connection.Write(bytes.Repeat([]byte("a"), 190<<10)) // fails where the connection is closed by then
		opened = append(opened, connection)
	}
	waitFor(t, "headers to be counted", func() bool { return server.admission.memory.Load() > 8<<20 })
	if answer := server.get(t, "/v1/users/u0002/recommendations"); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	if held := server.admission.memory.Load(); held > server.admission.maxMemory {
		t.Errorf("%d bytes are held", held)
	}
	if grown := heap() - most; grown > bound+connections<<15 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	for _, connection := range opened {
		connection.Close()
	}
	server.expectIdle(t)
}

func TestAHeaderIsCountedUntilItsRequestIsAnswered(t *testing.T) {
	for _, secure := range []bool{false, true} {
		options := testOptions(cosineModel)
		if secure {
			options.CertFile, options.KeyFile = certify(t, t.TempDir(), 1)
		}
		server := start(t, options)
		connection := server.dial(t)
		if secure {
			connection = tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		}
		for range 2 {
			write(t, connection, "GET /v1/users/u0002/recommendations HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 100<<10))
			waitFor(t, "the header to be counted", func() bool { return server.admission.memory.Load() >= 200<<10 })
			write(t, connection, "\r\n\r\n")
			if answer := read(t, connection); answer.status != 200 {
				t.Errorf("got %d %s", answer.status, answer.body)
			}
			server.expectIdle(t)
		}
	}
}

// shortLines are of a header in which each byte stands for many of memory.
func shortLines(count int) string {
	var lines strings.Builder
	for number := range count {
		fmt.Fprintf(&lines, "%x:\n", number)
	}
	return lines.String()
}

func TestAHeaderIsCountedByItsLines(t *testing.T) {
	const most = 64 << 20
	for _, c := range []struct {
		name     string
		isSecret bool
		text     string
		least    int64 // of memory; 0 for nothing
	}{
		{"of many bytes", false, strings.Repeat("a", 15<<10), 0},
		{"of some lines", false, shortLines(100), 0},
		{"of many lines", false, shortLines(3000), 80 * 3000}, // 83 were measured for each
		{"of some bytes in TLS", true, shortLines(600), 0},
		{"of many bytes in TLS", true, shortLines(6000), 80 * 5000},
	} {
		a := &admission{maxMemory: most}
		connection := &countingConn{of: a, isSecret: c.isSecret}
		for piece := range slices.Chunk([]byte(c.text), 1000) {
			if !connection.hold(piece) {
				t.Fatalf("%s: refused", c.name)
			}
		}
		if held := a.memory.Load(); held < c.least || (c.least == 0 && held > 0) {
			t.Errorf("%s: %d bytes are held, at least %d were expected", c.name, held, c.least)
		}
		if noteState(connection, http.StateIdle); a.memory.Load() != 0 || connection.lines != 0 {
			t.Errorf("%s: not given back", c.name)
		}
	}
}

func TestAConnectionKnowsWhetherItIsOfTLS(t *testing.T) {
	for _, secure := range []bool{false, true} {
		options := testOptions(cosineModel)
		if secure {
			options.CertFile, options.KeyFile = certify(t, t.TempDir(), 1)
		}
		server := start(t, options)
		connection := server.dial(t)
		if secure {
			connection = tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		}
		write(t, connection, "GET /healthz HTTP/1.1\r\nHost: x\r\n"+shortLines(3000))
		waitFor(t, "the lines to be counted", func() bool { return server.admission.memory.Load() >= 80*3000 })
		write(t, connection, "\r\n")
		if answer := read(t, connection); answer.status != 200 {
			t.Errorf("got %d %s", answer.status, answer.body)
		}
		server.expectIdle(t)
	}
}

func TestASlowBodyKeepsNobodyWaiting(t *testing.T) {
	server := start(t, testOptions(cosineModel))
	connection := server.dial(t)
	// A query that is long enough for a slot, and has no parameter.
	start := strings.Replace(slowStart, " HTTP", "?"+strings.Repeat("&", 5000)+" HTTP", 1)
	write(t, connection, start+"Content-Length: 20\r\nExpect: 100-continue\r\n\r\n")
	var answer [12]byte
	if _, err := io.ReadFull(connection, answer[:]); err != nil || string(answer[:]) != "HTTP/1.1 100" {
		t.Fatalf("got %s, %v", answer, err)
	}
	expectEmpty(t, &server.admission.short) // while the body is waited for
}

// phase asks with so many clients, each for the heaviest list again and again, and tells what came of it.
type phase struct {
	answered, refused, wrong, light atomic.Int64
}

func (p *phase) run(t *testing.T, server *running, clients int, body, want string, seconds float64) {
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var asking sync.WaitGroup
	for number := range clients {
		asking.Add(1)
		go func() {
			defer asking.Done()
			for turn := number; time.Now().Before(end); turn++ {
				request, _ := http.NewRequest("POST", server.url+"/v1/recommendations", strings.NewReader(body))
				if turn%10 > 0 {
					request, _ = http.NewRequest("GET", server.url+"/v1/users/u000003/recommendations", nil)
				}
				request.Header.Set("Content-Type", "application/json")
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Error(err)
					return
				}
				p.take(t, response, turn%10 > 0, want)
			}
		}()
	}
	asking.Wait()
}

func (p *phase) take(t *testing.T, response *http.Response, isLight bool, want string) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		t.Error(err)
	case response.StatusCode == 429:
		p.refused.Add(1)
	case response.StatusCode != 200:
		t.Errorf("got %d", response.StatusCode)
	case isLight:
		p.light.Add(1)
	case string(body) != want:
		p.wrong.Add(1)
	default:
		p.answered.Add(1)
	}
}

// TestUnderOverloadTheServerAnswersOn offers many times what can be done, a tenth of it the heaviest lists.
func TestUnderOverloadTheServerAnswersOn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	server, written := startDense(t, 2000, func(s *Server) {
		s.limits.RequestTimeout = time.Minute // enough for any machine, and with the race detector
		s.admission.set(&s.limits)
		s.admission.short.patience, s.admission.long.patience = time.Second, time.Second
	})
	body := heaviest(written, 240)
	want := server.post(t, body)
	var parsed struct{ Items []struct{ Because []any } }
	if err := json.Unmarshal([]byte(want.body), &parsed); err != nil || len(parsed.Items) != 240 || len(parsed.Items[0].Because) < 1999 {
		t.Fatalf("got %d %v", want.status, err)
	}
	var alone, crowd phase
	alone.run(t, server, 1, body, want.body, 1.5)
	stop, grown, waits := make(chan struct{}), make(chan int64), make(chan []time.Duration)
	go func() { grown <- peak(stop) }()
	go func() { waits <- healthTimes(t, server, stop) }()
	crowd.run(t, server, 64, body, want.body, 3)
	close(stop)
	most, times := <-grown, <-waits
	t.Logf("alone %d heavy and %d light in 1.5 s, in a crowd %d and %d in 3 s, %d refused; health p50 %v p99 %v; %d MiB more",
		alone.answered.Load(), alone.light.Load(), crowd.answered.Load(), crowd.light.Load(), crowd.refused.Load(),
		times[len(times)/2], times[len(times)*99/100], most>>20)
	if alone.wrong.Load()+crowd.wrong.Load() > 0 || crowd.answered.Load() == 0 || crowd.light.Load() == 0 {
		t.Error("answers are wrong, or none")
	}
	// Clients are in the same process: they hold an answer each.
	if most > DefaultMaxMemory+int64(64*3*len(want.body)) {
		t.Errorf("the heap grew by %d MiB", most>>20)
	}
	server.expectIdle(t)
}

// healthTimes asks for /healthz on new connections.
func healthTimes(t *testing.T, server *running, stop <-chan struct{}) (times []time.Duration) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		select {
		case <-stop:
			slices.Sort(times)
			return times
		case <-time.After(5 * time.Millisecond):
		}
		begun := time.Now()
		response, err := client.Get(server.url + "/healthz")
		if err != nil || response.StatusCode != 200 {
			t.Errorf("health: %v", err)
			continue
		}
		response.Body.Close()
		times = append(times, time.Since(begun))
	}
}

// Command load asks a server for lists, in several ways at once, and says how it kept up:
//
//	load -url http://127.0.0.1:8080 -light 16 -heavy 2 -body FILE -slow 500 -seconds 10 MODEL_DIR...
//
// Light connections ask for the lists of users, heavy ones send the body of a file, slow ones 1 MiB
// over some seconds; /healthz is asked every 10 ms. Each light answer must be, byte for byte, the first one of the
// same user by the same model, and that one the list of the library. Figures are one JSON object; exit code 1 if an
// answer was wrong. See benchmarks/server.py.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

const (
	listLength  = 10
	healthPause = 10 * time.Millisecond
	slowPause   = 100 * time.Millisecond
	slowBody    = 1 << 20
	slowPiece   = 16 << 10
)

func main() {
	var l load
	body := flag.String("body", "", "`file` that heavy connections send")
	flag.StringVar(&l.url, "url", "http://127.0.0.1:8080", "of the server")
	flag.IntVar(&l.light, "light", 16, "connections that ask for lists of users")
	flag.IntVar(&l.heavy, "heavy", 0, "connections that send the body")
	flag.IntVar(&l.slow, "slow", 0, "connections that send 1 MiB over some seconds")
	flag.DurationVar(&l.duration, "duration", 10*time.Second, "how long")
	flag.Parse()
	if err := l.run(os.Stdout, flag.Args(), *body); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// load is what is asked, and what came of it.
type load struct {
	url                string
	light, heavy, slow int
	duration           time.Duration

	body   []byte
	models map[string]*mlcore.Model // by the name that the server gives
	users  []string

	mutex   sync.Mutex
	answers map[string][]byte // of light requests that were checked, by model and user
	fault   error             // the first wrong answer
	figures map[string]*figure
}

// figure is what came of one kind of request.
type figure struct {
	Statuses map[int]int `json:"statuses"`
	Bytes    int64       `json:"bytes"`
	Rate     float64     `json:"rate"` // of answers with 200 a second
	P50      float64     `json:"p50_ms"`
	P99      float64     `json:"p99_ms"`
	P999     float64     `json:"p999_ms"`
	Longest  float64     `json:"longest_ms"`

	latencies []time.Duration // of answers with 200
}

func (l *load) run(out io.Writer, models []string, body string) error {
	if len(models) == 0 {
		return errors.New("arguments: expected model directories, got none")
	}
	if body != "" {
		var err error
		if l.body, err = os.ReadFile(body); err != nil {
			return err
		}
	}
	l.models, l.answers, l.figures = map[string]*mlcore.Model{}, map[string][]byte{}, map[string]*figure{}
	for _, dir := range models {
		model, err := mlcore.Open(dir, mlcore.Options{})
		if err != nil {
			return err
		}
		defer model.Close()
		manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
		if err != nil {
			return err
		}
		l.models[fmt.Sprintf("%x", sha256.Sum256(manifest))[:12]] = model
		for index := 0; len(l.users) < int(model.Manifest().Counts.Users) && len(l.models) == 1; index++ {
			id, err := model.UserID(index)
			if err != nil {
				return err
			}
			l.users = append(l.users, id)
		}
	}
	end := time.Now().Add(l.duration)
	var asking sync.WaitGroup
	start := func(connections int, ask func(client *http.Client, end time.Time)) {
		for range connections {
			asking.Add(1)
			go func() {
				defer asking.Done()
				transport := &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true}
				defer transport.CloseIdleConnections()
				ask(&http.Client{Transport: transport}, end)
			}()
		}
	}
	start(l.slow, l.askSlowly)
	start(l.heavy, l.askMuch)
	start(l.light, l.askLists)
	start(1, l.askHealth)
	asking.Wait()
	if l.fault != nil {
		return l.fault
	}
	for _, f := range l.figures {
		f.sum(l.duration)
	}
	return json.NewEncoder(out).Encode(l.figures)
}

func (f *figure) sum(duration time.Duration) {
	if slices.Sort(f.latencies); len(f.latencies) == 0 {
		return
	}
	at := func(share float64) float64 {
		position := min(len(f.latencies)-1, int(share*float64(len(f.latencies))))
		return float64(f.latencies[position].Microseconds()) / 1000
	}
	f.Rate = float64(len(f.latencies)) / duration.Seconds()
	f.P50, f.P99, f.P999, f.Longest = at(0.5), at(0.99), at(0.999), at(1)
}

// send asks once and adds to what came of it; an answer with another status than 200 is not returned.
func (l *load) send(client *http.Client, kind string, request *http.Request, keep bool) (header http.Header, body []byte) {
	begun := time.Now()
	answer, err := client.Do(request)
	status, length := 0, int64(0)
	if err == nil {
		defer answer.Body.Close()
		if status = answer.StatusCode; keep && status == http.StatusOK {
			body, err = io.ReadAll(answer.Body)
			length = int64(len(body))
		} else {
			length, err = io.Copy(io.Discard, answer.Body)
		}
	}
	if err != nil {
		status = 0 // the connection broke
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	f := l.figures[kind]
	if f == nil {
		f = &figure{Statuses: map[int]int{}}
		l.figures[kind] = f
	}
	f.Statuses[status]++
	f.Bytes += length
	if status != http.StatusOK {
		return nil, nil
	}
	f.latencies = append(f.latencies, time.Since(begun))
	return answer.Header, body
}

func (l *load) request(method, path string, body []byte) *http.Request {
	request, err := http.NewRequest(method, l.url+path, bytes.NewReader(body))
	if err != nil {
		panic(err) // the URL of the command line
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}

func (l *load) askLists(client *http.Client, end time.Time) {
	for time.Now().Before(end) {
		user := l.users[rand.IntN(len(l.users))]
		request := l.request("GET", fmt.Sprintf("/v1/users/%s/recommendations?n=%d", url.PathEscape(user), listLength), nil)
		header, body := l.send(client, "light", request, true)
		if header == nil {
			continue
		}
		if err := l.check(header.Get("X-Model"), user, body); err != nil {
			l.mutex.Lock()
			l.fault = errors.Join(l.fault, err)
			l.mutex.Unlock()
			return
		}
	}
}

// check compares an answer with the list of the library, or with the last answer that was compared.
func (l *load) check(name, user string, body []byte) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	key := name + "\n" + user
	if known, ok := l.answers[key]; ok {
		if !bytes.Equal(known, body) {
			return fmt.Errorf("%s, user %q: expected %s, got %s", name, user, known, body)
		}
		return nil
	}
	model := l.models[name]
	if model == nil {
		return fmt.Errorf("X-Model: expected the name of a given model, got %q", name)
	}
	wanted, err := model.Recommend(user, listLength, mlcore.RecommendOptions{})
	if err != nil {
		return err
	}
	var got struct {
		Items []struct {
			ItemID string `json:"item_id"`
			Score  float64
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("%s, user %q: %w", name, user, err)
	}
	if len(got.Items) != len(wanted) {
		return fmt.Errorf("%s, user %q: expected %d items, got %s", name, user, len(wanted), body)
	}
	for position, item := range wanted {
		if got.Items[position].ItemID != item.ID || got.Items[position].Score != item.Score {
			return fmt.Errorf("%s, user %q: expected %v, got %s", name, user, wanted, body)
		}
	}
	l.answers[key] = body
	return nil
}

func (l *load) askMuch(client *http.Client, end time.Time) {
	for time.Now().Before(end) {
		l.send(client, "heavy", l.request("POST", "/v1/recommendations", l.body), false)
	}
}

func (l *load) askHealth(client *http.Client, end time.Time) {
	for time.Now().Before(end) {
		l.send(client, "health", l.request("GET", "/healthz", nil), false)
		time.Sleep(healthPause)
	}
}

// askSlowly sends a body of spaces, a piece at a time, and connects anew when it or the server has enough.
func (l *load) askSlowly(_ *http.Client, end time.Time) {
	address, err := url.Parse(l.url)
	if err != nil {
		panic(err)
	}
	spaces := bytes.Repeat([]byte(" "), slowPiece)
	head := fmt.Sprintf("POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", slowBody)
	for time.Now().Before(end) {
		connection, err := net.Dial("tcp", address.Host)
		if err == nil {
			_, err = io.WriteString(connection, head)
			for sent := 0; err == nil && sent < slowBody && time.Now().Before(end); sent += slowPiece {
				time.Sleep(slowPause)
				_, err = connection.Write(spaces)
			}
			connection.Close()
		}
		time.Sleep(10 * slowPause)
	}
}

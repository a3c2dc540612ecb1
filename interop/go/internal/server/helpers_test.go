package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	fixtures = "../../../../fixtures/small"
	suite    = "../../../conformance"

	cosineModel = fixtures + "/cosine_tf_idf/model"
	diceModel   = fixtures + "/dice_binary/model"
)

var discard = slog.New(slog.DiscardHandler)

var testLimits = Limits{MaxBody: 1 << 20, MaxN: 1000, RequestTimeout: 5 * time.Second}

// logBuffer keeps what is logged, in JSON.
type logBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logBuffer) Write(data []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(data)
}

// find returns the first record with a message, or nil.
func (l *logBuffer) find(t *testing.T, message string) map[string]any {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, line := range strings.Split(strings.TrimSpace(l.text.String()), "\n") {
		var record map[string]any
		if line == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if record["msg"] == message {
			return record
		}
	}
	return nil
}

// running is a server on a free port of the loopback.
type running struct {
	*Server
	url    string
	log    *logBuffer
	reload chan os.Signal
	stop   context.CancelFunc
	done   chan error
}

// testOptions never look for newer models by themselves.
func testOptions(modelDir string) Options {
	return Options{
		ModelDir: modelDir, ReloadInterval: time.Hour, VerifyReloads: true,
		Limits: testLimits, ShutdownTimeout: 5 * time.Second,
	}
}

func start(t *testing.T, options Options) *running {
	t.Helper()
	return startChanged(t, options, func(*Server) {})
}

// startChanged starts a server that a test has changed.
func startChanged(t *testing.T, options Options, change func(*Server)) *running {
	t.Helper()
	r := &running{log: &logBuffer{}, reload: make(chan os.Signal), done: make(chan error, 1)}
	options.Log = slog.New(slog.NewJSONHandler(r.log, nil))
	server, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	change(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Server, r.url = server, "http://"+listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		r.done <- server.Serve(ctx, listener, r.reload)
	}()
	t.Cleanup(func() {
		stop()
		<-finished
		waitFor(t, "all models to be closed", func() bool { return server.models.open.Load() == 0 })
	})
	return r
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, request *http.Request) reply {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

func send(t *testing.T, method, url, contentType, body string) reply {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return do(t, request)
}

func (r *running) get(t *testing.T, path string) reply {
	t.Helper()
	return send(t, "GET", r.url+path, "", "")
}

func (r *running) post(t *testing.T, body string) reply {
	t.Helper()
	return send(t, "POST", r.url+"/v1/recommendations", "application/json", body)
}

// fault returns code and field of an answer.
func (r reply) fault(t *testing.T) (code, field string) {
	t.Helper()
	var answer struct {
		Error struct{ Code, Field, Message string }
	}
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
		t.Fatalf("%q: %v", r.body, err)
	}
	if answer.Error.Field != "" && !strings.HasPrefix(answer.Error.Message, answer.Error.Field+": expected ") {
		t.Errorf("message %q does not begin with its field", answer.Error.Message)
	}
	return answer.Error.Code, answer.Error.Field
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// nameOf returns what X-Model says for a model.
func nameOf(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])[:12]
}

// link is a symbolic link that is switched as python -m cli.publish does it.
type link string

func newLink(t *testing.T, target string) link {
	t.Helper()
	path := link(filepath.Join(t.TempDir(), "current"))
	path.switchTo(t, target)
	return path
}

func (l link) switchTo(t *testing.T, target string) {
	t.Helper()
	target, err := filepath.Abs(target)
	if err != nil {
		t.Fatal(err)
	}
	partial := string(l) + ".partial"
	if err := os.Symlink(target, partial); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(partial, string(l)); err != nil {
		t.Fatal(err)
	}
}

// copyModel returns a copy that a test may change or delete.
func copyModel(t *testing.T, dir string) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(target, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return target
}

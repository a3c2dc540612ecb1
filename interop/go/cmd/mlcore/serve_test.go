//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const smallModels = "../../../../fixtures/small/"

// logRecords reads a log up to the record with a message.
func logRecords(t *testing.T, log *bufio.Reader, message string) map[string]any {
	t.Helper()
	for {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("waited for %q: %v", message, err)
		}
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if record["msg"] == message {
			return record
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// switchLink makes a link lead to one of the small models.
func switchLink(t *testing.T, link, name string) {
	t.Helper()
	target, err := filepath.Abs(smallModels + name + "/model")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link+".partial"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".partial", link); err != nil {
		t.Fatal(err)
	}
}

func TestServeStartsReloadsAndEndsInOrder(t *testing.T) {
	link := filepath.Join(t.TempDir(), "current")
	switchLink(t, link, "cosine_tf_idf")
	reader, writer := io.Pipe()
	log := bufio.NewReader(reader)
	code := make(chan int, 1)
	go func() {
		code <- runServe(streams{nil, io.Discard, writer}, []string{
			"--model-dir", link, "--listen", "127.0.0.1:0", "--reload-interval", "1h", "--verify",
		})
		writer.Close()
	}()
	if record := logRecords(t, log, "model loaded"); record["users"] != 129.0 {
		t.Errorf("logged %v", record)
	}
	url := "http://" + logRecords(t, log, "listening")["address"].(string)
	if got := get(t, url+"/v1/users/u0002/recommendations"); !strings.HasPrefix(got, `{"user_id": "u0002", "items": [`) {
		t.Errorf("got %s", got)
	}
	switchLink(t, link, "dice_binary")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	record := logRecords(t, log, "model reloaded")
	if metrics := get(t, url+"/metrics"); !strings.Contains(metrics, `digest="`+record["model"].(string)+`"`) {
		t.Errorf("logged %v, metrics %s", record, metrics)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	logRecords(t, log, "stopped")
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

func TestServeSaysInOneLineWhyItDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	model := smallModels + "cosine_tf_idf/model"
	for _, c := range []struct {
		args  []string
		code  int
		error string
	}{
		{[]string{"--model-dir", "nowhere", "--listen", "127.0.0.1:0"}, 1, "error: nowhere: expected a model directory, got "},
		{
			[]string{"--model-dir", "../../../conformance/invalid/crc_wrong/model", "--listen", "127.0.0.1:0", "--verify"},
			1, "error: ",
		},
		{[]string{"--model-dir", model, "--listen", address}, 1, "error: " + address + ": expected an address to listen on, got "},
		{[]string{"--model-dir", model, "--listen", "nonsense"}, 1, "error: nonsense: expected an address to listen on, got "},
		{nil, 2, "error: --model-dir is needed"},
		{[]string{"--model-dir", model, "--max-n", "0"}, 2, "error: max-n: expected an integer from 1 to 2147483647, got 0"},
		{[]string{"--model-dir", model, "--max-body", "0"}, 2, "error: max-body: expected an integer >= 1, got 0"},
		{[]string{"--model-dir", model, "--max-memory", "1"}, 2,
			"error: max-memory: expected 48 times max-body, and at least 50331648, got 1"},
		{[]string{"--model-dir", model, "--reload-interval", "0s"}, 2, "error: reload-interval: expected a time above 0, got 0s"},
		{[]string{"--model-dir", model, "--tls-key", "key"}, 2, "error: expected both of --tls-cert and --tls-key, or neither"},
		{
			[]string{"--model-dir", model, "--listen", "127.0.0.1:0", "--token-file", "none"}, 1,
			"error: none: expected a readable file, got 'No such file or directory'",
		},
		{
			[]string{"--model-dir", model, "--listen", "127.0.0.1:0", "--tls-cert", "none", "--tls-key", "none"}, 1,
			"error: none: expected a readable file, got 'No such file or directory'",
		},
		{[]string{"--model-dir", model, "--log-level", "loud"}, 2, "error: invalid value"},
		{[]string{"--model-dir", model, "more"}, 2, "error: "},
	} {
		var stderr bytes.Buffer
		code := runServe(streams{nil, io.Discard, &stderr}, c.args)
		if code != c.code || !strings.HasPrefix(stderr.String(), c.error) {
			t.Errorf("%v: exit code %d, %s", c.args, code, stderr.String())
		}
		if lines := strings.Count(stderr.String(), "\n"); code == 1 && lines != 1 {
			t.Errorf("%v: %d lines: %s", c.args, lines, stderr.String())
		}
	}
}

// TestMain runs the program itself where a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("MLCORE_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestServeLivesWithFewDescriptors(t *testing.T) {
	link := filepath.Join(t.TempDir(), "current")
	switchLink(t, link, "cosine_tf_idf")
	command := exec.Command("sh", "-c", `ulimit -n 64; exec "$0" "$@"`, os.Args[0],
		"serve", "--model-dir", link, "--listen", "127.0.0.1:0", "--reload-interval", "50ms")
	command.Env = append(os.Environ(), "MLCORE_TEST_MAIN=1")
	stderr, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer command.Wait()
	defer command.Process.Kill()
	log := bufio.NewReader(stderr)
	address := logRecords(t, log, "listening")["address"].(string)
	for number := range 200 {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if number%2 == 0 { // idle after a request, or before the first
			fmt.Fprint(connection, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			connection.SetReadDeadline(time.Now().Add(10 * time.Second))
			if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
				t.Fatalf("connection %d: got %q, %v", number, line, err)
			}
		}
	}
	if record := logRecords(t, log, "no room for more connections, idle ones are closed"); record["limit"].(float64) < 32 {
		t.Errorf("logged %v", record)
	}
	switchLink(t, link, "dice_binary")
	logRecords(t, log, "model reloaded")
	metrics := get(t, "http://"+address+"/metrics")
	for _, line := range []string{
		"mlcore_accept_errors_total 0\n", "mlcore_reloads_total{result=\"refused\"} 0\n", "mlcore_reloads_total{result=\"postponed\"} 0\n",
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no %q in %s", line, metrics)
		}
	}
}

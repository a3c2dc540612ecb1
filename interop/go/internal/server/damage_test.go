//go:build unix

package server

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

func largeModel(t *testing.T) string {
	t.Helper()
	return modeltest.Random(rand.New(rand.NewPCG(1, 2)), 50, 3000, 300).Write(t, filepath.Join(t.TempDir(), "model"))
}

func countLines(log *logBuffer, message string) int {
	log.mutex.Lock()
	defer log.mutex.Unlock()
	return strings.Count(log.text.String(), fmt.Sprintf("%q", message))
}

func TestADamagedModelAnswers500AndIsNotReadyUntilItIsReplaced(t *testing.T) {
	dir := largeModel(t)
	for _, name := range []string{"similarity.npz", "histories.npz", "items.csv", "users.csv", "popularity.npz"} {
		size := stat(t, filepath.Join(dir, name)).Size()
		for _, length := range []int64{0, 100, size / 2, size - 30} {
			damaged := copyModel(t, dir)
			current := newLink(t, damaged)
			server := start(t, testOptions(string(current)))
			item := "/v1/items/" + idOf(t, server, 2999) + "/similar"
			if answer := server.get(t, item); answer.status != 200 || !strings.Contains(answer.body, "score") {
				t.Fatalf("got %d %s", answer.status, answer.body)
			}
			if err := os.Truncate(filepath.Join(damaged, name), length); err != nil {
				t.Fatal(err)
			}
			for _, answer := range []reply{
				server.get(t, item), server.get(t, "/v1/users/u0/recommendations"), server.post(t, `{"history": []}`),
			} {
				if code, _ := answer.fault(t); answer.status != 500 || code != "internal" {
					t.Errorf("%s, %d bytes: got %d %s", name, length, answer.status, answer.body)
				}
			}
			answer := server.get(t, "/readyz")
			if code, _ := answer.fault(t); answer.status != 503 || code != "unavailable" {
				t.Errorf("%s, %d bytes: got %d %s", name, length, answer.status, answer.body)
			}
			if got := countLines(server.log, "model damaged, no lists until it is replaced"); got != 1 {
				t.Errorf("%s, %d bytes: logged %d times", name, length, got)
			}
			if values := parseMetrics(t, server.get(t, "/metrics").body); values["mlcore_model_damaged"] != 1 {
				t.Errorf("%s, %d bytes: not in the metrics", name, length)
			}
			// Lookups of its own make it find that the damaged one cannot be loaded, and the next one.
			waitFor(t, "a refusal", func() bool { return server.metrics.reloadsRefused.Load() > 0 })
			current.switchTo(t, diceModel)
			server.reload <- syscall.SIGHUP
			waitFor(t, "a sound model", func() bool { return server.get(t, "/readyz").status == 200 })
			if answer := server.get(t, "/v1/users/u0002/recommendations"); answer.status != 200 {
				t.Errorf("got %d %s", answer.status, answer.body)
			}
		}
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func idOf(t *testing.T, server *running, index int) string {
	t.Helper()
	id, err := server.models.current.Load().model.ItemID(index)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTheWatchFindsDamageBeforeARequestDoesAndItsRepair(t *testing.T) {
	dir := copyModel(t, cosineModel)
	file := filepath.Join(dir, "similarity.npz")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	options := testOptions(dir)
	options.ReloadInterval = time.Millisecond
	server := start(t, options)
	before := server.get(t, "/v1/users/u0002/recommendations")
	other := append([]byte{}, whole...)
	other[len(other)/2] ^= 1
	for _, bytes := range [][]byte{whole[:len(whole)-1], other} { // in place
		if err := os.WriteFile(file, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the damage to be found", func() bool { return server.get(t, "/readyz").status == 503 })
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the repair to be found", func() bool { return server.get(t, "/readyz").status == 200 })
		if answer := server.get(t, "/v1/users/u0002/recommendations"); answer.body != before.body {
			t.Errorf("got %d %s", answer.status, answer.body)
		}
	}
}

func TestFilesTouchedOrReplacedByTheSameOnesDoNotEndTheService(t *testing.T) {
	dir := copyModel(t, cosineModel)
	options := testOptions(dir)
	server := start(t, options)
	file := filepath.Join(dir, "similarity.npz")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	for name, change := range map[string]func() error{
		"touched":  func() error { return os.Chtimes(file, later, later) },
		"replaced": func() error { return os.WriteFile(file+"2", whole, 0o600) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if name == "replaced" {
			if err := os.Rename(file+"2", file); err != nil {
				t.Fatal(err)
			}
		}
		server.models.look(false, true)
		if answer := server.get(t, "/readyz"); answer.status != 200 || countLines(server.log, "model refused, the old one serves on") > 0 {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
	}
}

func TestWantOfDescriptorsIsNoVerdictOnAModel(t *testing.T) {
	current := newLink(t, cosineModel)
	server := start(t, testOptions(string(current)))
	current.switchTo(t, diceModel)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		server.models.update(false, true)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const postponed = "no descriptor left to load a newer model, trying again"
	if got := server.metrics.reloadsPostponed.Load(); got != 3 || countLines(server.log, postponed) != 1 {
		t.Errorf("%d postponed, logged %s", got, server.log.text.String())
	}
	values := parseMetrics(t, server.get(t, "/metrics").body)
	if values[`mlcore_reloads_total{result="refused"}`] != 0 || values["mlcore_last_reload_failed"] != 0 {
		t.Errorf("metrics %v", values)
	}
	server.models.update(false, true)
	if answer := server.get(t, "/readyz"); answer.header.Get("X-Model") != nameOf(t, diceModel) {
		t.Errorf("not loaded: %v", answer)
	}
}

func TestADirectoryThatIsBeingFilledIsRefusedOnce(t *testing.T) {
	empty := t.TempDir()
	current := newLink(t, cosineModel)
	server := start(t, testOptions(string(current)))
	current.switchTo(t, empty)
	entries, err := os.ReadDir(diceModel)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "manifest.json" {
			copyFile(t, filepath.Join(diceModel, entry.Name()), filepath.Join(empty, entry.Name()))
			server.models.look(false, true)
		}
	}
	if got := server.metrics.reloadsRefused.Load(); got != 1 {
		t.Errorf("refused %d times", got)
	}
	copyFile(t, filepath.Join(diceModel, "manifest.json"), filepath.Join(empty, "manifest.json"))
	server.models.look(false, true)
	if got := server.get(t, "/readyz").header.Get("X-Model"); got != nameOf(t, diceModel) {
		t.Errorf("%s answers", got)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

func TestEveryAnswerIsOfOneModelWhileModelsAreSwapped(t *testing.T) {
	const swaps, clients = 50, 8
	dirs := []string{cosineModel, diceModel}
	// What each model answers, by its name: users, a history and similar items.
	requests := []string{
		"/v1/users/u0002/recommendations", "/v1/users/u0005/recommendations?n=50&fill=popularity",
		"/v1/users/u0007/recommendations?exclude=0062&include_seen=true", "/v1/items/0032/similar",
	}
	history := `{"history": [{"item_id": "0032"}, {"item_id": "0052", "weight": 3}]}`
	expected := map[string]map[string]string{}
	for _, dir := range dirs {
		server := start(t, testOptions(dir))
		answers := map[string]string{"": server.post(t, history).body}
		for _, path := range requests {
			answers[path] = server.get(t, path).body
		}
		expected[nameOf(t, dir)] = answers
	}

	current := newLink(t, dirs[0])
	options := testOptions(string(current))
	options.ReloadInterval = time.Millisecond
	server := start(t, options)
	var stop atomic.Bool
	var answered atomic.Int64
	var group sync.WaitGroup
	for client := range clients {
		group.Add(1)
		go func() {
			defer group.Done()
			for turn := client; !stop.Load(); turn++ {
				path := ""
				var answer reply
				if position := turn % (len(requests) + 1); position < len(requests) {
					path = requests[position]
					answer = server.get(t, path)
				} else {
					answer = server.post(t, history)
				}
				if want, isKnown := expected[answer.header.Get("X-Model")]; !isKnown || answer.status != 200 || answer.body != want[path] {
					t.Errorf("%s: got %d %q %s", path, answer.status, answer.header.Get("X-Model"), answer.body)
					t.Errorf("logged %v", server.log.find(t, "faulty model"))
					return
				}
				answered.Add(1)
			}
		}()
	}
	for swap := 1; swap <= swaps; swap++ {
		before := answered.Load()
		current.switchTo(t, dirs[swap%2])
		waitFor(t, "a reload", func() bool { return server.metrics.reloadsOK.Load() == int64(swap) })
		waitFor(t, "answers between two swaps", func() bool {
			return t.Failed() || answered.Load() > before+2*clients
		})
	}
	stop.Store(true)
	group.Wait()
	waitFor(t, "the old models to be released", func() bool { return server.models.open.Load() == 1 })
	if refused := server.metrics.reloadsRefused.Load(); refused != 0 {
		t.Errorf("%d models refused", refused)
	}
	t.Logf("%d answers", answered.Load())
}

func TestABadModelIsRefusedOnceAndTheOldOneServesOn(t *testing.T) {
	current := newLink(t, cosineModel)
	server := start(t, testOptions(string(current)))
	before := server.get(t, "/v1/users/u0002/recommendations")
	for position, c := range []struct {
		dir     string
		verdict mlcore.Verdict
	}{
		{suite + "/invalid/checksum_of_similarity/model", mlcore.VerdictChecksum},
		{suite + "/invalid/csr_nan/model", mlcore.VerdictCSR},
		{suite + "/invalid/ids_bom/model", mlcore.VerdictIDMap},
		{suite + "/invalid/manifest_version_2/model", mlcore.VerdictVersion},
		{t.TempDir(), mlcore.VerdictIO},
		{"no such directory", mlcore.VerdictIO},
		{"models_test.go", mlcore.VerdictIO},
	} {
		current.switchTo(t, c.dir)
		// Looking again and again does not try again.
		for look := range 3 {
			err := server.models.update(false, true)
			if isRefused := mlcore.VerdictOf(err) == c.verdict; isRefused != (look == 0) {
				t.Errorf("%s: look %d: %v", c.dir, look, err)
			}
		}
		if refused := server.metrics.reloadsRefused.Load(); refused != int64(position+1) {
			t.Errorf("%s: %d models refused, want %d", c.dir, refused, position+1)
		}
		if after := server.get(t, "/v1/users/u0002/recommendations"); after.body != before.body {
			t.Errorf("%s: the answer changed to %s", c.dir, after.body)
		}
		if server.get(t, "/readyz").status != 200 {
			t.Errorf("%s: not ready", c.dir)
		}
		values := parseMetrics(t, server.get(t, "/metrics").body)
		failure := fmt.Sprintf(`mlcore_last_reload_failure_timestamp_seconds{verdict="%s"}`, c.verdict)
		if values["mlcore_last_reload_failed"] != 1 || values[failure] < float64(time.Now().Unix()-60) {
			t.Errorf("%s: metrics %v", c.dir, values)
		}
	}
	record := server.log.find(t, "model refused, the old one serves on")
	if record["verdict"] != "checksum" || !strings.Contains(fmt.Sprint(record["error"]), "similarity.npz: sha256: expected ") {
		t.Errorf("logged %v", record)
	}
	current.switchTo(t, diceModel)
	if err := server.models.update(false, true); err != nil {
		t.Fatal(err)
	}
	if got := server.get(t, "/healthz"); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	answer := server.get(t, "/v1/users/u0002/recommendations")
	if answer.header.Get("X-Model") != nameOf(t, diceModel) || answer.body == before.body {
		t.Errorf("the good model does not answer: %s", answer.body)
	}
	values := parseMetrics(t, server.get(t, "/metrics").body)
	if values["mlcore_last_reload_failed"] != 0 || values[`mlcore_reloads_total{result="ok"}`] != 1 {
		t.Errorf("metrics %v", values)
	}
	waitFor(t, "all but one model to be closed", func() bool { return server.models.open.Load() == 1 })
}

func TestGoingBackToTheServedModelEndsTheFailure(t *testing.T) {
	current := newLink(t, cosineModel)
	server := start(t, testOptions(string(current)))
	loaded := server.models.current.Load()
	bad := suite + "/invalid/checksum_of_similarity/model"
	for range 2 {
		current.switchTo(t, bad)
		if err := server.models.update(false, true); mlcore.VerdictOf(err) != mlcore.VerdictChecksum {
			t.Fatal(err)
		}
		current.switchTo(t, cosineModel)
		if err := server.models.update(false, true); err != nil {
			t.Fatal(err)
		}
		if server.metrics.lastReloadFailed.Load() || server.models.current.Load() != loaded {
			t.Error("the failure stays, or the model was loaded again")
		}
	}
}

func TestUnverifiedReloadsTakeWhatVerifyingRefuses(t *testing.T) {
	current := newLink(t, cosineModel)
	options := testOptions(string(current))
	options.ReloadInterval, options.VerifyReloads = time.Millisecond, false
	server := start(t, options)
	current.switchTo(t, suite+"/invalid/checksum_of_config/model")
	waitFor(t, "a reload", func() bool { return server.metrics.reloadsOK.Load() == 1 })
}

func TestARefusedModelIsTriedAgainOnceItsFilesChange(t *testing.T) {
	changing := copyModel(t, cosineModel)
	current := newLink(t, diceModel)
	server := start(t, testOptions(string(current)))
	file := filepath.Join(changing, "similarity.npz")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	write := func(data []byte, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(file, data, 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	look := func(reloads int64) {
		t.Helper()
		server.models.update(false, true)
		if got := server.metrics.reloadsOK.Load(); got != reloads {
			t.Fatalf("%d reloads, want %d", got, reloads)
		}
	}
	write(whole[:100], then)
	current.switchTo(t, changing)
	look(0)
	write(whole, then)
	look(1)
	broken := slices.Clone(whole)
	broken[len(broken)/2] ^= 1
	write(broken, then.Add(time.Second))
	look(1)
	// Nothing tells the files from before, so that only a signal makes it try again.
	write(whole, then.Add(time.Second))
	look(1)
	server.reload <- syscall.SIGHUP
	waitFor(t, "a reload", func() bool { return server.metrics.reloadsOK.Load() == 2 })
}

func TestAModelThatIsReplacedInPlaceIsFound(t *testing.T) {
	dir := copyModel(t, cosineModel)
	server := start(t, testOptions(dir))
	if err := server.models.update(false, true); err != nil || server.metrics.reloadsOK.Load() != 0 {
		t.Fatalf("loaded again without a change: %v", err)
	}
	next := copyModel(t, diceModel)
	if err := errors.Join(os.Rename(dir, dir+".old"), os.Rename(next, dir)); err != nil {
		t.Fatal(err)
	}
	if err := server.models.update(false, true); err != nil {
		t.Fatal(err)
	}
	answer := server.get(t, "/v1/users/u0002/recommendations")
	if want := readLines(t, fixtures+"/dice_binary/predictions.jsonl")[0] + "\n"; answer.body != want {
		t.Errorf("got %s, want %s", answer.body, want)
	}
}

func TestTheSameModelUnderAnotherPathIsTaken(t *testing.T) {
	first, second := copyModel(t, cosineModel), copyModel(t, cosineModel)
	current := newLink(t, first)
	server := start(t, testOptions(string(current)))
	current.switchTo(t, second)
	if err := server.models.update(false, true); err != nil || server.metrics.reloadsOK.Load() != 1 {
		t.Errorf("%d reloads, %v", server.metrics.reloadsOK.Load(), err)
	}
}

func TestAModelThatIsDeletedServesOn(t *testing.T) {
	dir := copyModel(t, cosineModel)
	current := newLink(t, dir)
	server := start(t, testOptions(string(current)))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := server.models.update(false, true); mlcore.VerdictOf(err) != mlcore.VerdictIO {
		t.Errorf("got %v", err)
	}
	for _, line := range readLines(t, fixtures+"/cosine_tf_idf/predictions.jsonl") {
		userID, _, _ := strings.Cut(strings.TrimPrefix(line, `{"user_id": "`), `"`)
		if answer := server.get(t, "/v1/users/"+userID+"/recommendations"); answer.body != line+"\n" {
			t.Fatalf("got %d %s", answer.status, answer.body)
		}
	}
}

func TestAModelThatIsReplacedWhileItIsOpenedIsNotRefused(t *testing.T) {
	current := newLink(t, cosineModel)
	server := start(t, testOptions(string(current)))
	gone := identity{dir: filepath.Join(t.TempDir(), "gone"), digest: "0123"}
	// The link leads elsewhere by the time the directory is found missing.
	if _, err := server.models.load(gone, true); !errors.Is(err, errReplaced) {
		t.Errorf("got %v", err)
	}
	// The directory is there, but what was opened may not be what was identified.
	stale := server.models.current.Load().identity
	stale.digest = "0123"
	if _, err := server.models.load(stale, true); !errors.Is(err, errReplaced) {
		t.Errorf("got %v", err)
	}
	server.models.refuse(gone, errReplaced)
	if server.metrics.reloadsRefused.Load() != 0 || server.models.refused != (identity{}) {
		t.Error("counted as refused")
	}
	waitFor(t, "all but one model to be closed", func() bool { return server.models.open.Load() == 1 })
}

func TestAClosedServerTakesNoModel(t *testing.T) {
	current := newLink(t, cosineModel)
	server := start(t, testOptions(string(current)))
	server.models.close()
	server.models.close()
	current.switchTo(t, diceModel)
	if err := server.models.update(true, true); err != nil {
		t.Fatal(err)
	}
	if server.models.acquire() != nil {
		t.Error("a model after the end")
	}
	waitFor(t, "all models to be closed", func() bool { return server.models.open.Load() == 0 })
	answer := server.get(t, "/v1/users/u0002/recommendations")
	if code, _ := answer.fault(t); answer.status != 503 || code != "unavailable" {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	if code, _ := server.get(t, "/readyz").fault(t); code != "unavailable" {
		t.Errorf("got %s", code)
	}
	if got := server.get(t, "/healthz").status; got != 200 {
		t.Errorf("got %d", got)
	}
}

func TestTheWatchOutlivesAPanic(t *testing.T) {
	log := &logBuffer{}
	broken := models{path: "nowhere", log: slog.New(slog.NewJSONHandler(log, nil))}
	broken.current.Store(&publication{}) // one is served, but there are no metrics to count the refusal in
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	broken.watch(ctx, time.Millisecond, nil, true)
	if log.find(t, "panic while looking for a newer model") == nil {
		t.Error("not logged")
	}
}

func TestAServerDoesNotStartWithABadModel(t *testing.T) {
	for _, c := range []struct {
		dir     string
		verify  bool
		verdict mlcore.Verdict
	}{
		{"no such directory", false, mlcore.VerdictIO},
		{suite + "/invalid/manifest_version_2/model", false, mlcore.VerdictVersion},
		{suite + "/invalid/ids_bom/model", false, mlcore.VerdictIDMap},
		{suite + "/invalid/checksum_of_similarity/model", true, mlcore.VerdictChecksum},
	} {
		options := testOptions(c.dir)
		options.VerifyFirst = c.verify
		options.Log = discard
		server, err := New(options)
		if server != nil || mlcore.VerdictOf(err) != c.verdict {
			t.Errorf("%s: got %v", c.dir, err)
		}
	}
}

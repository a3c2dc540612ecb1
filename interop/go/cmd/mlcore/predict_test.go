package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

var fixtures = filepath.Join("..", "..", "..", "..", "fixtures")

// goldenModels are the directories that hold a model and its predictions.
func goldenModels(t *testing.T) []string {
	t.Helper()
	models, err := filepath.Glob(filepath.Join(fixtures, "*", "*", "predictions.jsonl"))
	if err != nil || len(models) == 0 {
		t.Fatalf("no golden models: %v", err)
	}
	for index := range models {
		models[index] = filepath.Dir(models[index])
	}
	return models
}

// call runs a command and returns its exit code and what it printed.
func call(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(streams{strings.NewReader(stdin), &out, &err}, args)
	return code, out.String(), err.String()
}

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeText(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPredictionsAreThoseOfPython(t *testing.T) {
	for _, golden := range goldenModels(t) {
		data := filepath.Dir(golden)
		topN := map[string]string{"tiny": "3", "small": "10", "family": "5", "oddities": "5"}[filepath.Base(data)]
		for _, threads := range []string{"1", "3"} {
			t.Run(golden+"/"+threads, func(t *testing.T) {
				common := []string{"predict", "--model-dir", filepath.Join(golden, "model"), "--top-n", topN, "--threads", threads}
				out := filepath.Join(t.TempDir(), "out.jsonl")
				code, stdout, stderr := call("", append(common, "--users", filepath.Join(data, "test.csv"), "--out", out)...)
				if code != 0 || stderr != "" || !strings.Contains(stdout, " lists") {
					t.Errorf("%d %q %q", code, stdout, stderr)
				}
				if readText(t, out) != readText(t, filepath.Join(golden, "predictions.jsonl")) {
					t.Error("other predictions than predictions.jsonl")
				}
				_, stdout, _ = call(readText(t, filepath.Join(data, "sessions.jsonl")), append(common,
					"--histories", "-", "--format=jsonl", "--fill", "popularity", "--out", "-")...)
				if stdout != readText(t, filepath.Join(golden, "session_predictions.jsonl")) {
					t.Error("other predictions than session_predictions.jsonl")
				}
			})
		}
	}
}

func TestPredictTakesTheOptionsOfPython(t *testing.T) {
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	dir := t.TempDir()
	users := writeText(t, filepath.Join(dir, "users.csv"), "user_id\nu0001\nnobody\nu0001\n")
	items := writeText(t, filepath.Join(dir, "items.jsonl"), `{"item_id": "0001"}`+"\n"+`{"item_id": "0004"}`+"\n")
	other := writeText(t, filepath.Join(dir, "other.csv"), "item_id\n1\n9\n")
	some := writeText(t, filepath.Join(dir, "some.csv"), "item_id\n0001\n9\n0002\n")
	newUsers := writeText(t, filepath.Join(dir, "new.csv"), "user_id\nU0001\nu9\n")
	for _, c := range []struct {
		args            string
		code            int
		out, err, lines string
	}{
		{"--all-users --include-items " + other, 1, "", "error: " + other + ": item_id: expected items of the model, got none of them\n" +
			"hint: is '1' meant to be '0001'? leading zeros differ\n", ""},
		{"--users " + users + " --unknown-user skip --top-n 1 --exclude-items " + other, 0,
			"1 lists, 1 unknown users, 2 of 2 excluded items unknown\n", "note: " + other + ": item_id: expected items of the model, " +
				"got none of them; is '1' meant to be '0001'? leading zeros differ\n",
			`{"user_id": "u0001", "items": [{"item_id": "0001", "score": 3.028869330883026}]}` + "\n"},
		{"--users " + users + " --unknown-user skip --top-n 1 --include-items " + some, 0,
			"1 lists, 1 unknown users, 1 of 3 included items unknown\n", "",
			`{"user_id": "u0001", "items": [{"item_id": "0001", "score": 3.028869330883026}]}` + "\n"},
		{"--users " + newUsers, 1, "", "error: " + newUsers + ":2: user_id: expected a user of the model, got 'U0001'\n" +
			"hint: is 'U0001' meant to be 'u0001'? upper and lower case differ\n", ""},
		{"--users " + newUsers + " --unknown-user skip", 1, "", "error: " + newUsers + ": user_id: expected users of the model, got none of them\n" +
			"hint: is 'U0001' meant to be 'u0001'? upper and lower case differ\n", ""},
		{"--users " + newUsers + " --unknown-user fill", 1, "", "error: " + newUsers + ": user_id: expected users of the model, got none of them\n" +
			"hint: is 'U0001' meant to be 'u0001'? upper and lower case differ\n", ""},
		{"--users " + users, 1, "", "error: " + users + ":3: user_id: expected a user of the model, got 'nobody'\n" +
			"hint: --unknown-user skip leaves such users out, fill gives them popular items\n", ""},
		{"--users " + users + " --unknown-user skip --top-n 1", 0, "1 lists, 1 unknown users\n", "",
			`{"user_id": "u0001", "items": [{"item_id": "0001", "score": 3.028869330883026}]}` + "\n"},
		{"--users " + users + " --unknown-user=fill --top-n 1", 0, "2 lists, 1 unknown users\n", "",
			`{"user_id": "u0001", "items": [{"item_id": "0001", "score": 3.028869330883026}]}` + "\n" +
				`{"user_id": "nobody", "items": [{"item_id": "0002", "score": 0, "source": "popularity"}]}` + "\n"},
		{"--users " + users + " --unknown-user skip --include-items " + items, 0, "1 lists, 1 shorter than 10, 1 unknown users\n", "",
			`{"user_id": "u0001", "items": [{"item_id": "0001", "score": 3.028869330883026}, {"item_id": "0004", "score": 1.0013184547424316}]}` + "\n"},
		{"--users " + users + " --unknown-user skip --top-n 1 --exclude-items " + items, 0, "1 lists, 1 unknown users\n", "",
			`{"user_id": "u0001", "items": [{"item_id": "0005", "score": 0.2580800950527191}]}` + "\n"},
		{"--users " + users + " --unknown-user=fill --top-n 1 --explain", 0, "2 lists, 1 unknown users\n", "",
			`{"user_id": "u0001", "items": [{"item_id": "0001", "score": 3.028869330883026, "because": ` +
				`[{"item_id": "0006", "share": 3.028869330883026}]}]}` + "\n" +
				`{"user_id": "nobody", "items": [{"item_id": "0002", "score": 0, "source": "popularity", "because": []}]}` + "\n"},
		{"--all-users --top-n 0", 1, "", "error: top_n: expected an integer >= 1, got 0\n", ""},
		{"--all-users --top-n 2147483648", 1, "", "error: top_n: expected an integer below 2147483648, got 2147483648\n", ""},
		{"--all-users --threads 0", 1, "", "error: threads: expected an integer >= 1, got 0\n", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.jsonl")
			args := append([]string{"predict", "--model-dir", model, "--out", out}, strings.Fields(c.args)...)
			code, stdout, stderr := call("", args...)
			if code != c.code || stdout != c.out || stderr != c.err {
				t.Errorf("got %d, %q, %q", code, stdout, stderr)
			}
			if c.code != 0 {
				if left, _ := os.ReadDir(filepath.Dir(out)); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			} else if lines := readText(t, out); lines != c.lines {
				t.Errorf("got %s", lines)
			}
		})
	}
}

func TestMisuseEndsWithTwo(t *testing.T) {
	for _, args := range []string{
		"predict", "predict --model-dir m --out o", "predict --model-dir m --out o --all-users --users u",
		"predict --all-users --out o", "predict --model-dir m --all-users", "predict --fill other", "predict --top-n x",
		"predict --model-dir m --out o --all-users extra", "predict --no-such-flag", "no-such-command",
		"predict --weights raw", "similar --item a", "inspect", "dump", "conformance", "conformance predict", "conformance other",
	} {
		if code, stdout, stderr := call("", strings.Fields(args)...); code != 2 || stderr == "" || stdout != "" {
			t.Errorf("%s: got %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestHelpIsPrinted(t *testing.T) {
	for _, args := range []string{"", "help", "--help", "predict --help", "similar -h", "inspect --help", "dump --help"} {
		if code, stdout, stderr := call("", strings.Fields(args)...); code != 0 || !strings.Contains(stdout, "usage: mlcore ") || stderr != "" {
			t.Errorf("%s: got %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestTheFirstFaultInTheOrderOfTheRequestsIsReported(t *testing.T) {
	var lines strings.Builder
	for line := range 1000 {
		weight := "1"
		if line == 500 {
			weight = "1e-50" // too small for float32: found when answering, not when reading
		}
		fmt.Fprintf(&lines, `{"user_id": "s%d", "history": [{"item_id": "0001", "weight": %s}]}`+"\n", line, weight)
	}
	lines.WriteString("no JSON\n")
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	for range 5 {
		_, stdout, stderr := call(lines.String(), "predict", "--model-dir", model, "--histories", "-", "--format", "jsonl",
			"--out", "-", "--threads", "4", "--weights", "final")
		expected := "error: standard input:501: history: item '0001': weight: expected a finite number above 0 that " +
			"float32 holds, got 1e-50\n"
		if stderr != expected || strings.Count(stdout, "\n") != 500 {
			t.Fatalf("got %q after %d lines", stderr, strings.Count(stdout, "\n"))
		}
	}
}

func TestOutputIsReplacedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	predict := func(out string, more ...string) (int, string) {
		code, _, stderr := call("", append([]string{"predict", "--model-dir", model, "--all-users", "--out", out}, more...)...)
		return code, stderr
	}
	old := writeText(t, filepath.Join(dir, "old.jsonl"), "old\n")
	if code, stderr := predict(old, "--exclude-items", filepath.Join(dir, "none.csv")); code != 1 || readText(t, old) != "old\n" {
		t.Errorf("got %d, %q, and %q", code, stderr, readText(t, old))
	}
	link := filepath.Join(dir, "link.jsonl")
	if err := os.Symlink("old.jsonl", link); err == nil {
		if code, stderr := predict(link); code != 0 || !strings.HasPrefix(readText(t, old), `{"user_id"`) {
			t.Errorf("got %d, %q, and %q", code, stderr, readText(t, old))
		}
	}
	packed := filepath.Join(dir, "new.jsonl.gz")
	if code, stderr := predict(packed); code != 0 {
		t.Fatal(stderr)
	}
	reader, err := gzip.NewReader(strings.NewReader(readText(t, packed)))
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(dir, "new.jsonl")
	predict(plain)
	if text, err := io.ReadAll(reader); err != nil || string(text) != readText(t, plain) {
		t.Errorf("the packed file holds %q, %v", text, err)
	}
	for place, expected := range map[string]string{
		filepath.Join(dir, "no", "folder.jsonl"): "expected a file to write to, got 'No such file or directory'\nhint: there is no folder " +
			filepath.Join(dir, "no") + ": mkdir -p " + filepath.Join(dir, "no"),
		dir: "expected a file to write to, got 'Is a directory'\nhint: name a file in it",
	} {
		if code, stderr := predict(place); code != 1 || stderr != "error: "+place+": "+expected+"\n" {
			t.Errorf("%s: got %d, %q", place, code, stderr)
		}
	}
	killed := writeText(t, filepath.Join(dir, ".new.jsonl.partial-01234567"), "half a l")
	other := writeText(t, filepath.Join(dir, "other.jsonl.partial-01234567"), "not ours")
	predict(plain)
	if _, err := os.Stat(killed); err == nil && mlcore.CanMap {
		t.Error("what a killed process left is still there")
	}
	if readText(t, other) != "not ours" {
		t.Error("a file of another name is gone")
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAListWithoutRowsExcludesNothing(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	_, expected, _ := call("", "predict", "--model-dir", model, "--all-users", "--out", "-")
	for name, text := range map[string]string{"none.csv": "item_id\n", "none.jsonl": ""} {
		path := writeText(t, filepath.Join(dir, name), text)
		arguments := []string{"predict", "--model-dir", model, "--all-users", "--out", "-"}
		if code, found, stderr := call("", append(arguments, "--exclude-items", path)...); code != 0 || found != expected {
			t.Errorf("%s: got %d, %q", name, code, stderr)
		}
		if code, _, stderr := call("", append(arguments, "--include-items", path)...); code != 1 {
			t.Errorf("%s: got %d, %q", name, code, stderr)
		}
	}
}

func TestDescriptorsAreWrittenToByTheirNames(t *testing.T) {
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip("no /dev/fd on this platform")
	}
	dir := t.TempDir()
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	expected := filepath.Join(dir, "expected.jsonl")
	call("", "predict", "--model-dir", model, "--all-users", "--out", expected)
	code, stdout, stderr := call("", "predict", "--model-dir", model, "--all-users", "--out", "/dev/stdout")
	if code != 0 || stdout != readText(t, expected) || !strings.Contains(stderr, " lists") {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/fd/%d", writer.Fd())
	if code, _, stderr := call("", "predict", "--model-dir", model, "--all-users", "--out", name); code != 0 {
		t.Error(stderr)
	}
	writer.Close()
	if text, err := io.ReadAll(reader); err != nil || string(text) != readText(t, expected) {
		t.Errorf("the pipe got %q, %v", text, err)
	}
}

func TestAnInterruptDoesNotWaitForTheEndOfTheInput(t *testing.T) {
	blocked, writer := io.Pipe()
	defer writer.Close()
	ctx, interrupt := context.WithCancel(context.Background())
	go func() {
		writer.Write([]byte(`{"user_id": "s", "history": []}` + "\n"))
		interrupt()
	}()
	out := filepath.Join(t.TempDir(), "out.jsonl")
	args := &predictArgs{
		modelDir: filepath.Join(fixtures, "tiny", "cosine", "model"), histories: "-", format: "jsonl",
		topN: 1, out: out, unknownUser: "error", threads: 2,
	}
	_, err := predict(ctx, streams{blocked, io.Discard, io.Discard}, args)
	if fmt.Sprint(err) != "interrupted, nothing was written" {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(out)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInspectAndSimilarPrintWhatPythonPrints(t *testing.T) {
	model := filepath.Join(fixtures, "tiny", "jaccard", "model")
	_, stdout, _ := call("", "similar", "--model-dir", model, "--item", "0003", "--top-n", "2")
	if expected := "{\"item_id\": \"0006\", \"score\": 0.3333333432674408}\n{\"item_id\": \"0004\", \"score\": 0.25}\n"; stdout != expected {
		t.Errorf("got %s", stdout)
	}
	_, stdout, _ = call("", "inspect", "--model-dir", model, "--verify")
	for _, part := range []string{
		"{\n  \"format\": \"mlcore-model\",\n  \"format_version\": 1,\n  \"producer\": {\n",
		"  \"verified\": true,\n  \"items\": 6,\n  \"users\": 6,\n  \"with_users\": true,\n",
		"  \"config\": {\n    \"similarity\": {\n      \"name\": \"jaccard\"\n    },\n",
		fmt.Sprintf("    \"config.json\": %d,\n    \"items.csv\": 51,\n", len(readText(t, filepath.Join(model, "config.json")))),
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("%q is not in %s", part, stdout)
		}
	}
	code, _, stderr := call("", "similar", "--model-dir", model, "--item", "x")
	if code != 1 || stderr != "error: item: expected an item of the model, got 'x'\nhint: the first of the model is '0001'\n" {
		t.Errorf("got %d, %q", code, stderr)
	}
	code, _, stderr = call("", "inspect", "--model-dir", "no-such-model")
	if code != 1 || stderr != "error: no-such-model: expected a model directory, got no such directory\n" {
		t.Errorf("got %d, %q", code, stderr)
	}
}

func TestConformanceCommandsSpeakTheProtocol(t *testing.T) {
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	code, stdout, _ := call("", "conformance", "dump", model)
	if code != 0 || !strings.HasPrefix(stdout, `{"users":"6","items":"6","interactions":"13","pairs":"12","with_users":true`) {
		t.Errorf("got %d, %s", code, stdout)
	}
	code, stdout, _ = call("", "conformance", "dump", "no-such-model")
	if code != 1 || stdout != `{"error":"io","stage":"open"}`+"\n" {
		t.Errorf("got %d, %s", code, stdout)
	}
	code, stdout, _ = call(`{"id": "r", "item": "0003", "n": 1}`+"\n{}\n", "conformance", "predict", "--read", model)
	expected := `{"id": "r", "items": [{"item_id": "0006", "index": 5, "bits": "3fe0be9680000000", "filled": false}]}` + "\n" +
		`{"id": null, "error": "request"}` + "\n"
	if code != 0 || stdout != expected {
		t.Errorf("got %d, %s", code, stdout)
	}
	code, stdout, _ = call(`{"bits": "3fe8000000000000"}`+"\n"+`{"string": "a\"\n"}`+"\n", "conformance", "format")
	if code != 0 || stdout != `{"text": "0.75"}`+"\n"+`{"text": "\"a\\\"\\n\""}`+"\n" {
		t.Errorf("got %d, %s", code, stdout)
	}
}

func TestMoreThanTheCatalogueIsTheCatalogue(t *testing.T) {
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	for _, command := range []string{
		"predict --all-users --fill popularity --out -", "predict --all-users --explain --include-seen --out -", "similar --item 0001",
	} {
		texts := map[string]string{}
		for _, n := range []string{"100", "2147483647"} { // the catalogue has fewer than 100 items
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			code, stdout, stderr := call("", append(strings.Fields(command), "--model-dir", model, "--top-n", n)...)
			runtime.ReadMemStats(&after)
			if code != 0 || stdout == "" {
				t.Errorf("%s: %d %q", command, code, stderr)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
				t.Errorf("%s: n %s took %d bytes", command, n, taken)
			}
			texts[n] = stdout
		}
		if texts["100"] != texts["2147483647"] {
			t.Errorf("%s: other lists", command)
		}
	}
}

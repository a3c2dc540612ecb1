package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// writeRequests writes users and histories, some of them of unknown users and items, in every form.
func writeRequests(t *testing.T, random *rand.Rand, dir string, model *modeltest.Model) map[string]string {
	t.Helper()
	var users, table, lines strings.Builder
	users.WriteString("user_id\n")
	table.WriteString("user_id,item_id,weight,timestamp\n")
	for user := range 700 {
		name := fmt.Sprintf("new %d", user)
		if user < len(model.Users) {
			name = model.Users[user]
		}
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		users.WriteString(quoted + "\n")
		var events []string
		for range 1 + random.IntN(9) {
			item := model.Items[random.IntN(len(model.Items))]
			if random.IntN(9) == 0 {
				item = "no item"
			}
			weight, time := random.IntN(5)+1, random.IntN(1000)
			fmt.Fprintf(&table, "%s,\"%s\",%d,%d\n", quoted, strings.ReplaceAll(item, `"`, `""`), weight, time)
			events = append(events, fmt.Sprintf(`{"item_id": %q, "weight": %d, "timestamp": %d}`, item, weight, time))
		}
		fmt.Fprintf(&lines, "{\"user_id\": %q, \"history\": [%s]}\n", name, strings.Join(events, ", "))
	}
	return map[string]string{
		"--users":           writeText(t, filepath.Join(dir, "users.csv"), users.String()),
		"--histories=table": writeText(t, filepath.Join(dir, "table.csv"), table.String()),
		"--histories=lines": writeText(t, filepath.Join(dir, "lines.jsonl"), lines.String()),
		"--all-users":       "",
	}
}

func TestTheNumberOfThreadsChangesNoByte(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	model := modeltest.Random(random, 500, 300, 40)
	model.Rule = decaying
	dir := t.TempDir()
	path := model.Write(t, filepath.Join(dir, "model"))
	for name, file := range writeRequests(t, random, dir, model) {
		common := []string{"predict", "--model-dir", path, "--top-n", "7", "--unknown-user", "fill"}
		if flag, _, _ := strings.Cut(name, "="); file == "" {
			common = append(common, flag)
		} else {
			common = append(common, flag, file)
		}
		for _, out := range []string{"a.jsonl", "a.csv", "a.tsv", "a.jsonl.gz", "a.csv.gz", "explained.jsonl"} {
			t.Run(name+" "+out, func(t *testing.T) {
				var first, firstSaid string
				for _, threads := range []string{"1", "3"} {
					target := filepath.Join(t.TempDir(), out)
					args := append(common[:len(common):len(common)], "--out", target, "--threads", threads)
					if strings.HasPrefix(out, "explained") {
						args = append(args, "--explain")
					}
					code, stdout, stderr := call("", args...)
					written := readText(t, target)
					if code != 0 || len(written) == 0 {
						t.Fatalf("%d %q", code, stderr)
					}
					if threads == "1" {
						first, firstSaid = written, stdout+stderr
					}
					if written != first || stdout+stderr != firstSaid {
						t.Fatalf("%s threads: other bytes than one", threads)
					}
				}
				if plain, isPacked := strings.CutSuffix(out, ".gz"); isPacked {
					target := filepath.Join(t.TempDir(), plain)
					call("", append(common[:len(common):len(common)], "--out", target)...)
					if unpack(t, first) != readText(t, target) {
						t.Error("unpacked, other bytes than those of the plain file")
					}
				}
			})
		}
	}
}

func unpack(t *testing.T, packed string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	reader.Multistream(false) // the readers of some languages take the first member for all
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAFaultEndsTheOutputWhereItStands(t *testing.T) {
	model := writeModel(t, nil)
	line := func(user int) string {
		return fmt.Sprintf(`{"user_id": "s%d", "history": [{"item_id": "a"}]}`+"\n", user)
	}
	var good strings.Builder
	for user := range 1000 {
		good.WriteString(line(user))
	}
	for fault, message := range map[string]string{
		line(7):                                  "standard input:1001: user_id: expected each user once, got 's7' again (first in line 8)",
		`{"user_id": "s7", "history": 1}` + "\n": "standard input:1001: user_id: expected each user once, got 's7' again (first in line 8)",
		`{"user_id": "new"}` + "\n":              "standard input:1001: history: expected an array, got no such key",
		"\xff\n":                                 "standard input:1001: expected UTF-8, got the byte 0xff",
	} {
		for _, threads := range []string{"1", "3"} {
			code, stdout, stderr := call(good.String()+fault+line(2000)+line(2000), "predict", "--model-dir", model,
				"--histories", "-", "--format", "jsonl", "--out", "-", "--threads", threads)
			if got := strings.SplitN(stderr, "\n", 2)[0]; code != 1 || got != "error: "+message {
				t.Errorf("%q: got %d, %s", fault, code, got)
			}
			if count := strings.Count(stdout, "\n"); count != 1000 || !strings.HasPrefix(stdout, `{"user_id": "s0"`) {
				t.Errorf("%q, %s threads: %d lists went out before it", fault, threads, count)
			}
		}
	}
}

func TestAnOutputWithoutListsIsAGzipFile(t *testing.T) {
	out := filepath.Join(t.TempDir(), "none.jsonl.gz")
	users := writeText(t, filepath.Join(t.TempDir(), "users.csv"), "user_id\nu\nnobody\n")
	args := []string{"predict", "--model-dir", writeModel(t, nil), "--users", users, "--unknown-user", "skip", "--out", out}
	if code, _, stderr := call("", args...); code != 0 || strings.Count(unpack(t, readText(t, out)), "\n") != 1 {
		t.Errorf("%d %s", code, stderr)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "empty.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&gzipWriter{sink: file}).Close(); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if text := unpack(t, readText(t, file.Name())); text != "" {
		t.Errorf("got %q", text)
	}
}

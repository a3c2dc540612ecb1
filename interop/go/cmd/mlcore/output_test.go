package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

type listLine struct {
	UserID string `json:"user_id"`
	Items  []struct {
		ItemID string      `json:"item_id"`
		Score  json.Number `json:"score"`
		Source string      `json:"source"`
	} `json:"items"`
}

// rowsOfLines returns the rows that lines of predictions stand for.
func rowsOfLines(t *testing.T, text string) [][]string {
	t.Helper()
	rows := [][]string{{"user_id", "item_id", "rank", "score", "source"}}
	decoder := json.NewDecoder(strings.NewReader(text))
	for decoder.More() {
		var line listLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		for position, item := range line.Items {
			source := item.Source
			if source == "" {
				source = "similarity"
			}
			rows = append(rows, []string{line.UserID, item.ItemID, strconv.Itoa(position + 1), item.Score.String(), source})
		}
	}
	return rows
}

func TestRowsAreThoseOfTheLines(t *testing.T) {
	for _, golden := range goldenModels(t) {
		for _, c := range []struct {
			name      string
			delimiter rune
		}{{"out.csv", ','}, {"out.tsv", '\t'}, {"out.CSV.GZ", ','}} {
			t.Run(golden+"/"+c.name, func(t *testing.T) {
				dir := t.TempDir()
				predict := []string{"predict", "--model-dir", filepath.Join(golden, "model"), "--top-n", "4", "--histories",
					filepath.Join(filepath.Dir(golden), "sessions.jsonl"), "--fill", "popularity", "--out"}
				lines, rows := filepath.Join(dir, "out.jsonl"), filepath.Join(dir, c.name)
				for _, out := range []string{lines, rows} {
					if code, _, stderr := call("", append(predict, out)...); code != 0 {
						t.Fatal(stderr)
					}
				}
				file, err := os.Open(rows)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				var text io.Reader = file
				if strings.HasSuffix(c.name, "GZ") {
					if text, err = gzip.NewReader(file); err != nil {
						t.Fatal(err)
					}
				}
				reader := csv.NewReader(text)
				reader.Comma = c.delimiter
				found, err := reader.ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				expected := rowsOfLines(t, readText(t, lines))
				if len(found) != len(expected) || len(found) < 2 {
					t.Fatalf("%d rows, expected %d", len(found), len(expected))
				}
				for index, row := range expected {
					if strings.Join(found[index], "|") != strings.Join(row, "|") {
						t.Errorf("row %d is %q, expected %q", index, found[index], row)
					}
				}
			})
		}
	}
}

func TestAnOutputOverAnInputIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	model, err := filepath.Abs(filepath.Join(fixtures, "tiny", "cosine"))
	if err == nil {
		err = os.CopyFS("model", os.DirFS(filepath.Join(model, "model")))
	}
	if err != nil {
		t.Skip("needs the fixtures")
	}
	writeText(t, "users.csv", "user_id\nu0001\n")
	writeText(t, "items.csv", "item_id\n0001\n")
	writeText(t, "sessions.jsonl", `{"user_id": "s", "history": [{"item_id": "0001"}]}`+"\n")
	for _, name := range []string{"users.csv", "items.csv", "sessions.jsonl"} {
		if err := os.Link(name, "hard-"+name); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(name, "soft-"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("model", "current"); err != nil {
		t.Fatal(err)
	}
	same := "expected another file than the input "
	outside := "expected a place outside the input --model-dir, got one inside"
	for _, c := range []struct{ args, out, message string }{
		{"--users users.csv", "users.csv", same + "--users, got the same"},
		{"--users ./users.csv", "users.csv", same + "--users, got the same"},
		{"--users users.csv", "hard-users.csv", same + "--users, got the same"},
		{"--users users.csv", "soft-users.csv", same + "--users, got the same"},
		{"--users hard-users.csv", "soft-users.csv", same + "--users, got the same"},
		{"--histories sessions.jsonl", "./sessions.jsonl", same + "--histories, got the same"},
		{"--all-users --include-items items.csv", "hard-items.csv", same + "--include-items, got the same"},
		{"--all-users --exclude-items soft-items.csv", "items.csv", same + "--exclude-items, got the same"},
		{"--all-users", "model/manifest.json", outside},
		{"--all-users", "current/new.jsonl", outside},
		{"--all-users", "model/../current/deep/new.jsonl", outside},
	} {
		t.Run(c.args+" "+c.out, func(t *testing.T) {
			args := append([]string{"predict", "--model-dir", "current", "--out", c.out}, strings.Fields(c.args)...)
			code, stdout, stderr := call("", args...)
			if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "error: "+c.out+": "+c.message+"\n") {
				t.Errorf("%d %q %q", code, stdout, stderr)
			}
			if readText(t, "users.csv") != "user_id\nu0001\n" {
				t.Error("the input is gone")
			}
		})
	}
	if code, _, stderr := call("", "predict", "--model-dir", "current", "--users", "users.csv", "--out", "new.csv"); code != 0 {
		t.Error(stderr)
	}
}

func TestStandardInputIsOneInputOnly(t *testing.T) {
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	pairs := "user_id,item_id\nu,i\n"
	args := []string{"predict", "--model-dir", model, "--all-users", "--format", "csv", "--out", "-"}
	code, stdout, stderr := call(pairs, append(args, "--exclude-items", "-", "--exclude-pairs", "/dev/stdin")...)
	message := "error: standard input: expected one input from it, got --exclude-items and --exclude-pairs\n"
	if code != 1 || stdout != "" || !strings.HasPrefix(stderr, message) {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}

func TestNoFileHoldsAnotherFormatThanItsNameSays(t *testing.T) {
	model := filepath.Join(fixtures, "tiny", "cosine", "model")
	name := ": expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz), got "
	for _, c := range []struct{ out, args, message, hint string }{
		{"a.parquet", "", "a.parquet" + name + ".parquet", "python -m cli.predict writes Parquet"},
		{"a.Parquet.gz", "", "a.Parquet.gz" + name + ".parquet.gz", "write one of them; DuckDB and pandas read them"},
		{"a.csv.zip", "", "a.csv.zip" + name + ".zip", "write one of them; DuckDB and pandas read them"},
		{"a.tsv", "--explain", "explain: expected JSON Lines as output, got .tsv",
			"contributions are lists, which no column holds; --out lists.jsonl has them"},
	} {
		args := append([]string{"predict", "--model-dir", model, "--all-users", "--out", c.out}, strings.Fields(c.args)...)
		code, stdout, stderr := call("", args...)
		if code != 1 || stdout != "" || stderr != "error: "+c.message+"\nhint: "+c.hint+"\n" {
			t.Errorf("%s: %d %q %q", c.out, code, stdout, stderr)
		}
	}
}

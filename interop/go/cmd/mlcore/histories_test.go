package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// writeModel writes one in which only "b" is similar to "a".
func writeModel(t *testing.T, rule *modeltest.Rule) string {
	written := &modeltest.Model{
		Items:      []string{"a", "b"},
		Users:      []string{"u"},
		Similarity: [][]modeltest.Pair{{{Index: 1, Value: 1}}, {}},
		Histories:  [][]modeltest.Pair{{{Index: 0, Value: 1}}},
		Rule:       rule,
	}
	return written.Write(t, filepath.Join(t.TempDir(), "model"))
}

// decaying halves weights each day from 11 January 1970 on.
var decaying = &modeltest.Rule{Config: `{"aggregate": "sum", "weighting": ` +
	`{"name": "none", "half_life_days": 1, "reference_time": "1970-01-11T00:00:00.000000Z"}}`}

func TestHistoriesAreEventsUnlessTheirWeightsAreFinal(t *testing.T) {
	const (
		table = "user_id,item_id,weight,timestamp\ns,a,5,691200\ns,a,3,1970-01-09T00:00:00Z\ns,x,9,0\n"
		twice = `{"user_id": "s", "history": [{"item_id": "a", "weight": 5, "timestamp": 0}, ` +
			`{"item_id": "a", "weight": 3, "timestamp": "1970-01-09 01:00:00+01"}]`
		once = `{"user_id": "s", "history": [{"item_id": "a", "weight": 8, "timestamp": 691200}]`
	)
	decaying, plain := writeModel(t, decaying), writeModel(t, nil)
	for _, c := range []struct {
		model, format, input, args string
		score, fault               string
	}{
		{decaying, "csv", table, "", "2", ""},
		{decaying, "csv", table, "--weights events --now 777600", "4", ""},
		{decaying, "csv", table, "--now=1970-01-12T00:00:00Z", "1", ""},
		{decaying, "csv", table, "--weights=final", "8", ""},
		{decaying, "jsonl", twice + "}", "", "2", ""},
		{decaying, "jsonl", twice + `, "weights": "events"}`, "", "2", ""},
		{decaying, "jsonl", once + `, "weights": "events"}`, "--weights final", "8", ""},
		{plain, "csv", table, "--now 0", "8", ""},
		{plain, "jsonl", once + `, "weights": "events"}`, "--now 0", "8", ""},
		{decaying, "jsonl", once + "}", "--weights final", "8", ""},
		{decaying, "jsonl", once + `, "weights": "final"}`, "--now 0", "8", ""},
		{decaying, "jsonl", once + "}", "--now 0", "", "standard input:1: weighting none: item 'a': expected a timestamp up to now, " +
			"1970-01-01T00:00:00.000000Z, got 1970-01-09T00:00:00.000000Z\nhint: --now says up to which time events age\n"},
		{decaying, "jsonl", twice + `, "weights": "final"}`, "", "",
			"standard input:1: history[1]: item_id: expected each item once, got 'a' again\n" +
				"hint: final weights are ready; without \"weights\": \"final\" the model makes them of events\n"},
		{decaying, "jsonl", once + "}", "--now yesterday", "", "now: expected integer seconds or an RFC 3339 time, got 'yesterday'\n" +
			"hint: 2026-03-01T09:00:00Z and 2026-03-01 09:00:00+01 are read; pandas.to_datetime and strptime of DuckDB " +
			"make such times of others\n"},
		{decaying, "jsonl", once + "}", "--now 1577836800000", "", "now: expected integer seconds or an RFC 3339 time, got '1577836800000'\n" +
			"hint: seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?\n"},
		{plain, "jsonl", twice + "}", "", "", "standard input:1: history[1]: item_id: expected each item once, got 'a' again\n" +
			"hint: mlcore 0.2 or before wrote the model, for final weights; train it anew for events\n"},
	} {
		args := []string{"predict", "--model-dir", c.model, "--histories", "-", "--format", c.format, "--top-n", "1", "--out", "-"}
		code, stdout, stderr := call(c.input, append(args, strings.Fields(c.args)...)...)
		if c.fault != "" {
			if code != 1 || stderr != "error: "+c.fault {
				t.Errorf("%s %s: got %d, %q", c.args, c.input, code, stderr)
			}
			continue
		}
		if expected := `{"user_id": "s", "items": [{"item_id": "b", "score": ` + c.score + "}]}\n"; code != 0 || stdout != expected {
			t.Errorf("%s %s: got %d, %s, %s", c.args, c.input, code, stdout, stderr)
		}
	}
}

func TestRowsWithoutTimesAreInOrder(t *testing.T) {
	// The later of two items counts in full, the earlier one a quarter; "c" is similar to "a" alone.
	written := &modeltest.Model{
		Items:      []string{"a", "b", "c"},
		Similarity: [][]modeltest.Pair{{{Index: 2, Value: 1}}, {}, {}},
		Order:      [][]int32{},
		Rule: &modeltest.Rule{Config: `{"aggregate": "sum", "weighting": {"name": "none", "half_life_days": null}, ` +
			`"history_decay": {"name": "quadratic"}}`},
	}
	model := written.Write(t, t.TempDir())
	for rows, score := range map[string]string{"s,a\nt,b\ns,b\n": "0.25", "s,b\nt,b\ns,a\n": "1", "s,a\nt,b\ns,b\ns,a\n": "2"} {
		code, stdout, stderr := call("user_id,item_id\n"+rows, "predict", "--model-dir", model, "--histories", "-", "--format", "csv", "--out", "-")
		expected := `{"user_id": "s", "items": [{"item_id": "c", "score": ` + score + `}]}` + "\n" + `{"user_id": "t", "items": []}` + "\n"
		if code != 0 || stdout != expected {
			t.Errorf("%q: got %d, %s, %s", rows, code, stdout, stderr)
		}
	}
}

func TestAUselessNowIsNoted(t *testing.T) {
	decaying, plain := writeModel(t, decaying), writeModel(t, nil)
	const note = "note: now: changes nothing, as no event ages here\n"
	for _, c := range []struct{ model, args, note string }{
		{decaying, "--now 777600", ""}, {decaying, "--now 777600 --weights final", note}, {plain, "--now 0", note}, {plain, "", ""},
	} {
		args := []string{"predict", "--model-dir", c.model, "--histories", "-", "--format", "csv", "--out", "-"}
		code, _, stderr := call("user_id,item_id,timestamp\ns,a,0\n", append(args, strings.Fields(c.args)...)...)
		if notes, _, _ := strings.Cut(stderr, "1 lists"); code != 0 || notes != c.note {
			t.Errorf("%s: got %d, %q", c.args, code, stderr)
		}
	}
}

func TestWeightsAndNowAreForHistories(t *testing.T) {
	model, out := writeModel(t, decaying), filepath.Join(t.TempDir(), "out.jsonl")
	for name, args := range map[string]string{"weights": "--weights final --now noon", "now": "--now noon"} {
		args := append([]string{"predict", "--model-dir", model, "--all-users", "--out", out}, strings.Fields(args)...)
		expected := "error: " + name + ": expected --histories with it, got none\nhint: the histories of users of the model are ready\n"
		if code, _, stderr := call("", args...); code != 1 || stderr != expected {
			t.Errorf("%s: got %d, %q", args, code, stderr)
		}
	}
}

func TestTheSummaryCountsItemsNotEvents(t *testing.T) {
	input := `{"user_id": "s", "history": [{"item_id": "A"}, {"item_id": "A"}, {"item_id": "y"}]}`
	args := []string{"predict", "--model-dir", writeModel(t, decaying), "--histories", "-", "--format", "jsonl"}
	code, stdout, stderr := call(input, append(args, "--out", filepath.Join(t.TempDir(), "out.jsonl"))...)
	if code != 0 || stdout != "1 lists, 1 shorter than 10, 2 unknown items passed over\n" ||
		!strings.Contains(stderr, "is 'A' meant to be 'a'? upper and lower case differ") {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
}

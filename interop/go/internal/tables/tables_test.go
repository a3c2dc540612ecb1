package tables

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func csvInput(text string) *Input {
	return &Input{Path: "-", Format: "csv", Stdin: strings.NewReader(text)}
}
func jsonInput(text string) *Input {
	return &Input{Path: "-", Format: "jsonl", Stdin: strings.NewReader(text)}
}

func readIDs(in *Input) ([]string, error) { return ReadIDs(in, Users, nil) }

func TestIDsOfATable(t *testing.T) {
	for text, expected := range map[string][]string{
		"user_id\na\nb\na\n":                                  {"a", "b"},
		"x,user_id\r\n1,a\r\n\r\n2,\"b,\"\"\"\r\n":            {"a", `b,"`},
		"user_id,x\na,\"1\n2\r\n3\"\nb,\r\"c\",\"\"":          {"a", "b", "c"},
		"user_id\r\ra\rb":                                     {"a", "b"},
		"\"user_id\"\n 007 \n7\nNA\n":                         {" 007 ", "7", "NA"},
		"user_id\nx\"y\n\"x\"\"y\"\n":                         {`x"y`},
		"\ufeffuser_id\n\ufeff\n":                             {"\ufeff"},
		"user_id\n" + strings.Repeat("é", 30_000) + "":        {strings.Repeat("é", 30_000)},
		"x\tuser_id\n1\ta\n\"2\t\"\tb,\n":                     {"a", "b,"},
		"user_id;x\na;\"1;2\"\n":                              {"a"},
		"x|user_id\r\n1|a\r\n":                                {"a"},
		"x::user_id\n\"1::a:\n\n2::b\n":                       {"a:", "b"},
		"sep=;\r\nuser_id;x\r\na;1,5\r\n":                     {"a"},
		"x,user_id\n" + strings.Repeat("y", 200_000) + ",a\n": {"a"},
		"user_id;x,y\na;b,c\n":                                {"a"},
	} {
		found, err := readIDs(csvInput(text))
		if err != nil || !reflect.DeepEqual(found, expected) {
			t.Errorf("%q: expected %q, got %q, %v", text[:min(len(text), 60)], expected, found, err)
		}
	}
	found, err := readIDs(jsonInput("\n{\"user_id\": \"a\", \"x\": 1}\r\n \u00a0\n{\"user_id\":\"b\"}"))
	if err != nil || !reflect.DeepEqual(found, []string{"a", "b"}) {
		t.Errorf("got %q, %v", found, err)
	}
}

// The messages are those of the Python commands.
func TestFaultyTablesHaveTheirMessage(t *testing.T) {
	long := strings.Repeat("x", 1<<24+1)
	for text, expected := range map[string]string{
		"":                                 "expected a header line, got an empty file",
		"user_id\n":                        "expected rows after the header, got none",
		"item\na\n":                        ":1: user_id: expected a column of this name, got 'item'",
		"\nuser_id\n":                      ":1: user_id: expected a column of this name, got an empty line",
		"user_id,user_id\na,b\n":           ":1: user_id: expected one column of this name, got 2",
		"user_id\na\n\nb,c\n":              ":4: expected 1 fields as in the header, got 2",
		"sep=;\nitem;x\na;b\n":             ":2: user_id: expected a column of this name, got 'item', 'x'",
		"user\tx\na\tb\n":                  ":1: user_id: expected a column of this name, got 'user', 'x'",
		"user_id;x\n\"a\"b;c\n":            ":2: expected a delimiter or the end of the line after a closing quote, got other text",
		"user_id\n\"\"\n":                  ":2: user_id: expected an id of at least one character, got an empty one",
		"user_id\n\"a\nb\"\n":              `:2: user_id: expected no NUL and no line break, got 'a\nb'`,
		"user_id\na\n\"b\n\nc":             ":3: expected balanced quotes, got one that is never closed",
		"user_id\na\n\"b\"c\n":             ":3: expected a comma or the end of the line after a closing quote, got other text",
		"user_id\na\nb\x00\n":              ":3: expected text, got a NUL character",
		"user_id\na\n\xffb\x00\n":          ":3: expected UTF-8, got the byte 0xff",
		"user_id\n\"a\n\xe2\x82":           ":3: expected UTF-8, got the byte 0xe2",
		"user_id\n" + long:                 ":2: expected fields of at most 16777216 characters, got a longer one",
		"user_id\n" + long[:65_536] + "\n": ":2: user_id: expected at most 65535 bytes, got 65536",
	} {
		_, err := readIDs(csvInput(text))
		checkMessage(t, text, expected, err)
	}
	for text, expected := range map[string]string{
		"\n":                       "expected at least one JSON object, got an empty file",
		"{\"user_id\": \"a\"}\nx":  ":2: expected a JSON object, got invalid JSON (expecting value at character 1)",
		"[1]":                      ":1: expected a JSON object, got [1]",
		"\"a\"":                    ":1: expected a JSON object, got 'a'",
		"{}":                       ":1: user_id: expected a key of this name, got an empty object",
		"{\"user\": 7, \"x\": 1}":  ":1: user_id: expected a key of this name, got 'user', 'x'",
		"{\"user_id\": \"a\"}\n{}": ":2: user_id: expected a value, got no such key",
		"{\"user_id\": 7}":         ":1: user_id: expected a string, got 7",
		"{\"user_id\": 1e-7}":      ":1: user_id: expected a string, got 1e-07",
		"{\"user_id\": null}":      ":1: user_id: expected a string, got null",
		"{\"user_id\": \"\"}":      ":1: user_id: expected an id of at least one character, got an empty one",
		"{\"user_id\": \"a\", \"x\": \"" + long + "\"}": ":1: expected fields of at most 16777216 characters, got a longer one",
	} {
		_, err := readIDs(jsonInput(text))
		checkMessage(t, text, expected, err)
	}
}

func checkMessage(t *testing.T, text, expected string, err error) {
	t.Helper()
	separator := ""
	if !strings.HasPrefix(expected, ":") {
		separator = ": "
	}
	if found := fmt.Sprint(err); found != "standard input"+separator+expected {
		t.Errorf("%q: expected %q, got %q", text[:min(len(text), 60)], expected, found)
	}
}

// readHistories does one after the other what others do at the same time.
func readHistories(in *Input, weights Weights, take func(History) error) error {
	all, err := OpenHistories(in, weights, 1)
	if err != nil {
		return err
	}
	return all.Each(func(place HistoryPlace) error {
		history, err := all.Read(place)
		if history.UserID != "" {
			if fault := all.Once(history.UserID, place); fault != nil {
				return fault
			}
		}
		if err != nil {
			return err
		}
		return take(history)
	})
}

func histories(in *Input) (string, error) {
	var text strings.Builder
	err := readHistories(in, Weights{}, func(history History) error {
		fmt.Fprintf(&text, "%s[", history.UserID)
		for index, item := range history.Items {
			fmt.Fprintf(&text, "%s{%s %v}", " "[:min(index, 1)], item.ID, item.Weight)
		}
		text.WriteString("];")
		return nil
	})
	return text.String(), err
}

func events(in *Input, final bool) (string, error) {
	var text strings.Builder
	err := readHistories(in, Weights{HasRule: true, Final: final}, func(history History) error {
		fmt.Fprintf(&text, "%s %t %v;", history.UserID, history.Final, history.Items)
		return nil
	})
	return text.String(), err
}

func TestHistoriesOfEvents(t *testing.T) {
	const table = "user_id,item_id,weight,timestamp\nv,a,2,9\nu,b,1,1970-01-01T01:00:00.5+01:00\nv,a,1,7\n"
	const line = `{"user_id": "u", "history": [{"item_id": "a", "timestamp": 7}, {"item_id": "a", "timestamp": "1970-01-01T00:00:00Z"}, {"item_id": "b", "weight": 2}]`
	for _, c := range []struct {
		in       *Input
		final    bool
		expected string
	}{
		{csvInput(table), false, "u false [{b 1 true 500000}];v false [{a 2 true 9000000} {a 1 true 7000000}];"},
		{csvInput(table), true, "u true [{b 1 true 500000}];v true [{a 3 true 7000000}];"},
		{csvInput("user_id,item_id\nu,a\nu,a\n"), false, "u false [{a 1 false 0} {a 1 false 0}];"},
		{jsonInput(line + "}"), false, "u false [{a 1 true 7000000} {a 1 true 0} {b 2 false 0}];"},
		{jsonInput(`{"user_id": "u", "weights": "final", "history": [{"item_id": "a", "timestamp": null}]}`), false, "u true [{a 1 false 0}];"},
		{jsonInput(`{"user_id": "u", "weights": "events", "history": [{"item_id": "a", "timestamp": -0}]}`), true, "u true [{a 1 true 0}];"},
	} {
		if found, err := events(c.in, c.final); err != nil || found != c.expected {
			t.Errorf("expected %s, got %s, %v", c.expected, found, err)
		}
	}
	for text, expected := range map[string]string{
		line + `, "weights": "final"}`:                                                ":1: history[1]: item_id: expected each item once, got 'a' again",
		line + `, "weights": "raw"}`:                                                  ":1: weights: expected 'events' or 'final', got 'raw'",
		line + `, "weights": null}`:                                                   ":1: weights: expected 'events' or 'final', got null",
		`{"user_id": "u", "history": [{"item_id": "a", "timestamp": 7.0}]}`:           ":1: history[0]: timestamp: expected integer seconds or an RFC 3339 time, got 7.0",
		`{"user_id": "u", "history": [{"item_id": "a", "timestamp": true}]}`:          ":1: history[0]: timestamp: expected integer seconds or an RFC 3339 time, got true",
		`{"user_id": "u", "history": [{"item_id": "a", "timestamp": "now"}]}`:         ":1: history[0]: timestamp: expected integer seconds or an RFC 3339 time, got 'now'",
		`{"user_id": "u", "history": [{"item_id": "a", "timestamp": 1577836800000}]}`: ":1: history[0]: timestamp: expected integer seconds or an RFC 3339 time, got 1577836800000",
	} {
		_, err := events(jsonInput(text), false)
		checkMessage(t, text, expected, err)
	}
}

func TestHistories(t *testing.T) {
	for text, expected := range map[string]string{
		`{"user_id": "v", "history": [{"item_id": "b", "weight": 2.5}, {"item_id": "a"}]}` + "\n" +
			`{"user_id": "u", "history": []}`: "v[{b 2.5} {a 1}];u[];",
	} {
		if found, err := histories(jsonInput(text)); err != nil || found != expected {
			t.Errorf("expected %s, got %s, %v", expected, found, err)
		}
	}
	for text, expected := range map[string]string{
		"item_id,user_id\nb,v\na,v\nb,u\n":                                                        "u[{b 1}];v[{a 1} {b 1}];",
		"user_id,item_id,weight\nu,a,.5\nu,a,+1e0\nu,a,2.\n":                                      "u[{a 3.5}];",
		"user_id,item_id,timestamp\nu,a,7\nu,b,2020-02-29T23:59:59.5+01:00\n":                     "u[{a 1} {b 1}];",
		"user_id,item_id,timestamp\nu,a,2020-02-29 23:59:59+01\nu,b,2020-02-29 23:59:59.25 UTC\n": "u[{a 1} {b 1}];",
		// 10 h at +09 is 1 h UTC, which is after 00:30 UTC: the sum is 1e16 + (1 + 1) if ordered so.
		"user_id,item_id,weight,timestamp\nu,a,1e16,2020-01-01 10:00:00+0900\nu,a,1,2020-01-01 00:30:00 GMT\nu,a,1,2020-01-01 00:00:00 Z\n": "u[{a 1.0000000000000002e+16}];",
		// By time: 1e16 + 1 + 1 is not 1 + 1 + 1e16.
		"user_id,item_id,weight,timestamp\nu,a,1,2\nu,a,1e16,1\nu,a,1,3\n": "u[{a 1e+16}];",
		"user_id,item_id,weight,timestamp\nu,a,1,1\nu,a,1e16,3\nu,a,1,2\n": "u[{a 1.0000000000000002e+16}];",
	} {
		if found, err := histories(csvInput(text)); err != nil || found != expected {
			t.Errorf("expected %s, got %s, %v", expected, found, err)
		}
	}
}

func TestFaultyHistoriesHaveTheirMessage(t *testing.T) {
	for text, expected := range map[string]string{
		`{"user_id": "u"}`:                  ":1: history: expected an array, got no such key",
		`{"user_id": "u", "history": {}}`:   ":1: history: expected an array, got {}",
		`{"history": []}`:                   ":1: user_id: expected a string, got no such key",
		`{"user_id": "u", "history": [1]}`:  ":1: history[0]: expected an object, got 1",
		`{"user_id": "u", "history": [{}]}`: ":1: history[0]: item_id: expected a string, got no such key",
		`{"user_id": "u", "history": [{"item_id": "a"}, {"item_id": "a"}]}`:           ":1: history[1]: item_id: expected each item once, got 'a' again",
		`{"user_id": "u", "history": [{"item_id": "a", "weight": true}]}`:             ":1: history[0]: weight: expected a finite number above 0, got true",
		`{"user_id": "u", "history": [{"item_id": "a", "weight": -0}]}`:               ":1: history[0]: weight: expected a finite number above 0, got 0",
		`{"user_id": "u", "history": [{"item_id": "a", "weight": 1e999}]}`:            ":1: history[0]: weight: expected a finite number above 0, got Infinity",
		"{\"user_id\": \"u\", \"history\": []}\n{\"user_id\": \"u\", \"history\": 1}": ":2: user_id: expected each user once, got 'u' again (first in line 1)",
	} {
		_, err := histories(jsonInput(text))
		checkMessage(t, text, expected, err)
	}
	for text, expected := range map[string]string{
		"user_id,item_id,weight\nu,a,inf\n":                          ":2: weight: expected a finite number above 0, got 'inf'",
		"user_id,item_id,weight\nu,a,1_0\n":                          ":2: weight: expected a finite number above 0, got '1_0'",
		"user_id,item_id,weight\nu,a,0x1p2\n":                        ":2: weight: expected a finite number above 0, got '0x1p2'",
		"user_id,item_id,weight\nu,a,\n":                             ":2: weight: expected a finite number above 0, got ''",
		"user_id,item_id,timestamp\nu,a,1577836800000\n":             ":2: timestamp: expected integer seconds or an RFC 3339 time, got '1577836800000'",
		"user_id,item_id,timestamp\nu,a,2021-02-29T00:00:00Z\n":      ":2: timestamp: expected integer seconds or an RFC 3339 time, got '2021-02-29T00:00:00Z'",
		"user_id,item_id,timestamp\nu,a,2021-02-28T00:00:00\n":       ":2: timestamp: expected integer seconds or an RFC 3339 time, got '2021-02-28T00:00:00'",
		"user_id,item_id,timestamp\nu,a,0001-01-01T00:00:00+01:00\n": ":2: timestamp: expected integer seconds or an RFC 3339 time, got '0001-01-01T00:00:00+01:00'",
		"user_id,item_id,timestamp\nu,a,2021-02-28T24:00:00Z\n":      ":2: timestamp: expected integer seconds or an RFC 3339 time, got '2021-02-28T24:00:00Z'",
		"user_id,item_id,weight\nu,a,1e308\nu,a,1e308\n":             "weight: user 'u', item 'a': expected a finite sum, got Infinity",
	} {
		_, err := histories(csvInput(text))
		checkMessage(t, text, expected, err)
	}
}

func TestFilesPlainAndPacked(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	writer.Write([]byte("user_id\na\n"))
	writer.Close()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var notes []string
	note := func(text string) { notes = append(notes, text) }
	for _, path := range []string{
		write("a.csv", []byte("\ufeffuser_id\na\n")),
		write("b.csv.gz", packed.Bytes()),
		write("c.csv", packed.Bytes()),
		write("d.jsonl", []byte(`{"user_id": "a"}`)),
		write("e.csv.gz", append(packed.Bytes(), make([]byte, 513)...)),
		write("f.csv.gz", append(append(append([]byte{}, packed.Bytes()...), 0, 0), packed.Bytes()[:0]...)),
		write("g.TSV", []byte("x\tuser_id\n\ta\n")),
		write("h.NDJSON", []byte(`{"user_id": "a", "x": `+strings.Repeat("1", 5000)+`}`)),
	} {
		if found, err := readIDs(&Input{Path: path, Note: note}); err != nil || len(found) != 1 || found[0] != "a" {
			t.Errorf("%s: got %v, %v", path, found, err)
		}
	}
	if len(notes) != 1 || !strings.HasSuffix(notes[0], "a.csv:1: skipped a byte order mark") {
		t.Errorf("got %q", notes)
	}
	for _, c := range []struct{ path, expected string }{
		{filepath.Join(dir, "none.csv"), "expected a readable file, got 'No such file or directory'"},
		{dir + ".csv", "expected a readable file, got 'No such file or directory'"},
		{write("e.txt", nil), "expected a name that ends in .csv or .jsonl (or either and .gz), got another"},
		{write("f.csv", packed.Bytes()[:packed.Len()-9]), "expected a whole gzip file, got one that ends too early"},
		{write("g.csv", append([]byte{0x1f, 0x8b, 9}, packed.Bytes()[3:]...)), "expected a whole gzip file, got a damaged one"},
	} {
		_, err := readIDs(&Input{Path: c.path})
		if fmt.Sprint(err) != c.path+": "+c.expected {
			t.Errorf("expected %q, got %v", c.expected, err)
		}
	}
	os.Mkdir(filepath.Join(dir, "h.csv"), 0o777)
	if _, err := readIDs(&Input{Path: filepath.Join(dir, "h.csv")}); !strings.HasSuffix(fmt.Sprint(err), "expected one file of CSV or JSON Lines, got a folder") {
		t.Error(err)
	}
}

func FuzzTables(f *testing.F) {
	for _, text := range []string{
		"user_id,item_id,weight,timestamp\nu,a,1.5,7\n\"u,\"\"2\",b,1,2020-01-01T00:00:00Z\n",
		"user_id\n\n\"a\r\nb\"\r", "\ufeffuser_id,item_id\r\na,b\r\n", "user_id\n\"", "user_id\n\"a\"b",
		`{"user_id": "u", "history": [{"item_id": "a", "weight": 2}]}` + "\n\n{\"user_id\": 1}", "\x1f\x8b\x08\x00",
		`{"user_id": "u", "weights": "events", "history": [{"item_id": "a", "timestamp": "1970-01-01 00:00:00.5+01"}, {"item_id": "a"}]}`,
		"{\"user_id\": \"\\ud800\"}", "user_id\na\x00", "user_id\n\xff",
	} {
		f.Add([]byte(text))
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	writer.Write([]byte("user_id,item_id\na,b\n"))
	writer.Close()
	f.Add(packed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"csv", "jsonl"} {
			in := func() *Input { return &Input{Path: "-", Format: format, Stdin: bytes.NewReader(data)} }
			ids, err := readIDs(in())
			checkFault(t, err)
			seen := map[string]bool{}
			for _, id := range ids {
				if seen[id] || checkID(id) != nil {
					t.Fatalf("a bad or repeated id: %q", id)
				}
				seen[id] = true
			}
			for _, weights := range []Weights{{}, {HasRule: true}, {HasRule: true, Final: true}} {
				users := map[string]bool{}
				checkFault(t, readHistories(in(), weights, func(history History) error {
					if users[history.UserID] || checkID(history.UserID) != nil {
						t.Fatalf("a bad or repeated user: %q", history.UserID)
					}
					users[history.UserID] = true
					items := map[string]bool{}
					for _, item := range history.Items {
						if checkID(item.ID) != nil || !(item.Weight > 0) || item.Weight-item.Weight != 0 {
							t.Fatalf("a bad item: %+v", item)
						}
						if items[item.ID] && (history.Final || !weights.HasRule) {
							t.Fatalf("item %q twice, in weights that are final", item.ID)
						}
						items[item.ID] = true
					}
					return nil
				}))
			}
		}
	})
}

func checkFault(t *testing.T, err error) {
	t.Helper()
	var fault *Error
	if err != nil && (!errors.As(err, &fault) || strings.ContainsAny(fault.Message, "\n\r")) {
		t.Fatalf("not one line: %q", err)
	}
}

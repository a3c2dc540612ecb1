package tables

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInputsBeyondALimitAreRefused(t *testing.T) {
	x, lines := strings.Repeat("x", maxLineBytes-1), strings.Repeat(strings.Repeat("x", 127)+"\n", 1<<17-1)
	columns := "user_id" + strings.Repeat(",x", maxColumns-1)
	for _, c := range []struct{ text, expected string }{
		{"x" + x, ":1: expected fields of at most 16777216 characters, got a longer one"},
		{"xx" + x, ":1: line: expected at most 67108864 bytes, got more"},
		{"é" + x + "\n", ":1: line: expected at most 67108864 bytes, got more"},
		{"user_id\na\nb\n" + x + "xx\n", ":4: line: expected at most 67108864 bytes, got more"},
		{"user_id\n" + strings.Repeat("\""+lines+"\",", 5) + "\n", ":2: row: expected at most 67108864 characters, got more"},
		{columns + "\n", ": expected rows after the header, got none"},
		{columns + ",y\n", ":1: columns: expected at most 16384, got more"},
	} {
		_, err := ReadIDs(csvInput(c.text), Users, nil)
		checkMessage(t, c.text, c.expected, err)
	}
	open, shut := strings.Repeat("[", maxLineDepth-1), strings.Repeat("]", maxLineDepth-1)
	for _, c := range []struct{ text, expected string }{
		{`{"x": ` + open + shut + "}", ":1: user_id: expected a key of this name, got 'x'"},
		{`{"x": [` + open + shut + "]}", ":1: expected a JSON object, got JSON nested too deeply"},
		{`{"x":"` + x, ":1: line: expected at most 67108864 bytes, got more"},
	} {
		_, err := ReadIDs(jsonInput(c.text), Users, nil)
		checkMessage(t, c.text, c.expected, err)
	}
}

func TestADocumentIsReadUpToItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.json")
	for size, expected := range map[int64]string{
		maxDocumentBytes: "", maxDocumentBytes + 1: path + ": expected at most 67108864 bytes, got more",
	} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		text, err := ReadDocument(path)
		if found := message(err); found != expected || (err == nil && int64(len(text)) != size) {
			t.Errorf("%d bytes: expected %q, got %q", size, expected, found)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

func TestMessagesAreSafeForATerminal(t *testing.T) {
	const name = "a\x1b[2J\u009b\u202eb\u2028c\nerror: d"
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(smallModels+"cosine_tf_idf/model")); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	users := writeText(t, filepath.Join(t.TempDir(), name), "user\nu0002\n")
	marked := writeText(t, filepath.Join(t.TempDir(), name+".csv"), "\ufeffuser_id\nu0002\n")
	for _, args := range [][]string{
		{name},
		{"similar", "--" + name},
		{"similar", "--top-n", name},
		{"similar", "--model-dir", broken, "--item", "a"},
		{"similar", "--model-dir", dir, "--item", name},
		{"similar", "--model-dir", dir, "--item", "0032", "--filter", `{"a\u202e\u001b[2J": 1}`},
		{"similar", "--model-dir", dir, "--item", "0032", "--attributes", users},
		{"inspect", "--model-dir", broken},
		{"dump", broken},
		{"conformance", "predict", broken},
		{"predict", "--model-dir", dir, "--users", users, "--out", "-"},
		{"predict", "--model-dir", dir, "--users", marked, "--out", "-"}, // a note
		{"predict", "--model-dir", dir, "--all-users", "--out", filepath.Join(dir, "none", name)},
		{"predict", "--model-dir", dir, "--all-users", "--out", "-", "--format", name},
		{"serve", "--model-dir", broken, "--listen", "127.0.0.1:0"},
		{"serve", "--model-dir", dir, "--listen", name},
	} {
		_, _, stderr := call("", args...)
		line, _, _ := strings.Cut(stderr, "\n")
		if !strings.Contains(line, `\x1b[2J`) || !strings.Contains(line, `\u202e`) {
			t.Errorf("%q: got %q", args, stderr)
		}
		for _, char := range stderr {
			if char != '\n' && char != '\t' && !unicode.IsPrint(char) {
				t.Errorf("%q: %q stands in %q", args, char, stderr)
			}
		}
	}
}

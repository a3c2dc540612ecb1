//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
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

func TestResultsAreExactForProgramsAndSafeForATerminal(t *testing.T) {
	written := modeltest.Random(rand.New(rand.NewPCG(1, 1)), 3, 3, 3)
	written.Items = []string{"a", "b\u202e\u009b", "c"}
	model := written.Write(t, t.TempDir())
	terminal, err := os.OpenFile("/dev/null", os.O_WRONLY, 0) // a device, as a terminal is
	if err != nil {
		t.Skip("no device")
	}
	defer terminal.Close()
	if !isTerminal(terminal) || isTerminal(&bytes.Buffer{}) {
		t.Error("a terminal is taken for something else, or the other way round")
	}
	if _, stdout, _ := call("", "similar", "--model-dir", model, "--item", "a", "--top-n", "3"); !strings.Contains(stdout, "b\u202e\u009b") {
		t.Errorf("got %q", stdout)
	}
}

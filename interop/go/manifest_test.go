package mlcore

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var tinyFixture = filepath.Join("..", "..", "fixtures", "tiny", "cosine", "model")

func goodManifest(tb testing.TB) string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(tinyFixture, manifestFile))
	if err != nil {
		tb.Fatal(err)
	}
	// What it requires is a matter of these tests.
	return regexp.MustCompile(`"required_features": \[[^]]*\]`).ReplaceAllString(string(data), `"required_features": []`)
}

func TestManifestSaysWhatItHolds(t *testing.T) {
	m, err := parseManifest([]byte(goodManifest(t)), "x")
	if err != nil {
		t.Fatal(err)
	}
	if m.Counts != (Counts{Users: 6, Items: 6, Interactions: 13, Pairs: 12}) || !m.WithUsers() || len(m.Files) != 6 {
		t.Errorf("got %+v", m)
	}
}

// Each case breaks one thing; those further up must be found first (MAN-6).
func TestFaultyManifestsHaveTheirMessage(t *testing.T) {
	good := goodManifest(t)
	swap := func(old, replacement string) string {
		if strings.Count(good, old) == 0 {
			t.Fatalf("%s is not in the manifest", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	newer := strings.Replace(swap(`"format_version": 1`, `"format_version": 2`), `"counts"`, `"sizes"`, 1)
	for _, c := range []struct {
		text    string
		verdict Verdict
		message string
	}{
		{"", VerdictManifest, "expected a JSON object, got nothing"},
		{"[1]", VerdictManifest, "expected a JSON object, got [1]"},
		{"\xff", VerdictManifest, "expected UTF-8, got bytes that are none"},
		{`{"a": 1, "\u0061": 2}`, VerdictManifest, "expected a JSON object, got the key 'a' twice"},
		{`{"a": "\ud800"}`, VerdictManifest, "expected a JSON object, got a lone surrogate in a string"},
		{`{"a": NaN}`, VerdictManifest, "expected a JSON object, got NaN, which is not JSON"},
		{swap("mlcore-model", "other"), VerdictManifest, "format: expected 'mlcore-model', got 'other'"},
		{swap(`"format"`, `"Format"`), VerdictManifest, "format: expected 'mlcore-model', got no such key"},
		{newer, VerdictVersion, "format_version: expected 1, got 2"},
		{swap(`_version": 1`, `_version": 1.0`), VerdictManifest, "format_version: expected an integer from 0 to 9007199254740991, got 1.0"},
		{swap(`_version": 1`, `_version": true`), VerdictManifest, "format_version: expected an integer, got true"},
		{swap(`"required_features": []`, `"required_features": ["x"]`), VerdictVersion,
			`required_features: expected none but history_rule, history_order, which this version knows, got ["x"]`},
		{swap(`"required_features": []`, `"required_features": ["history_rule", "History_rule"]`), VerdictVersion,
			`required_features: expected none but history_rule, history_order, which this version knows, ` +
				`got ["history_rule", "History_rule"]`},
		{swap(`"required_features": []`, `"required_features": [1]`), VerdictManifest,
			"required_features: expected an array of strings, got 1"},
		{swap(`"users": 6`, `"users": 2147483647`), VerdictManifest, "users: expected an integer from 0 to 2147483646, got 2147483647"},
		{swap(`"pairs": 12`, `"pairs": 1e1`), VerdictManifest, "pairs: expected an integer from 0 to 9007199254740991, got 10.0"},
		{swap(`"name": "mlcore"`, `"name": 1`), VerdictManifest, "name: expected a string, got 1"},
	} {
		_, err := parseManifest([]byte(c.text), "m.json")
		if VerdictOf(err) != c.verdict || fmt.Sprint(err) != "m.json: "+c.message {
			t.Errorf("expected %s %q, got %s %q", c.verdict, c.message, VerdictOf(err), err)
		}
	}
}

func TestManifestsMayHoldMore(t *testing.T) {
	good := goodManifest(t)
	for _, text := range []string{
		strings.Replace(good, `"counts": {`, `"counts": {"new": [null, -1.5e400, {"x": "😀"}],`, 1),
		strings.Replace(good, `"dtype": "<i8"`, `"dtype": "<i8", "new": 1`, 1),
		strings.Replace(good, `"files": {`, `"n": `+strings.Repeat("[", 15)+strings.Repeat("]", 15)+`, "files": {`, 1),
	} {
		if _, err := parseManifest([]byte(text), "m.json"); err != nil {
			t.Error(err)
		}
	}
}

package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/conformance"
)

var suiteDir = filepath.Join("..", "..", "..", "conformance")

// suiteCase is one entry of cases.json.
type suiteCase struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Model    string `json:"model"`
	Result   string `json:"result"`
	Verdict  string `json:"verdict"`
	Stage    string `json:"stage"`
	Requests string `json:"requests"`
	Expect   string `json:"expect"`
	Cases    string `json:"cases"`
}

func loadSuite(tb testing.TB) []suiteCase {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(suiteDir, "cases.json"))
	if err != nil {
		tb.Fatalf("the conformance suite is not there; its generator in interop/tools writes it: %v", err)
	}
	var suite struct {
		FormatVersion int         `json:"format_version"`
		Count         int         `json:"count"`
		Cases         []suiteCase `json:"cases"`
	}
	if err := json.Unmarshal(data, &suite); err != nil {
		tb.Fatal(err)
	}
	if len(suite.Cases) == 0 || len(suite.Cases) != suite.Count {
		tb.Fatalf("expected %d cases as cases.json says, got %d", suite.Count, len(suite.Cases))
	}
	if suite.FormatVersion != mlcore.FormatVersion {
		tb.Fatalf("expected cases of format %d, got %d", mlcore.FormatVersion, suite.FormatVersion)
	}
	return suite.Cases
}

// ways are the two ways to have the bytes of a model, which must not differ in anything.
var ways = map[string]mlcore.Options{"mapped": {}, "read": {DisableMmap: true}}

func TestSuite(t *testing.T) {
	for _, c := range loadSuite(t) {
		t.Run(c.ID, func(t *testing.T) {
			if c.Kind == "text" {
				checkTexts(t, c)
				return
			}
			for way, options := range ways {
				t.Run(way, func(t *testing.T) {
					switch {
					case c.Kind == "predict":
						checkAnswers(t, c, options)
					case c.Kind == "model" && c.Result == "accept":
						checkAccepted(t, c, options)
					case c.Kind == "model" && c.Result == "reject":
						checkRefused(t, c, options)
					default:
						t.Fatalf("unknown kind of case: %+v", c)
					}
				})
			}
		})
	}
}

func checkAccepted(t *testing.T, c suiteCase, options mlcore.Options) {
	dumped, err := conformance.Dump(suitePath(c.Model), options)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	text, err := json.Marshal(dumped)
	if err != nil {
		t.Fatal(err)
	}
	checkSameJSON(t, string(readSuite(t, c.Expect)), string(text))
}

func checkRefused(t *testing.T, c suiteCase, options mlcore.Options) {
	_, err := conformance.Dump(suitePath(c.Model), options)
	var refusal *mlcore.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("expected %s, got %v", c.Verdict, err)
	}
	t.Log(err)
	if string(refusal.Verdict) != c.Verdict {
		t.Errorf("expected %s, got %s", c.Verdict, refusal.Verdict)
	}
	order := map[string]int{"open": 1, "verify": 2, "predict": 3}
	if found, latest := order[string(refusal.Stage)], order[c.Stage]; found == 0 || found > latest {
		t.Errorf("expected stage %s or earlier, got %q", c.Stage, refusal.Stage)
	}
}

func checkAnswers(t *testing.T, c suiteCase, options mlcore.Options) {
	model, err := mlcore.Open(suitePath(c.Model), options)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	requests, expected := suiteLines(t, c.Requests), suiteLines(t, c.Expect)
	if len(requests) != len(expected) || len(requests) == 0 {
		t.Fatalf("expected a response for each of some requests, got %d for %d", len(expected), len(requests))
	}
	for index, request := range requests {
		t.Logf("request %s", request)
		checkSameJSON(t, expected[index], string(conformance.Answer(model, request)))
	}
}

func checkTexts(t *testing.T, c suiteCase) {
	lines := suiteLines(t, c.Cases)
	if len(lines) == 0 {
		t.Fatal("no lines")
	}
	for _, line := range lines {
		var expected, found struct{ Text *string }
		if err := json.Unmarshal([]byte(line), &expected); err != nil || expected.Text == nil {
			t.Fatalf("%s: %v", line, err)
		}
		result := conformance.Format(line)
		if err := json.Unmarshal(result, &found); err != nil || found.Text == nil || *found.Text != *expected.Text {
			t.Errorf("%s gave %s", line, result)
		}
	}
}

// TestFaultyModelsAnswerWithoutCrash asks those that open, though verify would refuse them.
func TestFaultyModelsAnswerWithoutCrash(t *testing.T) {
	opened := 0
	for _, c := range loadSuite(t) {
		if c.Kind != "model" || c.Result != "reject" {
			continue
		}
		for way, options := range ways {
			model, err := mlcore.Open(suitePath(c.Model), options)
			if err != nil {
				continue
			}
			opened++
			t.Run(c.ID+"/"+way, func(t *testing.T) {
				for _, line := range probes() {
					conformance.Answer(model, line)
				}
				model.Close()
			})
		}
	}
	if opened == 0 {
		t.Fatal("no faulty model could be opened")
	}
}

// probes are requests of all kinds.
func probes() []string {
	var lines []string
	for _, id := range []string{"a", "b", "c", "d", "e", "u", "u1", "u2", "", "0001", "\\u00e9"} {
		for _, more := range []string{
			``, `, "fill": true`, `, "explain": true`, `, "include_seen": true`, `, "include": ["a", "b"], "fill": true`, `, "exclude": ["a"]`,
		} {
			lines = append(lines,
				fmt.Sprintf(`{"id": "1", "user": "%s", "n": 5%s}`, id, more),
				fmt.Sprintf(`{"id": "2", "item": "%s", "n": 1%s}`, id, more),
				fmt.Sprintf(`{"id": "3", "history": [["%s", 1], ["a%s", 2.5]], "n": 2147483647%s}`, id, id, more),
				fmt.Sprintf(`{"id": "4", "history": [["%s", 1, 7], ["a", 2.5, -7], ["%s", 1]], "now": 9, "n": 5%s}`, id, id, more))
		}
	}
	return lines
}

func checkSameJSON(t *testing.T, expected, found string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(expected), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(found), &b); err != nil {
		t.Fatalf("%v in %s", err, found)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("\nexpected %s\n     got %s", strings.TrimSpace(expected), strings.TrimSpace(found))
	}
}

func suitePath(name string) string { return filepath.Join(suiteDir, filepath.FromSlash(name)) }

func readSuite(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(suitePath(name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func suiteLines(tb testing.TB, name string) []string {
	tb.Helper()
	return strings.Split(strings.TrimSuffix(string(readSuite(tb, name)), "\n"), "\n")
}

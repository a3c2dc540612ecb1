package conformance_test

import (
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/conformance"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// The model's weights halve each day from 1970 on; only "b" is similar to "a".
func TestHistoriesOfEvents(t *testing.T) {
	written := &modeltest.Model{
		Items:      []string{"a", "b"},
		Similarity: [][]modeltest.Pair{{{Index: 1, Value: 1}}, {}},
		Rule: &modeltest.Rule{Config: `{"aggregate": "sum", "weighting": ` +
			`{"name": "none", "half_life_days": 1, "reference_time": "1970-01-01T00:00:00.000000Z"}}`},
	}
	model, err := mlcore.Open(written.Write(t, t.TempDir()), mlcore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	const refused = `"error": "request"`
	for request, expected := range map[string]string{
		`"history": [["a", 1]]`:                                          `"bits": "3ff0000000000000"`,
		`"history": [["a", 1, -86400000000]]`:                            `"bits": "3fe0000000000000"`,
		`"history": [["a", 1, -0]], "now": 86400000000`:                  `"bits": "3fe0000000000000"`,
		`"history": [["a", 2, -1], ["a", 2]]`:                            `"bits": "4010000000000000"`,
		`"history": [["a", 1, 7]], "weights": "final"`:                   `"bits": "3ff0000000000000"`,
		`"history": [["a", 1, -62135596800000000]]`:                      `"bits": "36a0000000000000"`,
		`"history": [["a", 1, 253402300799999999]], "weights": "final"`:  `"bits": "3ff0000000000000"`,
		`"history": [["x", 1, 253402300799999999]], "weights": "events"`: `"items": []`,
		`"item": "a", "now": 7, "weights": "events"`:                     `"bits": "3ff0000000000000"`,
		`"item": "a", "exclude": ["b"]`:                                  `"items": []`,
		`"item": "a", "now": "7"`:                                        refused,
		`"item": "none", "filter": {"any_of": {"none": []}}`:             refused,
		`"item": "none"`: `"error": "unknown_item"`,
		`"history": [["a", 1, -62135596800000001]]`:                     refused,
		`"history": [["x", 1, 253402300800000000]], "weights": "final"`: refused,
		`"history": [["a", 1, 7]]`:                                      refused,
		`"history": [["a", 1], ["a", 1]], "weights": "final"`:           refused,
		`"history": [["a", 1, -9223372036854775809]]`:                   refused,
		`"history": [["a", 1, 9223372036854775808]]`:                    refused,
		`"history": [["a", 1, 0.0]]`:                                    refused,
		`"history": [["a", 1, "0"]]`:                                    refused,
		`"history": [["a", 1, null]]`:                                   refused,
		`"history": [["a", 1, 0, 0]]`:                                   refused,
		`"history": [["a"]]`:                                            refused,
		`"history": [["a", 1]], "weights": "raw"`:                       refused,
		`"history": [["a", 1]], "weights": null`:                        refused,
		`"history": [["a", 1]], "now": null`:                            refused,
		`"history": [["a", 1]], "now": 1e3`:                             refused,
		`"history": [["a", 1]], "now": "1970-01-01T00:00:00Z"`:          refused,
		`"history": [["a", 1]], "now": 99999999999999999999`:            refused,
		`"history": [["a", 1, -1]], "now": -9223372036854775808`:        refused,
	} {
		answer := string(conformance.Answer(model, `{"id": "r", "n": 1, `+request+"}"))
		if !strings.Contains(answer, expected) {
			t.Errorf("%s: expected %s, got %s", request, expected, answer)
		}
	}
}

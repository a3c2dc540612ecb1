package conformance_test

import (
	"encoding/json"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/conformance"
)

// FuzzRequest gives any line to a sound model and to one whose positions point to no item.
func FuzzRequest(f *testing.F) {
	var models []*mlcore.Model
	for _, c := range loadSuite(f) {
		if c.Kind != "predict" {
			continue
		}
		model, err := mlcore.Open(suitePath(c.Model), mlcore.Options{})
		if err != nil {
			f.Fatal(err)
		}
		models = append(models, model)
		for _, line := range suiteLines(f, c.Requests) {
			if len(line) < 4096 {
				f.Add(len(models)-1, line)
			}
		}
	}
	for index, more := range []string{``, `, "now": -1`, `, "weights": "final"`, `, "weights": "events", "explain": true`} {
		f.Add(index, `{"id": "1", "history": [["a", 2, 7], ["b", 1e308], ["a", 0.1, -9223372036854775808]], "n": 3`+more+"}")
	}
	f.Fuzz(func(t *testing.T, which int, line string) {
		if which < 0 {
			which = ^which
		}
		answer := conformance.Answer(models[which%len(models)], line)
		var response struct {
			ID    *string
			Error string
			Items []struct{ Bits string }
		}
		if err := json.Unmarshal(answer, &response); err != nil {
			t.Fatalf("%v in %s", err, answer)
		}
		if response.Error == "" && response.ID == nil {
			t.Fatalf("an answer to nothing: %s", answer)
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, c := range loadSuite(f) {
		if c.Kind == "text" {
			for _, line := range suiteLines(f, c.Cases) {
				f.Add(line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		var response struct{ Text, Error *string }
		answer := conformance.Format(line)
		if err := json.Unmarshal(answer, &response); err != nil || (response.Text == nil) == (response.Error == nil) {
			t.Fatalf("%v in %s", err, answer)
		}
		if response.Text != nil && !json.Valid([]byte(*response.Text)) {
			t.Fatalf("no JSON: %s", *response.Text)
		}
	})
}

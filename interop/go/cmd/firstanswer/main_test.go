package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

const model = "../../../../fixtures/small/cosine_tf_idf/model"

func TestTheItemsAreThoseOfTheReader(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, []string{model, "u0002", "3"}); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Seconds float64
		Items   []string
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(answer.Items, []string{"0032", "0052", "0057"}) || answer.Seconds <= 0 {
		t.Errorf("got %+v", answer)
	}
}

func TestFaultsAreErrors(t *testing.T) {
	for _, args := range [][]string{{}, {model, "u0002", "x"}, {"missing", "u0002", "3"}, {model, "missing", "3"}} {
		if err := run(&bytes.Buffer{}, args); err == nil {
			t.Errorf("%q: expected an error", args)
		}
	}
}

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

func TestFiltersOfTheCommands(t *testing.T) {
	dir := t.TempDir()
	model := modeltest.Catalogued().Write(t, filepath.Join(dir, "model"))
	timeless := modeltest.Catalogued()
	timeless.Attributes = nil
	plain := timeless.Write(t, filepath.Join(dir, "plain"))
	shelves := writeText(t, filepath.Join(dir, "shelves.csv"), "item_id,shelf\na,1\ne,1\nd,2\nz,2\n")
	others := writeText(t, filepath.Join(dir, "others.csv"), "item_id,shelf\nA,1\n")
	twice := writeText(t, filepath.Join(dir, "twice.jsonl"), `{"item_id": "a", "x": "1"}`+"\n"+`{"item_id": "a", "x": "1"}`+"\n")
	inFile := writeText(t, filepath.Join(dir, "filter.json"), "{\n  \"any_of\": {\"brand\": [\"x\"]}\n}\n")
	faulty := writeText(t, filepath.Join(dir, "faulty.json"), `{"any_of": ["brand"]}`)
	wide := writeText(t, filepath.Join(dir, "wide.csv"), "item_id,c0,c1,c2,c3,c4,c5,c6,c7,c8,c9,c10\na"+strings.Repeat(",1", 11)+"\n")
	const noTimes = "filter: available_at: expected a model with available_from or available_until of its items, got one without\n"
	for _, c := range []struct {
		model, filter, attributes string
		items, err                string // what is listed, or the message of a failure or a note
	}{
		{model, "", "", "abcde", ""},
		{model, `{}`, "", "abcde", ""},
		{model, ` {"any_of": {"brand": ["x"]}, "none_of": {"color": ["blue"]}}`, "", "ae", ""},
		{model, `{"available_at": "1970-01-01T00:00:00.00001Z", "at_most": {"brand": 1}}`, "", "ad", ""},
		{model, inFile, "", "abe", ""},
		{model, `{"any_of": {"brand": ["x", "q"]}, "none_of": {"color": ["1", "2", "3"]}}`, "", "abe",
			"note: filter: no item has brand: 'q', color: '1', color: '2' and 1 other values\n"},
		{model, `{"any_of": {"brand": ["q"]}}`, "", "", "note: filter: no item has brand: 'q'\nnote: filter: it admits no item, so all lists are empty\n"},
		{model, `{"any_of": {"shelf": ["1"]}}`, shelves, "ae", "note: " + shelves + ": item_id: 1 of 4 items are not in the model, and are passed over\n"},
		{plain, `{"any_of": {"shelf": ["1"]}}`, shelves, "ae", "note: " + shelves + ": item_id: 1 of 4 items are not in the model, and are passed over\n"},
		{model, `{"any_of": {"brand": ["x"]}}`, shelves, "", "note: " + shelves + ": item_id: 1 of 4 items are not in the model, and are passed over\n" +
			"error: filter: any_of: expected a column of the model, 'shelf', got 'brand'\nhint: the first of the columns is 'shelf'\n"},
		{model, `{"any_of": {"Brand": ["x"]}}`, "", "", "error: filter: any_of: expected a column of the model, 'brand', 'color', got 'Brand'\n" +
			"hint: is 'Brand' meant to be 'brand'? upper and lower case differ\n"},
		{plain, `{"at_most": {"brand": 1}}`, "", "", "error: filter: at_most: expected a model with attributes, got one without\nhint: " + noAttributes + "\n"},
		{plain, `{"available_at": 0}`, "", "", "error: " + noTimes + "hint: " + noAttributes + "\n"},
		{model, `{"available_at": 0}`, shelves, "", "note: " + shelves + ": item_id: 1 of 4 items are not in the model, and are passed over\n" +
			"error: " + noTimes + "hint: " + noAttributes + "\n"},
		{model, `{"any_of": {"brand": [7]}}`, "", "", "error: filter: any_of: brand[0]: expected a string, got 7\nhint: values are texts: \"7\"\n"},
		{model, faulty, "", "", "error: " + faulty + ": any_of: expected an object, got an array\n"},
		{model, `{"any_of": {`, "", "", "error: filter: expected a JSON object, got invalid JSON " +
			"(expecting property name enclosed in double quotes at character 13)\n"},
		{model, `{any_of: {brand: [x]}}`, "", "", "error: filter: expected a JSON object, got invalid JSON " +
			"(expecting property name enclosed in double quotes at character 2)\nhint: " + singleQuotes + "\n"},
		{model, `{"none_of": {"brand": ["x", "red"], "color": ["red"]}}`, "", "d", "note: filter: no item has brand: 'red'\n"},
		{model, "brand=x", "", "", "error: filter: brand=x: expected a readable file, got 'No such file or directory'\nhint: " + noFilterFile + "\n"},
		{model, `{"any_of": {"shelf": ["2", "3"]}}`, writeText(t, filepath.Join(dir, "more.csv"), "item_id,shelf\nd,2\nz,3\n"), "d",
			"note: " + filepath.Join(dir, "more.csv") + ": item_id: 1 of 2 items are not in the model, and are passed over\n" +
				"note: filter: no item has shelf: '3'\n"},
		{model, `{"available_at": 0, "at_most": {"Shelf": 1}}`, shelves, "", "note: " + shelves + ": item_id: 1 of 4 items are not in the model, and are passed over\n" +
			"error: " + noTimes + "hint: " + noAttributes + "\n"},
		{model, `{"none_of": {"x": []}}`, wide, "", "error: filter: none_of: expected a column of the model, " +
			"'c0', 'c1', 'c10', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', ..., got 'x'\nhint: the first of the columns is 'c0'\n"},
		{model, "", others, "", "error: " + others + ": item_id: expected items of the model, got none of them\n" +
			"hint: is 'A' meant to be 'a'? upper and lower case differ\n"},
		{model, "", twice, "", "error: " + twice + ": item_id: expected each item once, got 'a' again\nhint: " + oneRowHint + "\n"},
	} {
		var options []string
		if c.filter != "" {
			options = append(options, "--filter", c.filter)
		}
		if c.attributes != "" {
			options = append(options, "--attributes", c.attributes)
		}
		for _, command := range [][]string{
			{"predict", "--model-dir", c.model, "--all-users", "--out", "-"}, {"similar", "--model-dir", c.model, "--item", "h"},
		} {
			code, stdout, stderr := call("", append(command, options...)...)
			if command[0] == "predict" {
				_, notes, isDone := strings.Cut("\n"+stderr, "\n1 lists")
				if isDone {
					stderr = strings.TrimPrefix(strings.TrimSuffix("\n"+stderr, "1 lists"+notes), "\n")
				}
			}
			isError := strings.Contains(c.err, "error: ")
			var found string
			for _, part := range strings.Split(stdout, `"item_id": "`)[1:] {
				found += part[:1]
			}
			if (code == 1) != isError || stderr != c.err || found != c.items {
				t.Errorf("%s %s: %d %s\nexpected %q\n     got %q", command[0], options, code, found, c.err, stderr)
			}
		}
	}
}

const oneRowHint = "keep one row of each item: a value for each column"

func TestInspectSaysWhatACatalogueHolds(t *testing.T) {
	dir := t.TempDir()
	timeless := modeltest.Catalogued()
	timeless.Attributes.From, timeless.Attributes.Until = nil, nil
	for model, expected := range map[string]string{
		modeltest.Catalogued().Write(t, filepath.Join(dir, "timed")): `
  "attributes": {
    "columns": {
      "brand": {
        "values": 2,
        "items": 4
      },
      "color": {
        "values": 2,
        "items": 4
      }
    },
    "availability": {
      "from": 3,
      "until": 2
    }
  },
  "bytes": {`,
		timeless.Write(t, filepath.Join(dir, "timeless")): `
        "items": 4
      }
    }
  },
  "bytes": {`,
	} {
		if code, stdout, stderr := call("", "inspect", "--model-dir", model, "--verify"); code != 0 || !strings.Contains(stdout, expected) {
			t.Errorf("got %d %s %s", code, stdout, stderr)
		}
	}
	plain := modeltest.Catalogued()
	plain.Attributes = nil
	if code, stdout, _ := call("", "inspect", "--model-dir", plain.Write(t, filepath.Join(dir, "plain"))); code != 0 || strings.Contains(stdout, "attributes") {
		t.Errorf("got %d %s", code, stdout)
	}
}

func TestFilteredPredictionsAreThoseOfPython(t *testing.T) {
	golden := filepath.Join(fixtures, "small", "dice_binary")
	for name, filter := range map[string]string{
		"filtered_predictions.jsonl": `{"any_of": {"genre": ["chess", "jazz", "sailing", "gardening", "bread baking"]}, "none_of": {"shelf": ["1", "3"]}, "available_at": 1770681600}`,
		"capped_predictions.jsonl":   `{"at_most": {"genre": 2, "shelf": 1}}`,
	} {
		out := filepath.Join(t.TempDir(), name)
		if code, _, stderr := call("", "predict", "--model-dir", filepath.Join(golden, "model"), "--users", filepath.Join(fixtures, "small", "test.csv"),
			"--fill", "popularity", "--filter", filter, "--out", out); code != 0 {
			t.Fatal(stderr)
		}
		if readText(t, out) != readText(t, filepath.Join(golden, name)) {
			t.Errorf("other predictions than %s", name)
		}
	}
}

func TestFilesOfAFilterAreNotWrittenOver(t *testing.T) {
	dir := t.TempDir()
	model := modeltest.Catalogued().Write(t, filepath.Join(dir, "model"))
	text := "{}"
	filter := writeText(t, filepath.Join(dir, "filter.jsonl"), text)
	for _, option := range []string{"--filter", "--attributes"} {
		code, _, stderr := call("", "predict", "--model-dir", model, "--all-users", option, filter, "--out", filter)
		if code != 1 || !strings.Contains(stderr, "expected another file than the input "+option) || readText(t, filter) != text {
			t.Errorf("%s: got %d %s", option, code, stderr)
		}
	}
}

func TestAnEmptyFilterIsRefused(t *testing.T) {
	model := modeltest.Catalogued().Write(t, t.TempDir())
	if code, _, stderr := call("", "similar", "--model-dir", model, "--item", "h", "--filter", ""); code != 1 ||
		stderr != "error: filter: expected a JSON object, got nothing\nhint: "+singleQuotes+"\n" {
		t.Errorf("got %d %s", code, stderr)
	}
}

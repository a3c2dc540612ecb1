package filters

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

func TestFiltersMeanWhatTheySay(t *testing.T) {
	second := mlcore.UnixMicro(1_000_000)
	for text, expected := range map[string]mlcore.Filter{
		`{}`:             {},
		" {}\n":          {},
		`{"any_of": {}}`: {AnyOf: map[string][]string{}},
		`{"any_of": {"brand": ["a", "a", ""]}, "none_of": {"é": []}}`: {
			AnyOf: map[string][]string{"brand": {"a", "a", ""}}, NoneOf: map[string][]string{"é": {}},
		},
		`{"at_most": {"": 1, "series": 2147483647}}`:    {AtMost: map[string]int{"": 1, "series": 2147483647}},
		`{"available_at": 1}`:                           {AvailableAt: second},
		`{"available_at": "1"}`:                         {AvailableAt: second},
		`{"available_at": "1970-01-01T00:00:01Z"}`:      {AvailableAt: second},
		`{"available_at": "1970-01-01T01:00:01+01:00"}`: {AvailableAt: second},
	} {
		found, fault := Parse(text)
		if fault != nil || !reflect.DeepEqual(*found, expected) {
			t.Errorf("%s: got %+v, %v", text, found, fault)
		}
	}
}

func TestFaultyFiltersHaveTheirMessage(t *testing.T) {
	const columns, times = "one of any_of, none_of, available_at, at_most", "integer seconds or an RFC 3339 time"
	for text, expected := range map[string]string{
		``:                                      "filter: expected a JSON object, got nothing",
		`[]`:                                    "filter: expected an object, got an array",
		`null`:                                  "filter: expected an object, got null",
		`"{}"`:                                  "filter: expected an object, got '{}'",
		`{} {}`:                                 "filter: expected a JSON object, got invalid JSON (extra data at character 4)",
		`{"brand": ["a"]}`:                      "filter: expected " + columns + ", got the key 'brand'",
		`{"Any_of": {}}`:                        "filter: expected " + columns + ", got the key 'Any_of'",
		`{"any_of": {}, "any_of"`:               "filter: expected a JSON object, got invalid JSON (expecting ':' delimiter at character 24)",
		`{"at_most": {}, "at_most": {}}`:        "filter: at_most: expected each key once, got this one twice",
		`{"any_of": ["a"]}`:                     "filter: any_of: expected an object, got an array",
		`{"any_of": {"brand": "a"}}`:            "filter: any_of: brand: expected a list of strings, got 'a'",
		`{"none_of": {"year": ["1999", 1999]}}`: "filter: none_of: year[1]: expected a string, got 1999",
		`{"none_of": {"year": [null]}}`:         "filter: none_of: year[0]: expected a string, got null",
		`{"any_of": {"a": [], "b": [], "a": []}}`:       "filter: any_of: a: expected each column once, got this one twice",
		`{"any_of": {"a": [NaN]}}`:                      "filter: expected a JSON object, got NaN, which is not JSON",
		`{"any_of": {"a": [}}`:                          "filter: expected a JSON object, got invalid JSON (expecting value at character 19)",
		`{"at_most": {"brand": 0}}`:                     "filter: at_most: brand: expected an integer >= 1, got 0",
		`{"at_most": {"brand": 2147483648}}`:            "filter: at_most: brand: expected an integer below 2147483648, got 2147483648",
		`{"at_most": {"brand": 1.0}}`:                   "filter: at_most: brand: expected an integer >= 1, got 1.0",
		`{"at_most": {"brand": true}}`:                  "filter: at_most: brand: expected an integer >= 1, got true",
		`{"at_most": {"brand": "1"}}`:                   "filter: at_most: brand: expected an integer >= 1, got '1'",
		`{"at_most": {"brand": 99999999999999999999}}`:  "filter: at_most: brand: expected an integer below 2147483648, got 99999999999999999999",
		`{"at_most": {"brand": -99999999999999999999}}`: "filter: at_most: brand: expected an integer >= 1, got -99999999999999999999",
		`{"any_of": {"a": ["x"], "b": {}}}`:             "filter: any_of: b: expected a list of strings, got an object",
		`{"available_at": null}`:                        "filter: available_at: expected " + times + ", got null",
		`{"available_at": 1.5}`:                         "filter: available_at: expected " + times + ", got 1.5",
		`{"available_at": 253402300800}`:                "filter: available_at: expected " + times + ", got 253402300800",
		`{"available_at": "2026-01-01"}`:                "filter: available_at: expected " + times + ", got '2026-01-01'",
		"{\"any_of\": {\"\xff\": []}}":                  "filter: expected a JSON object, got bytes that are not UTF-8",
		`{"any_of": {"` + strings.Repeat("x", 100) + `": 1}}`: "filter: any_of: " + strings.Repeat("x", 60) +
			"...: expected a list of strings, got 1",
	} {
		if _, fault := Parse(text); fault == nil || fault.At("filter") != expected {
			t.Errorf("%s:\nexpected %s\n     got %v", text, expected, fault)
		}
	}
}

func TestHintsSayWhatIsMeant(t *testing.T) {
	for text, expected := range map[string]string{
		`{"any_of": {"year": [1999]}}`:    `values are texts: "1999"`,
		`{"any_of": {"year": [true]}}`:    "",
		`{"any_of": {"brand": "a"}}`:      `["a"] is a list of one`,
		`{"any_of": {"brand": 7}}`:        "",
		`{"available_at": "2026-01-01"}`:  "a time without a zone does not say which moment it is; write one, as in 2026-03-01T09:00:00Z",
		`{"available_at": 1767225600000}`: "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?",
	} {
		if _, fault := Parse(text); fault == nil || fault.Hint != expected {
			t.Errorf("%s: got %+v", text, fault)
		}
	}
}

// FuzzParse holds what is accepted against another reader of JSON.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"any_of": {"brand": ["a", "\u00e9\n"]}, "none_of": {"x": []}}`, `{"at_most": {"": 2}, "available_at": 1}`,
		`{"available_at": "2026-01-01T00:00:00Z"}`, `{"any_of": {"a": [[]]}}`, `{"any_of": {"a": ["\ud800"]}}`, `{"a": 1e999}`,
		`[[[[`, `{"at_most": {"a": -0}}`, "{\"any_of\": {\"\x00\": []}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, fault := Parse(text)
		if fault != nil {
			if fault.Expected == "" || fault.Got == "" {
				t.Fatalf("%q: an empty message, %+v", text, fault)
			}
			return
		}
		var lax map[string]any
		if err := json.Unmarshal([]byte(text), &lax); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again := map[string]any{}
		if found.AnyOf != nil {
			again["any_of"] = found.AnyOf
		}
		if found.NoneOf != nil {
			again["none_of"] = found.NoneOf
		}
		if found.AtMost != nil {
			again["at_most"] = found.AtMost
		}
		if time, isThere := lax["available_at"]; isThere {
			if found.AvailableAt == (mlcore.Timestamp{}) {
				t.Fatalf("%q: no time", text)
			}
			again["available_at"] = time
		}
		encoded, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if err := json.Unmarshal(encoded, &value); err != nil || !reflect.DeepEqual(value, lax) {
			t.Fatalf("%q: %s, %v", text, encoded, err)
		}
	})
}

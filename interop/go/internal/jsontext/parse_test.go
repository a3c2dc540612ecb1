package jsontext

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStrictJSON(t *testing.T) {
	for text, message := range map[string]string{
		` {"a": [1, -2.5e+3, true, false, null, "x"]} `: "",
		`""`:                       "",
		`"\"\\\/\b\f\n\r\t\u00e9"`: "",
		`"\ud83d\ude00"`:           "",
		"\"\u007f\u2028\"":         "",
		``:                         "nothing",
		" \n":                      "nothing",
		`{`:                        "invalid JSON (expecting property name enclosed in double quotes at character 2)",
		`{"a" 1}`:                  "invalid JSON (expecting ':' delimiter at character 6)",
		`{"a": 1,}`:                "invalid JSON (expecting property name enclosed in double quotes at character 9)",
		`{"a": 1 "b": 2}`:          "invalid JSON (expecting ',' delimiter at character 9)",
		`[1,]`:                     "invalid JSON (expecting value at character 4)",
		`[1 2]`:                    "invalid JSON (expecting ',' delimiter at character 4)",
		`[`:                        "invalid JSON (expecting value at character 2)",
		"{\n\"é\": x}":             "invalid JSON (expecting value at line 2, character 6)",
		`1 2`:                      "invalid JSON (extra data at character 3)",
		`01`:                       "invalid JSON (extra data at character 2)",
		`1.`:                       "invalid JSON (extra data at character 2)",
		`1e`:                       "invalid JSON (extra data at character 2)",
		`-`:                        "invalid JSON (expecting value at character 1)",
		`+1`:                       "invalid JSON (expecting value at character 1)",
		`.5`:                       "invalid JSON (expecting value at character 1)",
		`tru`:                      "invalid JSON (expecting value at character 1)",
		`'a'`:                      "invalid JSON (expecting value at character 1)",
		`"a`:                       "invalid JSON (unterminated string starting at at character 1)",
		`"\`:                       "invalid JSON (unterminated string starting at at character 1)",
		`"\x"`:                     `invalid JSON (invalid \escape at character 2)`,
		`"\u12"`:                   `invalid JSON (invalid \uXXXX escape at character 3)`,
		"\"a\tb\"":                 "invalid JSON (invalid control character at at character 3)",
		"\"\\n\x00\"":              "invalid JSON (invalid control character at at character 4)",
		`[NaN]`:                    "NaN, which is not JSON",
		`-Infinity`:                "-Infinity, which is not JSON",
		`{"a": 1, "\u0061": 2}`:    "the key 'a' twice",
		`"\ud83d"`:                 "a lone surrogate in a string",
		`"\ud83d\u0041"`:           "a lone surrogate in a string",
		`"\ude00\ud83d"`:           "a lone surrogate in a string",
		"\"\xff\"":                 "bytes that are not UTF-8",
		"\"\xed\xa0\x80\"":         "bytes that are not UTF-8",
		`[[[[[1]]]]]`:              "JSON nested too deeply",
		`[[[{"a": 1}]]]`:           "",
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"a":1}`: "the key 'a' twice",
	} {
		_, err := Parse(text, 4)
		if found := fmt.Sprint(err); found != message && (err != nil || message != "") {
			t.Errorf("%q: expected %q, got %q", text, message, found)
		}
	}
}

func TestIntegersHaveNeitherFractionNorExponent(t *testing.T) {
	for text, expected := range map[string]int64{
		"0": 0, "-0": 0, "7": 7, "9007199254740991": MaxInteger,
		"9007199254740992": -1, "1.0": -1, "1e3": -1, "-1": -1, "99999999999999999999999": -1, `"1"`: -1, "true": -1,
	} {
		value, err := Parse(text, 1)
		if err != nil {
			t.Fatal(err)
		}
		found, isInteger := value.Integer()
		if isInteger != (expected >= 0) || (isInteger && found != expected) {
			t.Errorf("%s: got %d, %v", text, found, isInteger)
		}
	}
}

func TestNumbersOfAnyLengthAreRead(t *testing.T) {
	const digits = 900_000
	for text, expected := range map[string]struct{ shown, written string }{
		"-" + strings.Repeat("9", 300):     {"-" + strings.Repeat("9", 59) + "...", "-" + strings.Repeat("9", 300)},
		strings.Repeat("9", 4300):          {strings.Repeat("9", 60) + "...", "1e999"},
		strings.Repeat("9", 4301):          {"Infinity", "1e999"},
		"-" + strings.Repeat("9", 4301):    {"-Infinity", "-1e999"},
		strings.Repeat("9", digits):        {"Infinity", "1e999"},
		strings.Repeat("9", digits) + ".5": {"Infinity", "1e999"},
		"0." + strings.Repeat("1", digits): {"0.1111111111111111", "0.1111111111111111"},
		"-1e999999":                        {"-Infinity", "-1e999"},
	} {
		value, err := Parse(`{"passed over": `+text+`}`, 1)
		if err != nil {
			t.Fatal(err)
		}
		number := value.Member("passed over")
		if found := number.Show(); found != expected.shown {
			t.Errorf("%.20s: shown as %.80s, want %s", text, found, expected.shown)
		}
		if found := string(AppendDocument(nil, number)); found != expected.written+"\n" {
			t.Errorf("%.20s: written as %.80s, want %.80s", text, found, expected.written)
		}
		if found := NewReader(text).Show(); found != expected.shown {
			t.Errorf("%.20s: the reader shows %.80s, want %s", text, found, expected.shown)
		}
	}
}

func TestDocumentsAreForPeople(t *testing.T) {
	value, err := Parse(`{"a": 1.50, "b": [], "c": {}, "d": [1, "x"], "e": [{"f": 1e2}], "g": null, "h": 12345678901234567890}`, 9)
	if err != nil {
		t.Fatal(err)
	}
	expected := `{
  "a": 1.5,
  "b": [],
  "c": {},
  "d": [1, "x"],
  "e": [
    {
      "f": 100
    }
  ],
  "g": null,
  "h": 12345678901234567890
}
`
	if found := string(AppendDocument(nil, &value)); found != expected {
		t.Errorf("got %s", found)
	}
}

// FuzzJSON compares with encoding/json, which takes everything that is taken here.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"a": [1, -2.5e+3, true, false, null, "x\u00e9\ud83d\ude00\\"], "b": {}}`, `"\ud800"`, `[[[]]]`,
		`{"id": "r1", "history": [["a", 1.0], ["b", 2.5]], "n": 3}`, `{"a":1,"a":2}`, "\"\xff\"", `1e999`, ` `,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := Parse(text, 16)
		if err == nil {
			if !json.Valid([]byte(text)) {
				t.Fatalf("%q is not JSON", text)
			}
			var lax any
			if json.Unmarshal([]byte(text), &lax) == nil && !isSame(&value, lax) {
				t.Fatalf("%q: %s is not %v", text, value.Show(), lax)
			}
			if again, err := Parse(string(AppendDocument(nil, &value)), 16); err != nil || again.Kind != value.Kind {
				t.Fatalf("%q written again: %v", text, err)
			}
			return
		}
		isTextFault := strings.HasPrefix(err.Error(), "invalid JSON") || err.Error() == "nothing" ||
			strings.HasSuffix(err.Error(), "not JSON")
		if isTextFault && json.Valid([]byte(text)) && utf8.ValidString(text) {
			t.Fatalf("%q is JSON, but: %v", text, err)
		}
	})
}

func isSame(value *Value, lax any) bool {
	switch lax := lax.(type) {
	case map[string]any:
		if value.Kind != Object || len(lax) != len(value.Keys) {
			return false
		}
		for key, item := range lax {
			if member := value.Member(key); member == nil || !isSame(member, item) {
				return false
			}
		}
		return true
	case []any:
		if value.Kind != Array || len(lax) != len(value.Items) {
			return false
		}
		for index := range lax {
			if !isSame(&value.Items[index], lax[index]) {
				return false
			}
		}
		return true
	case string:
		return value.Kind == String && value.Text == lax
	case float64:
		return value.Kind == Number && json.Unmarshal([]byte(value.Text), new(float64)) == nil
	case bool:
		return value.Kind == Bool && value.Bool == lax
	}
	return value.Kind == Null
}

func TestATextHasAtMostSoManyValues(t *testing.T) {
	values := "[" + strings.Repeat("1,", maxValues-2) + "1"
	if _, err := Parse(values+"]", 1); err != nil {
		t.Error(err)
	}
	if _, err := Parse(values+",1]", 1); err == nil || err.Error() != "JSON of too many values" {
		t.Errorf("got %v", err)
	}
}

package jsontext

import (
	"reflect"
	"testing"
)

var readerTexts = []string{
	``, ` `, `null`, `true`, `false`, `0`, `-0`, `-1.5e+7`, `"a"`, `"\u00e9\n"`, `[]`, `{}`, ` [ ] `, ` { } `,
	`[1, "a", null, [true, []], {"a": {"b": [false]}}]`, `{"a": 1, "b": [], "": {"a": 2}}`, "\t[\r1\n,2 ]",
	`[1,]`, `[,]`, `[1 2]`, `[`, `]`, `[1`, `{"a"}`, `{"a":}`, `{"a": 1,}`, `{a: 1}`, `{1: 1}`, `{"a": 1 "b": 2}`, `{`, `{"a"`,
	`NaN`, `-Infinity`, `Infinity`, `-`, `+1`, `01`, `1.`, `.5`, `1e`, `tru`, `nulll`, `"a`, `"\x"`, `"\ud800"`, "\"\x00\"", "\"\xff\"",
	`1 2`, `{} []`, `'a'`, "\ufeff1", "[\x00]", `[1]x`, `--1`, `-a`, "t", "f", "[t]",
}

// readTree reads a value with a Reader the way Parse does.
func readTree(r *Reader) Value {
	if text, isText := r.Text(); isText {
		return Value{Kind: String, Text: text}
	}
	if number, isNumber := r.Number(); isNumber {
		return *number
	}
	if value, isBool := r.Bool(); isBool {
		return Value{Kind: Bool, Bool: value}
	}
	array := Value{Kind: Array}
	if r.Array(func(position int) {
		if position != len(array.Items) {
			panic("a position left out")
		}
		array.Items = append(array.Items, readTree(r))
	}) {
		return array
	}
	object := Value{Kind: Object}
	if r.Object(func(key string) {
		object.Keys = append(object.Keys, key)
		object.Items = append(object.Items, readTree(r))
	}) {
		return object
	}
	r.Show() // null, or a fault
	return Value{}
}

// sameAsParse holds a Reader against Parse, which refuses equal keys besides.
func sameAsParse(t *testing.T, text string) {
	t.Helper()
	r := NewReader(text)
	got := readTree(r)
	gotErr := r.End()
	want, wantErr := Parse(text, 1000)
	if hasEqualKeys(&got) {
		return
	}
	if (gotErr == nil) != (wantErr == nil) || (gotErr != nil && gotErr.Error() != wantErr.Error()) {
		t.Fatalf("%q: got %v, want %v", text, gotErr, wantErr)
	}
	if gotErr == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: got %v, want %v", text, got, want)
	}
}

func hasEqualKeys(value *Value) bool {
	seen := map[string]bool{}
	for _, key := range value.Keys {
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	for index := range value.Items {
		if hasEqualKeys(&value.Items[index]) {
			return true
		}
	}
	return false
}

func TestReaderReadsWhatParseReads(t *testing.T) {
	for _, text := range readerTexts {
		sameAsParse(t, text)
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range readerTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 500 { // or the nesting may be deeper than 1000
			sameAsParse(t, text)
		}
	})
}

func TestReaderStaysBeforeAValueOfAnotherKind(t *testing.T) {
	r := NewReader(`"a"`)
	never := func() { t.Error("read a string as something else") }
	if _, isNumber := r.Number(); isNumber {
		never()
	}
	if _, isBool := r.Bool(); isBool {
		never()
	}
	if r.Array(func(int) { never() }) || r.Object(func(string) { never() }) {
		never()
	}
	if text, isText := r.Text(); !isText || text != "a" || r.End() != nil {
		t.Errorf("got %q, %v", text, r.End())
	}
}

func TestReaderShowsTheNextValue(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": [1, 2]}`: "an object", `[[[`: "an array", `"it"`: "'it'", `-1.50`: "-1.5", `true`: "true", `null`: "null",
	} {
		if got := NewReader(text).Show(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestStoppedReaderReadsNothing(t *testing.T) {
	r := NewReader(`[1, 2, 3]`)
	seen := 0
	r.Array(func(int) { seen++; r.Stop() })
	if seen != 1 || r.End() == nil {
		t.Errorf("saw %d elements, %v", seen, r.End())
	}
}

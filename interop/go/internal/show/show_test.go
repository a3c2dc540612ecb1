package show

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestReprIsThatOfPython(t *testing.T) {
	for text, expected := range map[string]string{
		"":                     `''`,
		"a":                    `'a'`,
		"it's":                 `"it's"`,
		`it's "so"`:            `'it\'s "so"'`,
		"\\\n\r\t\x00\x7f\xa0": `'\\\n\r\t\x00\x7f\xa0'`,
		"é😀\u00a0\u2028":       `'é😀\xa0\u2028'`,
		"\U000e0001":           `'\U000e0001'`,
	} {
		if found := Repr(text); found != expected {
			t.Errorf("%q: expected %s, got %s", text, expected, found)
		}
	}
	if found := Bytes([]byte("\x93N'\\\n\x00")); found != `b'\x93N\'\\\n\x00'` {
		t.Errorf("got %s", found)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	if found := String(strings.Repeat("é", 58)); found != "'"+strings.Repeat("é", 58)+"'" {
		t.Errorf("got %s", found)
	}
	for _, count := range []int{59, 60, 200, 1 << 20} {
		if found := String(strings.Repeat("é", count)); found != "'"+strings.Repeat("é", 59)+"..." {
			t.Errorf("%d: got %s", count, found)
		}
	}
	if found := Cut("abc", 3); found != "abc" {
		t.Errorf("got %s", found)
	}
}

func TestALineIsSafeForATerminal(t *testing.T) {
	for message, want := range map[string]string{
		"": "",
		`it's "so", C:\a, שלום, é 日本 😀`:   `it's "so", C:\a, שלום, é 日本 😀`,
		"\x1b[31m\u009b2J\a\x7f\x00":      `\x1b[31m\x9b2J\x07\x7f\x00`,
		"a\nerror: b\r\tc":                `a\nerror: b\r\tc`,
		"\u202egpj.exe\u2066\u200b\ufeff": `\u202egpj.exe\u2066\u200b\ufeff`,
		"a\u2028b\u2029c\u00a0d\u00ad":    `a\u2028b\u2029c\xa0d\xad`,
		"\U000e0001\ue000\U0010ffff":      `\U000e0001\ue000\U0010ffff`,
		"\xff\x9b.csv":                    `\udcff\udc9b.csv`,
	} {
		if found := Line(message); found != want {
			t.Errorf("%q: got %s", message, found)
		}
	}
}

func TestJSONStaysTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"{\"a\": \"\u202e \u009b \x7f \U000e0001 \ufeff\"}\n": `{"a": "\u202e \u009b \u007f \udb40\udc01 \ufeff"}` + "\n",
		`"שלום 日本 😀 \u001b"`:                                  `"שלום 日本 😀 \u001b"`,
	} {
		found := JSON(text)
		var before, after any
		if err := errors.Join(json.Unmarshal([]byte(text), &before), json.Unmarshal([]byte(found), &after)); err != nil {
			t.Fatal(err)
		}
		if found != want || !reflect.DeepEqual(before, after) {
			t.Errorf("%q: got %s", text, found)
		}
	}
}

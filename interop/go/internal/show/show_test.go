package show

import (
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

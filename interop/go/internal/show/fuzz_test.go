package show

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzString takes any text: what a message shows of it is short, and harmless to a terminal.
func FuzzString(f *testing.F) {
	for _, text := range []string{"tea", "it's", "\"it's\"", "a\x1b[2J\r\n\u2028\u202e", "\xff\xed\xa0\x80", "e\u0301\U0001f600\u00ad", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, shown := range []string{String(text), Repr(text), Bytes([]byte(text))} {
			if !utf8.ValidString(shown) {
				t.Fatalf("%q is no UTF-8", shown)
			}
			for _, char := range shown {
				if !unicode.IsPrint(char) {
					t.Fatalf("%q of %q has %U", shown, text, char)
				}
			}
		}
		if count := utf8.RuneCountInString(String(text)); count > Limit+len("...") {
			t.Fatalf("%d characters", count)
		}
	})
}

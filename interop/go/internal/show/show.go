// Package show writes values as they stand in messages: on one line, cut to a sensible length, and
// in the spelling of the Python commands, so that both report a fault in the same words.
package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Limit is the number of characters after which a value in a message is cut.
const Limit = 60

// String returns a quoted text, cut after Limit characters.
func String(text string) string {
	// Cut before quoting too: an id may be as long as its file.
	if head := firstRunes(text, 2*Limit); len(head) < len(text) {
		return Cut(Repr(head), Limit)
	}
	return Cut(Repr(text), Limit)
}

// Cut returns the first characters of a text, with dots where something is missing.
func Cut(text string, limit int) string {
	if head := firstRunes(text, limit); len(head) < len(text) {
		return head + "..."
	}
	return text
}

func firstRunes(text string, count int) string {
	if len(text) <= count {
		return text
	}
	for offset := range text {
		if count == 0 {
			return text[:offset]
		}
		count--
	}
	return text
}

// Line returns a message as a terminal or a log may read it: on one line, with escapes, those of Repr, for
// what cannot be printed or would print in another order. A byte that is no UTF-8 stands as Python's names
// of files have it, \udcNN. A message that has no such character stays as it is.
func Line(message string) string {
	var result strings.Builder
	for offset := 0; offset < len(message); {
		char, size := utf8.DecodeRuneInString(message[offset:])
		switch {
		case char == utf8.RuneError && size == 1:
			fmt.Fprintf(&result, `\udc%02x`, message[offset])
		case unicode.IsPrint(char):
			result.WriteRune(char)
		default:
			writeEscape(&result, char)
		}
		offset += size
	}
	return result.String()
}

// JSON returns the same JSON with the escapes of JSON for what Line escapes, but line feeds: in JSON such
// characters stand in strings only, and never after a backslash.
func JSON(text string) string {
	var result strings.Builder
	result.Grow(len(text))
	for _, char := range text {
		switch {
		case char == '\n' || unicode.IsPrint(char):
			result.WriteRune(char)
		case char < 0x10000:
			fmt.Fprintf(&result, `\u%04x`, char)
		default:
			high, low := utf16.EncodeRune(char)
			fmt.Fprintf(&result, `\u%04x\u%04x`, high, low)
		}
	}
	return result.String()
}

// Repr returns the text as a literal of Python: in single quotes unless only single ones stand in
// it, and with escapes for what cannot be printed. A byte that is no UTF-8 stands as \xNN.
func Repr(text string) string {
	quote := '\''
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
	var result strings.Builder
	result.WriteRune(quote)
	for offset := 0; offset < len(text); {
		char, size := utf8.DecodeRuneInString(text[offset:])
		if char == utf8.RuneError && size == 1 {
			fmt.Fprintf(&result, `\x%02x`, text[offset])
		} else {
			writeRune(&result, char, quote)
		}
		offset += size
	}
	result.WriteRune(quote)
	return result.String()
}

func writeRune(result *strings.Builder, char, quote rune) {
	switch {
	case char == quote || char == '\\':
		result.WriteRune('\\')
		result.WriteRune(char)
	case unicode.IsPrint(char):
		result.WriteRune(char)
	default:
		writeEscape(result, char)
	}
}

// writeEscape writes a character that cannot be printed.
func writeEscape(result *strings.Builder, char rune) {
	switch {
	case char == '\n':
		result.WriteString(`\n`)
	case char == '\r':
		result.WriteString(`\r`)
	case char == '\t':
		result.WriteString(`\t`)
	case char < 0x100:
		fmt.Fprintf(result, `\x%02x`, char)
	case char < 0x10000:
		fmt.Fprintf(result, `\u%04x`, char)
	default:
		fmt.Fprintf(result, `\U%08x`, char)
	}
}

// Bytes returns bytes as a literal of Python.
func Bytes(data []byte) string {
	var result strings.Builder
	result.WriteString("b'")
	for _, c := range data {
		switch {
		case c == '\\' || c == '\'':
			result.WriteByte('\\')
			result.WriteByte(c)
		case c == '\n':
			result.WriteString(`\n`)
		case 0x20 <= c && c < 0x7f:
			result.WriteByte(c)
		default:
			fmt.Fprintf(&result, `\x%02x`, c)
		}
	}
	result.WriteByte('\'')
	return result.String()
}

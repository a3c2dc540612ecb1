package server

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf16"
)

// NewLog returns a log in lines of JSON that a terminal may show: whatever cannot be printed, or would
// print in another order, is escaped as JSON does it, so nothing of it is lost.
func NewLog(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(printable{out}, &slog.HandlerOptions{Level: level}))
}

// printable is a writer of whole lines of JSON. Such characters stand in strings only, and none of them
// after a backslash.
type printable struct{ out io.Writer }

func (p printable) Write(line []byte) (int, error) {
	var text strings.Builder
	text.Grow(len(line))
	for _, char := range string(line) {
		switch {
		case char == '\n' || unicode.IsPrint(char):
			text.WriteRune(char)
		case char < 0x10000:
			fmt.Fprintf(&text, `\u%04x`, char)
		default:
			high, low := utf16.EncodeRune(char)
			fmt.Fprintf(&text, `\u%04x\u%04x`, high, low)
		}
	}
	if _, err := io.WriteString(p.out, text.String()); err != nil {
		return 0, err
	}
	return len(line), nil
}

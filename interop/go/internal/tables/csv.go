package tables

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvReader splits a file into records as Python's csv.reader(strict=True) does: encoding/csv drops
// carriage returns inside quotes, takes a lone one for data, and refuses quotes within a field.
type csvReader struct {
	lines     *lines
	delimiter string // of two characters: there are no quotes
	line      string // what is left of the line that was read last
	number    int    // the line that the next record begins on, counted as Python counts
	fields    []string
	width     int             // of the row: fields, of which no more are kept than tell that there are too many
	plain     string          // the field without quotes
	field     strings.Builder // or the one in quotes
	runes     int             // of the field
	whole     string          // the line that was read last, from where the row begins
	row       int             // runes of the lines before it in the row
}

// next returns the fields of a record, none for an empty line, and the line that it begins on. The
// fields are valid until the next call. The error is io.EOF after the last record.
func (r *csvReader) next() ([]string, int, error) {
	first := r.number + 1
	r.fields, r.width, r.row = r.fields[:0], 0, 0
	if r.line == "" {
		if err := r.readLine(); err != nil {
			return nil, first, err
		}
	}
	r.whole = r.line
	if rest, isEmpty := cutLineBreak(r.line); isEmpty {
		r.line = rest
		r.number++
		return r.fields, first, nil
	}
	for {
		more, err := r.readField(first)
		if err != nil {
			return nil, first, err
		}
		if r.width++; r.width <= maxColumns+2 {
			r.fields = append(r.fields, r.plain+r.field.String())
		}
		if !more {
			return r.fields, first, nil
		}
	}
}

func (r *csvReader) readLine() (err error) {
	r.line, err = r.lines.next()
	return err
}

// cutLineBreak removes a line break at the start.
func cutLineBreak(text string) (rest string, found bool) {
	for _, mark := range []string{"\r\n", "\n", "\r"} {
		if strings.HasPrefix(text, mark) {
			return text[len(mark):], true
		}
	}
	return text, text == ""
}

// readField reads one field and what ends it, and reports whether it was a delimiter.
func (r *csvReader) readField(first int) (bool, error) {
	r.plain, r.field, r.runes = "", strings.Builder{}, 0
	if len(r.delimiter) == 1 && strings.HasPrefix(r.line, `"`) {
		return r.readQuoted(first)
	}
	text, err := r.cut(r.fieldEnd(), first)
	if err != nil {
		return false, err
	}
	r.plain = text
	return r.endField(), nil
}

// fieldEnd returns where the first delimiter or line break begins. It looks no further, as a line may have
// millions of fields.
func (r *csvReader) fieldEnd() int {
	mark := r.delimiter[0]
	for end := 0; end < len(r.line); end++ {
		switch r.line[end] {
		case '\r', '\n':
			return end
		case mark:
			if strings.HasPrefix(r.line[end:], r.delimiter) {
				return end
			}
		}
	}
	return len(r.line)
}

// take moves bytes from the line to a field in quotes.
func (r *csvReader) take(count, first int) error {
	text, err := r.cut(count, first)
	r.field.WriteString(text)
	return err
}

// cut takes bytes from the line, which belong to the field.
func (r *csvReader) cut(count, first int) (string, error) {
	text := r.line[:count]
	r.line = r.line[count:]
	r.runes += utf8.RuneCountInString(text)
	if r.runes > maxFieldRunes {
		return "", &Error{
			Message: fmt.Sprintf("%s:%d: expected fields of at most %d characters, got a longer one",
				r.lines.name, first, maxFieldRunes),
			Hint: unclosed,
		}
	}
	return text, nil
}

// endField steps over a delimiter or a line break.
func (r *csvReader) endField() bool {
	if strings.HasPrefix(r.line, r.delimiter) {
		r.line = r.line[len(r.delimiter):]
		return true
	}
	r.line, _ = cutLineBreak(r.line)
	r.number++
	return false
}

func (r *csvReader) readQuoted(first int) (bool, error) {
	r.line = r.line[1:]
	for {
		end := strings.IndexByte(r.line, '"')
		if end < 0 {
			if err := r.takeWholeLine(first); err != nil {
				return false, err
			}
			continue
		}
		r.number += countLineBreaks(r.line[:end])
		if err := r.take(end, first); err != nil {
			return false, err
		}
		r.line = r.line[1:]
		switch {
		case strings.HasPrefix(r.line, `"`):
			if err := r.take(1, first); err != nil {
				return false, err
			}
		case r.line == "" || strings.ContainsAny(r.line[:1], r.delimiter+"\r\n"):
			return r.endField(), nil
		default:
			mark := "a comma"
			if r.delimiter != "," {
				mark = "a delimiter"
			}
			return false, &Error{
				Message: fmt.Sprintf("%s:%d: expected %s or the end of the line after a closing quote, "+
					"got other text", r.lines.name, first, mark),
				Hint: strayQuotes,
			}
		}
	}
}

// takeWholeLine goes on to the next line within quotes.
func (r *csvReader) takeWholeLine(first int) error {
	r.number += countLineBreaks(r.line)
	if err := r.take(len(r.line), first); err != nil {
		return err
	}
	r.row += utf8.RuneCountInString(r.whole)
	err := r.readLine()
	if err == io.EOF {
		return &Error{
			Message: fmt.Sprintf("%s:%d: expected balanced quotes, got one that is never closed", r.lines.name, first),
			Hint:    strayQuotes,
		}
	}
	r.whole = r.line
	if err == nil && r.row > maxRowRunes {
		fault := fmt.Sprintf("%s:%d: row: expected at most %d characters, got more", r.lines.name, first, maxRowRunes)
		return &Error{Message: fault, Hint: unclosed}
	}
	return err
}

// countLineBreaks counts \r\n, \r and \n. A break that is split between two calls does not occur: a
// line is read up to its \n.
func countLineBreaks(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}

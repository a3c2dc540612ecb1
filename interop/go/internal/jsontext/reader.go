package jsontext

import (
	"strings"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// Reader goes through a JSON text value by value and makes no tree of it: a tree takes up to a hundred
// times the bytes of its text, which nobody may ask of a server. It is as strict as [Parse], but leaves
// it to its caller to refuse a key that stands twice.
//
// The methods that read a value return false, and stay where they are, if the next value is of another
// kind. After a fault all of them do nothing; [Reader.End] returns it.
type Reader struct {
	parser  parser
	asWhole bool
}

// NewReader returns a reader that stands before the outermost value.
func NewReader(text string) *Reader {
	// Nothing is read that the caller did not ask for, so there is no depth to guard.
	r := &Reader{parser: parser{text: text, maxDepth: 1}}
	if !utf8.ValidString(text) {
		r.parser.fail("bytes that are not UTF-8")
	}
	r.parser.skipSpace()
	return r
}

// AsWhole makes Number read 2.0 as 2, as JSON Schema does, and returns the reader.
func (r *Reader) AsWhole() *Reader {
	r.asWhole = true
	return r
}

// Stop makes all further reading do nothing.
func (r *Reader) Stop() { r.parser.fail("a text that was not read to its end") }

// Text reads a string.
func (r *Reader) Text() (string, bool) {
	if r.parser.peek() != '"' {
		return "", false
	}
	return r.parser.string(), true
}

// Number reads a number; its text may be anything that [Value] has for one.
func (r *Reader) Number() (*Value, bool) {
	rest := strings.TrimPrefix(r.parser.text[r.parser.next:], "-")
	if r.parser.fault != "" || rest == "" || rest[0] < '0' || rest[0] > '9' {
		return nil, false
	}
	value := r.parser.number()
	if whole, zeros, isFraction := strings.Cut(value.Text, "."); r.asWhole && isFraction && strings.Trim(zeros, "0") == "" {
		value.Text = whole
	}
	return &value, true
}

// Bool reads true or false.
func (r *Reader) Bool() (value, isBool bool) {
	if first := r.parser.peek(); first != 't' && first != 'f' {
		return false, false
	}
	word := r.parser.word()
	return word.Bool, word.Kind == Bool
}

// Array reads an array; the function reads the value at each position.
func (r *Reader) Array(element func(position int)) bool {
	if r.parser.peek() != '[' {
		return false
	}
	if !r.parser.enter(1) {
		return true
	}
	if r.parser.peek() == ']' {
		r.parser.next++
		return true
	}
	for position := 0; ; position++ {
		element(position)
		if !r.parser.more(']') {
			return true
		}
	}
}

// Object reads an object; the function reads the value of each key.
func (r *Reader) Object(member func(key string)) bool {
	if r.parser.peek() != '{' {
		return false
	}
	if !r.parser.enter(1) {
		return true
	}
	if r.parser.peek() == '}' {
		r.parser.next++
		return true
	}
	for {
		key, isKey := r.key()
		if !isKey {
			return true
		}
		member(key)
		if !r.parser.more('}') {
			return true
		}
	}
}

func (r *Reader) key() (string, bool) {
	key, isText := r.Text()
	if !isText {
		r.parser.malformed("expecting property name enclosed in double quotes", r.parser.next)
	}
	r.parser.skipSpace()
	if r.parser.peek() != ':' {
		r.parser.malformed("expecting ':' delimiter", r.parser.next)
		return "", false
	}
	r.parser.next++
	r.parser.skipSpace()
	return key, r.parser.fault == ""
}

// Show returns the next value as it stands in a message.
func (r *Reader) Show() string {
	switch first := r.parser.peek(); {
	case first == '{':
		return "an object"
	case first == '[':
		return "an array"
	case first == '"':
		return show.String(r.parser.string())
	}
	value := r.parser.value(1)
	return value.Show()
}

// Err returns the fault found so far, a [*SyntaxError], or nil.
func (r *Reader) Err() error {
	if r.parser.fault == "" {
		return nil
	}
	return &SyntaxError{r.parser.fault}
}

// End returns the fault, which may be that something follows the outermost value.
func (r *Reader) End() error {
	r.parser.skipSpace()
	if r.parser.fault == "" && r.parser.next < len(r.parser.text) {
		r.parser.malformed("extra data", r.parser.next)
	}
	return r.Err()
}

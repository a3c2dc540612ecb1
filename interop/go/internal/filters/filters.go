// Package filters reads filters as JSON, for the commands and the server. It makes no tree of the text: a
// server bounds what it takes by its bytes.
package filters

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// Fault is what is wrong with a filter.
type Fault struct {
	Path     []string // the keys that lead there
	Expected string
	Got      string
	Hint     string // what may help, or empty

	Malformed bool // whether the text is no JSON at all
}

// At returns the message; place says where the filter stands.
func (f *Fault) At(place string) string {
	return fmt.Sprintf("%s: expected %s, got %s", strings.Join(append([]string{place}, f.Path...), ": "), f.Expected, f.Got)
}

const keys = "any_of, none_of, available_at, at_most"

// Parse reads a text that holds a filter.
func Parse(text string) (*mlcore.Filter, *Fault) { return ReadAll(jsontext.NewReader(text)) }

// ReadAll reads a filter and nothing after it.
func ReadAll(json *jsontext.Reader) (*mlcore.Filter, *Fault) {
	filter, fault := Read(json)
	if err := json.End(); fault == nil && err != nil {
		fault = &Fault{Expected: "a JSON object", Got: err.Error(), Malformed: true}
	}
	return filter, fault
}

// Read reads the next value. After a fault nothing more can be read; a text that is malformed is for
// [jsontext.Reader.End] to say.
func Read(json *jsontext.Reader) (*mlcore.Filter, *Fault) {
	r := reader{json: json}
	var seen []string
	r.object(func(key string) {
		if slices.Contains(seen, key) {
			r.refuse("each key once", "this one twice", "")
			return
		}
		seen = append(seen, key) // of the names below, so few
		r.member(key)
	})
	return &r.filter, r.fault
}

type reader struct {
	json   *jsontext.Reader
	filter mlcore.Filter
	path   []string
	fault  *Fault
}

func (r *reader) member(key string) {
	switch key {
	case "any_of":
		r.filter.AnyOf = columns(r, r.strings)
	case "none_of":
		r.filter.NoneOf = columns(r, r.strings)
	case "at_most":
		r.filter.AtMost = columns(r, r.count)
	case "available_at":
		r.filter.AvailableAt = r.moment()
	default:
		r.path = r.path[:0]
		r.refuse("one of "+keys, "the key "+show.String(key), "")
	}
}

// object gives each key of the next value, which must be an object, to a function that reads what it has.
func (r *reader) object(take func(key string)) {
	depth := len(r.path)
	isObject := r.json.Object(func(key string) {
		r.path = append(r.path[:depth], show.Cut(key, show.Limit))
		take(key)
	})
	r.path = r.path[:depth]
	if !isObject {
		r.refuseNext("an object", nil)
	}
}

// columns reads an object of columns.
func columns[T any](r *reader, value func() T) map[string]T {
	found := map[string]T{}
	r.object(func(column string) {
		if _, isThere := found[column]; isThere {
			r.refuse("each column once", "this one twice", "")
			return
		}
		found[column] = value()
	})
	return found
}

func (r *reader) strings() []string {
	values := []string{}
	isArray := r.json.Array(func(position int) {
		value, isText := r.json.Text()
		if !isText {
			r.path[len(r.path)-1] += fmt.Sprintf("[%d]", position)
			r.refuseNext("a string", func(got string) string {
				if strings.ContainsAny(got[:1], "-0123456789") {
					return `values are texts: "` + got + `"`
				}
				return ""
			})
			return
		}
		values = append(values, value)
	})
	if !isArray {
		r.refuseNext("a list of strings", func(got string) string {
			if got[0] == '\'' || got[0] == '"' {
				return `["` + strings.Trim(got, `'"`) + `"] is a list of one`
			}
			return ""
		})
	}
	return values
}

// Rules of integers are those of Python's commands.
const leastRule, mostRule = "an integer >= 1", "an integer below 2147483648"

func (r *reader) count() int {
	number, isNumber := r.json.Number()
	if !isNumber {
		r.refuseNext(leastRule, nil)
		return 0
	}
	count, isInteger := number.Integer()
	isLarge := count > math.MaxInt32 || (!isInteger && !strings.ContainsAny(number.Text, "-.eE"))
	if isLarge {
		r.refuse(mostRule, number.Show(), "")
	} else if count < 1 {
		r.refuse(leastRule, number.Show(), "")
	}
	return int(count)
}

// moment reads a time as timestamps are written: seconds, or a text.
func (r *reader) moment() mlcore.Timestamp {
	value, isNumber := r.json.Number()
	if !isNumber {
		text, isText := r.json.Text()
		if !isText {
			r.refuseNext(tables.TimeRule, nil)
			return mlcore.Timestamp{}
		}
		value = &jsontext.Value{Kind: jsontext.String, Text: text}
	}
	microseconds, err := tables.TimestampFromJSON(value)
	if fault := (*tables.BadValue)(nil); errors.As(err, &fault) {
		r.refuse(tables.TimeRule, value.Show(), fault.Hint)
	}
	return mlcore.UnixMicro(microseconds)
}

// refuse ends the reading, unless the text has turned out to be malformed.
func (r *reader) refuse(expected, got, hint string) {
	if r.json.Err() == nil {
		r.fault = &Fault{Path: slices.Clone(r.path), Expected: expected, Got: got, Hint: hint}
		r.json.Stop()
	}
}

// refuseNext refuses the next value, which may turn out to be malformed. The hint, if there is one, goes by
// how the value is shown.
func (r *reader) refuseNext(expected string, hint func(got string) string) {
	if r.json.Err() != nil {
		return
	}
	got := r.json.Show()
	if r.json.Err() == nil && got != "" {
		text := ""
		if hint != nil {
			text = hint(got)
		}
		r.refuse(expected, got, text)
	}
}

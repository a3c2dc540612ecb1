// Package filters reads filters as JSON, for the commands and the server. It makes no tree of the text: a
// server bounds what it takes by its bytes.
package filters

import (
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
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s: expected %s, got %s", strings.Join(append([]string{"filter"}, f.Path...), ": "), f.Expected, f.Got)
}

const keys = "any_of, none_of, available_at, at_most"

// Parse reads a text that holds a filter.
func Parse(text string) (*mlcore.Filter, *Fault) {
	json := jsontext.NewReader(text)
	filter, fault := Read(json)
	if err := json.End(); fault == nil && err != nil {
		fault = &Fault{Expected: "a JSON object", Got: err.Error()}
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
		seen = append(seen, key)
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
		r.refuse("one of "+keys, "a key of another name", "")
	}
}

// object gives each key of the next value, which must be an object, to a function that reads what it has.
func (r *reader) object(take func(key string)) {
	isObject := r.json.Object(func(key string) {
		r.path = append(r.path, show.Cut(key, show.Limit))
		take(key)
		r.path = r.path[:len(r.path)-1]
	})
	if !isObject {
		r.refuseNext("an object", "")
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
	isArray := r.json.Array(func(int) {
		value, isText := r.json.Text()
		if !isText {
			r.refuseNext("an array of strings", `values are strings: write ["1999"], not [1999]`)
			return
		}
		values = append(values, value)
	})
	if !isArray {
		r.refuseNext("an array of strings", `one value is an array too: ["a"]`)
	}
	return values
}

func (r *reader) count() int {
	rule := fmt.Sprintf("an integer from 1 to %d", math.MaxInt32)
	number, isNumber := r.json.Number()
	if !isNumber {
		r.refuseNext(rule, "")
		return 0
	}
	count, isInteger := number.Integer()
	if !isInteger || count < 1 || count > math.MaxInt32 {
		r.refuse(rule, number.Show(), "")
	}
	return int(count)
}

// moment reads a time as timestamps are written: seconds, or a text.
func (r *reader) moment() mlcore.Timestamp {
	value, isNumber := r.json.Number()
	if !isNumber {
		text, isText := r.json.Text()
		if !isText {
			r.refuseNext(tables.TimeRule, "")
			return mlcore.Timestamp{}
		}
		value = &jsontext.Value{Kind: jsontext.String, Text: text}
	}
	microseconds, err := tables.TimestampFromJSON(value)
	if err != nil {
		r.refuse(tables.TimeRule, value.Show(), "")
	}
	return mlcore.UnixMicro(microseconds)
}

// refuse ends the reading, unless the text has turned out to be malformed.
func (r *reader) refuse(expected, got, hint string) {
	if r.json.Err() == nil {
		r.fault = &Fault{slices.Clone(r.path), expected, got, hint}
		r.json.Stop()
	}
}

// refuseNext refuses the next value, which may turn out to be malformed.
func (r *reader) refuseNext(expected, hint string) {
	if r.json.Err() != nil {
		return
	}
	if got := r.json.Show(); r.json.Err() == nil {
		r.refuse(expected, got, hint)
	}
}

package jsontext

import (
	"math"
	"strconv"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// Show returns the value as it stands in a message; "no such key" for a missing one.
func (v *Value) Show() string { return v.ShowUpTo(show.Limit) }

// ShowUpTo is Show with another limit of characters.
func (v *Value) ShowUpTo(limit int) string {
	switch {
	case v == nil:
		return "no such key"
	case v.Kind == String:
		return show.String(v.Text)
	}
	// One character more than are shown is enough to know that something was cut.
	return show.Cut(string(v.appendShown(nil, 4*limit+4)), limit)
}

// appendShown stops soon after dst has grown to enough bytes.
func (v *Value) appendShown(dst []byte, enough int) []byte {
	switch v.Kind {
	case Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, v.Bool)
	case Number:
		return append(dst, pythonNumber(v.Text)...)
	case String:
		return AppendString(dst, v.Text)
	}
	brackets := "[]"
	if v.Kind == Object {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for index := range v.Items {
		if len(dst) > enough {
			return dst
		}
		if index > 0 {
			dst = append(dst, ", "...)
		}
		if v.Kind == Object {
			dst = append(AppendString(dst, v.Keys[index]), ": "...)
		}
		dst = v.Items[index].appendShown(dst, enough)
	}
	return append(dst, brackets[1])
}

func pythonNumber(text string) string {
	if text == "-0" {
		return "0"
	}
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	value, _ := strconv.ParseFloat(text, 64)
	return PythonFloat(value)
}

// PythonFloat returns the number as Python's repr and json.dumps write it.
func PythonFloat(value float64) string {
	switch size := math.Abs(value); {
	case math.IsInf(value, 1):
		return "Infinity"
	case math.IsInf(value, -1):
		return "-Infinity"
	case size != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.FormatFloat(value, 'e', -1, 64)
	}
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

package jsontext

import (
	"strconv"
	"strings"
)

// AppendDocument appends a value as a document for people: two spaces a level, keys in their order,
// an array on one line unless it holds arrays or objects. It is how the Python commands write one.
func AppendDocument(dst []byte, value *Value) []byte {
	return append(appendIndented(dst, value, "\n"), '\n')
}

func appendIndented(dst []byte, value *Value, newline string) []byte {
	switch value.Kind {
	case Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, value.Bool)
	case Number:
		return appendCanonical(dst, value.Text)
	case String:
		return AppendString(dst, value.Text)
	}
	open, end := "[", "]"
	if value.Kind == Object {
		open, end = "{", "}"
	}
	before, between, after := "", ", ", ""
	if isOnLines(value) {
		before = newline + "  "
		between, after = ","+before, newline
	}
	dst = append(append(dst, open...), before...)
	for index := range value.Items {
		if index > 0 {
			dst = append(dst, between...)
		}
		if value.Kind == Object {
			dst = append(AppendString(dst, value.Keys[index]), ": "...)
		}
		dst = appendIndented(dst, &value.Items[index], newline+"  ")
	}
	return append(append(dst, after...), end...)
}

func isOnLines(value *Value) bool {
	if value.Kind == Object {
		return len(value.Items) > 0
	}
	for index := range value.Items {
		if value.Items[index].Kind >= Array {
			return true
		}
	}
	return false
}

func appendCanonical(dst []byte, text string) []byte {
	value, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil: // beyond float64
		return append(dst, infinite(text)...)
	case !strings.ContainsAny(text, ".eE") && text != "-0":
		return append(dst, text...) // an integer keeps its digits
	}
	return AppendNumber(dst, value)
}

// Package jsontext reads strict JSON (RFC 7493, I-JSON).
//
// encoding/json matches keys whatever their case, lets the last of two equal keys win, turns lone
// surrogates and wrong UTF-8 into U+FFFD, and reads integers through float64. Each of these makes two
// readers of one file disagree, so none of them is done here.
package jsontext

// Kind says which of the six JSON values a [Value] is.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is one JSON value.
type Value struct {
	Kind  Kind
	Bool  bool
	Text  string   // the content of a string, or a number as it is written
	Keys  []string // of an object, in the order of the text
	Items []Value  // of an array, or the values that belong to Keys
}

// Member returns the value of a key, or nil if the object has no such key or v is no object.
// Keys are compared byte by byte.
func (v *Value) Member(key string) *Value {
	if v == nil || v.Kind != Object {
		return nil
	}
	for index := range v.Keys {
		if v.Keys[index] == key {
			return &v.Items[index]
		}
	}
	return nil
}

// MaxInteger is the largest integer that every JSON implementation reads exactly: 2^53 - 1.
const MaxInteger = 1<<53 - 1

// Integer returns the value of a number that is written without fraction and exponent and lies
// between 0 and 2^53 - 1.
func (v *Value) Integer() (int64, bool) {
	if v == nil || v.Kind != Number {
		return 0, false
	}
	if v.Text == "-0" {
		return 0, true
	}
	var result int64
	for _, digit := range []byte(v.Text) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		result = 10*result + int64(digit-'0')
		if result > MaxInteger {
			return 0, false
		}
	}
	return result, true
}

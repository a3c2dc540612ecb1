package jsontext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// maxValues bounds what the tree of a text takes, as mlcore/limits.py does.
const maxValues = 1 << 22

// SyntaxError says what stands in a text instead of strict JSON.
type SyntaxError struct {
	Message string
}

func (e *SyntaxError) Error() string { return e.Message }

// Parse returns the value of a text; white space around it is allowed.
//
// Arrays and objects may be nested maxDepth deep, the outermost being 1. The error is a *SyntaxError:
// the text is malformed or not UTF-8, an object has a key twice, a number is NaN or infinite, a string
// holds a lone surrogate, the nesting is too deep, or there are more than maxValues. Strings may share memory with the text.
func Parse(text string, maxDepth int) (Value, error) {
	p := parser{text: text, maxDepth: maxDepth}
	if !utf8.ValidString(text) {
		return Value{}, &SyntaxError{"bytes that are not UTF-8"}
	}
	p.skipSpace()
	value := p.value(1)
	p.skipSpace()
	if p.fault == "" && p.next < len(text) {
		p.malformed("extra data", p.next)
	}
	if p.fault != "" {
		return Value{}, &SyntaxError{p.fault}
	}
	return value, nil
}

// parser goes through a text once. After the first fault every method returns without moving on.
type parser struct {
	text     string
	next     int
	maxDepth int
	values   int // read so far
	fault    string
}

func (p *parser) fail(message string) {
	if p.fault == "" {
		p.fault = message
	}
}

func (p *parser) malformed(what string, offset int) {
	if strings.TrimSpace(p.text) == "" {
		p.fail("nothing")
		return
	}
	before := p.text[:offset]
	line := ""
	if strings.Contains(strings.TrimRightFunc(p.text, unicode.IsSpace), "\n") {
		line = fmt.Sprintf("line %d, ", strings.Count(before, "\n")+1)
	}
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	p.fail(fmt.Sprintf("invalid JSON (%s at %scharacter %d)", what, line, column))
}

// peek returns the next byte, or 0 at the end. A NUL in the text is malformed wherever it stands.
func (p *parser) peek() byte {
	if p.next < len(p.text) && p.fault == "" {
		return p.text[p.next]
	}
	return 0
}

func (p *parser) skipSpace() {
	for {
		switch p.peek() {
		case ' ', '\t', '\n', '\r':
			p.next++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) Value {
	if p.values++; p.values > maxValues {
		p.fail("JSON of too many values")
	}
	switch first := p.peek(); {
	case first == '"':
		return Value{Kind: String, Text: p.string()}
	case first == '{':
		return p.object(depth)
	case first == '[':
		return p.array(depth)
	case first == '-' || '0' <= first && first <= '9':
		return p.number()
	default:
		return p.word()
	}
}

func (p *parser) word() Value {
	words := [...]struct {
		text  string
		value Value
	}{
		{"null", Value{Kind: Null}},
		{"true", Value{Kind: Bool, Bool: true}},
		{"false", Value{Kind: Bool}},
	}
	for _, word := range words {
		if strings.HasPrefix(p.text[p.next:], word.text) {
			p.next += len(word.text)
			return word.value
		}
	}
	for _, name := range [...]string{"NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(p.text[p.next:], name) {
			p.fail(name + ", which is not JSON")
			return Value{}
		}
	}
	p.malformed("expecting value", p.next)
	return Value{}
}

func (p *parser) digits() bool {
	begin := p.next
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.next++
	}
	return p.next > begin
}

func (p *parser) number() Value {
	begin := p.next
	if p.peek() == '-' {
		p.next++
	}
	if p.peek() == '0' {
		p.next++
	} else if !p.digits() {
		p.next = begin
		return p.word() // refuses it, as -Infinity or otherwise
	}
	// A dot or an e without digits is not part of the number; what follows it then is a fault.
	whole := p.next
	if p.peek() == '.' {
		p.next++
		if !p.digits() {
			p.next = whole
			return numberOf(p.text[begin:whole], true)
		}
	}
	mantissa := p.next
	if c := p.peek(); c == 'e' || c == 'E' {
		p.next++
		if c := p.peek(); c == '+' || c == '-' {
			p.next++
		}
		if !p.digits() {
			p.next = mantissa
		}
	}
	return numberOf(p.text[begin:p.next], p.next == whole)
}

// maxIntegerDigits is how many digits an integer has at most; one of more is read as infinite, here and
// in Python, which takes time by their square to convert them.
const maxIntegerDigits = 4300

func numberOf(text string, isInteger bool) Value {
	if digits := strings.TrimPrefix(text, "-"); isInteger && len(digits) > maxIntegerDigits {
		text = infinite(text)
	}
	return Value{Kind: Number, Text: text}
}

// infinite returns a number that JSON has and float64 does not, with the sign of another.
func infinite(text string) string {
	if text[0] == '-' {
		return "-1e999"
	}
	return "1e999"
}

func (p *parser) array(depth int) Value {
	result := Value{Kind: Array}
	if !p.enter(depth) {
		return result
	}
	if p.peek() == ']' {
		p.next++
		return result
	}
	for {
		result.Items = append(result.Items, p.value(depth+1))
		if !p.more(']') {
			return result
		}
	}
}

func (p *parser) object(depth int) Value {
	result := Value{Kind: Object}
	if !p.enter(depth) {
		return result
	}
	if p.peek() == '}' {
		p.next++
		return result
	}
	for {
		if p.peek() != '"' {
			p.malformed("expecting property name enclosed in double quotes", p.next)
			return result
		}
		result.Keys = append(result.Keys, p.string())
		p.skipSpace()
		if p.peek() != ':' {
			p.malformed("expecting ':' delimiter", p.next)
			return result
		}
		p.next++
		p.skipSpace()
		result.Items = append(result.Items, p.value(depth+1))
		if !p.more('}') {
			p.refuseEqual(result.Keys)
			return result
		}
	}
}

// enter steps over an opening bracket, and reports whether the nesting allows it.
func (p *parser) enter(depth int) bool {
	if depth > p.maxDepth {
		p.fail("JSON nested too deeply")
		return false
	}
	p.next++
	p.skipSpace()
	return p.fault == ""
}

// more steps over a comma, or over the closing bracket, and reports whether it was a comma.
func (p *parser) more(closing byte) bool {
	p.skipSpace()
	switch p.peek() {
	case closing:
		p.next++
		return false
	case ',':
		p.next++
		p.skipSpace()
		return p.fault == ""
	default:
		p.malformed("expecting ',' delimiter", p.next)
		return false
	}
}

func (p *parser) refuseEqual(keys []string) {
	if len(keys) <= 8 {
		for index, key := range keys {
			for _, earlier := range keys[:index] {
				if key == earlier {
					p.failTwice(key)
				}
			}
		}
		return
	}
	seen := make(map[string]struct{}, len(keys))
	for _, key := range keys {
		if _, twice := seen[key]; twice {
			p.failTwice(key)
		}
		seen[key] = struct{}{}
	}
}

func (p *parser) failTwice(key string) {
	runes := []rune(key)
	p.fail(fmt.Sprintf("the key %s twice", show.Repr(string(runes[:min(len(runes), 60)]))))
}

// string reads a string; the next byte is its opening quote.
func (p *parser) string() string {
	opening := p.next
	p.next++
	begin := p.next
	for p.next < len(p.text) {
		switch c := p.text[p.next]; {
		case c == '"':
			p.next++
			return p.text[begin : p.next-1]
		case c == '\\':
			return p.stringWithEscapes(opening)
		case c < 0x20:
			p.malformed("invalid control character at", p.next)
			return ""
		default:
			p.next++
		}
	}
	p.malformed("unterminated string starting at", opening)
	return ""
}

// stringWithEscapes goes on where string met the first backslash.
func (p *parser) stringWithEscapes(opening int) string {
	var result strings.Builder
	result.WriteString(p.text[opening+1 : p.next])
	for p.next < len(p.text) && p.fault == "" {
		switch c := p.text[p.next]; {
		case c == '"':
			p.next++
			return result.String()
		case c == '\\':
			p.escape(opening, &result)
		case c < 0x20:
			p.malformed("invalid control character at", p.next)
		default:
			result.WriteByte(c)
			p.next++
		}
	}
	p.malformed("unterminated string starting at", opening)
	return ""
}

func (p *parser) escape(opening int, result *strings.Builder) {
	if p.next+1 == len(p.text) {
		p.malformed("unterminated string starting at", opening)
		return
	}
	letter := p.text[p.next+1]
	if letter == 'u' {
		p.unicodeEscape(result)
		return
	}
	position := strings.IndexByte(`"\/bfnrt`, letter)
	if position < 0 {
		p.malformed(`invalid \escape`, p.next)
		return
	}
	result.WriteByte("\"\\/\b\f\n\r\t"[position])
	p.next += 2
}

func (p *parser) unicodeEscape(result *strings.Builder) {
	unit := p.codeUnit()
	if utf16.IsSurrogate(unit) {
		unit = p.pair(unit)
	}
	if unit >= 0 {
		result.WriteRune(unit)
	}
}

// pair returns the character of two surrogates, of which the first has been read, or -1.
func (p *parser) pair(high rune) rune {
	if strings.HasPrefix(p.text[p.next:], `\u`) {
		if pair := utf16.DecodeRune(high, p.codeUnit()); pair != utf8.RuneError {
			return pair
		}
	}
	p.fail("a lone surrogate in a string")
	return -1
}

// codeUnit reads \u and four hexadecimal digits, and returns -1 after a fault.
func (p *parser) codeUnit() rune {
	letter := p.next + 1
	digits := p.text[letter+1:]
	if len(digits) > 4 {
		digits = digits[:4]
	}
	var unit rune
	for index := 0; index < len(digits); index++ {
		digit := hexDigit(digits[index])
		if digit < 0 {
			unit = -1
			break
		}
		unit = unit<<4 | digit
	}
	if len(digits) < 4 || unit < 0 {
		p.malformed(`invalid \uXXXX escape`, letter)
		return -1
	}
	p.next = letter + 5
	return unit
}

func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

package jsontext

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendString appends a string as RFC 8785, section 3.2.2.2 writes it: with only the escapes that
// JSON demands. A byte that is no UTF-8 becomes U+FFFD.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	begin := 0
	for offset := 0; offset < len(text); {
		c := text[offset]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			offset++
			continue
		}
		if c >= utf8.RuneSelf {
			char, size := utf8.DecodeRuneInString(text[offset:])
			if char != utf8.RuneError || size > 1 {
				offset += size
				continue
			}
		}
		dst = append(dst, text[begin:offset]...)
		dst = appendEscaped(dst, c)
		offset++
		begin = offset
	}
	dst = append(dst, text[begin:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if c >= utf8.RuneSelf {
		return utf8.AppendRune(dst, utf8.RuneError)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendNumber appends the shortest text that reads back as the same float64, laid out as RFC 8785,
// section 3.2.2.3 (ECMAScript) does it. NaN and infinities, which JSON does not have, become null.
func AppendNumber(dst []byte, value float64) []byte {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return append(dst, "null"...)
	}
	if value == 0 {
		return append(dst, '0') // also for -0
	}
	var room [32]byte
	shortest := strconv.AppendFloat(room[:0], math.Abs(value), 'e', -1, 64) // D[.DDD]e(+|-)DD
	digits, exponent := splitShortest(shortest)
	if value < 0 {
		dst = append(dst, '-')
	}
	count := len(digits)
	point := exponent + 1 // the decimal point stands after this many digits
	switch {
	case count <= point && point <= 21:
		return appendZeros(append(dst, digits...), point-count)
	case 0 < point && point <= 21:
		dst = append(dst, digits[:point]...)
		dst = append(dst, '.')
		return append(dst, digits[point:]...)
	case -6 < point && point <= 0:
		dst = appendZeros(append(dst, '0', '.'), -point)
		return append(dst, digits...)
	}
	dst = append(dst, digits[0])
	if count > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	}
	dst = append(dst, 'e')
	if exponent > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// splitShortest returns the digits, moved together within the given bytes, and the exponent.
func splitShortest(text []byte) (digits []byte, exponent int) {
	end := len(text) - 1
	for text[end] != 'e' {
		end--
	}
	for _, digit := range text[end+2:] {
		exponent = 10*exponent + int(digit-'0')
	}
	if text[end+1] == '-' {
		exponent = -exponent
	}
	if end > 1 {
		text[1] = text[0] // over the dot
		return text[1:end], exponent
	}
	return text[:1], exponent
}

func appendZeros(dst []byte, count int) []byte {
	return append(dst, "0000000000000000000000"[:count]...)
}

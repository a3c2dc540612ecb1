package tables

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

const maxIDBytes = 65_535

// BadValue is the fault of a value, without its place: "expected <rule>, got <value>".
type BadValue struct {
	Message string
	Hint    string
}

func (b *BadValue) Error() string { return b.Message }

func bad(message string) error { return &BadValue{Message: message} }

// at gives the fault of a value its place.
func at(err error, format string, values ...any) error {
	fault, isBadValue := err.(*BadValue)
	if !isBadValue {
		return err
	}
	return &Error{Message: fmt.Sprintf(format, values...) + ": " + fault.Message, Hint: fault.Hint}
}

func checkID(text string) error {
	switch {
	case text == "":
		return bad("expected an id of at least one character, got an empty one")
	case strings.ContainsAny(text, "\x00\n\r"):
		return bad("expected no NUL and no line break, got " + show.String(text))
	case !utf8.ValidString(text):
		return bad("expected well-formed Unicode, got " + show.String(text))
	case len(text) > maxIDBytes:
		return bad("expected at most " + strconv.Itoa(maxIDBytes) + " bytes, got " + strconv.Itoa(len(text)))
	}
	return nil
}

func idFromJSON(value *jsontext.Value) (string, error) {
	if value == nil || value.Kind != jsontext.String {
		return "", &BadValue{"expected a string, got " + value.Show(), hintAtNumber(value)}
	}
	return value.Text, checkID(value.Text)
}

var decimalNumber = regexp.MustCompile(`^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$`)

func weightFromText(text string) (float64, error) {
	if decimalNumber.MatchString(text) {
		if weight, isGood := parseWeight(text); isGood {
			return weight, nil
		}
	}
	return 0, &BadValue{"expected a finite number above 0, got " + show.String(text), hintAtWeight(text)}
}

func weightFromJSON(value *jsontext.Value) (float64, error) {
	if value == nil {
		return 1, nil
	}
	hint := ""
	switch {
	case value.Kind == jsontext.Number:
		weight, isGood := parseWeight(value.Text)
		if isGood {
			return weight, nil
		}
		if weight <= 0 {
			hint = noRow
		}
	case value.Kind == jsontext.Null:
		hint = noRow
	case value.Kind == jsontext.String && decimalNumber.MatchString(value.Text):
		if number, _ := strconv.ParseFloat(value.Text, 64); !math.IsInf(number, 0) {
			hint = noQuotes
		}
	}
	return 0, &BadValue{"expected a finite number above 0, got " + value.Show(), hint}
}

func parseWeight(text string) (float64, bool) {
	weight, _ := strconv.ParseFloat(text, 64) // infinite or 0 where it is out of range
	return weight, weight > 0 && weight <= math.MaxFloat64
}

// The years 1 to 9999, which RFC 3339 can write.
const minSeconds, maxSeconds = -62_135_596_800, 253_402_300_799

// TimeRule is what a time must be.
const TimeRule = "integer seconds or an RFC 3339 time"

const timeRule = "expected " + TimeRule

var (
	integerText = regexp.MustCompile(`^[+-]?[0-9]{1,40}$`)
	timeText    = regexp.MustCompile(
		`^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)? ?` +
			`(?:[Zz]|UTC|GMT|([+-])([0-9]{2})(?::?([0-9]{2}))?)$`)
	zonelessText = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)? ?)?$`)
	decimalComma = regexp.MustCompile(`^[0-9]+,[0-9]+$`)
)

// TimestampFromJSON returns microseconds since 1970 UTC of an integer or a text; its fault is a [*BadValue].
func TimestampFromJSON(value *jsontext.Value) (int64, error) {
	switch {
	case value != nil && value.Kind == jsontext.String:
		return ParseTimestamp(value.Text)
	case value != nil && value.Kind == jsontext.Number && !strings.ContainsAny(value.Text, ".eE"):
		return parseSeconds(value.Text, value.Show())
	}
	hint := ""
	if value != nil && value.Kind == jsontext.Null {
		hint = noTime
	} else if value != nil && value.Kind == jsontext.Number {
		if number, _ := strconv.ParseFloat(value.Text, 64); !math.IsInf(number, 0) && number != 0 {
			hint = noDecimals
		}
	}
	return 0, &BadValue{timeRule + ", got " + value.Show(), hint}
}

// ParseTimestamp returns microseconds since 1970 UTC; its fault is a [*BadValue].
func ParseTimestamp(text string) (int64, error) {
	if integerText.MatchString(text) {
		return parseSeconds(text, show.String(text))
	}
	if parts := timeText.FindStringSubmatch(text); parts != nil {
		if microseconds, isGood := parseTime(parts); isGood {
			return microseconds, nil
		}
	}
	return 0, &BadValue{timeRule + ", got " + show.String(text), hintAtTime(text)}
}

// timestampOfTable is ParseTimestamp with hints at what Python's preprocess makes of a table.
func timestampOfTable(text string) (int64, error) {
	microseconds, err := ParseTimestamp(text)
	fault, isBad := err.(*BadValue)
	if !isBad {
		return microseconds, err
	}
	if integerText.MatchString(text) {
		number, _ := strconv.ParseInt(text, 10, 64)
		fault.Hint += hintAtUnit(number)
	}
	if isZoneless(text) {
		fault.Hint = "a time without a zone does not say which moment it is; " +
			"python -m mlcore preprocess --timezone UTC, or another, writes a table that does"
	}
	return 0, fault
}

// isZoneless reports whether a text is a time but for its zone.
func isZoneless(text string) bool {
	parts := zonelessText.FindStringSubmatch(text)
	if parts == nil {
		return false
	}
	_, isGood := parseTime([]string{"", parts[1], cmp.Or(parts[2], "00:00"), parts[3], "", "", "", ""})
	return isGood
}

// hintAtUnit names the unit in which a number is of the years 1971 to 2100, as Python's commands do.
func hintAtUnit(number int64) string {
	for _, unit := range []struct {
		option, name string
		perSecond    int64
	}{{"ms", "milliseconds", 1_000}, {"us", "microseconds", 1_000_000}, {"ns", "nanoseconds", 1_000_000_000}} {
		if seconds := number / unit.perSecond; 31_536_000 <= seconds && seconds <= 4_133_980_799 {
			return " python -m mlcore preprocess --timestamp-unit " + unit.option + " reads " + unit.name
		}
	}
	return ""
}

func parseSeconds(text, shown string) (int64, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < minSeconds || seconds > maxSeconds {
		return 0, &BadValue{
			Message: timeRule + ", got " + shown,
			Hint:    "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?",
		}
	}
	return seconds * 1_000_000, nil
}

// parseTime takes what timeText found: date, hours and minutes, seconds, fraction, and sign, hours and
// minutes of the offset.
func parseTime(parts []string) (int64, bool) {
	moment, err := time.Parse("2006-01-02T15:04:05", parts[1]+"T"+parts[2]+":"+cmp.Or(parts[3], "00"))
	if err != nil || moment.Year() == 0 {
		return 0, false
	}
	hours, _ := strconv.Atoi(parts[6])
	minutes, _ := strconv.Atoi(parts[7])
	offset := int64(60*hours + minutes)
	if offset >= 24*60 {
		return 0, false
	}
	if parts[5] == "-" {
		offset = -offset
	}
	seconds := moment.Unix() - 60*offset
	if seconds < minSeconds || seconds > maxSeconds {
		return 0, false // an offset may lead out of the years that can be written
	}
	fraction, _ := strconv.ParseInt((parts[4] + "000000")[:6], 10, 64)
	return seconds*1_000_000 + fraction, true
}

package mlcore

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// The table of RFC 8785, appendix B, and the ends of each notation.
func TestNumbersAreThoseOfECMAScript(t *testing.T) {
	for text, bits := range map[string]uint64{
		"0":                         0,
		"5e-324":                    0x0000000000000001,
		"-5e-324":                   0x8000000000000001,
		"1.7976931348623157e+308":   0x7fefffffffffffff,
		"9007199254740992":          0x4340000000000000,
		"-9007199254740992":         0xc340000000000000,
		"295147905179352830000":     0x4430000000000000,
		"9.999999999999997e+22":     0x44b52d02c7e14af5,
		"1e+23":                     0x44b52d02c7e14af6,
		"1.0000000000000001e+23":    0x44b52d02c7e14af7,
		"999999999999999700000":     0x444b1ae4d6e2ef4e,
		"999999999999999900000":     0x444b1ae4d6e2ef4f,
		"1e+21":                     0x444b1ae4d6e2ef50,
		"9.999999999999997e-7":      0x3eb0c6f7a0b5ed8c,
		"0.000001":                  0x3eb0c6f7a0b5ed8d,
		"333333333.3333332":         0x41b3de4355555553,
		"333333333.33333325":        0x41b3de4355555554,
		"333333333.3333333":         0x41b3de4355555555,
		"-0.0000033333333333333333": 0xbecbf647612f3696,
		"1424953923781206.2":        0x43143ff3c1cb0959,
		"2e+23":                     math.Float64bits(2e23),
		"9007199254740993000":       math.Float64bits(9007199254740993000),
		"0.75":                      math.Float64bits(0.75),
		"100":                       math.Float64bits(100),
		"1e-7":                      math.Float64bits(1e-7),
		"0.1":                       math.Float64bits(0.1),
	} {
		if found := string(AppendNumber(nil, math.Float64frombits(bits))); found != text {
			t.Errorf("%016x: expected %s, got %s", bits, text, found)
		}
	}
	if found := string(AppendNumber([]byte("x"), math.Copysign(0, -1))); found != "x0" {
		t.Errorf("expected x0, got %s", found)
	}
}

func TestNumbersReadBackAndAreShortest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 200_000 {
		value := math.Float64frombits(random.Uint64())
		if math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		text := string(AppendNumber(nil, value))
		back, err := strconv.ParseFloat(text, 64)
		if err != nil || back != value {
			t.Fatalf("%x: %s", math.Float64bits(value), text)
		}
		digits := strings.Trim(strings.SplitN(strings.TrimLeft(text, "-0."), "e", 2)[0], "0")
		shortest := strings.SplitN(strconv.FormatFloat(math.Abs(value), 'e', -1, 64), "e", 2)[0]
		if strings.ReplaceAll(digits, ".", "") != strings.TrimRight(strings.ReplaceAll(shortest, ".", ""), "0") {
			t.Fatalf("%s has not the digits of %s", text, shortest)
		}
	}
}

func TestStringsHaveOnlyTheEscapesOfJSON(t *testing.T) {
	for text, expected := range map[string]string{
		"":                       `""`,
		"a\"b\\c/":               `"a\"b\\c/"`,
		"\b\t\n\f\r\x00\x1f\x7f": `"\b\t\n\f\r\u0000\u001f` + "\x7f\"",
		"é\u2028<>&😀":            "\"é\u2028<>&😀\"",
		"\xffa\ufffd":            "\"\ufffda\ufffd\"",
	} {
		found := string(AppendString(nil, text))
		if found != expected {
			t.Errorf("%q: expected %s, got %s", text, expected, found)
		}
		var back string
		if err := json.Unmarshal([]byte(found), &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") {
			t.Errorf("%q reads back as %q, %v", text, back, err)
		}
	}
}

func TestPredictionsAreLinesOfOneForm(t *testing.T) {
	found := AppendPrediction(nil, "u", []Item{{ID: "a", Score: 0.75}, {ID: "b", Filled: true}})
	expected := `{"user_id": "u", "items": [{"item_id": "a", "score": 0.75}, ` +
		`{"item_id": "b", "score": 0, "source": "popularity"}]}` + "\n"
	if string(found) != expected {
		t.Errorf("expected %s, got %s", expected, found)
	}
}

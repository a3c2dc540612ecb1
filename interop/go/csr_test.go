package mlcore

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"
)

// Machines of the other byte order decode one by one; this is the test of that on all machines.
func TestDecodedElementsAreThoseInPlace(t *testing.T) {
	data := make([]byte, 8+64)
	for index := range data {
		data[index] = byte(37 * index)
	}
	aligned := data[-uintptr(unsafe.Pointer(&data[0]))%8:]
	for _, shift := range []int{0, 1, 4} { // aligned, not at all, for the small types only
		part := aligned[shift:][:48]
		if found, expected := elements(part, int64At), decodeElements(part, 8, int64At); !slices.Equal(found, expected) {
			t.Errorf("int64, shift %d: %v is not %v", shift, found, expected)
		}
		if found, expected := elements(part, int32At), decodeElements(part, 4, int32At); !slices.Equal(found, expected) {
			t.Errorf("int32, shift %d: %v is not %v", shift, found, expected)
		}
		found, expected := elements(part, float32At), decodeElements(part, 4, float32At)
		if !slices.EqualFunc(found, expected, func(a, b float32) bool {
			return math.Float32bits(a) == math.Float32bits(b)
		}) {
			t.Errorf("float32, shift %d: %v is not %v", shift, found, expected)
		}
	}
	if decoded := decodeElements([]byte{1, 2, 0, 0, 0, 0, 0, 0x80}, 8, int64At); decoded[0] != math.MinInt64+0x201 {
		t.Errorf("got %x", decoded[0])
	}
	if elements(nil, int64At) != nil {
		t.Error("no bytes gave elements")
	}
}

func TestOffsetsAreChecked(t *testing.T) {
	cases := map[string]struct {
		indptr  []int64
		entries int64
		message string
	}{
		"good":      {[]int64{0, 0, 2, 2}, 2, ""},
		"no rows":   {[]int64{0}, 0, ""},
		"first":     {[]int64{1, 2}, 2, "x: expected offsets from 0 to 2, got 1 to 2"},
		"last":      {[]int64{0, 1}, 2, "x: expected offsets from 0 to 2, got 0 to 1"},
		"decreases": {[]int64{0, 2, 1, 2}, 2, "x: element 2: expected an offset that does not decrease, got 1"},
		"negative":  {[]int64{0, -1, 2}, 2, "x: element 1: expected an offset that does not decrease, got -1"},
		"past end":  {[]int64{0, 3, 2}, 2, "x: element 2: expected an offset that does not decrease, got 2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := checkOffsets(c.indptr, c.entries, "x")
			if message := fmt.Sprint(err); message != c.message && (err != nil || c.message != "") {
				t.Errorf("expected %q, got %q", c.message, message)
			}
		})
	}
}

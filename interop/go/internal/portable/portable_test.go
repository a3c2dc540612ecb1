package portable

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
)

// The values have the bits that Python's functions gave them; a test of Python's reads the same file.
func TestBitsAreThoseOfPython(t *testing.T) {
	text, err := os.ReadFile("testdata/bits.txt")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]func(float64) float64{"log1p": Log1p, "exp2": Exp2}
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var name string
		var x, expected uint64
		if _, err := fmt.Sscanf(line, "%s %x %x", &name, &x, &expected); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if found := math.Float64bits(functions[name](math.Float64frombits(x))); found != expected {
			t.Errorf("%s(%v): expected %016x, got %016x", name, math.Float64frombits(x), expected, found)
		}
		counts[name]++
	}
	if counts["log1p"] < 100 || counts["exp2"] < 100 {
		t.Errorf("only %v values", counts)
	}
}

// What math says is right to less than one unit in its last place, and so are these.
func TestValuesAreNearThoseOfTheLibrary(t *testing.T) {
	check := func(name string, x, found, expected float64) {
		t.Helper()
		unit := math.Nextafter(expected, math.Inf(1)) - expected
		if math.Abs(found-expected) > 2*unit && found != expected {
			t.Errorf("%s(%v): expected about %v, got %v", name, x, expected, found)
		}
	}
	for step := range 20_000 {
		x := float64(step) / 61
		check("log1p", x, Log1p(x), math.Log1p(x))
		check("exp2", -x, Exp2(-x), math.Exp2(-x))
	}
	for power := range 2098 {
		x := math.Ldexp(1.25, power-1074)
		check("log1p", x, Log1p(x), math.Log1p(x))
	}
}

// The tables are right by the digits of math/big: the logarithms by the powers, 2^(1/128) by its root.
func TestTablesAddUp(t *testing.T) {
	root := new(big.Float).SetPrec(200).SetInt64(2)
	for range 7 {
		root.Sqrt(root)
	}
	expected := new(big.Float).SetPrec(200).SetInt64(1)
	for k, power := range powers {
		sum := new(big.Float).SetPrec(200).Add(big.NewFloat(power.high), big.NewFloat(power.low))
		distance, _ := new(big.Float).Sub(sum, expected).Float64()
		if math.Abs(distance) > 0x1p-104 {
			t.Errorf("2^(%d / 128) is off by %v", k, distance)
		}
		expected.Mul(expected, root)
	}
	for position, log := range logs {
		c := float64(position + firstLog)
		if expected := math.Log(128 / c); math.Abs(log.high+log.low-expected) > 0x1p-52 {
			t.Errorf("ln(128 / %v): expected about %v, got %v", c, expected, log.high)
		}
	}
}

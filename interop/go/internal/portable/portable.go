// Package portable has logarithms and powers with the same bits on every processor: those of SPEC.md,
// section 9, operation by operation.
//
// Go may fuse a product with the sum it stands in, on some processors and not on others; the conversion
// of a product to float64 forbids it. So every product here that is added to something has one, and every
// quotient by a power of two, which becomes a product. check.sh --all looks for what slipped through.
package portable

import "math"

//go:generate sh -c "cd ../../../.. && python -m interop.tools.go_tables"

// parts is a number as the unevaluated sum of two, where one float64 is not enough.
type parts struct{ high, low float64 }

const sqrtHalf = 0x1.6a09e667f3bcdp-1

// Log1p returns ln(1 + x) of a finite x of at least 0.
func Log1p(x float64) float64 {
	y := 1 + x
	b := y - 1
	lost := (1 - (y - b)) + (x - b) // what 1 + x rounded away
	m, exponent := math.Frexp(y)
	if m < sqrtHalf {
		m *= 2
		exponent--
	}
	e := float64(exponent)
	reciprocal := math.RoundToEven(128 / m)
	c := &logs[int(reciprocal)-firstLog]
	d := reciprocal / 128
	mHigh := float64(math.RoundToEven(m*(1<<26)) / (1 << 26))
	rHigh, rLow := float64(mHigh*d)-1, float64((m-mHigh)*d)
	r := rHigh + rLow
	whole := float64(e*ln2Parts.high) + c.high
	linear := whole + r
	halfSquare := float64(float64(0.5*rHigh) * rHigh)
	high := linear - halfSquare
	low := ((whole - linear) + r) + ((linear - high) - halfSquare)
	low += float64(e*ln2Parts.low) + c.low
	low -= float64(float64(0.5*rLow) * (rHigh + r))
	low += float64(float64(float64(r*r)*r) * horner(r, logSeries))
	return high + (low + lost/y)
}

// Exp2 returns 2^x of an x that is not NaN: 0 or infinity where float64 ends.
func Exp2(x float64) float64 {
	x = min(max(x, -1100), 1100)
	s := math.RoundToEven(x * 128)
	rest := float64((x - float64(s/128)) * ln2)
	k := math.Floor(s / 128)
	power := &powers[int(s-float64(k*128))]
	grown := float64(rest * horner(rest, expSeries))
	y := power.high + (power.low + float64(power.high*grown))
	// Twice, so that both factors are normal.
	half := int(math.Floor(k / 2))
	return float64(y*math.Ldexp(1, half)) * math.Ldexp(1, int(k)-half)
}

// The coefficients from that of x^0 on.
var (
	logSeries = []float64{1.0 / 3, -1.0 / 4, 1.0 / 5, -1.0 / 6, 1.0 / 7, -1.0 / 8}
	expSeries = []float64{1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120}
)

func horner(x float64, c []float64) float64 {
	r := float64(x * c[len(c)-1])
	for index := len(c) - 2; index >= 1; index-- {
		r = float64((r + c[index]) * x)
	}
	return r + c[0]
}

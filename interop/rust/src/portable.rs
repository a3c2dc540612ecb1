//! Logarithms and powers with the same bits on every processor: those of section 9 of the format, operation by
//! operation. Rust fuses no product with a sum unless it is told to.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2};

use crate::tables::{FIRST_LOG, LN2, LOG, POW};

/// A number as the unevaluated sum of two, where one f64 is not enough.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    high: f64,
    low: f64,
}

impl Parts {
    pub(crate) const fn new(high: u64, low: u64) -> Parts {
        Parts { high: f64::from_bits(high), low: f64::from_bits(low) }
    }
}

/// Returns m in [1/2, 1) and e with m * 2^e = x, for a normal x above 0.
fn frexp(x: f64) -> (f64, i32) {
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1022;
    (f64::from_bits(bits & !(0x7ff << 52) | (1022 << 52)), exponent)
}

/// Returns 2^e, for e from -1022 to 1023.
fn power_of_two(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

fn horner<const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut r = x * c[N - 1];
    for k in (1..N - 1).rev() {
        r = (r + c[k]) * x;
    }
    r + c[0]
}

/// Returns ln(1 + x) of a finite x of at least 0.
pub(crate) fn log1p(x: f64) -> f64 {
    let y = 1.0 + x;
    let b = y - 1.0;
    let lost = (1.0 - (y - b)) + (x - b); // what 1 + x rounded away
    let (mut m, mut e) = frexp(y);
    if m < FRAC_1_SQRT_2 {
        m *= 2.0;
        e -= 1;
    }
    let e = f64::from(e);
    let c = (128.0 / m).round_ties_even();
    let log = LOG[c as usize - FIRST_LOG];
    let d = c / 128.0;
    let m_high = (m * 67_108_864.0).round_ties_even() / 67_108_864.0; // 2^26
    let r_high = m_high * d - 1.0;
    let r_low = (m - m_high) * d;
    let r = r_high + r_low;
    let whole = e * LN2.high + log.high;
    let linear = whole + r;
    let half_square = (0.5 * r_high) * r_high;
    let high = linear - half_square;
    let mut low = ((whole - linear) + r) + ((linear - high) - half_square);
    low += e * LN2.low + log.low;
    low -= (0.5 * r_low) * (r_high + r);
    low += ((r * r) * r) * horner(r, [1.0 / 3.0, -1.0 / 4.0, 1.0 / 5.0, -1.0 / 6.0, 1.0 / 7.0, -1.0 / 8.0]);
    high + (low + lost / y)
}

/// Returns 2^x of an x that is not NaN: 0 or infinity where f64 ends.
pub(crate) fn exp2(x: f64) -> f64 {
    let x = x.clamp(-1100.0, 1100.0);
    let s = (x * 128.0).round_ties_even();
    let rest = (x - s / 128.0) * LN_2;
    let k = (s / 128.0).floor();
    let power = POW[(s - k * 128.0) as usize];
    let grown = rest * horner(rest, [1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0]);
    let y = power.high + (power.low + power.high * grown);
    // Twice, so that both factors are normal.
    let half = (k / 2.0).floor();
    (y * power_of_two(half as i32)) * power_of_two((k - half) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_give_the_bits_of_the_table_of_the_suite() {
        // Computed with 60 digits from the words of the format, see interop/tools/history.py.
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../go/internal/portable/testdata/bits.txt");
        let table = std::fs::read_to_string(path).expect("the table");
        assert!(table.lines().count() > 300);
        for line in table.lines() {
            let mut words = line.split(' ');
            let name = words.next().expect("a name");
            let mut number = || u64::from_str_radix(words.next().expect("a number"), 16).expect("16 digits");
            let (x, expected) = (f64::from_bits(number()), number());
            let found = if name == "log1p" { log1p(x) } else { exp2(x) };
            assert_eq!(format!("{:016x}", found.to_bits()), format!("{expected:016x}"), "{line}");
        }
    }

    #[test]
    fn tables_are_what_their_names_say() {
        for (k, parts) in POW.iter().enumerate() {
            assert!((parts.high - (k as f64 / 128.0).exp2()).abs() < 1e-15);
        }
        for (k, parts) in LOG.iter().enumerate() {
            assert!((parts.high + parts.low - (128.0 / (k + FIRST_LOG) as f64).ln()).abs() < 1e-15);
        }
    }
}

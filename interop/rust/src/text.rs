//! Predictions as text: JSON as RFC 8785 writes it (the end of section 10 of the format).

use std::fmt::Write;

use crate::recommend::{Item, Share};

/// Appends a line of predictions with its line feed; `because` of items stands in it where it is there.
///
/// ```
/// let mut line = String::new();
/// mlcore::append_prediction(&mut line, "u", &[]);
/// assert_eq!(line, "{\"user_id\": \"u\", \"items\": []}\n");
/// ```
pub fn append_prediction(out: &mut String, user_id: &str, items: &[Item]) {
    begin_line(out, user_id);
    for (place, item) in items.iter().enumerate() {
        begin_item(out, place, &item.id, item.score, item.filled);
        if let Some(shares) = &item.because {
            out.push_str(BECAUSE);
            for (place, Share { id, share, .. }) in shares.iter().enumerate() {
                append_share(out, place, id, *share);
            }
            out.push(']');
        }
        out.push('}');
    }
    end_line(out);
}

pub(crate) fn begin_line(out: &mut String, user_id: &str) {
    out.push_str("{\"user_id\": ");
    append_string(out, user_id);
    out.push_str(", \"items\": [");
}

pub(crate) fn end_line(out: &mut String) {
    out.push_str("]}\n");
}

/// Begins an item, whose reasons and bracket follow.
pub(crate) fn begin_item(out: &mut String, place: usize, id: &str, score: f64, filled: bool) {
    append_pair(out, place, id, ", \"score\": ", score);
    if filled {
        out.push_str(", \"source\": \"popularity\"");
    }
}

pub(crate) const BECAUSE: &str = ", \"because\": [";

pub(crate) fn append_share(out: &mut String, place: usize, id: &str, share: f64) {
    append_pair(out, place, id, ", \"share\": ", share);
    out.push('}');
}

fn append_pair(out: &mut String, place: usize, id: &str, key: &str, value: f64) {
    if place > 0 {
        out.push_str(", ");
    }
    out.push_str("{\"item_id\": ");
    append_string(out, id);
    out.push_str(key);
    append_number(out, value);
}

/// Appends a JSON string with only the escapes that JSON demands.
///
/// ```
/// let mut text = String::new();
/// mlcore::append_string(&mut text, "a\"\u{1}/é");
/// assert_eq!(text, "\"a\\\"\\u0001/é\"");
/// ```
pub fn append_string(out: &mut String, text: &str) {
    out.push('"');
    let mut begin = 0;
    for (place, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[begin..place]);
        begin = place + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            // Writing to a string does not fail.
            _ => drop(write!(out, "\\u{byte:04x}")),
        }
    }
    out.push_str(&text[begin..]);
    out.push('"');
}

/// Appends the shortest text that reads back as the same f64, laid out as ECMAScript does. What JSON does not have,
/// NaN and infinities, becomes `null`.
///
/// ```
/// let mut text = String::new();
/// mlcore::append_number(&mut text, 1e21);
/// assert_eq!(text, "1e+21");
/// ```
pub fn append_number(out: &mut String, value: f64) {
    if !value.is_finite() {
        return out.push_str("null");
    }
    if value == 0.0 {
        return out.push('0'); // also for -0
    }
    let mut shortest = Shortest::of(value.abs());
    shortest.settle_tie(value.abs());
    let (text, exponent) = (shortest.digits(), shortest.exponent);
    let (first, rest) = text.split_at(1);
    let count = 1 + rest.len() as i32;
    let point = exponent + 1; // the decimal point stands after this many digits
    if value < 0.0 {
        out.push('-');
    }
    if (count..=21).contains(&point) {
        out.push_str(first);
        out.push_str(rest);
        append_zeros(out, point - count);
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = rest.split_at(exponent as usize);
        out.push_str(first);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else if (-5..=0).contains(&point) {
        out.push_str("0.");
        append_zeros(out, -point);
        out.push_str(first);
        out.push_str(rest);
    } else {
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        out.push_str(if exponent > 0 { "e+" } else { "e" });
        let _ = write!(out, "{exponent}");
    }
}

fn append_zeros(out: &mut String, count: i32) {
    out.push_str(&"000000000000000000000"[..count as usize]);
}

/// The fewest digits that read back as a number above 0, as D.DDD * 10^exponent.
struct Shortest {
    bytes: [u8; 32],
    length: usize,
    exponent: i32,
}

impl Shortest {
    fn of(value: f64) -> Shortest {
        let mut found = Shortest { bytes: [0; 32], length: 0, exponent: 0 };
        // As D[.DDD]eDD, for which the array is large enough.
        let _ = write!(found, "{value:e}");
        let end = found.digits().find('e').unwrap_or(found.length);
        found.exponent = found.digits().get(end + 1..).and_then(|text| text.parse().ok()).unwrap_or(0);
        found.length = end;
        if end > 1 {
            found.bytes.copy_within(2..end, 1); // over the point
            found.length -= 1;
        }
        found
    }

    fn digits(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// Takes the even one of two texts that are as short and as close to the number; Rust takes the larger one.
    ///
    /// With a unit of 10^e of the last digit, the number is N + 1/2 units. It is m * 2^q for an odd m, so q is e - 1, and
    /// m is (2 N + 1) * 5^e. Fewer than 16 digits have no two such texts.
    fn settle_tie(&mut self, value: f64) {
        let bits = value.to_bits();
        let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
        let e = self.exponent + 1 - self.length as i32;
        if self.length < 16 || biased == 0 {
            return;
        }
        let m = fraction | 1 << 52;
        let (m, q) = (m >> m.trailing_zeros(), biased - 1075 + m.trailing_zeros() as i32);
        let power = 5u128.checked_pow(e.unsigned_abs()).unwrap_or(0);
        if q != e - 1 || power == 0 {
            return;
        }
        let m = u128::from(m);
        let doubled = match e {
            0.. if m % power == 0 => Some(m / power),
            0.. => None,
            _ => m.checked_mul(power),
        };
        let Some(doubled) = doubled else { return };
        let even = doubled / 2 + ((doubled / 2) & 1);
        let mut settled = Shortest { bytes: [0; 32], length: 0, exponent: self.exponent };
        let _ = write!(settled, "{even}e{e}");
        // Next to a power of two the lower one of both may belong to another number.
        if settled.digits().parse() == Ok(value) && settled.bytes[..self.length] != self.bytes[..self.length] {
            settled.length = self.length;
            *self = settled;
        }
    }
}

impl Write for Shortest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_change_form_where_ecmascript_does() {
        for (value, text) in [
            (1e20, "100000000000000000000"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e-6, "0.0000015"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1.25e-7, "-1.25e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5_699_815_695_124_825.0 / 4.0, "1424953923781206.2"), // of two that are as close the even one
            (5_699_815_695_124_827.0 / 4.0, "1424953923781206.8"),
            (0.5f64.powi(24), "5.960464477539063e-8"), // the even one is that of another number
            (-0.0, "0"),
            (-10.5, "-10.5"),
            (f64::NAN, "null"),
        ] {
            let mut found = String::new();
            append_number(&mut found, value);
            assert_eq!(found, text);
        }
    }
}

//! Moments in whole microseconds since 1970 UTC, of the years 1 to 9999.

use std::ops::RangeInclusive;

/// The years 1 to 9999.
const MOMENTS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

pub(crate) fn is_moment(microseconds: i64) -> bool {
    MOMENTS.contains(&microseconds)
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the day that some have more is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Reads a time that stands exactly as `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let layout = b"0000-00-00T00:00:00.000000Z";
    let bytes = text.as_bytes();
    let fits = |(byte, layout): (&u8, &u8)| if *layout == b'0' { byte.is_ascii_digit() } else { byte == layout };
    if bytes.len() != layout.len() || !bytes.iter().zip(layout).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    if year < 1 || !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let day_number = days(year, month, day);
    if day_number >= days(next.0, next.1, 1) {
        return None;
    }
    Some((((day_number * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + number(20, 26)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_microsecond() {
        for (text, microseconds) in [
            ("1970-01-01T00:00:00.000000Z", Some(0)),
            ("0001-01-01T00:00:00.000000Z", Some(*MOMENTS.start())),
            ("9999-12-31T23:59:59.999999Z", Some(*MOMENTS.end())),
            ("2000-02-29T12:00:00.000001Z", Some(951_825_600_000_001)),
            ("1969-12-31T23:59:59.999999Z", Some(-1)),
            ("1900-02-29T00:00:00.000000Z", None),
            ("2023-04-31T00:00:00.000000Z", None),
            ("0000-01-01T00:00:00.000000Z", None),
            ("2023-13-01T00:00:00.000000Z", None),
            ("2023-01-01T24:00:00.000000Z", None),
            ("2023-01-01T00:00:60.000000Z", None),
            ("2023-01-01 00:00:00.000000Z", None),
            ("2023-01-01T00:00:00.000000", None),
            ("+023-01-01T00:00:00.000000Z", None),
            ("2023-01-01T00:00:00.00000éZ", None),
        ] {
            assert_eq!(parse(text), microseconds, "{text}");
        }
    }
}

//! A moment.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Duration;

const DAY: i64 = 86_400_000;

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Written and read as RFC 3339.
///
/// ```
/// use lockgate_plugin::time::Timestamp;
///
/// let opening: Timestamp = "2026-11-24T21:00:00+01:00".parse()?;
/// assert_eq!(opening.as_millis(), 1_795_550_400_000);
/// assert_eq!(opening.to_string(), "2026-11-24T20:00:00Z");
/// # Ok::<(), lockgate_plugin::time::ParseTimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many milliseconds after 1970-01-01T00:00:00Z, or before it if negative.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment that much later, or the last possible one.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis()))
    }

    /// How much later this is than `earlier`. Zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<i64> for Timestamp {
    fn from(millis: i64) -> Self {
        Self(millis)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, in_day) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match in_day % 1000 {
            0 => f.write_str("Z"),
            millis => write!(f, ".{millis:03}Z"),
        }
    }
}

/// Why a text is not a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTimestampError(String);

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a time: write it as RFC 3339 with an offset, for example `2026-11-24T20:00:00Z`", self.0)
    }
}

impl std::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| ParseTimestampError(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A point in time, as RFC 3339 with an offset: `2026-11-24T20:00:00Z`."
        })
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Counts in eras of 400 years, each of 146,097 days, that begin on 1 March, so that a leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The day, counted from 1970-01-01, or none if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let shifted = year - i64::from(month <= 2);
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

/// Milliseconds of an RFC 3339 text; finer digits are cut off. A leap second is not accepted: the contract has none.
fn parse(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4)?;
    mark(&mut rest, b"-")?;
    let month = digits(&mut rest, 2)?;
    mark(&mut rest, b"-")?;
    let day = digits(&mut rest, 2)?;
    mark(&mut rest, b"Tt ")?;
    let hour = digits(&mut rest, 2).filter(|hour| *hour < 24)?;
    mark(&mut rest, b":")?;
    let minute = digits(&mut rest, 2).filter(|minute| *minute < 60)?;
    mark(&mut rest, b":")?;
    let second = digits(&mut rest, 2).filter(|second| *second < 60)?;
    let millis = if mark(&mut rest, b".").is_some() { fraction(&mut rest)? } else { 0 };
    let offset = match mark(&mut rest, b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = digits(&mut rest, 2).filter(|hours| *hours < 24)?;
            mark(&mut rest, b":")?;
            let minutes = digits(&mut rest, 2).filter(|minutes| *minutes < 60)?;
            let offset = (hours * 60 + minutes) * 60_000;
            if sign == b'+' { offset } else { -offset }
        }
        _ => 0,
    };
    if !rest.is_empty() || !(1..=12).contains(&month) {
        return None;
    }
    Some(days(year, month, day)? * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + millis - offset)
}

/// Takes one byte out of `allowed`.
fn mark(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    if !allowed.contains(first) {
        return None;
    }
    *rest = tail;
    Some(*first)
}

/// Takes exactly that many decimal digits.
fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (number, tail) = rest.split_at_checked(count)?;
    let value =
        number.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))?;
    *rest = tail;
    Some(value)
}

/// Takes a decimal fraction of a second, at least one digit, and gives its milliseconds.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, tail) = rest.split_at_checked(count).filter(|(number, _)| !number.is_empty())?;
    *rest = tail;
    let padded = number.iter().copied().chain([b'0', b'0']).take(3);
    Some(padded.fold(0, |value, byte| value * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn millis(text: &str) -> Option<i64> {
        text.parse::<Timestamp>().ok().map(Timestamp::as_millis)
    }

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59.999Z", "1969-12-31T23:59:59Z", "2000-03-01T12:30:00Z"]
        {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn known_moments_have_known_milliseconds() {
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2001-09-09T01:46:40Z"), Some(1_000_000_000_000));
        assert_eq!(millis("1969-12-31T23:59:59.999Z"), Some(-1));
        assert_eq!(millis("2001-09-09T03:46:40.5+02:00"), Some(1_000_000_000_500));
        assert_eq!(millis("2001-09-08t21:46:40.0009-04:00"), Some(1_000_000_000_000));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T20:00:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T20:00:00.Z",
            "2026-11-24T20:00:00Zx",
            "2026-11-24T20:00:60Z",
            "2026-11-24T20:00:00+2:00",
            "２026-11-24T20:00:00Z",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_time_can_be_written() {
        assert!(Timestamp::from_millis(i64::MAX).to_string().ends_with('Z'));
        assert!(Timestamp::from_millis(i64::MIN).to_string().ends_with('Z'));
        assert_eq!(Timestamp::from_millis(i64::MAX).saturating_add(Duration::from_millis(1)).as_millis(), i64::MAX);
    }
}

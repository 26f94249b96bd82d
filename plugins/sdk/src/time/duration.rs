//! A length of time.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Each unit, longest first, with its milliseconds.
const UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A length of time in milliseconds, never negative. Written as amounts with units, longest first: `10m`, `1h 30m`, `90d`.
///
/// The units are `w`, `d`, `h`, `m`, `s` and `ms`; a day is 24 hours.
///
/// ```
/// use lockgate_plugin::time::Duration;
///
/// let hold: Duration = "1h 30m".parse()?;
/// assert_eq!(hold.as_millis(), 5_400_000);
/// assert_eq!(hold.to_string(), "1h 30m");
/// # Ok::<(), lockgate_plugin::time::ParseDurationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// That many milliseconds. A negative number gives no time at all.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    /// The length in milliseconds, as the contract has it.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        let mut space = "";
        // Weeks are read but not written: 14d says more to most people than 2w.
        for (unit, millis) in UNITS.into_iter().filter(|(unit, _)| *unit != "w") {
            if rest >= millis {
                write!(f, "{space}{}{unit}", rest / millis)?;
                rest %= millis;
                space = " ";
            }
        }
        Ok(())
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDurationError(String);

impl fmt::Display for ParseDurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a duration: write amounts with the units w, d, h, m, s or ms, longest first, \
             for example `90d` or `1h 30m`",
            self.0
        )
    }
}

impl std::error::Error for ParseDurationError {}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| ParseDurationError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total: i64 = 0;
    let mut units = UNITS.as_slice();
    while !rest.is_empty() {
        let (amount, tail) = rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?;
        let amount: i64 = amount.parse().ok()?;
        let (unit, tail) = tail.split_at_checked(tail.bytes().take_while(u8::is_ascii_lowercase).count())?;
        // Each unit once, and each shorter than the one before: `30m 1h` and `5m 5m` are typing errors.
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let (_, millis) = units.get(place)?;
        total = total.checked_add(amount.checked_mul(*millis)?)?;
        units = units.get(place + 1..)?;
        rest = tail.trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "lockgate-duration",
            "description": "A duration: `10m`, `1h 30m`, `90d`. Units: w, d, h, m, s, ms; a day is 24 hours."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<i64> {
        text.parse::<Duration>().ok().map(Duration::as_millis)
    }

    #[test]
    fn amounts_with_units_add_up() {
        assert_eq!(millis("10m"), Some(600_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis(" 2w 1d 4h 5m 6s 7ms "), Some(1_310_706_007));
        assert_eq!(millis("0s"), Some(0));
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in ["", "10", "m", "-5m", "1.5h", "30m 1h", "5m 5m", "10 m", "10min", "300000000000w"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_length_is_written_in_the_longest_units() {
        assert_eq!(Duration::from_millis(5_400_000).to_string(), "1h 30m");
        assert_eq!(Duration::from_millis(1_209_600_001).to_string(), "14d 1ms");
        assert_eq!(Duration::from_millis(0).to_string(), "0s");
    }
}

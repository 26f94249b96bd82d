//! Moments, lengths of time and windows, to the millisecond: the precision that the plugin contract carries.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a moment or a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("`{0}` is not a time: write it as RFC 3339 with an offset, for example `2026-11-24T20:00:00Z`")]
    Timestamp(String),
    /// Not a length of time.
    #[error(
        "`{0}` is not a length of time: write it in days, hours, minutes and seconds, for example `90d` or `1h 30m`"
    )]
    Duration(String),
}

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. In JSON an RFC 3339 text; finer digits are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many milliseconds after 1970-01-01T00:00:00Z, as near as year −9999 to 9999 allows.
    pub fn from_millis(millis: i64) -> Self {
        // In whole seconds: within the last second jiff knows nanoseconds, and yet no later millisecond.
        let (low, high) = (jiff::Timestamp::MIN.as_second() * 1000, jiff::Timestamp::MAX.as_second() * 1000);
        Self(millis.clamp(low, high))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The current time of this machine.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// The moment that much later, or the last one there is.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        match text.parse::<jiff::Timestamp>() {
            Ok(timestamp) => Ok(Self::from_millis(timestamp.as_millisecond())),
            Err(_) => Err(TimeError::Timestamp(text.to_owned())),
        }
    }
}

/// A length of time in milliseconds. In JSON a text such as `90d`, `1h 30m` or `PT15M`; a day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Duration {
    /// The longest that can be written and read: some twenty thousand years. There is no moment that much later.
    pub const LONGEST: Self = Self(7_304_484 * 86_400_000);

    /// That many milliseconds, or as many as there can be.
    pub const fn from_millis(millis: u64) -> Self {
        if millis < Self::LONGEST.0 { Self(millis) } else { Self::LONGEST }
    }

    /// The length in milliseconds.
    pub fn as_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.0 / 86_400_000, "d"),
            (self.0 / 3_600_000 % 24, "h"),
            (self.0 / 60_000 % 60, "m"),
            (self.0 / 1000 % 60, "s"),
            (self.0 % 1000, "ms"),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut space = "";
        for (amount, unit) in parts.into_iter().filter(|(amount, _)| *amount > 0) {
            write!(f, "{space}{amount}{unit}")?;
            space = " ";
        }
        Ok(())
    }
}

impl FromStr for Duration {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Duration(text.to_owned());
        let span: jiff::Span = text.parse().map_err(|_| wrong())?;
        let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
        let length = u64::try_from(length.as_millis()).map(Self).map_err(|_| wrong())?;
        if length <= Self::LONGEST { Ok(length) } else { Err(wrong()) }
    }
}

/// A span of time: `start` is in it, `end` is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeWindow {
    /// The first moment in it.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl TimeWindow {
    /// Whether the moment lies in the window.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }

    /// Whether the whole of the other window lies in this one; one that ends before it starts lies in none.
    pub fn encloses(&self, other: &TimeWindow) -> bool {
        self.start <= other.start && other.start <= other.end && other.end <= self.end
    }
}

macro_rules! as_text {
    ($type:ty, $schema:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

as_text!(
    Timestamp,
    json_schema!({
        "type": "string",
        "format": "date-time",
        "description": "A moment, in RFC 3339 with an offset. Digits finer than milliseconds are cut off."
    })
);
as_text!(
    Duration,
    json_schema!({
        "type": "string",
        "description": "A length of time in days (of 24 hours), hours, minutes, seconds and milliseconds.",
        "examples": ["90d", "1h 30m", "PT15M"]
    })
);

pub(crate) use as_text;

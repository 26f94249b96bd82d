//! Moments, durations and windows, to the millisecond: the precision of the plugin contract.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{DateTime, datetime};
use jiff::fmt::temporal::Pieces;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The moment from which time is counted, in UTC.
const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);

/// Why a text is not a moment or a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The text is not a time in the form of RFC 3339.
    #[error("`{0}` is not a time: write it as RFC 3339 with an offset, for example `2026-11-24T20:00:00Z`")]
    Timestamp(String),
    /// The offset is not valid.
    #[error(
        "`{0}` has an offset that RFC 3339 does not know: it is `Z`, or from `-23:59` to `+23:59`, for example `+01:00`"
    )]
    Offset(String),
    /// The moment is before the first or after the last one that can be kept.
    #[error("`{0}` is not a moment of the calendar: the last one is `9999-12-31T23:59:59.999Z`")]
    Range(String),
    /// The text is not a duration.
    #[error(
        "`{0}` is not a length of time: write amounts with the units w, d, h, m, s or ms, longest first, for example `90d` or \
         `1h 30m`"
    )]
    Duration(String),
    /// The duration is longer than the longest one.
    #[error("`{0}` is too long: a length of time is from `0s` to `{longest}`", longest = Duration::LONGEST)]
    TooLong(String),
    /// The duration has no unit.
    #[error("`{0}` needs a unit, for example `{0}s`")]
    Unit(String),
}

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. In JSON an RFC 3339 text; finer digits are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after 1970-01-01T00:00:00Z, limited to the years −9999 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        let (low, high) = (DateTime::MIN.duration_since(EPOCH), DateTime::MAX.duration_since(EPOCH));
        let moment = SignedDuration::from_millis(millis).clamp(low, high);
        // A limited moment has at most as many milliseconds as the given one.
        Self(i64::try_from(moment.as_millis()).unwrap_or(millis))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The current time of this machine.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// The moment that much later, or the last possible one.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The moment that much earlier, or the first possible one.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match EPOCH.checked_add(SignedDuration::from_millis(self.0)) {
            // No fraction, or three digits: some languages read no other.
            Ok(moment) if self.0 % 1000 == 0 => write!(f, "{moment}Z"),
            Ok(moment) => write!(f, "{moment:.3}Z"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Timestamp(text.to_owned());
        if offset_hours(text).is_some_and(|hours| hours > 23) {
            return Err(TimeError::Offset(text.to_owned()));
        }
        let pieces = Pieces::parse(text).map_err(|_| wrong())?;
        let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else { return Err(wrong()) };
        if pieces.time_zone_annotation().is_some() {
            return Err(wrong());
        }
        if offset.seconds() % 60 != 0 {
            return Err(TimeError::Offset(text.to_owned()));
        }
        // In UTC and without a time zone: jiff's own timestamps end a day before the calendar does.
        let moment = pieces.date().to_datetime(time).checked_sub(SignedDuration::from_secs(offset.seconds().into()));
        let moment = moment.map_err(|_| TimeError::Range(text.to_owned()))?.duration_since(EPOCH);
        // Rounds towards the past, before 1970 as well.
        let millis = moment.as_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map(Self).map_err(|_| TimeError::Range(text.to_owned()))
    }
}

/// The hours of a numeric offset.
fn offset_hours(text: &str) -> Option<u8> {
    let (_, time) = text.split_once(['T', 't', ' '])?;
    let (_, offset) = time.split_once(['+', '-'])?;
    offset.get(..2)?.parse().ok()
}

/// A duration in milliseconds. In JSON a text: amounts with units, longest first, such as `90d` or `1h 30m`; a day has
/// 24 hours. The settings of plugins use the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Duration {
    /// The longest duration that can be written and read: some twenty thousand years. No moment is that much later.
    pub const LONGEST: Self = Self(7_304_484 * 86_400_000);

    /// A duration of this many milliseconds, or the longest one.
    pub const fn from_millis(millis: u64) -> Self {
        if millis < Self::LONGEST.0 { Self(millis) } else { Self::LONGEST }
    }

    /// The duration in milliseconds.
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
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TimeError::Unit(text.to_owned()));
        }
        let millis = millis_of(text).ok_or_else(|| TimeError::Duration(text.to_owned()))?;
        match u64::try_from(millis).map(Self) {
            Ok(length) if length <= Self::LONGEST => Ok(length),
            _ => Err(TimeError::TooLong(text.to_owned())),
        }
    }
}

/// Each unit of a duration, longest first, with its milliseconds.
const UNITS: [(&str, u128); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// The milliseconds of a duration, however long. None if the text is not a duration.
fn millis_of(text: &str) -> Option<u128> {
    let (mut rest, mut total, mut units) = (text.trim(), 0_u128, UNITS.as_slice());
    loop {
        let (amount, tail) = rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?;
        let (unit, tail) = tail.split_at_checked(tail.bytes().take_while(u8::is_ascii_lowercase).count())?;
        // Each unit once, and each shorter than the one before: `30m 1h` and `5m 5m` are typing errors.
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let (_, millis) = units.get(place)?;
        // Digits that do not fit into the number are too many.
        let amount = if amount.is_empty() { None } else { Some(amount.parse::<u128>().unwrap_or(u128::MAX)) }?;
        total = total.saturating_add(amount.saturating_mul(*millis));
        units = units.get(place + 1..)?;
        rest = tail.trim_start();
        if rest.is_empty() {
            return Some(total);
        }
    }
}

/// A time window, which includes `start` and excludes `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "WrittenWindow")]
#[schemars(!try_from)]
pub struct TimeWindow {
    /// The first moment in the window (RFC 3339).
    pub start: Timestamp,
    /// The first moment after the window (RFC 3339).
    pub end: Timestamp,
}

/// A time window as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWindow {
    start: Timestamp,
    end: Timestamp,
}

impl TryFrom<WrittenWindow> for TimeWindow {
    type Error = String;

    fn try_from(written: WrittenWindow) -> Result<Self, String> {
        let WrittenWindow { start, end } = written;
        match start < end {
            true => Ok(Self { start, end }),
            false => Err(format!("the time window ends at {end} and begins at {start}: it has to end after it begins")),
        }
    }
}

impl TimeWindow {
    /// Whether the moment lies in the window.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }

    /// Whether the other window lies completely in this one.
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

        as_text!(read $type, $schema);
    };
    (read $type:ty, $schema:expr) => {
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
/// Whole seconds if it has no fraction, else milliseconds: every policy language reads that, and few read days.
impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1000 {
            0 => serializer.collect_str(&format_args!("{}s", self.0 / 1000)),
            _ => serializer.collect_str(&format_args!("{}ms", self.0)),
        }
    }
}

as_text!(
    read Duration,
    json_schema!({
        "type": "string",
        "description": "A length of time: `10m`, `1h 30m`, `90d`. Units: w, d, h, m, s, ms, longest first; a day is 24 hours. It is written as whole seconds, `5400s`, or as milliseconds, `1500ms`.",
        "examples": ["90d", "1h 30m"]
    })
);

pub(crate) use as_text;

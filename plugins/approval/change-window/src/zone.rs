//! A time zone: from what the clock on the wall shows to moments, and back.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::span::{Span, merged};

/// More than any offset from UTC, in milliseconds.
const MORE_THAN_ANY_OFFSET: i64 = 26 * 3_600_000;

/// Names that databases have for a clock that nobody has set, and for what the host has.
const NO_PLACES: [&str; 5] = ["Factory", "Etc/Unknown", "leapseconds", "localtime", "posixrules"];

/// A time zone.
#[derive(Debug)]
pub(crate) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of that IANA name, from the database that is built in. None for a name that stands for no place and no
    /// offset: [`NO_PLACES`].
    pub(crate) fn named(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        let is_no_place = zone.is_unknown() || NO_PLACES.iter().any(|no_place| no_place.eq_ignore_ascii_case(&name));
        (!is_no_place).then_some(Self { name, zone })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the clock on the wall shows at that moment.
    pub(crate) fn wall_clock(&self, moment: i64) -> DateTime {
        self.zone.to_datetime(timestamp(moment))
    }

    /// All moments at which the clock on the wall shows a time from `start` on and before `end`.
    ///
    /// Where the clock is put back, a time is shown twice, and both moments belong to it; where it is put forward, what
    /// is skipped has no moment. So the answer can be in several pieces, and can be empty.
    pub(crate) fn moments(&self, start: DateTime, end: DateTime) -> Vec<Span> {
        let (start, end) = (wall_millis(start), wall_millis(end));
        let mut from = start.saturating_sub(MORE_THAN_ANY_OFFSET);
        let until = end.saturating_add(MORE_THAN_ANY_OFFSET);
        let mut offset = self.zone.to_offset(timestamp(from));
        let mut found = Vec::new();
        let mut piece = |from: i64, until: i64, offset: Offset| {
            let offset = i64::from(offset.seconds()) * 1000;
            found.extend(Span::new(from.max(start - offset), until.min(end - offset)));
        };
        for transition in self.zone.following(timestamp(from)) {
            let change = transition.timestamp().as_millisecond();
            if change >= until {
                break;
            }
            piece(from, change, offset);
            (from, offset) = (change, transition.offset());
        }
        piece(from, until, offset);
        merged(found)
    }
}

/// The nearest moment that the calendar knows.
fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The time on the wall, counted as if it were UTC.
fn wall_millis(time: DateTime) -> i64 {
    Offset::UTC.to_timestamp(time).map(Timestamp::as_millisecond).unwrap_or(i64::MAX / 2)
}

//! Where a named span of time begins or ends, as an operator writes it.
//!
//! What is not understood wholly is refused: a part that would be read and dropped, such as an offset, would move a
//! blackout without a word.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// Which end of a span a text is for: a date that ends something is its last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    Begin,
    End,
}

/// Where a span begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// What the clock shows in the time zone of the settings.
    Local(DateTime),
    /// A moment, in milliseconds: it was written with its offset.
    Moment(i64),
    /// A day of each year, in the time zone of the settings.
    Yearly(YearlyBoundary),
}

/// A day of each year, with a time or as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct YearlyBoundary {
    month: i8,
    day: i8,
    time: Option<Time>,
}

impl YearlyBoundary {
    /// The boundary in that year. Where the year has no 29 February, 1 March begins instead.
    pub(crate) fn in_year(self, year: i16, edge: Edge) -> Option<DateTime> {
        match Date::new(year, self.month, self.day) {
            Ok(date) => on(date, self.time, edge),
            Err(_) => Date::new(year, 3, 1).ok().map(DateTime::from),
        }
    }
}

/// The boundary that the text names, or what is wrong with it.
pub(crate) fn boundary(text: &str, edge: Edge) -> Result<Boundary, String> {
    if text.contains('[') {
        return Err(format!(
            "`{text}` has a time zone in brackets: write the time as the clock shows it in `time-zone`, or with its \
             offset, for example `2026-12-20T18:00-05:00`"
        ));
    }
    read(text, edge).ok_or_else(|| {
        format!(
            "`{text}` is neither a date nor a time: write `2026-12-20`, or `2026-12-20T18:00` as the clock shows it in \
             `time-zone`, or `2026-12-20T18:00-05:00` with its offset, or `12-20` for each year"
        )
    })
}

fn read(text: &str, edge: Edge) -> Option<Boundary> {
    let (date, rest) = match text.split_once(['T', 't', ' ']) {
        Some((date, rest)) => (date, Some(rest)),
        None => (text, None),
    };
    let (clock, offset) = match rest.map(split_offset) {
        Some((clock, offset)) => (Some(time(clock)?), offset),
        None => (None, None),
    };
    match date.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] => {
            let date = Date::new(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?).ok()?;
            let local = on(date, clock, edge)?;
            match offset {
                None => Some(Boundary::Local(local)),
                Some(offset) => moment(local, offset).map(Boundary::Moment),
            }
        }
        [month, day] if offset.is_none() => {
            let (month, day) = (digits(month, 2)?, digits(day, 2)?);
            // A leap year has all days.
            Date::new(2000, month, day).ok()?;
            Some(Boundary::Yearly(YearlyBoundary { month, day, time: clock }))
        }
        _ => None,
    }
}

/// That time on that day; for a whole day, the midnight at which it begins or ends.
fn on(date: Date, time: Option<Time>, edge: Edge) -> Option<DateTime> {
    match (time, edge) {
        (Some(time), _) => Some(date.to_datetime(time)),
        (None, Edge::Begin) => Some(DateTime::from(date)),
        (None, Edge::End) => date.tomorrow().ok().map(DateTime::from),
    }
}

fn split_offset(text: &str) -> (&str, Option<&str>) {
    match text.find(['Z', 'z', '+', '-']).and_then(|at| text.split_at_checked(at)) {
        Some((clock, offset)) => (clock, Some(offset)),
        None => (text, None),
    }
}

/// `HH:MM`, `HH:MM:SS`, or with a fraction down to the millisecond.
fn time(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, *second),
        _ => return None,
    };
    let (second, nanos) = match second.split_once('.') {
        Some((second, fraction)) => (second, nanos(fraction)?),
        None => (second, 0),
    };
    Time::new(digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?, nanos).ok()
}

/// A fraction of a second; none if it says more than whole milliseconds.
fn nanos(fraction: &str) -> Option<i32> {
    let length = u32::try_from(fraction.len()).ok().filter(|length| (1..=9).contains(length))?;
    let nanos = digits::<i32>(fraction, fraction.len())?.checked_mul(10_i32.pow(9 - length))?;
    (nanos % 1_000_000 == 0).then_some(nanos)
}

/// What the clock at that offset, `Z` or `-05:00`, shows as `local`.
fn moment(local: DateTime, offset: &str) -> Option<i64> {
    let seconds = if offset.eq_ignore_ascii_case("z") {
        0
    } else {
        let (sign, size) = match (offset.strip_prefix('+'), offset.strip_prefix('-')) {
            (Some(size), _) => (1, size),
            (_, Some(size)) => (-1, size),
            _ => return None,
        };
        let (hours, minutes) = size.split_once(':')?;
        let (hours, minutes) = (digits::<i32>(hours, 2)?, digits::<i32>(minutes, 2)?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))?
    };
    let offset = Offset::from_seconds(seconds).ok()?;
    offset.to_timestamp(local).ok().map(jiff::Timestamp::as_millisecond)
}

/// A number of exactly so many digits.
pub(crate) fn digits<T: std::str::FromStr>(text: &str, length: usize) -> Option<T> {
    let whole = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| text.parse().ok()).flatten()
}

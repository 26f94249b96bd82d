//! When it is open: weekly windows and single ones, without the blackouts.

use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::span::{Span, merged, without};
use crate::zone::Zone;

const DAY: i64 = 86_400_000;

/// How far the next opening is looked for, in days: long enough for a window that opens on one weekday and a blackout
/// that lasts a year.
pub(crate) const HORIZON: i64 = 400;

/// A window that comes back each week.
#[derive(Debug)]
pub(crate) struct Weekly {
    pub(crate) days: Vec<Weekday>,
    /// In minutes since midnight.
    pub(crate) from: u16,
    /// In minutes since the same midnight: more than 1440 is on the day after.
    pub(crate) to: u16,
}

/// A time in which nothing is deployed.
#[derive(Debug)]
pub(crate) struct Blackout {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// When it is open.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub(crate) zone: Zone,
    weekly: Vec<Weekly>,
    office_hours: Vec<Weekly>,
    once: Vec<Span>,
    blackouts: Vec<Blackout>,
    /// The time of all blackouts.
    closed: Vec<Span>,
}

impl Calendar {
    pub(crate) fn new(
        zone: Zone,
        weekly: Vec<Weekly>,
        office_hours: Vec<Weekly>,
        once: Vec<Span>,
        blackouts: Vec<Blackout>,
    ) -> Self {
        let closed = merged(blackouts.iter().map(|blackout| blackout.span).collect());
        Self { zone, weekly, office_hours, once, blackouts, closed }
    }

    /// The blackout that the moment lies in; of several, the one that lasts longest.
    pub(crate) fn blackout(&self, moment: i64) -> Option<&Blackout> {
        let around = self.blackouts.iter().filter(|blackout| blackout.span.contains(moment));
        around.max_by_key(|blackout| blackout.span.end)
    }

    /// When the blackouts that follow on each other from that moment on are over.
    pub(crate) fn closed_until(&self, moment: i64) -> Option<i64> {
        self.closed.iter().find(|span| span.contains(moment)).map(|span| span.end)
    }

    /// The first time that is open from `from` on, up to when it closes. `office` says whether office hours count.
    /// None within [`HORIZON`] days.
    pub(crate) fn next(&self, from: i64, office: bool) -> Option<Span> {
        // Most of the time the answer lies in the next days: look there first.
        for days in [3, 35] {
            let until = from.saturating_add(days * DAY);
            let found = self.open(Span::new(from, until)?, office).first().copied();
            if let Some(span) = found.filter(|span| span.end < until) {
                return Some(span);
            }
        }
        self.open(Span::new(from, from.saturating_add(HORIZON * DAY))?, office).first().copied()
    }

    /// The time in `within` that is open, in order.
    pub(crate) fn open(&self, within: Span, office: bool) -> Vec<Span> {
        let mut windows = Vec::new();
        if self.weekly.is_empty() && self.once.is_empty() {
            windows.push(within);
        }
        windows.extend(&self.once);
        let office_hours: &[Weekly] = if office { &self.office_hours } else { &[] };
        let weekly: Vec<&Weekly> = self.weekly.iter().chain(office_hours).collect();
        if !weekly.is_empty() {
            // A window that opened on the day before may still be open.
            let first = self.zone.wall_clock(within.start).date().yesterday();
            let last = self.zone.wall_clock(within.end).date();
            let days = first.into_iter().flat_map(|first| first.series(jiff::Span::new().days(1)));
            for date in days.take_while(|date| *date <= last) {
                for window in weekly.iter().filter(|window| window.days.contains(&date.weekday())) {
                    windows.extend(self.weekly_on(window, date));
                }
            }
        }
        let windows = windows.into_iter().filter_map(|window| window.common(within)).collect();
        without(&merged(windows), &self.closed)
    }

    /// The window that opens on that day.
    fn weekly_on(&self, window: &Weekly, date: Date) -> Vec<Span> {
        match (at(date, window.from), at(date, window.to)) {
            (Some(start), Some(end)) => self.zone.moments(start, end),
            // Beyond the last day of the calendar.
            _ => Vec::new(),
        }
    }
}

/// So many minutes after the midnight at which the day begins.
fn at(date: Date, minutes: u16) -> Option<DateTime> {
    let date = match minutes / 1440 {
        0 => Some(date),
        days => date.checked_add(jiff::Span::new().days(i64::from(days))).ok(),
    }?;
    let (hour, minute) = (i8::try_from(minutes % 1440 / 60).ok()?, i8::try_from(minutes % 60).ok()?);
    Some(DateTime::from_parts(date, Time::new(hour, minute, 0, 0).ok()?))
}

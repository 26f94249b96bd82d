//! When it is open: weekly windows and single ones, without the blackouts.

use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::blackout::{Blackout, Blackouts};
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
    pub(crate) until: u16,
}

/// When it is open.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub(crate) zone: Zone,
    weekly: Vec<Weekly>,
    office_hours: Vec<Weekly>,
    once: Vec<Span>,
    blackouts: Blackouts,
}

impl Calendar {
    pub(crate) fn new(
        zone: Zone,
        weekly: Vec<Weekly>,
        office_hours: Vec<Weekly>,
        once: Vec<Span>,
        blackouts: Blackouts,
    ) -> Self {
        Self { zone, weekly, office_hours, once, blackouts }
    }

    /// The blackouts that hold at that moment, the one that lasts longest first.
    pub(crate) fn blackouts_at(&self, moment: i64) -> Vec<Blackout<'_>> {
        Span::new(moment, moment.saturating_add(1)).map(|now| self.blackouts_in(now)).unwrap_or_default()
    }

    /// The blackouts that hold at some time of the span, each once, the one that lasts longest first.
    pub(crate) fn blackouts_in(&self, span: Span) -> Vec<Blackout<'_>> {
        let mut found = self.blackouts.touching(&self.zone, span);
        found.sort_by_key(|blackout| std::cmp::Reverse(blackout.span.end));
        let mut once: Vec<Blackout<'_>> = Vec::new();
        for blackout in found {
            if once.iter().all(|known| known.name != blackout.name) {
                once.push(blackout);
            }
        }
        once
    }

    /// When the blackouts that follow on each other from that moment on are over, as far as the next [`HORIZON`] days say.
    pub(crate) fn closed_until(&self, moment: i64) -> Option<i64> {
        let closed = self.blackouts.closed(&self.zone, Span::new(moment, moment.saturating_add(HORIZON * DAY))?);
        closed.iter().find(|span| span.contains(moment)).map(|span| span.end)
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
        without(&self.windows(within, office), &self.blackouts.closed(&self.zone, within))
    }

    /// Whether a window is open at that moment, whatever the blackouts say.
    pub(crate) fn in_window(&self, moment: i64, office: bool) -> bool {
        Span::new(moment, moment.saturating_add(1)).is_some_and(|now| !self.windows(now, office).is_empty())
    }

    /// The time in `within` that lies in windows, in order, whatever the blackouts say.
    pub(crate) fn windows(&self, within: Span, office: bool) -> Vec<Span> {
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
        merged(windows.into_iter().filter_map(|window| window.common(within)).collect())
    }

    /// The window that opens on that day.
    fn weekly_on(&self, window: &Weekly, date: Date) -> Vec<Span> {
        match (at(date, window.from), at(date, window.until)) {
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

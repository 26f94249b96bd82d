//! What an operator writes, and the calendar that it makes.

use jiff::civil::{DateTime, Weekday};
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::blackout::{Blackouts, Yearly};
use crate::boundary::{Boundary, Edge, boundary, digits};
use crate::calendar::{Calendar, Weekly};
use crate::span::Span;
use crate::zone::Zone;

/// The times at which deployments may run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The time zone of all times in these settings, by its IANA name, for example `Europe/Berlin`.
    time_zone: String,
    /// Windows that repeat each week. Without any window, deployments may run at all times except in blackouts.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    weekly: Vec<WeeklyWindow>,
    /// Windows that open once.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    once: Vec<NamedSpan>,
    /// Windows that repeat each week, only for plans that use the office-hours exception.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    office_hours: Vec<WeeklyWindow>,
    /// Blackouts: times at which no deployment may run, even in a window.
    #[serde(default)]
    #[schemars(extend("format" = "lockgate-periods", "uniqueItems" = true))]
    blackouts: Vec<NamedSpan>,
    /// The rule for emergency changes.
    #[serde(default)]
    pub(crate) emergency: Emergency,
    /// Whether the deployment must also run in the window that its own change planned.
    #[serde(default = "yes")]
    pub(crate) planned_window: bool,
}

/// A window that repeats each week.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WeeklyWindow {
    /// The days of the week on which the window opens.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    days: Vec<Day>,
    /// The time at which the window opens, for example `20:00`.
    from: String,
    /// The time at which the window closes, for example `23:30`, or `24:00` for the end of the day. A time before
    /// `from` is on the next day.
    until: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Mon => Self::Monday,
            Day::Tue => Self::Tuesday,
            Day::Wed => Self::Wednesday,
            Day::Thu => Self::Thursday,
            Day::Fri => Self::Friday,
            Day::Sat => Self::Saturday,
            Day::Sun => Self::Sunday,
        }
    }
}

/// A period with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NamedSpan {
    /// The name of the period for people, for example `Christmas sale`.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    name: String,
    /// The start of the period: a date, `2026-12-20`, or a time, `2026-12-20T18:00` or `2026-12-20T18:00-05:00`. A
    /// blackout without a year, `12-20`, repeats each year.
    from: String,
    /// The end of the period: a time, or a date, which is then its last day.
    until: String,
}

/// The rule for emergency changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Emergency {
    /// Emergency changes may run at any time.
    Allow,
    /// Emergency changes may run at any time except in a blackout.
    #[default]
    DenyInBlackout,
    /// Emergency changes must keep to the windows, as all other changes.
    AsAnyOther,
}

fn yes() -> bool {
    true
}

impl Settings {
    /// The calendar, or all that keeps it from being made.
    pub(crate) fn calendar(self) -> Result<Calendar, Vec<SettingsFinding>> {
        let root = Pointer::root();
        let mut findings = Vec::new();
        let weekly = all(&self.weekly, &root.key("weekly"), &mut findings, weekly_window);
        let office_hours = all(&self.office_hours, &root.key("office-hours"), &mut findings, weekly_window);
        let once = all(&self.once, &root.key("once"), &mut findings, once);
        let blackouts = all(&self.blackouts, &root.key("blackouts"), &mut findings, named);
        let zone = Zone::named(&self.time_zone);
        if zone.is_none() {
            let message =
                format!("`{}` is not a time zone: write its IANA name, for example `Europe/Berlin`", self.time_zone);
            findings.push(SettingsFinding::new(root.key("time-zone"), message));
        }
        if !self.office_hours.is_empty() && self.weekly.is_empty() && self.once.is_empty() {
            let message = "without windows in `weekly` or `once` it is always open, so office hours add nothing: name the \
                           windows of all other plans, or leave out `office-hours`";
            findings.push(SettingsFinding::new(root.key("office-hours"), message));
        }
        if !self.planned_window && [self.weekly.len(), self.once.len(), self.blackouts.len()] == [0; 3] {
            let message = "there is nothing to decide: name windows or blackouts, or set `planned-window`";
            findings.push(SettingsFinding::new(root, message));
        }
        match zone {
            Some(zone) if findings.is_empty() => {
                let once = once.into_iter().flat_map(|named| named.period.spans(&zone)).collect();
                let blackouts = self::blackouts(blackouts, &zone);
                Ok(Calendar::new(zone, weekly, office_hours, once, blackouts))
            }
            _ => Err(findings),
        }
    }
}

/// Reads each entry of a list, and collects what is wrong with any of them.
fn all<T, U>(
    entries: &[T],
    place: &Pointer,
    findings: &mut Vec<SettingsFinding>,
    read: fn(&T, &Pointer) -> Result<U, Vec<SettingsFinding>>,
) -> Vec<U> {
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match read(entry, &place.index(index)) {
            Ok(entry) => all.push(entry),
            Err(wrong) => findings.extend(wrong),
        }
    }
    all
}

fn weekly_window(window: &WeeklyWindow, place: &Pointer) -> Result<Weekly, Vec<SettingsFinding>> {
    let finding = |key: &str, message: String| SettingsFinding::new(place.key(key), message);
    let from = clock(&window.from).filter(|minutes| *minutes < 1440);
    let until = clock(&window.until);
    let wrong = |text: &str| format!("`{text}` is not a time of day: write hours and minutes, for example `20:00`");
    let (Some(from), Some(until)) = (from, until) else {
        let wrong_from = from.is_none().then(|| finding("from", wrong(&window.from)));
        let wrong_until = until.is_none().then(|| finding("until", wrong(&window.until)));
        return Err(wrong_from.into_iter().chain(wrong_until).collect());
    };
    if from == until {
        let message = "it opens and closes at the same time: for a whole day write `00:00` and `24:00`".to_owned();
        return Err(vec![finding("until", message)]);
    }
    let days = window.days.iter().map(|day| Weekday::from(*day)).collect();
    Ok(Weekly { days, from, until: if until < from { until + 1440 } else { until } })
}

/// Minutes since midnight of `HH:MM`; `24:00` is the end of the day.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits::<u16>(hours, 2)?, digits::<u16>(minutes, 2)?);
    let known = hours < 24 && minutes < 60 || (hours, minutes) == (24, 0);
    known.then_some(hours * 60 + minutes)
}

/// A span of time with a name, as it was read.
struct Named {
    name: String,
    period: Period,
}

/// When something is.
enum Period {
    /// What the clock shows in the time zone of the settings.
    Local(DateTime, DateTime),
    /// From one moment to another.
    Moments(Span),
    /// Each year.
    Yearly(Yearly),
}

impl Period {
    /// Its moments; none of what comes back each year.
    fn spans(&self, zone: &Zone) -> Vec<Span> {
        match self {
            Self::Local(start, end) => zone.moments(*start, *end),
            Self::Moments(span) => vec![*span],
            Self::Yearly(_) => Vec::new(),
        }
    }
}

fn blackouts(named: Vec<Named>, zone: &Zone) -> Blackouts {
    let (mut once, mut yearly) = (Vec::new(), Vec::new());
    for Named { name, period } in named {
        match period {
            Period::Yearly(period) => yearly.push((name, period)),
            period => once.extend(period.spans(zone).into_iter().map(|span| (name.clone(), span))),
        }
    }
    Blackouts::new(once, yearly)
}

/// A window that is open once.
fn once(entry: &NamedSpan, place: &Pointer) -> Result<Named, Vec<SettingsFinding>> {
    let named = named(entry, place)?;
    if let Period::Yearly(_) = named.period {
        let message = format!("`{}` has no year, and a window in `once` is open once: write `2026-12-20`", entry.from);
        return Err(vec![SettingsFinding::new(place.key("from"), message)]);
    }
    Ok(named)
}

/// A span that is there once or each year.
fn named(entry: &NamedSpan, place: &Pointer) -> Result<Named, Vec<SettingsFinding>> {
    let finding = |key: &str, message: String| SettingsFinding::new(place.key(key), message);
    let (from, until) = match (boundary(&entry.from, Edge::Begin), boundary(&entry.until, Edge::End)) {
        (Ok(from), Ok(until)) => (from, until),
        (from, until) => {
            let wrong_from = from.err().map(|message| finding("from", message));
            let wrong_until = until.err().map(|message| finding("until", message));
            return Err(wrong_from.into_iter().chain(wrong_until).collect());
        }
    };
    let period = match (from, until) {
        (Boundary::Local(from), Boundary::Local(until)) => (from < until).then_some(Period::Local(from, until)),
        (Boundary::Moment(from), Boundary::Moment(until)) => Span::new(from, until).map(Period::Moments),
        (Boundary::Yearly(from), Boundary::Yearly(until)) => match Yearly::new(from, until) {
            Some(yearly) => Some(Period::Yearly(yearly)),
            None => {
                let message = format!(
                    "from `{}` until `{}` is the whole year: `until` is the last day of the blackout",
                    entry.from, entry.until
                );
                return Err(vec![finding("until", message)]);
            }
        },
        _ => {
            let message = format!(
                "`{}` and `{}` are written in two ways: give both their offsets, or both without offsets, or both \
                 without a year",
                entry.from, entry.until
            );
            return Err(vec![finding("until", message)]);
        }
    };
    let message = || format!("`{}` is not after `{}`: it would end before it begins", entry.until, entry.from);
    let period = period.ok_or_else(|| vec![finding("until", message())])?;
    Ok(Named { name: entry.name.clone(), period })
}

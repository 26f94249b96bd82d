//! What an operator writes, and the calendar that it makes.

use jiff::civil::{Date, DateTime, Time, Weekday};
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::{Blackout, Calendar, Weekly};
use crate::zone::Zone;

/// When deployments may run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The time zone in which everything here is written, by its IANA name: `Europe/Berlin`.
    time_zone: String,
    /// The windows that come back each week. With no windows at all, it is always open except in blackouts.
    #[serde(default)]
    weekly: Vec<WeeklyWindow>,
    /// Windows that are open once.
    #[serde(default)]
    once: Vec<Named>,
    /// Windows that come back each week, and that are open only to plans that make use of the office-hours exception.
    #[serde(default)]
    office_hours: Vec<WeeklyWindow>,
    /// Times in which nothing is deployed, whatever the windows say.
    #[serde(default)]
    blackouts: Vec<Named>,
    /// What holds for emergency changes.
    #[serde(default)]
    pub(crate) emergency: Emergency,
    /// Whether the deployment has to run in the planned window of its own change too.
    #[serde(default = "yes")]
    pub(crate) planned_window: bool,
}

/// A window that comes back each week.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WeeklyWindow {
    /// The days on which it opens.
    #[schemars(length(min = 1))]
    days: Vec<Day>,
    /// When it opens: `20:00`.
    from: String,
    /// When it closes: `23:30`, or `24:00` for the end of the day. A time before `from` is on the day after.
    to: String,
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

/// A span of time with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Named {
    /// What people call it: `Christmas sale`.
    #[schemars(length(min = 1))]
    name: String,
    /// When it begins: a date, `2026-12-20`, or a time, `2026-12-20T18:00`.
    from: String,
    /// When it ends: a time, or a date, which is then its last day.
    to: String,
}

/// What holds for emergency changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Emergency {
    /// They may run at any time.
    Allow,
    /// They may run at any time except in a blackout.
    #[default]
    DenyInBlackout,
    /// They keep to the windows as all others do.
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
        let once = all(&self.once, &root.key("once"), &mut findings, named);
        let blackouts = all(&self.blackouts, &root.key("blackouts"), &mut findings, named);
        let zone = Zone::named(&self.time_zone);
        if zone.is_none() {
            let message =
                format!("`{}` is not a time zone: write its IANA name, for example `Europe/Berlin`", self.time_zone);
            findings.push(SettingsFinding::new(root.key("time-zone"), message));
        }
        if !self.planned_window && [self.weekly.len(), self.once.len(), self.blackouts.len()] == [0; 3] {
            let message = "there is nothing to decide: name windows or blackouts, or set `planned-window`";
            findings.push(SettingsFinding::new(root, message));
        }
        match zone {
            Some(zone) if findings.is_empty() => {
                let once = once.into_iter().flat_map(|(_, start, end)| zone.moments(start, end)).collect();
                let blackouts = blackouts.into_iter().flat_map(|(name, start, end)| {
                    let spans = zone.moments(start, end);
                    spans.into_iter().map(move |span| Blackout { name: name.clone(), span })
                });
                let blackouts = blackouts.collect();
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
    let to = clock(&window.to);
    let wrong = |text: &str| format!("`{text}` is not a time of day: write hours and minutes, for example `20:00`");
    let (Some(from), Some(to)) = (from, to) else {
        let wrong_from = from.is_none().then(|| finding("from", wrong(&window.from)));
        let wrong_to = to.is_none().then(|| finding("to", wrong(&window.to)));
        return Err(wrong_from.into_iter().chain(wrong_to).collect());
    };
    if from == to {
        let message = "it opens and closes at the same time: for a whole day write `00:00` and `24:00`".to_owned();
        return Err(vec![finding("to", message)]);
    }
    let days = window.days.iter().map(|day| Weekday::from(*day)).collect();
    Ok(Weekly { days, from, to: if to < from { to + 1440 } else { to } })
}

/// Minutes since midnight of `HH:MM`; `24:00` is the end of the day.
fn clock(text: &str) -> Option<u16> {
    if text == "24:00" {
        return Some(1440);
    }
    let time: Time = text.parse().ok().filter(|_| text.len() == 5)?;
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).ok()
}

/// Name, beginning and end, as the clock on the wall shows them.
fn named(entry: &Named, place: &Pointer) -> Result<(String, DateTime, DateTime), Vec<SettingsFinding>> {
    let finding = |key: &str, message: String| SettingsFinding::new(place.key(key), message);
    let wrong = |text: &str| {
        format!(
            "`{text}` is neither a date nor a time: write `2026-12-20` or `2026-12-20T18:00`, without an offset, \
             as the clock in the time zone shows it"
        )
    };
    let from = wall(&entry.from, false);
    let to = wall(&entry.to, true);
    let (Some(from), Some(to)) = (from, to) else {
        let wrong_from = from.is_none().then(|| finding("from", wrong(&entry.from)));
        let wrong_to = to.is_none().then(|| finding("to", wrong(&entry.to)));
        return Err(wrong_from.into_iter().chain(wrong_to).collect());
    };
    if to <= from {
        let message = format!("`{}` is not after `{}`: it would end before it begins", entry.to, entry.from);
        return Err(vec![finding("to", message)]);
    }
    Ok((entry.name.clone(), from, to))
}

/// A date or a time; a date that ends something is its last day.
fn wall(text: &str, end: bool) -> Option<DateTime> {
    if text.len() == 10 {
        let date: Date = text.parse().ok()?;
        return if end { date.tomorrow().ok() } else { Some(date) }.map(DateTime::from);
    }
    text.parse().ok()
}

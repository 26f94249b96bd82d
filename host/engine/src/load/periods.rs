//! Lists of periods in settings, such as blackouts with dates, whose next period a person must add in time.
//!
//! Nothing fails when such a list runs out: a freeze that nobody wrote does not exist.

use lockgate_domain::{Duration, Timestamp};
use lockgate_runtime::{MarkedValue, PeriodEnd};

use super::marked::marked;
use super::plugin_use::PluginUses;
use crate::model::ModelFinding;

/// How long before the end of the last period the warning begins.
const AHEAD: Duration = Duration::from_millis(30 * 86_400_000);

/// Warns of each list whose last dated period is over, or will be soon.
pub(super) fn that_run_out(plugin_use: &PluginUses<'_>, now: Timestamp) -> Vec<ModelFinding> {
    let lists = marked(plugin_use).filter_map(|(place, setting)| match &setting.value {
        MarkedValue::Periods(ends) => Some((place, setting, ends)),
        _ => None,
    });
    let last = |ends: &[PeriodEnd]| -> Option<(Timestamp, PeriodEnd)> {
        let dated = ends.iter().filter_map(|end| Some((moment(&end.until)?, end)));
        dated.max_by_key(|(moment, _)| *moment).map(|(moment, end)| (moment, end.clone()))
    };
    let ending = lists.filter_map(|(place, setting, ends)| Some((place, setting, last(ends)?)));
    ending
        .filter(|(_, _, (last, _))| *last <= now.saturating_add(AHEAD))
        .map(|(place, setting, (last, end))| {
            let name = setting.pointer.rsplit('/').next().unwrap_or_default();
            let until = &end.until;
            let message = match last <= now {
                true => format!("the last dated period of `{name}` ended on `{until}`"),
                false => format!("the last dated period of `{name}` ends on `{until}`, within 30 days"),
            };
            let span = plugin_use.spans().settings(place, &format!("{}/{}/until", setting.pointer, end.index));
            ModelFinding::warning("periods-run-out", span, message)
                .help("write the next one; `lockgate plugin inspect` shows how periods are written")
        })
        .collect()
}

/// The end of a period with a date. None if the period repeats. A date means the end of that day. A text without an
/// offset is read as UTC: for a warning that comes weeks ahead, hours do not matter.
fn moment(until: &str) -> Option<Timestamp> {
    let forms = [until.to_owned(), format!("{until}Z"), format!("{until}:00Z"), format!("{until}T23:59:59.999Z")];
    forms.iter().find_map(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_settings_write_them() {
        let read = |text| moment(text).map(|moment| moment.to_string());
        let is = |moment: &str| Some(moment.to_owned());
        assert_eq!(read("2026-12-27"), is("2026-12-27T23:59:59.999Z"));
        assert_eq!(read("2026-12-27T18:00"), is("2026-12-27T18:00:00Z"));
        assert_eq!(read("2026-12-27T18:00:30"), is("2026-12-27T18:00:30Z"));
        assert_eq!(read("2026-12-27T18:00+01:00"), is("2026-12-27T17:00:00Z"));
        assert_eq!(read("2026-12-27T18:00:00Z"), is("2026-12-27T18:00:00Z"));
        for comes_back in ["12-27", "12-27T18:00", "sun", "", "2026-13-01"] {
            assert_eq!(read(comes_back), None, "{comes_back}");
        }
    }
}

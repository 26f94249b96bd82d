//! Whether the monitors run, and find their instances healthy.

use lockgate_plugin::registers::Monitor;
use lockgate_plugin::time::{Duration, Freshness, Timestamp};
use lockgate_plugin::{CorrectionNeeded, Evaluation, FactNeeded, Finding, Findings, PluginError, Pointer, Requirement};

use crate::settings::{MONITORS, Settings};

/// Looks at the monitors that the settings name.
pub(crate) fn check(settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) -> Result<(), PluginError> {
    if settings.monitors.is_empty() {
        return Ok(());
    }
    let Some(monitors) = MONITORS.entries(evaluation.monitors(), findings)? else { return Ok(()) };
    for id in &settings.monitors {
        match monitors.iter().enumerate().find(|(_, monitor)| monitor.id == *id) {
            Some((index, monitor)) => {
                one(monitor, &MONITORS.place().index(index), settings.max_gap(), evaluation, findings);
            }
            None => findings.unknown("monitor-missing", |code| {
                let remedy = MONITORS.fill(format!("enter the monitor `{id}` in the register `monitors`"));
                let message = format!("the register `monitors` has no monitor `{id}`");
                Finding::new(code, message).about(id).at(MONITORS.place()).remedy(remedy)
            }),
        }
    }
    Ok(())
}

fn one(monitor: &Monitor, place: &Pointer, max_gap: Duration, evaluation: &Evaluation, findings: &mut Findings) {
    let (id, instance) = (monitor.id.as_str(), monitor.instance.as_str());
    if monitor.healthy == Some(false) {
        return findings.wrong("monitor-unhealthy", |code| {
            let message = format!("the monitor `{id}` found the instance `{instance}` unhealthy");
            let need = CorrectionNeeded::new(place.key("healthy"), "`true`").found("false");
            Finding::new(code, message).about(instance).correct("repair-instance", need, MONITORS.keeper)
        });
    }
    // One run may be under way, so the last one began at most two intervals ago.
    let interval = monitor.interval.map(|interval| Duration::from_millis(interval.saturating_mul(2)));
    let max_age = interval.unwrap_or(max_gap);
    let why = match Freshness::of(monitor.last_run.map(Timestamp::from), evaluation.now(), max_age) {
        Freshness::Fresh if monitor.healthy.is_none() => "does not tell whether it is healthy".to_owned(),
        Freshness::Fresh => return,
        Freshness::TooOld(moment) => format!("last ran at {moment}, more than {max_age} ago"),
        Freshness::Undated => "has never run".to_owned(),
        Freshness::InTheFuture(moment) => format!("says that it last ran at {moment}, in the future"),
    };
    findings.unknown("monitor-not-running", |code| {
        let message = format!("the monitor `{id}` of the instance `{instance}` {why}");
        let need = FactNeeded::at(place).register(MONITORS.name).id(id).max_age(max_age);
        let remedy = Requirement::new("run-monitor", format!("run the monitor `{id}`"), need).owner(MONITORS.keeper);
        Finding::new(code, message).about(instance).at(place.key("last_run")).remedy(remedy)
    });
}

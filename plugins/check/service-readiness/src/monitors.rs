//! Whether a monitor watches each instance, ran lately, and found the instance healthy.

use lockgate_plugin::registers::Monitor;
use lockgate_plugin::roles::OPERATIONS_MANAGER;
use lockgate_plugin::time::{Duration, Freshness, Timestamp};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, FactNeeded, Finding, Findings, PluginError, Pointer, Requirement, TargetInstances,
};

use crate::settings::{MONITORS, Settings};

/// Looks at the register of monitors.
pub(crate) fn check(
    settings: &Settings,
    instances: &TargetInstances,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    if !settings.monitors {
        return Ok(());
    }
    let Some(monitors) = MONITORS.entries(evaluation.monitors(), findings)? else { return Ok(()) };
    if instances.here().next().is_none() {
        let place = Pointer::root().key("actual_instances");
        findings.unknown("actual-instances-unknown", |code| {
            let environment = instances.environment();
            let message =
                format!("the snapshot names no actual instance in `{environment}` that a monitor could watch");
            let need = CorrectionNeeded::new(&place, "the instances that are there").found("nothing");
            Finding::new(code, message).correct("correct-instance", need, OPERATIONS_MANAGER)
        });
    }
    for (index, instance) in instances.here() {
        let of_instance = monitors.iter().enumerate().filter(|(_, monitor)| monitor.instance == instance.id);
        let of_instance: Vec<(Pointer, &Monitor)> =
            of_instance.map(|(index, monitor)| (MONITORS.place().index(index), monitor)).collect();
        if of_instance.is_empty() {
            let id = instance.id.as_str();
            findings.wrong("monitor-missing", |code| {
                let place = Pointer::root().key("actual_instances").index(index);
                let remedy = MONITORS.fill(format!("have a monitor watch the instance `{id}`"));
                Finding::new(code, format!("no monitor watches the instance `{id}`")).about(id).at(place).remedy(remedy)
            });
        }
        watched(&of_instance, settings.monitor_max_age, evaluation, findings);
    }
    Ok(())
}

/// A monitor that found its instance unhealthy counts, however many others did not. Of the others, one that ran lately and
/// found it healthy is enough.
fn watched(
    monitors: &[(Pointer, &Monitor)],
    max_age: Option<Duration>,
    evaluation: &Evaluation,
    findings: &mut Findings,
) {
    let mut doubts = Vec::new();
    let mut is_healthy = false;
    for (place, monitor) in monitors {
        let (id, instance) = (monitor.id.as_str(), monitor.instance.as_str());
        if monitor.healthy == Some(false) {
            findings.wrong("monitor-unhealthy", |code| {
                let message = format!("the monitor `{id}` found the instance `{instance}` unhealthy");
                let need = CorrectionNeeded::new(place.key("healthy"), "`true`").found("false");
                Finding::new(code, message).about(instance).correct("repair-instance", need, MONITORS.keeper)
            });
            continue;
        }
        match doubt(monitor, max_age, evaluation) {
            None => is_healthy = true,
            Some(doubt) => doubts.push((place, *monitor, doubt)),
        }
    }
    if is_healthy {
        return;
    }
    for (place, monitor, Doubt { code, key, why, remedy, max_age }) in doubts {
        findings.unknown(code, |code| {
            let (id, instance) = (monitor.id.as_str(), monitor.instance.as_str());
            let message = format!("the monitor `{id}` of the instance `{instance}` {why}");
            let need = FactNeeded { max_age, ..FactNeeded::at(place).register(MONITORS.name).id(id) };
            let remedy = format!("{remedy} the monitor `{id}`");
            let remedy = Requirement::new("run-monitor", remedy, need).owner(MONITORS.keeper);
            Finding::new(code, message).about(instance).at(place.key(key)).remedy(remedy)
        });
    }
}

/// Why a monitor does not tell that its instance is healthy.
struct Doubt {
    code: &'static str,
    /// The member of the monitor that lacks something.
    key: &'static str,
    /// The end of a sentence about the monitor.
    why: String,
    /// What to do, before the name of the monitor.
    remedy: &'static str,
    /// The greatest age of its last run, in milliseconds.
    max_age: Option<i64>,
}

fn doubt(monitor: &Monitor, max_age: Option<Duration>, evaluation: &Evaluation) -> Option<Doubt> {
    // One run may be under way, so the last one began at most two intervals ago.
    let interval = monitor.interval.map(|interval| Duration::from_millis(interval.saturating_mul(2)));
    let max_age = max_age.or(interval);
    let doubt = |code, key, why: String, remedy| {
        Some(Doubt { code, key, why, remedy, max_age: max_age.map(Duration::as_millis) })
    };
    let Some(last_run) = monitor.last_run.map(Timestamp::from) else {
        return doubt("monitor-never-ran", "last_run", "has never run".to_owned(), "run");
    };
    let Some(max_age) = max_age else {
        let why = "has no interval, and the settings do not say how old its last run may be".to_owned();
        return doubt("monitor-interval-unknown", "interval", why, "tell the interval of");
    };
    match Freshness::of(Some(last_run), evaluation.now(), max_age) {
        Freshness::Fresh if monitor.healthy.is_none() => {
            let why = "does not tell whether it is healthy".to_owned();
            doubt("monitor-health-unknown", "healthy", why, "tell the result of")
        }
        Freshness::Fresh => None,
        Freshness::TooOld(_) | Freshness::Undated => {
            let why = format!("last ran at {last_run}, more than {max_age} ago");
            doubt("monitor-stale", "last_run", why, "run")
        }
        Freshness::InTheFuture(_) => {
            let why = format!("says that it last ran at {last_run}, in the future");
            doubt("monitor-stale", "last_run", why, "run")
        }
    }
}

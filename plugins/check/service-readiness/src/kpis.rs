//! Whether KPI data flows, and is as good as it has to be.

use lockgate_plugin::registers::Kpi;
use lockgate_plugin::time::{Freshness, Timestamp};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, FactNeeded, Finding, Findings, Measurement, PluginError, Pointer, Requirement,
    TargetInstances,
};

use crate::settings::{KPIS, Settings};

/// Looks at the register of KPIs, and returns the last values.
pub(crate) fn check(
    settings: &Settings,
    instances: &TargetInstances,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<Vec<Measurement>, PluginError> {
    if !settings.kpis {
        return Ok(Vec::new());
    }
    let Some(kpis) = KPIS.entries(evaluation.kpis(), findings)? else { return Ok(Vec::new()) };
    let is_looked_at = |kpi: &Kpi| match settings.kpi_ids.as_slice() {
        [] => instances.concern(kpi.instance.as_deref()),
        ids => ids.contains(&kpi.id),
    };
    for id in settings.kpi_ids.iter().filter(|id| !kpis.iter().any(|kpi| kpi.id == **id)) {
        findings.wrong("kpi-missing", |code| {
            let remedy = KPIS.fill(format!("enter the KPI `{id}` in the register `kpis`"));
            Finding::new(code, format!("the register has no KPI `{id}`")).about(id).at(KPIS.place()).remedy(remedy)
        });
    }
    let mut measurements = Vec::new();
    let mut looked_at = 0;
    for (index, kpi) in kpis.iter().enumerate().filter(|(_, kpi)| is_looked_at(kpi)) {
        looked_at += 1;
        one(kpi, &KPIS.place().index(index), settings, evaluation, findings);
        measurements.extend(measurement(kpi));
    }
    if looked_at == 0 && settings.kpi_ids.is_empty() {
        findings.unknown("kpis-elsewhere", |code| {
            let environment = instances.environment();
            let message =
                format!("no KPI is about an instance in `{environment}`, so nobody can tell whether KPI data flows");
            let remedy = KPIS.fill(format!("measure a KPI at an instance in `{environment}`"));
            Finding::new(code, message).at(KPIS.place()).remedy(remedy)
        });
    }
    Ok(measurements)
}

/// Whether one KPI has data that is fresh and good.
fn one(kpi: &Kpi, place: &Pointer, settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) {
    let (id, max_age) = (kpi.id.as_str(), settings.kpi_max_age());
    let measure = |code: &str| {
        let need = FactNeeded::at(place).register(KPIS.name).id(id).max_age(max_age);
        Requirement::new(code, format!("measure the KPI `{id}`"), need).owner(KPIS.keeper)
    };
    let Some(latest) = kpi.latest else {
        return findings.unknown("kpi-without-data", |code| {
            let message = format!("the KPI `{id}` ({}) has no data", kpi.metric);
            Finding::new(code, message).about(id).at(place.key("latest")).remedy(measure("measure-kpi"))
        });
    };
    let (code, why) = match Freshness::of(kpi.measured.map(Timestamp::from), evaluation.now(), max_age) {
        Freshness::Fresh => return bounds(kpi, latest, place, findings),
        Freshness::TooOld(moment) => ("kpi-stale", format!("was last measured at {moment}, more than {max_age} ago")),
        Freshness::Undated => ("kpi-age-unknown", "does not say when it was measured".to_owned()),
        Freshness::InTheFuture(moment) => {
            ("kpi-age-unknown", format!("says that it was measured at {moment}, in the future"))
        }
    };
    findings.unknown(code, |code| {
        let message = format!("the KPI `{id}` ({}) {why}", kpi.metric);
        Finding::new(code, message).about(id).at(place.key("measured")).remedy(measure("measure-kpi"))
    });
}

/// Whether the last value is within the bounds of the KPI.
fn bounds(kpi: &Kpi, latest: f64, place: &Pointer, findings: &mut Findings) {
    let (id, unit) = (kpi.id.as_str(), kpi.unit.as_str());
    if kpi.counter && (kpi.at_least.is_some() || kpi.at_most.is_some()) {
        // Its differences count, and the register has the last value alone.
        return findings.noted("kpi-not-compared", |code| {
            let message = format!(
                "the KPI `{id}` ({}) is a counter, so its last value is not compared with its bounds",
                kpi.metric
            );
            Finding::new(code, message).about(id).at(place.key("counter"))
        });
    }
    let is_too_small = kpi.at_least.is_some_and(|least| latest < least);
    let is_too_large = kpi.at_most.is_some_and(|most| latest > most);
    if !is_too_small && !is_too_large && !latest.is_nan() {
        return;
    }
    findings.wrong("kpi-out-of-bounds", |code| {
        let bounds = match (kpi.at_least, kpi.at_most) {
            (Some(least), Some(most)) => format!("from {least} to {most} {unit}"),
            (Some(least), None) => format!("at least {least} {unit}"),
            (None, Some(most)) => format!("at most {most} {unit}"),
            (None, None) => "a number".to_owned(),
        };
        let message = format!("the KPI `{id}` ({}) is {latest} {unit}, and has to be {bounds}", kpi.metric);
        let need = CorrectionNeeded::new(place.key("latest"), bounds).found(format!("{latest} {unit}"));
        Finding::new(code, message).about(id).correct("meet-kpi", need, KPIS.keeper)
    });
}

/// The last value as a measurement, if it is a number that an answer can hold.
fn measurement(kpi: &Kpi) -> Option<Measurement> {
    let finite = |number: &f64| number.is_finite();
    let measurement = Measurement::new(&kpi.id, kpi.latest.filter(finite)?, &kpi.unit, kpi.samples);
    Some(Measurement { at_least: kpi.at_least.filter(finite), at_most: kpi.at_most.filter(finite), ..measurement })
}

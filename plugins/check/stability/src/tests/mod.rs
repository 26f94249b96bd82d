#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod breaches;
mod settings;

use std::collections::BTreeMap;

use lockgate_plugin::registers::{Event, Incident, Interaction, Kpi, Monitor, SampleInterval};
use lockgate_plugin::strategy::{Direction, Progress};
use lockgate_plugin::testing::{
    Fixture, configure, configured, outcome_and_findings as found, register_entry as entry, report_of,
};
use lockgate_plugin::types::{GatePassage, Phase, Scenario, Stage};
use lockgate_plugin::{Advice, Need, Outcome, Report};
use serde_json::json;

use super::Stability;

/// An hour, with 5 % of bad samples.
const SETTINGS: &str =
    r#"{ "stable-for": "1h", "objectives": [{ "kpi": "errors", "budget": 0.05 }], "advice": "back" }"#;

/// The deployment was at 13:20; there are samples each minute, as many bad ones as that, and it is now.
fn fixture(now: &str, bad: u32) -> Fixture {
    let mut fixture = Fixture::new().gate(Stage::Observe, Phase::Exit).now(now);
    let deployed = Fixture::moment("2026-11-24T13:20:00Z").as_millis();
    fixture.gates_passed =
        vec![GatePassage { stage: Stage::Fulfill, phase: Phase::Exit, at: deployed, decision: "d".to_owned() }];
    fixture.actual_instances = vec![Fixture::instance("shop-1")];
    fixture.registers.kpis = Some(vec![kpi("errors")]);
    fixture.registers.monitors = Some(vec![monitor("M-1", now)]);
    let elsewhere = json!({ "id": "INC-0", "title": "Slow", "status": "known", "open": true, "severity": "high" });
    fixture.registers.incidents = Some(vec![entry(elsewhere)]);
    let minutes = (fixture.now.as_millis() - deployed) / 60_000;
    let samples: Vec<(i64, bool)> = (0..=minutes).map(|minute| (minute, minute >= i64::from(bad))).collect();
    fixture.sample_intervals = Some(BTreeMap::from([("errors".to_owned(), intervals(deployed, &samples))]));
    fixture
}

/// An interval of a minute for each sample.
fn intervals(deployed: i64, samples: &[(i64, bool)]) -> Vec<SampleInterval> {
    let interval = |(minute, good): &(i64, bool)| {
        let at = deployed + minute * 60_000;
        SampleInterval {
            start: at,
            length: 60_000,
            count: 1,
            good: Some(u32::from(*good)),
            least: 0.0,
            greatest: 1.0,
            first: at,
            last: at,
            longest_gap: 0,
        }
    };
    samples.iter().map(interval).collect()
}

fn kpi(id: &str) -> Kpi {
    entry(json!({ "id": id, "metric": "error share", "unit": "%", "at_most": 0.5, "samples": 12 }))
}

fn monitor(id: &str, last_run: &str) -> Monitor {
    entry(json!({
        "id": id, "kind": "http", "instance": "shop-1", "healthy": true, "interval": "5m", "last_run": last_run,
    }))
}

fn run(now: &str, bad: u32) -> Report {
    report_of::<Stability>(SETTINGS, &fixture(now, bad))
}

#[test]
fn while_the_time_runs_the_report_says_how_long_how_much_budget_and_when_to_look_again() {
    let report = run("2026-11-24T13:54:00Z", 1);
    assert_eq!(report.outcome, Outcome::Pending);
    // One bad sample of 35 in 34 minutes: of 61.8 in the hour, 3.1 may be bad.
    assert_eq!(
        report.summary,
        "the service Shop is stable for 34m of 1h; 32 % of the error budget used; next look at 2026-11-24T14:20:00Z"
    );
    assert_eq!(report.again, Some(Fixture::moment("2026-11-24T14:20:00Z").as_millis()));
    assert_eq!(report.advice, Some(Advice::Wait));
    let [requirement] = report.requirements.as_slice() else { panic!("{report:?}") };
    let Need::Time(need) = &requirement.need else { panic!("{report:?}") };
    assert_eq!((requirement.code.as_str(), need.not_before), ("wait-until-stable", report.again));
}

#[test]
fn after_the_time_it_is_stable_and_the_share_of_bad_samples_is_a_measurement() {
    let report = run("2026-11-24T14:20:00Z", 2);
    assert_eq!((report.outcome, report.advice), (Outcome::Passed, Some(Advice::GoOn)));
    assert_eq!(report.summary, "the service Shop is stable for 1h; 66 % of the error budget used");
    let measured = &report.measurements[0];
    assert_eq!((measured.name.as_str(), measured.unit.as_str(), measured.samples), ("errors", "%", 61));
    assert_eq!(measured.at_most, Some(5.0));
    // A millisecond earlier it is not over.
    let report = report_of::<Stability>(SETTINGS, &fixture("2026-11-24T14:19:59Z", 2));
    assert_eq!(report.outcome, Outcome::Pending);
}

#[test]
fn more_bad_samples_than_the_budget_fail_and_what_lies_long_enough_back_does_not_count() {
    let report = run("2026-11-24T13:54:00Z", 4);
    assert_eq!(
        found(&report),
        (Outcome::Failed, vec![("error-budget-exceeded", "/sample_intervals/errors"), ("advised-back", "")])
    );
    assert_eq!(
        report.findings[0].message,
        "the KPI `errors` (error share) was bad in 4 of 35 samples since 2026-11-24T13:20:00Z: 5 % of the samples may be bad, so 130 \
         % of the error budget are used"
    );
    assert_eq!(report.advice, Some(Advice::GoBack));
    // An hour later the bad samples of the first four minutes are not in the window any more.
    assert_eq!(run("2026-11-24T14:25:00Z", 4).outcome, Outcome::Passed);
}

/// From the deployment to two hours later: it is stable from an hour on if nothing is bad, and before that it never is.
#[test]
fn it_never_passes_before_its_time_or_without_data() {
    for minute in 0..=120 {
        let now = Fixture::moment("2026-11-24T13:20:00Z").as_millis() + minute * 60_000;
        let now = lockgate_plugin::time::Timestamp::from_millis(now).to_string();
        let with_data = fixture(&now, 0);
        let mut without = with_data.clone();
        without.sample_intervals = Some(BTreeMap::from([("errors".to_owned(), Vec::new())]));
        let expected = if minute < 60 { Outcome::Pending } else { Outcome::Passed };
        assert_eq!(report_of::<Stability>(SETTINGS, &with_data).outcome, expected, "{minute}");
        let expected = if minute <= 5 { Outcome::Pending } else { Outcome::Inconclusive };
        assert_eq!(report_of::<Stability>(SETTINGS, &without).outcome, expected, "{minute} without data");
    }
}

#[test]
fn samples_with_a_gap_are_inconclusive_until_the_gap_lies_before_the_window() {
    let of = |now: &str, without: std::ops::Range<i64>| {
        let mut fixture = fixture(now, 0);
        let deployed = fixture.gates_passed[0].at;
        let minutes = (fixture.now.as_millis() - deployed) / 60_000;
        let samples: Vec<(i64, bool)> =
            (0..=minutes).filter(|minute| !without.contains(minute)).map(|minute| (minute, true)).collect();
        fixture.sample_intervals = Some(BTreeMap::from([("errors".to_owned(), intervals(deployed, &samples))]));
        report_of::<Stability>(SETTINGS, &fixture)
    };
    let report = of("2026-11-24T14:20:00Z", 10..16);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("kpi-gap", "/sample_intervals/errors")]));
    assert_eq!(
        report.findings[0].message,
        "the KPI `errors` (error share) has no sample for 7m from 2026-11-24T13:29:00Z on, which is longer than 5m"
    );
    assert_eq!(report.advice, Some(Advice::Wait));
    assert_eq!(of("2026-11-24T14:20:00Z", 10..14).outcome, Outcome::Passed, "five minutes are no gap");
    let again = lockgate_plugin::time::Timestamp::from_millis(report.again.expect("it says when"));
    assert_eq!(again.to_string(), "2026-11-24T14:36:00.001Z");
    assert_eq!(of("2026-11-24T14:37:00Z", 10..16).outcome, Outcome::Passed);
    assert_eq!(of("2026-11-24T14:20:00Z", 0..6).outcome, Outcome::Inconclusive, "at the beginning");
    assert_eq!(of("2026-11-24T14:20:00Z", 54..99).outcome, Outcome::Inconclusive, "at the end");
}

#[test]
fn before_the_exit_of_fulfill_nobody_can_tell_and_a_removal_is_skipped() {
    let mut fixture = fixture("2026-11-24T14:20:00Z", 0);
    fixture.gates_passed.clear();
    let report = report_of::<Stability>(SETTINGS, &fixture);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("not-deployed", "/gates_passed")]));
    fixture.scenario = Scenario::Removal;
    assert_eq!(report_of::<Stability>(SETTINGS, &fixture).outcome, Outcome::Skipped);
}

#[test]
fn the_advice_is_that_of_the_settings_and_forward_after_the_point_of_no_return() {
    let forward = SETTINGS.replace(r#""back""#, r#""forward""#);
    let broken = fixture("2026-11-24T13:54:00Z", 9);
    let report = report_of::<Stability>(&forward, &broken);
    assert_eq!(report.advice, Some(Advice::Patch));
    assert_eq!(found(&report).1[1], ("advised-forward", ""));
    let mut late = broken;
    let progress =
        Progress { direction: Direction::Forward, steps: Vec::new(), back: Vec::new(), past_point_of_no_return: false };
    late.progress = Some(progress);
    let report = report_of::<Stability>(SETTINGS, &late);
    assert_eq!(report.advice, Some(Advice::GoBack));
    late.progress.as_mut().expect("it was set").past_point_of_no_return = true;
    let report = report_of::<Stability>(SETTINGS, &late);
    assert_eq!((report.advice, found(&report).1[1].0), (Some(Advice::Patch), "advised-forward"));
    assert!(report.findings[1].message.starts_with("the point of no return has been passed"));
}

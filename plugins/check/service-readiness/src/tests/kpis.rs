//! KPIs without data, stale, or out of bounds.

use lockgate_plugin::Need;

use super::*;

fn look(settings: &str, kpis: Vec<Kpi>) -> Report {
    let mut fixture = fixture();
    fixture.registers.kpis = Some(kpis);
    run_with(&only("kpis", settings), &fixture)
}

fn measured(time: &str) -> Option<i64> {
    Some(Fixture::moment(time).as_millis())
}

#[test]
fn no_data_is_told_apart_from_stale_data_and_from_data_of_no_age() {
    for (kpi, code, place, message) in [
        (
            Kpi { latest: None, ..kpi("errors") },
            "kpi-without-data",
            "/registers/kpis/0/latest",
            "the KPI `errors` (error share) has no data",
        ),
        (
            Kpi { measured: measured("2026-11-23T11:59:59Z"), ..kpi("errors") },
            "kpi-stale",
            "/registers/kpis/0/measured",
            "the KPI `errors` (error share) was last measured at 2026-11-23T11:59:59Z, more than 1d ago",
        ),
        (
            Kpi { measured: None, ..kpi("errors") },
            "kpi-age-unknown",
            "/registers/kpis/0/measured",
            "the KPI `errors` (error share) does not say when it was measured",
        ),
        (
            Kpi { measured: measured("2026-11-24T13:00:00Z"), ..kpi("errors") },
            "kpi-age-unknown",
            "/registers/kpis/0/measured",
            "the KPI `errors` (error share) says that it was measured at 2026-11-24T13:00:00Z, in the future",
        ),
    ] {
        let report = look("", vec![kpi]);
        assert_eq!(found(&report), (Outcome::Inconclusive, vec![(code, place)]));
        assert_eq!(report.findings[0].message, message);
        let remedy = &report.findings[0].remedies[0];
        assert_eq!((remedy.code.as_str(), remedy.owner.as_deref()), ("measure-kpi", Some("operations-manager")));
        let Need::Fact(need) = &remedy.need else { panic!("{remedy:?}") };
        assert_eq!(
            (need.kind.as_deref(), need.id.as_deref(), need.max_age),
            (Some("kpis"), Some("errors"), Some(86_400_000))
        );
    }
}

#[test]
fn a_value_may_be_as_old_as_the_settings_say() {
    let of =
        |time: &str| look(r#""kpi-max-age": "10m""#, vec![Kpi { measured: measured(time), ..kpi("errors") }]).outcome;
    assert_eq!(of("2026-11-24T11:50:00Z"), Outcome::Passed);
    assert_eq!(of("2026-11-24T11:49:59Z"), Outcome::Inconclusive);
    assert_eq!(of("2026-11-24T12:01:00Z"), Outcome::Passed, "clocks differ a little");
}

/// Every last value against every pair of bounds.
#[test]
fn a_value_is_good_from_the_least_to_the_greatest() {
    let numbers = [-1.0, 0.0, 0.5, 1.0];
    let bounds = || numbers.into_iter().map(Some).chain([None]);
    for (at_least, at_most) in bounds().flat_map(|least| bounds().map(move |most| (least, most))) {
        for latest in numbers {
            let is_good = at_least.is_none_or(|least| least <= latest) && at_most.is_none_or(|most| latest <= most);
            let expected = match is_good {
                true => (Outcome::Passed, vec![]),
                false => (Outcome::Failed, vec![("kpi-out-of-bounds", "/registers/kpis/0/latest")]),
            };
            let report = look("", vec![Kpi { at_least, at_most, latest: Some(latest), ..kpi("errors") }]);
            assert_eq!(found(&report), expected, "{at_least:?} {latest} {at_most:?}");
        }
    }
}

#[test]
fn the_bounds_are_in_the_message() {
    let message = |at_least, at_most, latest| {
        let report = look("", vec![Kpi { at_least, at_most, latest: Some(latest), ..kpi("errors") }]);
        report.findings[0].message.clone()
    };
    let is = "the KPI `errors` (error share) is";
    assert_eq!(message(None, Some(0.5), 0.75), format!("{is} 0.75 %, and has to be at most 0.5 %"));
    assert_eq!(message(Some(1.0), None, 0.75), format!("{is} 0.75 %, and has to be at least 1 %"));
    assert_eq!(message(Some(1.0), Some(2.0), 0.75), format!("{is} 0.75 %, and has to be from 1 to 2 %"));
    assert_eq!(message(None, None, f64::NAN), format!("{is} NaN %, and has to be a number"));
}

#[test]
fn a_stale_value_is_not_compared_with_its_bounds() {
    let bad = Kpi { latest: Some(9.0), measured: measured("2026-11-01T00:00:00Z"), ..kpi("errors") };
    assert_eq!(found(&look("", vec![bad])).1, [("kpi-stale", "/registers/kpis/0/measured")]);
}

#[test]
fn a_counter_only_has_to_be_fresh_and_the_report_says_so() {
    let counter = Kpi { counter: true, latest: Some(4711.0), ..kpi("errors") };
    let expected = (Outcome::Passed, vec![("kpi-not-compared", "/registers/kpis/0/counter")]);
    assert_eq!(found(&look("", vec![counter.clone()])), expected);
    let unlimited = Kpi { at_most: None, ..counter.clone() };
    assert_eq!(found(&look("", vec![unlimited])), (Outcome::Passed, vec![]));
    let stale = Kpi { measured: None, ..counter };
    assert_eq!(look("", vec![stale]).outcome, Outcome::Inconclusive);
}

#[test]
fn the_last_values_are_measurements_of_the_report() {
    let infinite = Kpi { latest: Some(f64::INFINITY), at_most: None, ..kpi("odd") };
    let report = look("", vec![kpi("errors"), Kpi { latest: None, ..kpi("latency") }, infinite]);
    let [measurement] = report.measurements.as_slice() else { panic!("{report:?}") };
    assert_eq!((measurement.name.as_str(), measurement.value, measurement.unit.as_str()), ("errors", 0.1, "%"));
    assert_eq!((measurement.at_least, measurement.at_most, measurement.samples), (None, Some(0.5), 12));
}

#[test]
fn kpis_that_are_named_are_there_and_no_other_counts() {
    let kpis = || vec![kpi("errors"), Kpi { latest: None, ..kpi("latency") }];
    assert_eq!(look(r#""kpi-ids": ["errors"]"#, kpis()).outcome, Outcome::Passed);
    let report = look(r#""kpi-ids": ["errors", "uptime"]"#, kpis());
    assert_eq!(found(&report), (Outcome::Failed, vec![("kpi-missing", "/registers/kpis")]));
    assert_eq!(report.findings[0].message, "the register has no KPI `uptime`");
}

#[test]
fn kpis_of_other_environments_are_no_data() {
    let mut fixture = fixture();
    fixture.actual_instances[0].environment = "staging".to_owned();
    let instance = Some("shop-1".to_owned());
    fixture.registers.kpis = Some(vec![Kpi { instance, ..kpi("errors") }]);
    let report = run_with(&only("kpis", ""), &fixture);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("kpis-elsewhere", "/registers/kpis")]));
    fixture.registers.kpis = Some(vec![Kpi { instance: Some("shop-9".to_owned()), ..kpi("errors") }]);
    assert_eq!(run_with(&only("kpis", ""), &fixture).outcome, Outcome::Passed, "an unknown instance counts");
}

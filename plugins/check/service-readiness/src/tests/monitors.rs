//! Monitors that ran lately and found their instances healthy.

use super::*;

/// What is found of the one instance, which these monitors watch.
fn look(settings: &str, monitors: Vec<Monitor>) -> Report {
    let mut fixture = fixture();
    fixture.actual_instances.truncate(1);
    fixture.registers.monitors = Some(monitors);
    run_with(&only("monitors", settings), &fixture)
}

fn ran(time: &str) -> Option<i64> {
    Some(Fixture::moment(time).as_millis())
}

fn of_shop_1() -> Monitor {
    monitor("M-1", "shop-1")
}

#[test]
fn each_instance_needs_a_monitor() {
    let mut fixture = fixture();
    fixture.registers.monitors = Some(vec![of_shop_1(), monitor("M-9", "shop-9")]);
    let report = run(&fixture);
    assert_eq!(found(&report), (Outcome::Failed, vec![("monitor-missing", "/actual_instances/1")]));
    assert_eq!(report.findings[0].message, "no monitor watches the instance `shop-2`");
    assert_eq!(report.findings[0].remedies[0].owner.as_deref(), Some("operations-manager"));
}

#[test]
fn a_monitor_that_found_its_instance_unhealthy_fails_whenever_it_ran() {
    for last_run in [None, ran("2026-11-01T00:00:00Z"), ran("2026-11-24T11:57:00Z")] {
        let unhealthy = Monitor { healthy: Some(false), last_run, ..of_shop_1() };
        let healthy = monitor("M-2", "shop-1");
        for monitors in [vec![unhealthy.clone(), healthy.clone()], vec![healthy, unhealthy]] {
            let report = look("", monitors);
            assert_eq!((report.outcome, report.findings.len()), (Outcome::Failed, 1), "{last_run:?}");
            assert_eq!(report.findings[0].message, "the monitor `M-1` found the instance `shop-1` unhealthy");
        }
    }
}

#[test]
fn each_doubt_has_its_own_code_and_place() {
    for (monitor, code, place, why) in [
        (Monitor { last_run: None, ..of_shop_1() }, "monitor-never-ran", "last_run", "has never run"),
        (
            Monitor { last_run: ran("2026-11-24T11:49:59Z"), ..of_shop_1() },
            "monitor-stale",
            "last_run",
            "last ran at 2026-11-24T11:49:59Z, more than 10m ago",
        ),
        (
            Monitor { last_run: ran("2026-11-24T13:00:00Z"), ..of_shop_1() },
            "monitor-stale",
            "last_run",
            "says that it last ran at 2026-11-24T13:00:00Z, in the future",
        ),
        (
            Monitor { interval: None, ..of_shop_1() },
            "monitor-interval-unknown",
            "interval",
            "has no interval, and the settings do not say how old its last run may be",
        ),
        (
            Monitor { healthy: None, ..of_shop_1() },
            "monitor-health-unknown",
            "healthy",
            "does not tell whether it is healthy",
        ),
    ] {
        let report = look("", vec![monitor.clone()]);
        let place = format!("/registers/monitors/0/{place}");
        assert_eq!(found(&report), (Outcome::Inconclusive, vec![(code, place.as_str())]));
        assert_eq!(report.findings[0].message, format!("the monitor `M-1` of the instance `shop-1` {why}"));
        let beside = look("", vec![monitor, Monitor { id: "M-2".to_owned(), ..of_shop_1() }]);
        assert_eq!(beside.outcome, Outcome::Passed, "another monitor ran lately: {code}");
    }
}

#[test]
fn a_monitor_ran_lately_within_twice_its_interval_or_what_the_settings_say() {
    let of = |settings: &str, last_run: &str, interval: Option<i64>| {
        look(settings, vec![Monitor { last_run: ran(last_run), interval, ..of_shop_1() }]).outcome
    };
    let (minute, day) = (Some(60_000), Some(86_400_000));
    assert_eq!(of("", "2026-11-24T11:58:00Z", minute), Outcome::Passed);
    assert_eq!(of("", "2026-11-24T11:57:59Z", minute), Outcome::Inconclusive);
    assert_eq!(of("", "2026-11-22T12:00:00Z", day), Outcome::Passed);
    assert_eq!(of("", "2026-11-22T12:00:00Z", Some(i64::MAX)), Outcome::Passed);
    let limited = r#""monitor-max-age": "15m""#;
    assert_eq!(of(limited, "2026-11-24T11:45:00Z", None), Outcome::Passed);
    assert_eq!(of(limited, "2026-11-24T11:44:59Z", day), Outcome::Inconclusive);
}

#[test]
fn without_an_instance_nobody_can_tell_whether_it_is_watched() {
    let mut fixture = fixture();
    fixture.actual_instances.clear();
    let report = run_with(&only("monitors", ""), &fixture);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("actual-instances-unknown", "/actual_instances")]));
}

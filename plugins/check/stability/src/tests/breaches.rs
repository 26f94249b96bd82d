//! What breaks the stability besides the objectives, and what nobody can tell.

use super::*;

fn incident(id: &str, severity: &str, open: bool) -> Incident {
    let mut incident: Incident = entry(json!({
        "id": id, "title": "Slow", "status": "known", "open": open, "severity": severity, "changes": ["CHG-1"],
        "outage_start": "2026-11-24T13:30:00Z",
    }));
    incident.outage_end = (!open).then(|| Fixture::moment("2026-11-24T13:40:00Z").as_millis());
    incident
}

/// What the settings beside [`SETTINGS`] find at 13:54, or at another time.
fn look_at(now: &str, more: &str, change: impl FnOnce(&mut Fixture)) -> Report {
    let mut fixture = fixture(now, 0);
    fixture.change.id = "CHG-1".to_owned();
    change(&mut fixture);
    let settings = SETTINGS.replace("\"advice\"", &format!("{more} \"advice\""));
    report_of::<Stability>(&settings, &fixture)
}

fn look(more: &str, change: impl FnOnce(&mut Fixture)) -> Report {
    look_at("2026-11-24T13:54:00Z", more, change)
}

#[test]
fn an_incident_of_the_change_breaks_it_until_its_outage_lies_before_the_window() {
    let of =
        |now: &str, incident: Incident| look_at(now, "", |fixture| fixture.registers.incidents = Some(vec![incident]));
    let report = of("2026-11-24T13:54:00Z", incident("INC-1", "high", true));
    let expected = (Outcome::Failed, vec![("incidents-too-many", "/registers/incidents/0/open"), ("advised-back", "")]);
    assert_eq!(found(&report), expected);
    assert_eq!(
        report.findings[0].message,
        "1 incident of severity high since 2026-11-24T13:20:00Z, and 0 may be: `INC-1`"
    );
    assert_eq!(report.findings[0].remedies[0].code, "resolve-incident");

    let report = of("2026-11-24T14:20:00Z", incident("INC-1", "high", false));
    assert_eq!(report.outcome, Outcome::Failed);
    let again = lockgate_plugin::time::Timestamp::from_millis(report.again.expect("it says when"));
    assert_eq!(again.to_string(), "2026-11-24T14:40:00.001Z");
    assert_eq!(of("2026-11-24T14:41:00Z", incident("INC-1", "high", false)).outcome, Outcome::Passed);
    let undated = Incident { outage_end: None, ..incident("INC-1", "high", false) };
    assert_eq!(of("2026-11-24T14:41:00Z", undated).outcome, Outcome::Failed, "nobody knows when it ended");
}

/// Every number of incidents against every number that is allowed, for each severity.
#[test]
fn as_many_incidents_are_allowed_as_the_settings_say_for_each_severity() {
    for severity in ["info", "low", "medium", "high", "critical"] {
        for allowed in [None, Some(0), Some(1), Some(3)] {
            for number in 0..5_u32 {
                let more = allowed.map(|allowed| format!(r#""allowed-incidents": {{ "{severity}": {allowed} }},"#));
                let incidents = (0..number).map(|id| incident(&format!("INC-{id}"), severity, true)).collect();
                let report = look(&more.unwrap_or_default(), |fixture| fixture.registers.incidents = Some(incidents));
                let usual = if matches!(severity, "info" | "low") { u32::MAX } else { 0 };
                let is_broken = number > allowed.unwrap_or(usual);
                assert_eq!(report.outcome == Outcome::Failed, is_broken, "{severity} {allowed:?} {number}");
            }
        }
    }
}

#[test]
fn an_incident_of_an_instance_counts_if_it_began_after_the_deployment_and_others_do_not() {
    let of = |change: fn(&mut Incident)| {
        let mut incident = Incident { changes: Vec::new(), ..incident("INC-1", "high", true) };
        change(&mut incident);
        look("", |fixture| fixture.registers.incidents = Some(vec![incident])).outcome
    };
    assert_eq!(of(|_| {}), Outcome::Pending, "it is linked to nothing here");
    assert_eq!(of(|incident| incident.instances = vec!["shop-1".to_owned()]), Outcome::Failed);
    assert_eq!(of(|incident| incident.changes = vec!["CHG-2".to_owned()]), Outcome::Pending);
    let before = |incident: &mut Incident| {
        incident.instances = vec!["shop-1".to_owned()];
        incident.outage_start = Some(Fixture::moment("2026-11-24T13:19:00Z").as_millis());
    };
    assert_eq!(of(before), Outcome::Pending, "it is older than the deployment");
    let unknown = |incident: &mut Incident| {
        incident.instances = vec!["shop-1".to_owned()];
        incident.outage_start = None;
    };
    assert_eq!(of(unknown), Outcome::Failed, "nobody knows when it began, and it is open");
    assert_eq!(look(r#""incidents": false,"#, |fixture| fixture.registers.incidents = None).outcome, Outcome::Pending);
}

#[test]
fn a_severe_event_of_the_change_or_an_instance_breaks_it() {
    let event = |change: fn(&mut Event)| {
        let mut event: Event = entry(json!({
            "id": "E-1", "category": "exception", "kind": "alert", "severity": "high", "open": false, "at": "2026-11-24T13:30:00Z",
            "instance": "shop-1", "message": "out of memory",
        }));
        change(&mut event);
        look(r#""event-severity": "high","#, |fixture| fixture.registers.events = Some(vec![event]))
    };
    let report = event(|_| {});
    assert_eq!(found(&report).1[0], ("event-severe", "/registers/events/0"));
    assert_eq!(
        report.findings[0].message,
        "the event `E-1` of severity high happened at 2026-11-24T13:30:00Z: out of memory"
    );
    assert_eq!(event(|event| event.severity = lockgate_plugin::types::Severity::Medium).outcome, Outcome::Pending);
    assert_eq!(event(|event| event.instance = None).outcome, Outcome::Pending, "it is linked to nothing");
    let correlated = event(|event| (event.instance, event.correlated) = (None, vec!["CHG-1".to_owned()]));
    assert_eq!(correlated.outcome, Outcome::Failed);
    let open = event(|event| event.open = true);
    assert_eq!(open.findings[0].remedies[0].code, "resolve-event");
    let earlier = event(|event| event.at = Fixture::moment("2026-11-24T13:19:59Z").as_millis());
    assert_eq!(earlier.outcome, Outcome::Pending);
}

#[test]
fn contacts_are_counted_by_kind_and_by_what_they_are_about() {
    let of = |contacts: Vec<Interaction>| {
        look(r#""contacts": { "kinds": ["complaint"], "most": 1 },"#, |fixture| {
            fixture.registers.interactions = Some(contacts);
        })
    };
    let contact = |id: &str, kind: &str, about: &str| -> Interaction {
        entry(json!({ "id": id, "kind": kind, "at": "2026-11-24T13:30:00Z", "about": about, "title": "It is slow" }))
    };
    let one = contact("I-1", "complaint", "shop");
    assert_eq!(of(vec![one.clone()]).outcome, Outcome::Pending);
    assert_eq!(of(vec![one.clone(), contact("I-2", "question", "shop")]).outcome, Outcome::Pending);
    assert_eq!(of(vec![one.clone(), contact("I-2", "complaint", "other")]).outcome, Outcome::Pending);
    for about in ["shop", "CHG-1", "shop-1"] {
        let report = of(vec![one.clone(), contact("I-2", "complaint", about)]);
        assert_eq!(found(&report).1[0], ("contacts-too-many", "/registers/interactions/0"), "{about}");
        assert_eq!(
            report.findings[0].message,
            "consumers contacted the help desk 2 times since 2026-11-24T13:20:00Z, and 1 may be"
        );
        let again = report.again.map(lockgate_plugin::time::Timestamp::from_millis).map(|again| again.to_string());
        assert_eq!(again.as_deref(), Some("2026-11-24T14:30:00.001Z"), "the first of the two");
    }
}

#[test]
fn a_monitor_has_to_run_and_to_find_its_instance_healthy() {
    let of = |change: fn(&mut Monitor)| {
        let mut monitor = monitor("M-1", "2026-11-24T13:50:00Z");
        change(&mut monitor);
        let report = look(r#""monitors": ["M-1"],"#, |fixture| fixture.registers.monitors = Some(vec![monitor]));
        (report.outcome, report.findings[0].code.clone())
    };
    let unknown = || (Outcome::Inconclusive, "monitor-not-running".to_owned());
    assert_eq!(of(|_| {}), (Outcome::Pending, "not-stable-long-enough".to_owned()));
    assert_eq!(of(|monitor| monitor.healthy = Some(false)), (Outcome::Failed, "monitor-unhealthy".to_owned()));
    assert_eq!(of(|monitor| monitor.healthy = None), unknown());
    assert_eq!(of(|monitor| monitor.last_run = None), unknown());
    assert_eq!(of(|monitor| monitor.interval = Some(60_000)), unknown(), "it ran four minutes ago");
    assert_eq!(of(|monitor| monitor.interval = None).0, Outcome::Pending, "five minutes are no gap");
    assert_eq!(of(|monitor| monitor.id = "M-2".to_owned()).1, "monitor-missing");
}

#[test]
fn an_objective_that_nobody_can_judge_is_inconclusive() {
    let settings = SETTINGS.replace(r#", "budget": 0.05"#, "");
    let of = |change: fn(&mut Fixture)| {
        let mut fixture = fixture("2026-11-24T14:20:00Z", 0);
        fixture.registers.kpis.iter_mut().flatten().for_each(|kpi| kpi.budget = Some(0.05));
        change(&mut fixture);
        let report = report_of::<Stability>(&settings, &fixture);
        (report.outcome, report.findings.first().map(|finding| finding.code.clone()).unwrap_or_default())
    };
    let unknown = |code: &str| (Outcome::Inconclusive, code.to_owned());
    assert_eq!(of(|_| {}).0, Outcome::Passed, "the budget is that of the register");
    let without_budget = of(|fixture| fixture.registers.kpis.iter_mut().flatten().for_each(|kpi| kpi.budget = None));
    assert_eq!(without_budget, unknown("kpi-without-budget"));
    let without_bounds = of(|fixture| {
        fixture.sample_intervals.iter_mut().flat_map(|all| all.values_mut()).flatten().for_each(|one| one.good = None);
    });
    assert_eq!(without_bounds, unknown("kpi-not-judged"));
    assert_eq!(of(|fixture| fixture.registers.kpis = Some(vec![kpi("latency")])), unknown("kpi-missing"));
    assert_eq!(of(|fixture| fixture.sample_intervals = None), unknown("kpi-without-data"));
    assert_eq!(of(|fixture| fixture.registers.kpis = None), unknown("kpis-not-kept"));
    assert_eq!(of(|fixture| fixture.registers.incidents = None), unknown("incidents-not-kept"));
}

#[test]
fn what_broke_it_outweighs_what_nobody_knows_and_both_are_told() {
    let report = look(r#""monitors": ["M-1"], "event-severity": "low", "contacts": { "most": 0 },"#, |fixture| {
        fixture.registers.incidents = Some(vec![incident("INC-1", "critical", true)]);
        fixture.registers.monitors = None;
        fixture.withheld = vec!["events".to_owned()];
    });
    let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(
        codes,
        ["incidents-too-many", "monitors-not-kept", "events-not-granted", "interactions-not-kept", "advised-back"]
    );
    assert_eq!(report.summary, "the service Shop is not stable: 1 thing broke it; 0 % of the error budget used");
}

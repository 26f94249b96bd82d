#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod contracts;
mod incidents;
mod knowledge;
mod kpis;
mod monitors;
mod runbooks;
mod settings;

use lockgate_plugin::registers::{Incident, Kpi, Monitor, Runbook, ServiceContract};
use lockgate_plugin::testing::{
    Fixture, configure, configured, outcome_and_findings as found, register_entry as entry, report_of,
};
use lockgate_plugin::types::{
    Attribute, InstanceStatus, KnowledgeItem, KnowledgeStatus, Phase, Plan, Scenario, Stage, TimeWindow,
};
use lockgate_plugin::{Outcome, Report};
use serde_json::json;

use super::ServiceReadiness;

fn window(start: &str, end: &str) -> TimeWindow {
    TimeWindow::new(Fixture::moment(start), Fixture::moment(end))
}

/// A service that is ready, at the exit of validate on 2026-11-24 at 12:00, with a slot from 10:00 to 14:00.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new().gate(Stage::Validate, Phase::Exit);
    let slot = Some(window("2026-11-24T10:00:00Z", "2026-11-24T14:00:00Z"));
    fixture.plan = Some(Plan { slot, ..Fixture::plan("P-1") });
    fixture.actual_instances = vec![Fixture::instance("shop-1"), Fixture::instance("shop-2")];
    fixture.knowledge_items = vec![item("K-1", KnowledgeStatus::Published)];
    let registers = &mut fixture.registers;
    registers.service_contracts = Some(vec![contract("SLA-1")]);
    registers.kpis = Some(vec![kpi("errors")]);
    registers.monitors = Some(vec![monitor("M-1", "shop-1"), monitor("M-2", "shop-2")]);
    registers.incidents = Some(vec![incident("INC-1", "critical", false)]);
    registers.runbooks = Some(vec![runbook("R-1", "restart")]);
    fixture
}

fn contract(id: &str) -> ServiceContract {
    entry(json!({
        "id": id, "kind": "sla", "provider": "shop-team", "consumer": "customers", "active": true,
        "term": { "start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z" },
    }))
}

/// At most 0.5 %, and 0.1 % five minutes before noon.
fn kpi(id: &str) -> Kpi {
    entry(json!({
        "id": id, "metric": "error share", "unit": "%", "at_most": 0.5, "latest": 0.1, "samples": 12,
        "measured": "2026-11-24T11:55:00Z",
    }))
}

/// Each five minutes, and the last time three minutes before noon.
fn monitor(id: &str, instance: &str) -> Monitor {
    entry(json!({
        "id": id, "kind": "http", "instance": instance, "healthy": true, "interval": "5m",
        "last_run": "2026-11-24T11:57:00Z",
    }))
}

fn incident(id: &str, severity: &str, open: bool) -> Incident {
    entry(json!({ "id": id, "title": "Slow", "status": "known", "open": open, "severity": severity }))
}

fn runbook(id: &str, kind: &str) -> Runbook {
    entry(json!({ "id": id, "title": "Restart", "kind": kind, "deployed": true }))
}

fn item(id: &str, status: KnowledgeStatus) -> KnowledgeItem {
    KnowledgeItem {
        id: id.to_owned(),
        title: "How to run it".to_owned(),
        kind: "article".to_owned(),
        status,
        author: "ann".to_owned(),
        expires: None,
    }
}

fn run_with(settings: &str, fixture: &Fixture) -> Report {
    report_of::<ServiceReadiness>(settings, fixture)
}

fn run(fixture: &Fixture) -> Report {
    run_with("{}", fixture)
}

/// The settings that look at one part alone.
fn only(part: &str, more: &str) -> String {
    let parts = ["contract", "blackouts", "kpis", "monitors", "incidents", "runbooks", "knowledge"];
    let parts = parts.into_iter().map(|name| format!(r#""{name}": {}"#, name == part));
    let all: Vec<String> = parts.chain((!more.is_empty()).then(|| more.to_owned())).collect();
    format!("{{ {} }}", all.join(", "))
}

#[test]
fn a_service_with_all_that_it_needs_is_ready() {
    let report = run(&fixture());
    assert_eq!((report.outcome, report.findings.len()), (Outcome::Passed, 0), "{report:?}");
    assert_eq!(report.summary, "the service Shop is ready: all that the settings ask for is there");
}

#[test]
fn a_register_that_nobody_keeps_is_told_apart_from_one_that_is_not_granted_or_empty() {
    let registers = [
        ("contract", "service-contracts", "contracts", Outcome::Failed, "contracts-empty"),
        ("kpis", "kpis", "kpis", Outcome::Inconclusive, "kpis-empty"),
        ("monitors", "monitors", "monitors", Outcome::Failed, "monitors-empty"),
        ("incidents", "incidents", "incidents", Outcome::Passed, "no-incidents"),
        ("runbooks", "runbooks", "runbooks", Outcome::Failed, "runbooks-empty"),
    ];
    for (part, register, word, of_empty, empty) in registers {
        let place = format!("/registers/{}", register.replace('-', "_"));
        let look = |fixture: &Fixture| run_with(&only(part, ""), fixture);
        let mut fixture = fixture();
        fixture.registers = lockgate_plugin::testing::Registers::default();
        let not_kept = format!("{word}-not-kept");
        let report = look(&fixture);
        assert_eq!(found(&report), (Outcome::Inconclusive, vec![(not_kept.as_str(), place.as_str())]));
        assert_eq!(report.findings[0].remedies[0].code, "keep-register");

        fixture.registers.service_contracts = Some(Vec::new());
        fixture.registers.kpis = Some(Vec::new());
        fixture.registers.monitors = Some(Vec::new());
        fixture.registers.incidents = Some(Vec::new());
        fixture.registers.runbooks = Some(Vec::new());
        assert_eq!(found(&look(&fixture)), (of_empty, vec![(empty, place.as_str())]));

        fixture.withheld = vec![register.to_owned()];
        let not_granted = format!("{word}-not-granted");
        let report = look(&fixture);
        assert_eq!(found(&report), (Outcome::Inconclusive, vec![(not_granted.as_str(), place.as_str())]));
        let remedy = &report.findings[0].remedies[0];
        assert_eq!(remedy.message, format!("grant the register to the binding: `grants.facts = [\"{register}\"]`"));
        assert_eq!(remedy.owner.as_deref(), Some("governance"));
    }
}

#[test]
fn before_the_exit_of_fulfill_nothing_is_in_operation() {
    let mut fixture = fixture().gate(Stage::Fulfill, Phase::Entrance);
    for part in ["kpis", "monitors", "runbooks"] {
        assert_eq!(run_with(&only(part, ""), &fixture).outcome, Outcome::Skipped, "{part}");
    }
    (fixture.registers.kpis, fixture.registers.monitors, fixture.registers.runbooks) = (None, None, None);
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    let fixture = fixture.gate(Stage::Fulfill, Phase::Exit);
    let codes = ["kpis-not-kept", "monitors-not-kept", "runbooks-not-kept"];
    let report = run(&fixture);
    assert_eq!(report.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), codes);
}

#[test]
fn a_removal_is_skipped() {
    let mut fixture = fixture();
    fixture.scenario = Scenario::Removal;
    fixture.registers = lockgate_plugin::testing::Registers::default();
    assert_eq!(run(&fixture), Report::skipped("after a removal there is no service that has to be ready"));
}

#[test]
fn all_parts_are_looked_at_and_what_is_wrong_outweighs_what_is_not_known() {
    let mut fixture = fixture();
    let registers = &mut fixture.registers;
    registers.service_contracts.iter_mut().flatten().for_each(|contract| contract.active = false);
    registers.kpis.iter_mut().flatten().for_each(|kpi| kpi.latest = None);
    registers.monitors.iter_mut().flatten().for_each(|monitor| monitor.healthy = Some(false));
    registers.incidents.iter_mut().flatten().for_each(|incident| incident.open = true);
    registers.runbooks.iter_mut().flatten().for_each(|runbook| runbook.deployed = false);
    fixture.knowledge_items.clear();
    let report = run_with(r#"{ "training": { "evidence": "training" } }"#, &fixture);
    let expected = vec![
        ("contract-not-active", "/registers/service_contracts/0/active"),
        ("incident-open", "/registers/incidents/0/open"),
        ("knowledge-missing", "/release/knowledge_items"),
        ("monitor-unhealthy", "/registers/monitors/0/healthy"),
        ("monitor-unhealthy", "/registers/monitors/1/healthy"),
        ("runbook-not-deployed", "/registers/runbooks/0/deployed"),
        ("training-missing", "/evidence/training"),
        ("kpi-without-data", "/registers/kpis/0/latest"),
    ];
    assert_eq!(found(&report), (Outcome::Failed, expected));
    assert_eq!(report.summary, "the service Shop is not ready: 6 things are not as they should be");
}

#[test]
fn many_findings_are_counted_and_each_code_is_told() {
    let mut fixture = fixture();
    fixture.registers.incidents = Some((0..150).map(|id| incident(&format!("INC-{id}"), "high", true)).collect());
    fixture.registers.kpis.iter_mut().flatten().for_each(|kpi| kpi.latest = None);
    let report = run(&fixture);
    assert_eq!((report.outcome, report.findings.len()), (Outcome::Failed, 101));
    assert!(report.findings.iter().any(|finding| finding.code == "kpi-without-data"));
    assert_eq!(report.findings[100].code, "more-findings");
}

#[test]
fn an_instance_elsewhere_or_removed_is_not_looked_at() {
    let mut fixture = fixture();
    fixture.actual_instances[0].environment = "staging".to_owned();
    fixture.actual_instances[1].status = InstanceStatus::Removed;
    fixture.actual_instances.push(Fixture::instance("shop-3"));
    fixture.registers.monitors = Some(vec![monitor("M-3", "shop-3")]);
    let of = |instance: &str| Some(instance.to_owned());
    let stale = Kpi { latest: None, instance: of("shop-1"), ..kpi("staging") };
    let gone = Kpi { latest: None, instance: of("shop-2"), ..kpi("gone") };
    fixture.registers.kpis = Some(vec![stale, gone, Kpi { instance: of("shop-3"), ..kpi("live") }]);
    let old = Runbook { deployed: false, instance: of("shop-2"), ..runbook("R-2", "restart") };
    fixture.registers.runbooks = Some(vec![old, runbook("R-1", "restart")]);
    fixture.labels = vec![Attribute::new("area", "web")];
    assert_eq!(found(&run(&fixture)), (Outcome::Passed, vec![]));
}

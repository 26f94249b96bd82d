//! Open incidents.

use lockgate_plugin::types::Severity;

use super::*;

const SEVERITIES: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// Every severity against every limit.
#[test]
fn an_open_incident_of_at_least_the_severity_stands_in_the_way() {
    for (limit, least) in SEVERITIES.into_iter().enumerate() {
        let settings = format!(r#"{{ "incident-severity": "{}" }}"#, least.word());
        for (is, severity) in SEVERITIES.into_iter().enumerate() {
            for open in [false, true] {
                let mut fixture = fixture();
                fixture.registers.incidents = Some(vec![incident("INC-1", severity.word(), open)]);
                let report = run_with(&settings, &fixture);
                let expected = match open && is >= limit {
                    true => (Outcome::Failed, vec![("incident-open", "/registers/incidents/0/open")]),
                    false => (Outcome::Passed, vec![]),
                };
                assert_eq!(found(&report), expected, "{severity:?} {least:?} {open}");
                assert!(report.findings.iter().all(|finding| finding.severity == severity));
            }
        }
    }
}

#[test]
fn a_high_severity_is_the_least_that_counts_by_itself() {
    let mut fixture = fixture();
    fixture.registers.incidents = Some(vec![incident("INC-1", "medium", true), incident("INC-2", "high", true)]);
    let report = run(&fixture);
    assert_eq!(found(&report).1, [("incident-open", "/registers/incidents/1/open")]);
    assert_eq!(report.findings[0].message, "the incident `INC-2` (Slow) is open, and its severity is high");
}

#[test]
fn the_incident_that_caused_the_change_may_be_open_until_the_release_is_deployed() {
    let mut fixture = fixture().gate(Stage::Fulfill, Phase::Entrance);
    fixture.registers.incidents = Some(vec![incident("INC-1", "critical", true)]);
    fixture.change.trigger_reference = Some("INC-1".to_owned());
    let settings = r#"{ "except-trigger": true }"#;
    assert_eq!(run(&fixture).outcome, Outcome::Failed, "it has to be asked for");
    let report = run_with(settings, &fixture);
    assert_eq!(found(&report), (Outcome::Passed, vec![("incident-caused-change", "/registers/incidents/0/open")]));
    let mut other = fixture.clone();
    other.change.trigger_reference = Some("INC-2".to_owned());
    assert_eq!(run_with(settings, &other).outcome, Outcome::Failed);
    assert_eq!(run_with(settings, &fixture.gate(Stage::Fulfill, Phase::Exit)).outcome, Outcome::Failed);
}

//! Runbooks that are deployed.

use super::*;

fn look(settings: &str, runbooks: Vec<Runbook>) -> Report {
    let mut fixture = fixture();
    fixture.registers.runbooks = Some(runbooks);
    run_with(&only("runbooks", settings), &fixture)
}

#[test]
fn each_runbook_has_to_be_deployed() {
    let report = look("", vec![runbook("R-1", "restart"), Runbook { deployed: false, ..runbook("R-2", "restore") }]);
    assert_eq!(found(&report), (Outcome::Failed, vec![("runbook-not-deployed", "/registers/runbooks/1/deployed")]));
    assert_eq!(report.findings[0].message, "the runbook `R-2` (Restart) is not deployed");
}

#[test]
fn each_kind_that_is_named_has_to_be_there() {
    let runbooks = || vec![runbook("R-1", "restart"), runbook("R-2", "restore")];
    assert_eq!(look(r#""runbook-kinds": ["restore", "restart"]"#, runbooks()).outcome, Outcome::Passed);
    let report = look(r#""runbook-kinds": ["restart", "failover"]"#, runbooks());
    assert_eq!(found(&report), (Outcome::Failed, vec![("runbook-missing", "/registers/runbooks")]));
    assert_eq!(report.findings[0].message, "no runbook of the kind `failover` is for an instance in `live`");
}

#[test]
fn runbooks_for_other_environments_are_none() {
    let mut fixture = fixture();
    fixture.actual_instances[0].environment = "staging".to_owned();
    let elsewhere = Runbook { instance: Some("shop-1".to_owned()), ..runbook("R-1", "restart") };
    fixture.registers.runbooks = Some(vec![elsewhere]);
    let missing = (Outcome::Failed, vec![("runbook-missing", "/registers/runbooks")]);
    assert_eq!(found(&run_with(&only("runbooks", ""), &fixture)), missing);
    assert_eq!(found(&run_with(&only("runbooks", r#""runbook-kinds": ["restart"]"#), &fixture)), missing);
}

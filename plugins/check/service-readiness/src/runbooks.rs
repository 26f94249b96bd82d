//! Whether the runbooks are deployed together with the instances.

use lockgate_plugin::registers::Runbook;
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, PluginError, TargetInstances};

use crate::settings::{RUNBOOKS, Settings};

/// Looks at the register of runbooks.
pub(crate) fn check(
    settings: &Settings,
    instances: &TargetInstances,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    if !settings.runbooks {
        return Ok(());
    }
    let Some(runbooks) = RUNBOOKS.entries(evaluation.runbooks(), findings)? else { return Ok(()) };
    let here: Vec<(usize, &Runbook)> =
        runbooks.iter().enumerate().filter(|(_, runbook)| instances.concern(runbook.instance.as_deref())).collect();
    for (index, runbook) in here.iter().filter(|(_, runbook)| !runbook.deployed) {
        let (id, title) = (runbook.id.as_str(), runbook.title.as_str());
        findings.wrong("runbook-not-deployed", |code| {
            let message = format!("the runbook `{id}` ({title}) is not deployed");
            let need = CorrectionNeeded::new(RUNBOOKS.place().index(*index).key("deployed"), "`true`").found("false");
            Finding::new(code, message).about(id).correct("deploy-runbook", need, RUNBOOKS.keeper)
        });
    }
    let mut missing = |message: String, remedy: String| {
        findings.wrong("runbook-missing", |code| {
            Finding::new(code, message).at(RUNBOOKS.place()).remedy(RUNBOOKS.fill(remedy))
        });
    };
    for kind in settings.runbook_kinds.iter().filter(|kind| !here.iter().any(|(_, runbook)| runbook.kind == **kind)) {
        let environment = instances.environment();
        missing(
            format!("no runbook of the kind `{kind}` is for an instance in `{environment}`"),
            format!("deploy a runbook of the kind `{kind}`"),
        );
    }
    if here.is_empty() && settings.runbook_kinds.is_empty() {
        let environment = instances.environment();
        missing(format!("no runbook is for an instance in `{environment}`"), "deploy a runbook".to_owned());
    }
    Ok(())
}

//! Whether a severe incident is open.

use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, PluginError};

use crate::settings::{INCIDENTS, Settings};

/// Looks at the register of incidents. The incident that caused the change may be open until the release is deployed, if
/// the settings say so.
pub(crate) fn check(
    settings: &Settings,
    is_deployed: bool,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    if !settings.incidents {
        return Ok(());
    }
    let Some(incidents) = INCIDENTS.entries(evaluation.incidents(), findings)? else { return Ok(()) };
    let least = settings.incident_severity();
    let cause = evaluation.change().trigger_reference.filter(|_| settings.except_trigger && !is_deployed);
    let severe = incidents.iter().enumerate().filter(|(_, incident)| incident.open && incident.severity >= least);
    for (index, incident) in severe {
        let (id, title, severity) = (incident.id.as_str(), incident.title.as_str(), incident.severity);
        let place = INCIDENTS.place().index(index).key("open");
        if cause.as_deref() == Some(id) {
            findings.noted("incident-caused-change", |code| {
                let message = format!("the incident `{id}` ({title}) is open, and the change is made because of it");
                Finding::new(code, message).about(id).at(&place)
            });
            continue;
        }
        findings.wrong("incident-open", |code| {
            let message = format!("the incident `{id}` ({title}) is open, and its severity is {}", severity.word());
            let need = CorrectionNeeded::new(&place, "`false`").found("true");
            let finding = Finding::new(code, message).about(id).severity(severity);
            finding.correct("resolve-incident", need, INCIDENTS.keeper)
        });
    }
    Ok(())
}

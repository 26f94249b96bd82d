//! Whether there were more incidents than are allowed.

use lockgate_plugin::registers::Incident;
use lockgate_plugin::types::Severity;
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, Finding, Findings, PluginError, Requirement, TargetInstances, counted, listed,
};

use crate::settings::{INCIDENTS, Settings};
use crate::window::Window;

/// Looks at the incidents of the window that the change or an instance in the target environment is linked to.
pub(crate) fn check(
    settings: &Settings,
    window: &Window,
    instances: &TargetInstances,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    if !settings.incidents {
        return Ok(());
    }
    let Some(incidents) = INCIDENTS.entries(evaluation.incidents(), findings)? else { return Ok(()) };
    let change = evaluation.change().id;
    let counts = |incident: &Incident| counts(incident, &change, window, instances);
    let counted_ones: Vec<(usize, &Incident)> =
        incidents.iter().enumerate().filter(|(_, incident)| counts(incident)).collect();
    for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info] {
        let Some(allowed) = settings.allowed_incidents().of(severity) else { continue };
        let found: Vec<&(usize, &Incident)> =
            counted_ones.iter().filter(|(_, incident)| incident.severity == severity).collect();
        if found.len() as u64 <= u64::from(allowed) {
            continue;
        }
        for (_, incident) in found.iter().filter(|(_, incident)| !incident.open) {
            if let Some(end) = incident.outage_end {
                findings.again(window.over(end));
            }
        }
        findings.wrong("incidents-too-many", |code| {
            let ids = listed(found.iter().map(|(_, incident)| incident.id.as_str()), "and");
            let message = format!(
                "{} of severity {} since {}, and {allowed} may be: {ids}",
                counted(found.len(), "incident", "incidents"),
                severity.word(),
                window.start()
            );
            let finding = Finding::new(code, message).severity(severity);
            found.iter().fold(finding, |finding, (index, incident)| {
                let place = INCIDENTS.place().index(*index).key("open");
                if !incident.open {
                    return finding.at(place);
                }
                let need = CorrectionNeeded::new(&place, "`false`").found("true");
                let remedy = Requirement::correction("resolve-incident", need).owner(INCIDENTS.keeper);
                finding.at(place).remedy(remedy)
            })
        });
    }
    Ok(())
}

/// Whether an incident counts. One that the change is linked to does if it lasted in the window, or nobody knows when it ended. One of an
/// instance does if it also began after the deployment, or is open and nobody knows when it began.
fn counts(incident: &Incident, change: &str, window: &Window, instances: &TargetInstances) -> bool {
    let end = if incident.open { None } else { incident.outage_end };
    if !window.meets(incident.outage_start, end) {
        return false;
    }
    if incident.changes.iter().any(|linked| linked == change) {
        return true;
    }
    let began = incident.outage_start.map_or(incident.open, |began| began >= window.deployed.as_millis());
    began && incident.instances.iter().any(|instance| instances.concern(Some(instance)))
}

//! Whether more consumers contacted the help desk than is allowed.

use lockgate_plugin::{Evaluation, Finding, Findings, PluginError, TargetInstances, counted};

use crate::settings::{INTERACTIONS, Settings};
use crate::window::Window;

/// Looks at the contacts of the window about the product, the change, or an instance in the target environment.
pub(crate) fn check(
    settings: &Settings,
    window: &Window,
    instances: &TargetInstances,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    let Some(contacts) = &settings.contacts else { return Ok(()) };
    let Some(interactions) = INTERACTIONS.entries(evaluation.interactions(), findings)? else { return Ok(()) };
    let (change, product) = (evaluation.change().id, evaluation.product().id);
    let mut found: Vec<(i64, usize)> = Vec::new();
    for (index, interaction) in interactions.iter().enumerate() {
        let is_about = match interaction.about.as_deref() {
            None => true,
            Some(about) => {
                about == change || about == product || instances.here().any(|(_, instance)| instance.id == about)
            }
        };
        let is_of_kind = contacts.kinds.is_empty() || contacts.kinds.contains(&interaction.kind);
        if is_about && is_of_kind && window.meets(Some(interaction.at), Some(interaction.at)) {
            found.push((interaction.at, index));
        }
    }
    let most = contacts.most as usize;
    if found.len() <= most {
        return Ok(());
    }
    // There are few enough again when so many of the oldest lie before the window.
    found.sort_unstable();
    if let Some((at, _)) = found.get(found.len().saturating_sub(most).saturating_sub(1)) {
        findings.again(window.over(*at));
    }
    findings.wrong("contacts-too-many", |code| {
        let message = format!(
            "consumers contacted the help desk {} since {}, and {most} may be",
            counted(found.len(), "time", "times"),
            window.start()
        );
        let finding = Finding::new(code, message);
        found.iter().take(20).fold(finding, |finding, (_, index)| finding.at(INTERACTIONS.place().index(*index)))
    });
    Ok(())
}

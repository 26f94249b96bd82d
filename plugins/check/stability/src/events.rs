//! Whether severe events happened.

use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, PluginError, Requirement, TargetInstances};

use crate::settings::{EVENTS, Settings};
use crate::window::Window;

/// Looks at the events of the window that are correlated with the change, or happened at an instance in the target environment.
pub(crate) fn check(
    settings: &Settings,
    window: &Window,
    instances: &TargetInstances,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    let Some(least) = settings.event_severity else { return Ok(()) };
    let Some(events) = EVENTS.entries(evaluation.events(), findings)? else { return Ok(()) };
    let change = evaluation.change().id;
    for (index, event) in events.iter().enumerate() {
        let is_linked = event.correlated.contains(&change)
            || event.instance.as_deref().is_some_and(|instance| instances.concern(Some(instance)));
        let goes_on = event.open && event.at >= window.deployed.as_millis();
        let is_here = goes_on || window.meets(Some(event.at), Some(event.at));
        if event.severity < least || !is_linked || !is_here {
            continue;
        }
        if !event.open {
            findings.again(window.over(event.at));
        }
        findings.wrong("event-severe", |code| {
            let (id, message) = (event.id.as_str(), event.message.as_str());
            let at = lockgate_plugin::time::Timestamp::from(event.at);
            let message = format!("the event `{id}` of severity {} happened at {at}: {message}", event.severity.word());
            let place = EVENTS.place().index(index);
            let finding = Finding::new(code, message).about(id).severity(event.severity).at(&place);
            if !event.open {
                return finding;
            }
            let need = CorrectionNeeded::new(place.key("open"), "`false`").found("true");
            finding.remedy(Requirement::correction("resolve-event", need).owner(EVENTS.keeper))
        });
    }
    Ok(())
}

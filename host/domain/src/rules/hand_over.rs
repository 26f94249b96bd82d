//! Rule 11: a live deployment is operational only if those who operate it have accepted it.

use super::Rule;
use crate::{ActivityNeeded, Finding, Gate, Need, Phase, Requirement, Scenario, Severity, Snapshot, Stage};

/// The gate that makes a deployment operational.
const OPERATIONAL: Gate = Gate { stage: Stage::Observe, phase: Phase::Exit };

/// The id of the activity that a hand-over is.
const ACTIVITY: &str = "hand-over";

/// The place of the hand-over in the snapshot.
const PLACE: &str = "/hand_over";

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let deployment = &snapshot.deployment;
    // A removal leaves nothing that somebody has to take over.
    let is_needed = deployment.environment.live && deployment.scenario != Scenario::Removal;
    if snapshot.gate != OPERATIONAL || !is_needed {
        return;
    }
    let environment = &deployment.environment.name;
    let (rule, owner, message, remedy, pointer) = match &deployment.hand_over {
        Some(hand_over) if hand_over.is_accepted() => return,
        None => (
            Rule::HandOverMissing,
            Rule::HandOverMissing.owner().to_owned(),
            format!("nobody has taken over what was deployed to the live environment `{environment}`"),
            "propose the hand-over to a person or a team, with what they get: `POST …/hand-over`; then have them accept it".to_owned(),
            PLACE.to_owned(),
        ),
        Some(hand_over) => {
            let receiver = &hand_over.receiver;
            let owner = match &receiver.person {
                Some(person) => format!("person:{}", person.normal()),
                None => Rule::HandOverNotAccepted.owner().to_owned(),
            };
            let message = match &hand_over.accepted_by {
                Some(by) => format!(
                    "`{by}` accepted the hand-over, which `{}` proposed to {receiver}: that is not the one who takes over, or the \
                     proposer",
                    hand_over.proposed_by
                ),
                None => format!("{receiver} has not accepted the hand-over that `{}` proposed", hand_over.proposed_by),
            };
            let remedy = format!("have the hand-over accepted by {receiver}: `POST …/hand-over/acceptance`");
            (Rule::HandOverNotAccepted, owner, message, remedy, format!("{PLACE}/accepted_by"))
        }
    };
    let need = ActivityNeeded { activity: ACTIVITY.to_owned(), role: Some("operations-manager".to_owned()), due: None };
    breaches.push(Finding {
        pointers: vec![pointer],
        remedies: vec![Requirement {
            owner: Some(owner),
            ..Requirement::new(rule.code(), remedy, Need::Activity(need))
        }],
        ..Finding::new(Severity::High, rule.code(), message)
    });
}

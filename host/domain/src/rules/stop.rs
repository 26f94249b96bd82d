//! Rule 9: while the line is stopped nothing goes on, and overrides are reviewed in time.

use super::{Fix, Rule};
use crate::{Finding, LateReview, Need, Requirement, Severity, Snapshot, Stop, TimeNeeded};

/// The breaches by the stops of the line that hold at the snapshot's time. The engine leaves them out where the deployment
/// model keeps its hotfix lane open, and the service asks for them before a step of a rollout begins.
pub fn stopped(snapshot: &Snapshot) -> Vec<Finding> {
    let stops = snapshot.deployment.stops.iter().enumerate();
    stops.filter(|(_, stop)| stop.holds_at(snapshot.now)).map(|(place, stop)| breach(place, stop)).collect()
}

fn breach(place: usize, stop: &Stop) -> Finding {
    let Stop { id, by, reason, scope, until, .. } = stop;
    let code = Rule::LineStopped.code();
    let message = format!("`{by}` has stopped the line for {} until {until}: {reason} (stop `{id}`)", scope.in_words());
    let remedy = format!("wait until {until}, or have the stop `{id}` lifted");
    let need = Need::Time(TimeNeeded { not_before: Some(*until), not_after: None });
    let finding = Finding {
        pointers: vec![format!("/stops/{place}")],
        remedies: vec![Requirement::new(code, remedy, need)],
        ..Finding::new(Severity::High, code, message)
    };
    finding.owned_by(Rule::LineStopped.owner()).about(id)
}

/// Adds a breach for each late review that blocks at the snapshot's time.
pub(super) fn late_reviews(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    for (place, late) in snapshot.deployment.late_reviews.iter().enumerate() {
        let LateReview { id, deployment, by, due, blocks_from } = late;
        if blocks_from.is_none_or(|from| snapshot.now < from) {
            continue;
        }
        let message = format!(
            "the override `{id}` of deployment `{deployment}`, which `{by}` took, was to be reviewed until {due}, and nobody has \
             reviewed it"
        );
        let fix = Fix::new(format!("have somebody who is not involved review the override `{id}`"), "a review")
            .found("no review");
        let breach = Rule::OverrideReviewLate.correct(message, format!("/late_reviews/{place}"), fix);
        breaches.push(breach.about(id));
    }
}

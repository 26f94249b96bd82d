//! Stops of the line, and late reviews of overrides: what a model makes of them.

use lockgate_domain::rules::{Rule, stopped};
use lockgate_domain::{DecisionReason, Finding, LateReview, ReasonSource, Snapshot};

use crate::gate::EngineCode;
use crate::model::Model;

/// Adds a breach for each stop that holds the deployment up.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    if !model.passes_stops(&snapshot.deployment) {
        breaches.extend(stopped(snapshot));
    }
}

/// The reasons that stop nothing: the stops that the deployment passes by the hotfix lane, and the late reviews that do not block
/// yet.
pub(crate) fn remarks(model: &Model, snapshot: &Snapshot) -> Vec<DecisionReason> {
    let remark = |code: &str, about: &str, message: String| DecisionReason {
        about: Some(about.to_owned()),
        ..DecisionReason::new(ReasonSource::Host, false, code, message)
    };
    let deployment = &snapshot.deployment;
    let stops = deployment.stops.iter().filter(|stop| stop.holds_at(snapshot.now));
    let passed = stops.filter(|_| model.passes_stops(deployment)).map(|stop| {
        let message = format!(
            "`{}` has stopped the line for {} (stop `{}`): the model `{}` keeps its hotfix lane open for emergency changes, and the \
             deployment is reviewed afterwards",
            stop.by,
            stop.scope.in_words(),
            stop.id,
            model.id,
        );
        remark(EngineCode::HotfixLaneOpen.as_str(), &stop.id, message)
    });
    let warns = |late: &&LateReview| late.blocks_from.is_none_or(|from| snapshot.now < from);
    let late = deployment.late_reviews.iter().filter(warns).map(|late| {
        let then =
            late.blocks_from.map_or_else(String::new, |from| format!("; from {from} on, that stops deployments"));
        let LateReview { id, deployment, due, .. } = late;
        let message = format!("the override `{id}` of deployment `{deployment}` was to be reviewed until {due}{then}");
        remark(Rule::OverrideReviewLate.code(), id, message)
    });
    passed.chain(late).collect()
}

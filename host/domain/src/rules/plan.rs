//! Rules 1, 3, 4 and 5: what a plan must say.

use std::collections::BTreeSet;

use super::{Fix, Rule};
use crate::{InstanceStatus, Phase, Plan, Scenario, Snapshot, Stage, Violation, WayBack};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Violation>) {
    let Some(plan) = &snapshot.deployment.plan else {
        let planning = snapshot.gate.stage == Stage::PlanAndApprove && snapshot.gate.phase == Phase::Entrance;
        if !planning {
            breaches.push(Rule::PlanMissing.correct(
                format!("there is no deployment plan, and {} is not passed without one", snapshot.gate),
                "/plan",
                Fix::new("write the deployment plan", "a deployment plan").found("nothing"),
            ));
        }
        return;
    };
    if snapshot.deployment.scenario == Scenario::NewVersion {
        point_of_no_return(plan, breaches);
        way_back(plan, breaches);
    }
    suppression(snapshot, plan, breaches);
    office_hours(snapshot, plan, breaches);
    if snapshot.deployment.scenario == Scenario::Removal {
        removal(snapshot, plan, breaches);
    }
}

fn point_of_no_return(plan: &Plan, breaches: &mut Vec<Violation>) {
    let pointer = "/plan/point_of_no_return";
    let Some(point) = &plan.point_of_no_return else {
        breaches.push(Rule::PointOfNoReturnMissing.correct(
            "the plan of a new version names no point of no return",
            pointer,
            Fix::new("name the step after which there is no way back", "the id of a step").found("nothing"),
        ));
        return;
    };
    let Some(rollout) = &plan.rollout else { return };
    if rollout.point_of_no_return.as_ref() == Some(point) {
        return;
    }
    let expected = match &rollout.point_of_no_return {
        Some(laid_out) => format!("`{laid_out}`"),
        None => "a rollout that has a point of no return".to_owned(),
    };
    breaches.push(Rule::PointOfNoReturnUnknown.correct(
        format!("the plan's point of no return, `{point}`, is not the one of the rollout that was laid out"),
        pointer,
        Fix::new(format!("let plan and rollout name the same step: {expected}"), expected).found(format!("`{point}`")),
    ));
}

fn way_back(plan: &Plan, breaches: &mut Vec<Violation>) {
    let found = match &plan.way_back {
        Some(WayBack::LastKnownGood(_)) => return,
        Some(WayBack::Removal) => "removal",
        Some(WayBack::ForwardOnly) => "forward-only",
        None => "nothing",
    };
    breaches.push(Rule::WayBackMissing.correct(
        "the plan of a new version has no way back to the last known good release",
        "/plan/way_back",
        Fix::new("name the release that a rollback returns to", "`last-known-good` with a release").found(found),
    ));
}

fn suppression(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Violation>) {
    let Some(suppression) = plan.suppression else { return };
    let window = snapshot.deployment.change.window;
    if window.is_some_and(|window| window.encloses(&suppression)) {
        return;
    }
    let expected = match window {
        Some(window) => format!("a span within the change window, {} to {}", window.start, window.end),
        None => "none, because the change has no window".to_owned(),
    };
    breaches.push(
        Rule::SuppressionOutlivesChangeWindow.correct(
            "events would be suppressed outside the change window",
            "/plan/suppression",
            Fix::new(format!("suppress events only for {expected}"), expected)
                .found(format!("{} to {}", suppression.start, suppression.end)),
        ),
    );
}

fn office_hours(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Violation>) {
    if !plan.office_hours_exception {
        return;
    }
    for (index, instance) in snapshot.deployment.actual_instances.iter().enumerate() {
        let (message, found) = match instance.consumers {
            Some(0) => continue,
            Some(n) => (
                format!("instance `{}` is in use, so the office-hours exception does not hold", instance.id),
                n.to_string(),
            ),
            None => (
                format!(
                    "nobody knows whether instance `{}` is in use, so the office-hours exception does not hold",
                    instance.id
                ),
                "unknown".to_owned(),
            ),
        };
        let mut breach = Rule::OfficeHoursWithConsumers.correct(
            message,
            format!("/actual_instances/{index}/consumers"),
            Fix::new("deploy in the change window, or show that nobody consumes the instance", "0 consumers")
                .found(found),
        );
        breach.subject = Some(instance.id.clone());
        breaches.push(breach);
    }
}

fn removal(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Violation>) {
    if plan.data_retention.is_none() {
        breaches.push(
            Rule::DataRetentionUndecided.correct(
                "nobody has decided what happens to the data of what is removed",
                "/plan/data_retention",
                Fix::new("decide how long the data is kept and who can view it", "a data-retention decision")
                    .found("nothing"),
            ),
        );
    }
    // Once the removal has begun, the inventory shrinks: from then on the actual instances are compared with the
    // desired ones instead.
    let gate = snapshot.gate;
    let begun = gate.stage > Stage::Fulfill || (gate.stage == Stage::Fulfill && gate.phase == Phase::Exit);
    if begun {
        return;
    }
    let targets: BTreeSet<&str> = plan.targets.iter().map(String::as_str).collect();
    let inventory: BTreeSet<&str> = snapshot
        .deployment
        .actual_instances
        .iter()
        .filter(|instance| instance.status != InstanceStatus::Removed)
        .map(|instance| instance.id.as_str())
        .collect();
    if targets == inventory && targets.len() == plan.targets.len() {
        return;
    }
    let list = |ids: &mut dyn Iterator<Item = &&str>| ids.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let mut differences = Vec::new();
    let missing = list(&mut inventory.difference(&targets));
    let unknown = list(&mut targets.difference(&inventory));
    if !missing.is_empty() {
        differences.push(format!("in the inventory but not targeted: {missing}"));
    }
    if !unknown.is_empty() {
        differences.push(format!("targeted but not in the inventory: {unknown}"));
    }
    if targets.len() != plan.targets.len() {
        differences.push("a target is named more than once".to_owned());
    }
    breaches.push(
        Rule::RemovalTargetsDiffer.correct(
            format!("the removal's targets are not the inventory of actual instances: {}", differences.join("; ")),
            "/plan/targets",
            Fix::new("make the targets equal to the actual instances", list(&mut inventory.iter()))
                .found(list(&mut targets.iter())),
        ),
    );
}

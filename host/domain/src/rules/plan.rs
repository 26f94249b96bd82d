//! Rules 1, 3, 4 and 5: the required contents of a plan.

use std::collections::BTreeSet;

use super::{Fix, Rule};
use crate::{Finding, Phase, Plan, Rollout, Scenario, Snapshot, Stage, WayBack, WayBackKind};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
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
    if let Some(rollout) = &snapshot.deployment.rollout {
        differences(plan, rollout, breaches);
    }
    data_retention(plan, breaches);
    suppression(snapshot, plan, breaches);
    slot(snapshot, plan, breaches);
    office_hours(snapshot, plan, breaches);
    if snapshot.deployment.scenario == Scenario::Removal {
        removal(snapshot, plan, breaches);
    }
}

fn point_of_no_return(plan: &Plan, breaches: &mut Vec<Finding>) {
    if plan.point_of_no_return.is_none() {
        breaches.push(Rule::PointOfNoReturnMissing.correct(
            "the plan of a new version names no point of no return",
            "/plan/point_of_no_return",
            Fix::new("name the step after which there is no way back", "the id of a step").found("nothing"),
        ));
    }
}

/// The differences between a rollout and the plan.
pub(super) fn differences(plan: &Plan, rollout: &Rollout, breaches: &mut Vec<Finding>) {
    let laid_out = rollout.point_of_no_return.as_ref();
    if let Some(point) = laid_out.filter(|point| rollout.steps.iter().all(|step| step.id != **point)) {
        let ids: Vec<String> = rollout.steps.iter().map(|step| format!("`{}`", step.id)).collect();
        breaches.push(Rule::PointOfNoReturnUnknown.correct(
            format!("the point of no return of the rollout, `{point}`, is none of its steps"),
            "/rollout/point_of_no_return",
            Fix::new("name a step of the rollout", format!("one of {}", ids.join(", "))).found(format!("`{point}`")),
        ));
    }
    if let Some(point) = plan.point_of_no_return.as_ref().filter(|point| laid_out != Some(*point)) {
        let expected = match laid_out {
            Some(laid_out) => format!("`{laid_out}`"),
            None => "a rollout that has a point of no return".to_owned(),
        };
        breaches.push(
            Rule::PointOfNoReturnUnknown.correct(
                format!("the plan's point of no return, `{point}`, is not the one of the rollout that was laid out"),
                "/plan/point_of_no_return",
                Fix::new(format!("let plan and rollout name the same step: {expected}"), expected)
                    .found(format!("`{point}`")),
            ),
        );
    }
    if let Some(way_back) = plan.way_back.as_ref().filter(|way_back| !leads_to_the_same(way_back, &rollout.way_back)) {
        let (planned, expected) = (named(way_back), named(&rollout.way_back));
        breaches.push(Rule::WayBackDiffers.correct(
            format!("the plan's way back, {planned}, is not the one of the rollout that was laid out: {expected}"),
            "/plan/way_back",
            Fix::new("let plan and rollout name the same way back", expected).found(planned),
        ));
    }
}

/// Whether two rollbacks have the same result. A digest that only one of them names is no difference.
fn leads_to_the_same(one: &WayBack, other: &WayBack) -> bool {
    let differ = one.digest.zip(other.digest).is_some_and(|(one, other)| one != other);
    one.kind == other.kind && one.release == other.release && !differ
}

fn named(way_back: &WayBack) -> String {
    match (&way_back.release, way_back.digest) {
        (Some(release), Some(digest)) => format!("release `{release}` ({digest})"),
        (Some(release), None) => format!("release `{release}`"),
        (None, _) => way_back.kind.as_str().to_owned(),
    }
}

/// Keeping data for a duration of zero keeps nothing, so it is no decision.
fn data_retention(plan: &Plan, breaches: &mut Vec<Finding>) {
    if plan.data_retention.as_ref().is_some_and(|retention| retention.keep.as_millis() == 0) {
        breaches.push(Rule::DataRetentionUndecided.correct(
            "the plan keeps the data of what is removed for no time",
            "/plan/data_retention/keep",
            Fix::new("decide how long the data is kept", "a length of time above zero, for example `90d`").found("0s"),
        ));
    }
}

fn way_back(plan: &Plan, breaches: &mut Vec<Finding>) {
    let kind = plan.way_back.as_ref().map(|way_back| way_back.kind);
    if kind == Some(WayBackKind::LastKnownGood) {
        return;
    }
    let found = kind.map_or("nothing", WayBackKind::as_str);
    breaches.push(Rule::WayBackMissing.correct(
        "the plan of a new version has no way back to the last known good release",
        "/plan/way_back",
        Fix::new("name the release that a rollback returns to", "`last-known-good` with a release").found(found),
    ));
}

fn suppression(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
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

fn slot(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
    let change = &snapshot.deployment.change;
    let (Some(slot), Some(window)) = (plan.slot, change.window) else { return };
    if window.encloses(&slot) {
        return;
    }
    let expected = format!("a slot within the change window, {} to {}", window.start, window.end);
    breaches.push(
        Rule::SlotOutsideChangeWindow.correct(
            format!("the booked slot is not within the window of the change `{}`", change.id),
            "/plan/slot",
            Fix::new(format!("book {expected}, or have the change moved"), expected)
                .found(format!("{} to {}", slot.start, slot.end)),
        ),
    );
}

fn office_hours(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
    if !plan.office_hours_exception {
        return;
    }
    if let Some(consumers) = snapshot.deployment.product.consumers.filter(|consumers| *consumers > 0) {
        let product = &snapshot.deployment.product.id;
        let message =
            format!("the product `{product}` has {consumers} consumers, so the office-hours exception does not hold");
        let fix = Fix::new("deploy in the change window", "0 consumers").found(consumers.to_string());
        breaches.push(Rule::OfficeHoursWithConsumers.correct(message, "/product/consumers", fix).about(product));
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
                    "the number of consumers of instance `{}` is unknown, so the office-hours exception does not hold",
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
        breach.about = Some(instance.id.clone());
        breaches.push(breach);
    }
}

/// What stays of a removal is still there after it.
fn staying(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
    let is_there = |id: &String| snapshot.deployment.instances_here().any(|(_, instance)| instance.id == *id);
    let gone: Vec<String> = plan.staying.iter().filter(|id| !is_there(id)).map(|id| format!("`{id}`")).collect();
    if gone.is_empty() {
        return;
    }
    let gone = gone.join(", ");
    let fix = Fix::new("bring back what stays, and have the inventory attested", gone.clone()).found("nothing");
    let message = format!("the inventory lacks instances that stay by the plan: {gone}");
    breaches.push(Rule::RemovalTargetsDiffer.correct(message, "/plan/staying", fix));
}

fn removal(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
    if plan.data_retention.is_none() {
        breaches.push(
            Rule::DataRetentionUndecided.correct(
                "the plan does not say what happens to the data of what is removed",
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
        staying(snapshot, plan, breaches);
        return;
    }
    let targets: BTreeSet<&str> = plan.targets.iter().map(String::as_str).collect();
    let inventory: BTreeSet<&str> = snapshot
        .deployment
        .actual_instances
        .iter()
        .filter(|instance| instance.status.exists())
        .map(|instance| instance.id.as_str())
        .collect();
    let staying: BTreeSet<&str> = plan.staying.iter().map(String::as_str).collect();
    let named: BTreeSet<&str> = targets.union(&staying).copied().collect();
    let twice: BTreeSet<&str> = targets.intersection(&staying).copied().collect();
    if named == inventory && twice.is_empty() && (!targets.is_empty() || inventory.is_empty()) {
        return;
    }
    let list = |ids: &mut dyn Iterator<Item = &&str>| ids.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let mut differences = Vec::new();
    let missing = list(&mut inventory.difference(&named));
    let unknown = list(&mut named.difference(&inventory));
    if !missing.is_empty() {
        differences.push(format!("in the inventory, and neither targeted nor staying: {missing}"));
    }
    if !unknown.is_empty() {
        differences.push(format!("targeted or staying, and not in the inventory: {unknown}"));
    }
    if !twice.is_empty() {
        differences.push(format!("both targeted and staying: {}", list(&mut twice.iter())));
    }
    if targets.is_empty() && !inventory.is_empty() {
        differences.push("nothing is targeted".to_owned());
    }
    breaches.push(
        Rule::RemovalTargetsDiffer.correct(
            format!(
                "the removal's targets and the instances that stay are not the inventory: {}",
                differences.join("; ")
            ),
            "/plan/targets",
            Fix::new("name each instance as a target or as one that stays", list(&mut inventory.iter()))
                .found(list(&mut targets.iter())),
        ),
    );
}

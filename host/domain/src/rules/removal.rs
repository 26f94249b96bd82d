//! Rule 5: what a removal owes to those who use what is removed. They are told before, their data is kept as decided, and their
//! contracts end.

use super::{Fix, Rule};
use crate::{
    Deployment, Finding, Gate, InstanceStatus, Phase, Plan, Rollout, Scenario, Snapshot, Stage, StepAction, Target,
};

const OBSERVE_EXIT: Gate = Gate { stage: Stage::Observe, phase: Phase::Exit };

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let deployment = &snapshot.deployment;
    let Some(plan) = deployment.plan.as_ref().filter(|_| deployment.scenario == Scenario::Removal) else { return };
    if deployment.environment.live && (Gate::PLAN_EXIT..=Gate::FULFILL_ENTRANCE).contains(&snapshot.gate) {
        notice(snapshot, plan, breaches);
    }
    if let Some(rollout) = deployment.laid_out() {
        order(rollout, breaches);
        parts(deployment, plan, rollout, breaches);
    }
    if snapshot.gate >= Gate::FULFILL_EXIT {
        disposal(snapshot, plan, breaches);
    }
    // Where instances stay, their contracts do.
    if deployment.environment.live && snapshot.gate == OBSERVE_EXIT && plan.staying.is_empty() {
        contracts(deployment, breaches);
    }
}

/// Consumers and dependants are told before the removal begins: by the plan, before the slot, and in fact before fulfill.
fn notice(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
    let begins = plan.slot.map(|slot| slot.start);
    let before = begins.map_or_else(|| "before the removal begins".to_owned(), |begins| format!("before {begins}"));
    let (message, found) = match plan.notice {
        None => ("the plan does not say when those are told who use what is removed".to_owned(), "nothing".to_owned()),
        Some(notice) if begins.is_some_and(|begins| notice >= begins) => {
            (format!("those who use what is removed are told at {notice}, when the slot has begun"), notice.to_string())
        }
        Some(notice) if snapshot.gate == Gate::FULFILL_ENTRANCE && notice > snapshot.now => {
            let message = format!("those who use what is removed are told at {notice}, and it is {}", snapshot.now);
            (message, notice.to_string())
        }
        Some(_) => return,
    };
    let fix = Fix::new(format!("tell consumers and dependants {before}"), format!("a moment {before}"));
    breaches.push(Rule::RemovalNoticeMissing.correct(message, "/plan/notice", fix.found(found)));
}

/// Nothing is removed that consumers may still use: it is disabled before, or all consumers are sent elsewhere.
fn order(rollout: &Rollout, breaches: &mut Vec<Finding>) {
    for (index, step) in rollout.steps.iter().enumerate() {
        let StepAction::Remove(target) = &step.action else { continue };
        let mut earlier = rollout.steps.iter().take(index);
        let is_unused = earlier.any(|earlier| match &earlier.action {
            StepAction::Disable(disabled) => covers(disabled, target),
            StepAction::Route { slot, weight, audience: None } => {
                weight.hundredths() == 0 && target.slot.as_ref() == Some(slot)
            }
            _ => false,
        });
        if is_unused {
            continue;
        }
        let message = format!("the step `{}` removes what consumers may still use", step.id);
        let remedy = "let a step before it disable the same target, or send no more consumers to its slot";
        let fix = Fix::new(remedy, "a `disable` of the same target, or a `route` of its slot to 0, before it");
        let place = format!("/rollout/steps/{index}/action");
        breaches.push(Rule::RemovedBeforeDisabled.correct(message, place, fix.found("neither")).about(&step.id));
    }
}

/// No step takes away what stays by the plan: neither an instance that stays, nor all of a slot in which one is or may be.
fn parts(deployment: &Deployment, plan: &Plan, rollout: &Rollout, breaches: &mut Vec<Finding>) {
    for (index, step) in rollout.steps.iter().enumerate() {
        let (slot, instances) = match &step.action {
            StepAction::Remove(target) | StepAction::Disable(target) => {
                (target.slot.as_ref(), target.instances.as_slice())
            }
            StepAction::Route { slot, weight, audience: None } if weight.hundredths() == 0 => {
                (Some(slot), [].as_slice())
            }
            _ => continue,
        };
        let may_be_in = |id: &String| {
            let location = deployment.instance(true, id).and_then(|instance| instance.location.as_ref());
            slot.is_none() || location.is_none() || location == slot
        };
        let is_hit = |id: &&String| if instances.is_empty() { may_be_in(id) } else { instances.contains(id) };
        let Some(stays) = plan.staying.iter().find(is_hit) else { continue };
        let message = format!("the step `{}` takes away the instance `{stays}`, which stays by the plan", step.id);
        let fix = Fix::new("let a strategy name the instances that are removed", "steps for the targets alone");
        let place = format!("/rollout/steps/{index}/action");
        breaches.push(Rule::RemovalTargetsDiffer.correct(message, place, fix.found(stays.clone())).about(&step.id));
    }
}

/// Whether one part of an environment includes the other.
fn covers(one: &Target, other: &Target) -> bool {
    let has_all = one.instances.is_empty()
        || !other.instances.is_empty() && other.instances.iter().all(|id| one.instances.contains(id));
    (one.slot.is_none() || one.slot == other.slot) && has_all
}

/// Nothing is disposed of before the time is over for which its data is kept. It begins when the removal is carried out.
fn disposal(snapshot: &Snapshot, plan: &Plan, breaches: &mut Vec<Finding>) {
    let deployment = &snapshot.deployment;
    let Some(retention) = &plan.data_retention else { return };
    let removed = deployment.gates_passed.iter().rev().find(|passage| passage.gate() == Gate::FULFILL_EXIT);
    let until = removed.map_or(snapshot.now, |passage| passage.at).saturating_add(retention.keep);
    if until <= snapshot.now {
        return;
    }
    let is_target = |id: &String| plan.targets.contains(id);
    let disposed = deployment
        .actual_instances
        .iter()
        .enumerate()
        .filter(|(_, instance)| instance.status == InstanceStatus::Disposed && is_target(&instance.id));
    for (index, instance) in disposed {
        let message = format!(
            "the data of the instance `{}` is disposed of, and was to be kept for {}, until {until}",
            instance.id, retention.keep
        );
        let fix = Fix::new("keep the data until then, or restore it", "`removed`").accepts("removed").found("disposed");
        let place = format!("/actual_instances/{index}/status");
        breaches.push(Rule::DataDisposedEarly.correct(message, place, fix).about(&instance.id));
    }
}

/// When nothing of the product is left, no contract promises it.
fn contracts(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let contracts = deployment.registers.service_contracts.iter().flatten().enumerate();
    for (index, contract) in contracts.filter(|(_, contract)| contract.active) {
        let message = format!("the contract `{}` is active, and what it promises is removed", contract.id);
        let fix = Fix::new("end the contract", "`false`").accepts(false).found("true");
        let place = format!("/registers/service_contracts/{index}/active");
        breaches.push(Rule::ContractStillActive.correct(message, place, fix).about(&contract.id));
    }
}

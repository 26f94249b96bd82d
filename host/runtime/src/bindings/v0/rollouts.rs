//! Converts the rollouts and actions of strategies, and the progress that they get.

use std::collections::BTreeSet;

use lockgate_domain::{
    Action, Digest, Duration, LastKnownGood, Progress, Rollout, Step, StepAction, StepState, StepStatus, Timestamp,
    Wait, WayBack, is_path_step,
};

use super::answers::reason;
use super::generated::lockgate::types::types as wit;
use super::intake::{AnswerIntake, AnswerPath, Conversion, excerpt};
use super::strategy;

/// Converts the rollout of a strategy. The ids of steps are unique, and the point of no return is one of them.
pub(crate) fn rollout(intake: &mut AnswerIntake, rollout: strategy::Rollout) -> Conversion<Rollout> {
    let at = AnswerPath::Root("steps");
    let steps = intake.each(&at, rollout.steps, step)?;
    let mut ids = BTreeSet::new();
    if let Some(step) = steps.iter().find(|step| is_path_step(&step.id)) {
        return at.broken(format_args!("has a step with the id `{}`, which cannot be used in a URL", step.id));
    }
    if let Some(twice) = steps.iter().find(|step| !ids.insert(step.id.as_str())) {
        return at.broken(format_args!("has two steps with the id `{}`", excerpt(&twice.id)));
    }
    if let Some(id) = &rollout.point_of_no_return
        && !ids.contains(id.as_str())
    {
        return AnswerPath::Root("point-of-no-return")
            .broken(format_args!("is `{}`, which is not a step of the rollout", excerpt(id)));
    }
    Ok(Rollout {
        point_of_no_return: rollout.point_of_no_return.map(|id| intake.text(id)),
        way_back: way_back(intake, rollout.way_back)?,
        summary: intake.some_text(&AnswerPath::Root("summary"), rollout.summary)?,
        steps,
    })
}

/// Converts the next action. A step to perform belongs to the rollout.
pub(crate) fn action(intake: &mut AnswerIntake, action: strategy::Action, progress: &Progress) -> Conversion<Action> {
    Ok(match action {
        strategy::Action::Perform(id) => {
            if !progress.rollout.steps.iter().any(|step| step.id == id) {
                return AnswerPath::Root("perform")
                    .broken(format_args!("is `{}`, which is not a step of the rollout", excerpt(&id)));
            }
            Action::Perform(intake.text(id))
        }
        strategy::Action::Wait(wait) => Action::Wait(Wait {
            until: wait.until.map(Timestamp::from_millis),
            for_person: wait.for_person,
            reason: reason(intake, &AnswerPath::Root("wait.reason"), wait.reason)?,
        }),
        strategy::Action::RollBack(why) => Action::RollBack(reason(intake, &AnswerPath::Root("roll-back"), why)?),
        strategy::Action::Pause(why) => Action::Pause(reason(intake, &AnswerPath::Root("pause"), why)?),
        strategy::Action::Complete => Action::Complete,
    })
}

fn step(intake: &mut AnswerIntake, at: &AnswerPath<'_>, step: strategy::Step) -> Conversion<Step> {
    let action = AnswerPath::Field(at, "action");
    Ok(Step {
        id: intake.name(&AnswerPath::Field(at, "id"), step.id)?,
        title: intake.some_text(&AnswerPath::Field(at, "title"), step.title)?,
        action: match step.action {
            strategy::StepAction::Deploy(deploy) => StepAction::Deploy {
                slot: intake.name(&AnswerPath::Field(&action, "slot"), deploy.slot)?,
                capacity: percent(&AnswerPath::Field(&action, "capacity"), deploy.capacity)?,
            },
            strategy::StepAction::Route(route) => StepAction::Route {
                slot: intake.name(&AnswerPath::Field(&action, "slot"), route.slot)?,
                weight: percent(&AnswerPath::Field(&action, "weight"), route.weight)?,
            },
            strategy::StepAction::Hold(time) => {
                let at = AnswerPath::Field(&action, "hold");
                StepAction::Hold(time.map(|time| length(&at, time)).transpose()?)
            }
            strategy::StepAction::Analyze(checks) => {
                let at = AnswerPath::Field(&action, "analyze");
                if checks.is_empty() {
                    return at.broken("is empty: an analysis needs at least one check");
                }
                let checks = intake.each(&at, checks, |intake, at, check| intake.name(at, check))?;
                let mut names = BTreeSet::new();
                if let Some(twice) = checks.iter().find(|check| !names.insert(check.as_str())) {
                    return at.broken(format_args!("names the check `{}` twice", excerpt(twice)));
                }
                StepAction::Analyze(checks)
            }
            strategy::StepAction::Retire(slot) => {
                StepAction::Retire(intake.name(&AnswerPath::Field(&action, "retire"), slot)?)
            }
            strategy::StepAction::Activity(name) => {
                StepAction::Activity(intake.name(&AnswerPath::Field(&action, "activity"), name)?)
            }
        },
    })
}

fn percent(at: &AnswerPath<'_>, percent: u8) -> Conversion<u8> {
    if percent > 100 {
        return at.broken(format_args!("is {percent}: use 0 to 100 percent"));
    }
    Ok(percent)
}

fn way_back(intake: &mut AnswerIntake, way_back: wit::WayBack) -> Conversion<WayBack> {
    let at = AnswerPath::Root("way-back.last-known-good");
    Ok(match way_back {
        wit::WayBack::Removal => WayBack::Removal,
        wit::WayBack::LastKnownGood(good) => WayBack::LastKnownGood(LastKnownGood {
            release: intake.id(&AnswerPath::Field(&at, "release"), good.release)?,
            digest: match good.digest {
                Some(text) => match text.parse::<Digest>() {
                    Ok(digest) => Some(digest),
                    Err(_) => {
                        return AnswerPath::Field(&at, "digest").broken(format_args!(
                            "is `{}`: write `sha256:` and 64 lower-case hex digits",
                            excerpt(&text)
                        ));
                    }
                },
                None => None,
            },
            rehearsed: good.rehearsed,
        }),
        wit::WayBack::ForwardOnly => WayBack::ForwardOnly,
    })
}

/// The progress of a rollout in the types of the contract.
pub(crate) fn progress(progress: &Progress) -> strategy::Progress {
    strategy::Progress {
        rollout: strategy::Rollout {
            steps: progress.rollout.steps.iter().map(seen_step).collect(),
            point_of_no_return: progress.rollout.point_of_no_return.clone(),
            way_back: (&progress.rollout.way_back).into(),
            summary: progress.rollout.summary.clone(),
        },
        steps: progress.steps.iter().map(seen_state).collect(),
        past_point_of_no_return: progress.past_point_of_no_return,
    }
}

/// A length of time, which is not negative.
fn length(at: &AnswerPath<'_>, time: i64) -> Conversion<Duration> {
    match u64::try_from(time) {
        Ok(time) => Ok(Duration::from_millis(time)),
        Err(_) => at.broken(format_args!("is {time} ms: a length of time is not negative")),
    }
}

fn seen_step(step: &Step) -> strategy::Step {
    strategy::Step {
        id: step.id.clone(),
        title: step.title.clone(),
        action: match &step.action {
            StepAction::Deploy { slot, capacity } => {
                strategy::StepAction::Deploy(strategy::DeployAction { slot: slot.clone(), capacity: *capacity })
            }
            StepAction::Route { slot, weight } => {
                strategy::StepAction::Route(strategy::RouteAction { slot: slot.clone(), weight: *weight })
            }
            StepAction::Hold(time) => strategy::StepAction::Hold(time.map(super::snapshot::length)),
            StepAction::Analyze(checks) => strategy::StepAction::Analyze(checks.clone()),
            StepAction::Retire(slot) => strategy::StepAction::Retire(slot.clone()),
            StepAction::Activity(name) => strategy::StepAction::Activity(name.clone()),
        },
    }
}

fn seen_state(state: &StepState) -> strategy::StepState {
    strategy::StepState {
        id: state.id.clone(),
        status: match state.status {
            StepStatus::Pending => strategy::StepStatus::Pending,
            StepStatus::Running => strategy::StepStatus::Running,
            StepStatus::Succeeded => strategy::StepStatus::Succeeded,
            StepStatus::Failed => strategy::StepStatus::Failed,
            StepStatus::Inconclusive => strategy::StepStatus::Inconclusive,
        },
        began: state.began.map(Timestamp::as_millis),
        ended: state.ended.map(Timestamp::as_millis),
        attempts: state.attempts,
        resumed: state.resumed,
    }
}

//! Converts the rollouts and actions of strategies, and the progress that they see.

use std::collections::BTreeSet;

use lockgate_domain::{
    Action, Analysis, BackStep, CheckState, Direction, Progress, Rollout, Share, Skip, Step, StepAction, StepState,
    StepStatus, Target, Timestamp, Wait, WayBack, WayBackKind, is_path_step,
};

use super::answers::reason;
use super::generated::lockgate::types::{rollouts as seen, types as wit};
use super::intake::{AnswerIntake, AnswerPath, Conversion, excerpt};
use super::snapshot::{attributes, length};
use super::strategy;

/// Converts the rollout of a strategy. The ids of all steps are unique, those that a step of the way back undoes and the
/// point of no return are steps of the way forward, and a way back that is forward-only has no steps.
pub(crate) fn rollout(intake: &mut AnswerIntake, rollout: seen::Rollout) -> Conversion<Rollout> {
    let (at, back_at) = (AnswerPath::Root("steps"), AnswerPath::Root("back"));
    let steps = intake.each(&at, rollout.steps, step)?;
    if steps.is_empty() {
        return at.broken("is empty: a rollout needs at least one step");
    }
    let ids: BTreeSet<String> = steps.iter().map(|step| step.id.clone()).collect();
    let back = intake.each(&back_at, rollout.back, |intake, at, back| back_step(intake, at, back, &ids))?;
    let mut seen = BTreeSet::new();
    let all = steps.iter().map(|step| (&at, step)).chain(back.iter().map(|back| (&back_at, &back.step)));
    for (at, step) in all {
        if is_path_step(&step.id) {
            return at.broken(format_args!("has a step with the id `{}`, which cannot be used in a URL", step.id));
        }
        if !seen.insert(step.id.as_str()) {
            return at.broken(format_args!("has a second step with the id `{}`", excerpt(&step.id)));
        }
    }
    if let Some(id) = &rollout.point_of_no_return
        && !ids.contains(id)
    {
        return AnswerPath::Root("point-of-no-return")
            .broken(format_args!("is `{}`, which is not a step of the rollout", excerpt(id)));
    }
    let way_back = way_back(intake, &AnswerPath::Root("way-back"), rollout.way_back)?;
    if way_back.kind == WayBackKind::ForwardOnly && !back.is_empty() {
        return back_at.broken("is not empty, and the way back is `forward-only`");
    }
    Ok(Rollout {
        point_of_no_return: rollout.point_of_no_return.map(|id| intake.text(id)),
        way_back,
        summary: intake.some_text(&AnswerPath::Root("summary"), rollout.summary)?,
        steps,
        back,
    })
}

fn back_step(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    back: seen::BackStep,
    forward: &BTreeSet<String>,
) -> Conversion<BackStep> {
    let undoes = AnswerPath::Field(at, "undoes");
    let mut named = BTreeSet::new();
    for id in &back.undoes {
        if !forward.contains(id) {
            return undoes.broken(format_args!("names `{}`, which is not a step of the way forward", excerpt(id)));
        }
        if !named.insert(id) {
            return undoes.broken(format_args!("names `{}` twice", excerpt(id)));
        }
    }
    Ok(BackStep {
        step: step(intake, &AnswerPath::Field(at, "step"), back.step)?,
        undoes: back.undoes.into_iter().map(|id| intake.text(id)).collect(),
    })
}

/// Converts the next action. The steps that it names belong to the present direction of the rollout.
pub(crate) fn action(intake: &mut AnswerIntake, action: strategy::Action, progress: &Progress) -> Conversion<Action> {
    let known: BTreeSet<&str> = match progress.direction {
        Direction::Forward => progress.rollout.steps.iter().map(|step| step.id.as_str()).collect(),
        Direction::Back => progress.due().map(|step| step.id.as_str()).collect(),
    };
    let check = |at: &AnswerPath<'_>, id: &str| {
        if known.contains(id) {
            return Ok(());
        }
        match progress.direction {
            Direction::Forward => at.broken(format_args!("is `{}`, which is not a step of the rollout", excerpt(id))),
            Direction::Back => {
                at.broken(format_args!("is `{}`, which is not a step of the way back that is due", excerpt(id)))
            }
        }
    };
    Ok(match action {
        strategy::Action::Perform(ids) => {
            let at = AnswerPath::Root("perform");
            if ids.is_empty() {
                return at.broken("is empty: name at least one step, or wait");
            }
            let ids = intake.each(&at, ids, |intake, at, id| {
                check(at, &id)?;
                Ok(intake.text(id))
            })?;
            let mut named = BTreeSet::new();
            if let Some(twice) = ids.iter().find(|id| !named.insert(id.as_str())) {
                return at.broken(format_args!("names the step `{}` twice", excerpt(twice)));
            }
            Action::Perform(ids)
        }
        strategy::Action::Skip(skip) => {
            let at = AnswerPath::Root("skip");
            check(&AnswerPath::Field(&at, "step"), &skip.step)?;
            Action::Skip(Skip {
                step: intake.text(skip.step),
                reason: reason(intake, &AnswerPath::Field(&at, "reason"), skip.reason)?,
            })
        }
        strategy::Action::Wait(wait) => {
            let at = AnswerPath::Root("wait");
            Action::Wait(Wait {
                until: wait.until.map(Timestamp::from_millis),
                role: intake.optional(&AnswerPath::Field(&at, "role"), wait.role, AnswerIntake::name)?,
                reason: reason(intake, &AnswerPath::Field(&at, "reason"), wait.reason)?,
            })
        }
        strategy::Action::GoBack(why) => Action::GoBack(reason(intake, &AnswerPath::Root("go-back"), why)?),
        strategy::Action::Pause(why) => Action::Pause(reason(intake, &AnswerPath::Root("pause"), why)?),
        strategy::Action::Complete => Action::Complete,
    })
}

fn step(intake: &mut AnswerIntake, at: &AnswerPath<'_>, step: seen::Step) -> Conversion<Step> {
    let planned = intake.length(&AnswerPath::Field(at, "planned"), step.planned)?;
    let at_most = AnswerPath::Field(at, "at-most");
    let longest = intake.optional(&at_most, step.at_most, AnswerIntake::length)?;
    if longest.is_some_and(|longest| longest < planned) {
        return at_most.broken("is shorter than `planned`");
    }
    Ok(Step {
        id: intake.name(&AnswerPath::Field(at, "id"), step.id)?,
        title: intake.some_text(&AnswerPath::Field(at, "title"), step.title)?,
        action: step_action(intake, &AnswerPath::Field(at, "action"), step.action)?,
        planned,
        at_most: longest,
        repeatable: step.repeatable,
    })
}

fn step_action(intake: &mut AnswerIntake, at: &AnswerPath<'_>, action: seen::StepAction) -> Conversion<StepAction> {
    Ok(match action {
        seen::StepAction::Deploy(deploy) => {
            let at = AnswerPath::Field(at, "deploy");
            StepAction::Deploy {
                to: target(intake, &AnswerPath::Field(&at, "to"), deploy.to)?,
                components: distinct(intake, &AnswerPath::Field(&at, "components"), deploy.components)?,
                capacity: share(&AnswerPath::Field(&at, "capacity"), deploy.capacity)?,
            }
        }
        seen::StepAction::Route(route) => {
            let at = AnswerPath::Field(at, "route");
            StepAction::Route {
                slot: intake.name(&AnswerPath::Field(&at, "slot"), route.slot)?,
                weight: share(&AnswerPath::Field(&at, "weight"), route.weight)?,
                audience: intake.optional(&AnswerPath::Field(&at, "audience"), route.audience, AnswerIntake::name)?,
            }
        }
        seen::StepAction::Hold(hold) => {
            let at = AnswerPath::Field(at, "hold");
            StepAction::Hold {
                length: intake.optional(&AnswerPath::Field(&at, "length"), hold.length, AnswerIntake::length)?,
                role: intake.optional(&AnswerPath::Field(&at, "role"), hold.role, AnswerIntake::name)?,
            }
        }
        seen::StepAction::Analyze(analyze) => {
            let at = AnswerPath::Field(at, "analyze");
            let checks_at = AnswerPath::Field(&at, "checks");
            if analyze.checks.is_empty() {
                return checks_at.broken("is empty: an analysis needs at least one check");
            }
            StepAction::Analyze {
                checks: distinct(intake, &checks_at, analyze.checks)?,
                candidate: intake.optional(
                    &AnswerPath::Field(&at, "candidate"),
                    analyze.candidate,
                    AnswerIntake::name,
                )?,
                baseline: intake.optional(&AnswerPath::Field(&at, "baseline"), analyze.baseline, AnswerIntake::name)?,
            }
        }
        seen::StepAction::Disable(to) => StepAction::Disable(target(intake, &AnswerPath::Field(at, "disable"), to)?),
        seen::StepAction::Remove(to) => StepAction::Remove(target(intake, &AnswerPath::Field(at, "remove"), to)?),
        seen::StepAction::Work(work) => {
            let at = AnswerPath::Field(at, "work");
            StepAction::Work {
                instructions: intake.some_text(&AnswerPath::Field(&at, "instructions"), work.instructions)?,
                role: intake.optional(&AnswerPath::Field(&at, "role"), work.role, AnswerIntake::name)?,
                supplier: intake.optional(&AnswerPath::Field(&at, "supplier"), work.supplier, AnswerIntake::id)?,
                evidence: distinct(intake, &AnswerPath::Field(&at, "evidence"), work.evidence)?,
            }
        }
        seen::StepAction::Activity(call) => {
            let at = AnswerPath::Field(at, "activity");
            let inputs_at = AnswerPath::Field(&at, "inputs");
            let name = intake.name(&AnswerPath::Field(&at, "name"), call.name)?;
            let inputs = intake.each(&inputs_at, call.inputs, |intake, at, input| {
                let name = intake.name(&AnswerPath::Field(at, "name"), input.name)?;
                Ok((name, intake.text(input.value)))
            })?;
            let mut named = BTreeSet::new();
            if let Some((twice, _)) = inputs.iter().find(|(name, _)| !named.insert(name.as_str())) {
                return inputs_at.broken(format_args!("names `{}` twice", excerpt(twice)));
            }
            StepAction::Activity { name, inputs: inputs.into_iter().collect() }
        }
        seen::StepAction::Custom(document) => {
            StepAction::Custom(intake.document(&AnswerPath::Field(at, "custom"), document)?)
        }
    })
}

fn target(intake: &mut AnswerIntake, at: &AnswerPath<'_>, target: seen::Target) -> Conversion<Target> {
    Ok(Target {
        slot: intake.optional(&AnswerPath::Field(at, "slot"), target.slot, AnswerIntake::name)?,
        instances: distinct(intake, &AnswerPath::Field(at, "instances"), target.instances)?,
    })
}

/// Converts names, each of which stands there once.
fn distinct(intake: &mut AnswerIntake, at: &AnswerPath<'_>, names: Vec<String>) -> Conversion<Vec<String>> {
    let names = intake.each(at, names, AnswerIntake::name)?;
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => at.broken(format_args!("names `{}` twice", excerpt(twice))),
        None => Ok(names),
    }
}

fn share(at: &AnswerPath<'_>, hundredths: u16) -> Conversion<Share> {
    match Share::new(hundredths) {
        Some(share) => Ok(share),
        None => at.broken(format_args!("is {hundredths}: use 0 to 10000 hundredths of a percent")),
    }
}

fn way_back(intake: &mut AnswerIntake, at: &AnswerPath<'_>, way_back: wit::WayBack) -> Conversion<WayBack> {
    let way_back = WayBack {
        kind: match way_back.kind {
            wit::WayBackKind::Removal => WayBackKind::Removal,
            wit::WayBackKind::LastKnownGood => WayBackKind::LastKnownGood,
            wit::WayBackKind::ForwardOnly => WayBackKind::ForwardOnly,
        },
        release: intake.optional(&AnswerPath::Field(at, "release"), way_back.release, AnswerIntake::id)?,
        digest: intake.optional(&AnswerPath::Field(at, "digest"), way_back.digest, AnswerIntake::digest)?,
        rehearsed_by: intake.optional(
            &AnswerPath::Field(at, "rehearsed-by"),
            way_back.rehearsed_by,
            AnswerIntake::id,
        )?,
    };
    match way_back.fault() {
        Some(fault) => at.broken(format_args!("contradicts itself: {fault}")),
        None => Ok(way_back),
    }
}

impl From<&Rollout> for seen::Rollout {
    fn from(rollout: &Rollout) -> Self {
        Self {
            steps: rollout.steps.iter().map(Into::into).collect(),
            back: rollout
                .back
                .iter()
                .map(|back| seen::BackStep { step: (&back.step).into(), undoes: back.undoes.clone() })
                .collect(),
            point_of_no_return: rollout.point_of_no_return.clone(),
            way_back: (&rollout.way_back).into(),
            summary: rollout.summary.clone(),
        }
    }
}

impl From<&Progress> for seen::Progress {
    fn from(progress: &Progress) -> Self {
        Self {
            direction: match progress.direction {
                Direction::Forward => seen::Direction::Forward,
                Direction::Back => seen::Direction::Back,
            },
            steps: progress.steps.iter().map(Into::into).collect(),
            back: progress.back.iter().map(Into::into).collect(),
            past_point_of_no_return: progress.past_point_of_no_return,
        }
    }
}

impl From<&Analysis> for seen::Analysis {
    fn from(analysis: &Analysis) -> Self {
        Self {
            step: analysis.step.clone(),
            attempt: analysis.attempt,
            began: analysis.began.as_millis(),
            candidate: analysis.candidate.clone(),
            baseline: analysis.baseline.clone(),
        }
    }
}

impl From<&Target> for seen::Target {
    fn from(target: &Target) -> Self {
        Self { slot: target.slot.clone(), instances: target.instances.clone() }
    }
}

impl From<&Step> for seen::Step {
    fn from(step: &Step) -> Self {
        Self {
            id: step.id.clone(),
            title: step.title.clone(),
            action: (&step.action).into(),
            planned: length(step.planned),
            at_most: step.at_most.map(length),
            repeatable: step.repeatable,
        }
    }
}

impl From<&StepAction> for seen::StepAction {
    fn from(action: &StepAction) -> Self {
        match action {
            StepAction::Deploy { to, components, capacity } => Self::Deploy(seen::DeployAction {
                to: to.into(),
                components: components.clone(),
                capacity: capacity.hundredths(),
            }),
            StepAction::Route { slot, weight, audience } => Self::Route(seen::RouteAction {
                slot: slot.clone(),
                weight: weight.hundredths(),
                audience: audience.clone(),
            }),
            StepAction::Hold { length: time, role } => {
                Self::Hold(seen::HoldAction { length: time.map(length), role: role.clone() })
            }
            StepAction::Analyze { checks, candidate, baseline } => Self::Analyze(seen::AnalyzeAction {
                checks: checks.clone(),
                candidate: candidate.clone(),
                baseline: baseline.clone(),
            }),
            StepAction::Disable(target) => Self::Disable(target.into()),
            StepAction::Remove(target) => Self::Remove(target.into()),
            StepAction::Work { instructions, role, supplier, evidence } => Self::Work(seen::WorkAction {
                instructions: instructions.clone(),
                role: role.clone(),
                supplier: supplier.clone(),
                evidence: evidence.clone(),
            }),
            StepAction::Activity { name, inputs } => {
                Self::Activity(seen::CallAction { name: name.clone(), inputs: attributes(inputs) })
            }
            StepAction::Custom(document) => {
                Self::Custom(wit::Document { schema: document.schema.clone(), json: document.json.to_string() })
            }
        }
    }
}

impl From<&StepState> for seen::StepState {
    fn from(state: &StepState) -> Self {
        Self {
            id: state.id.clone(),
            status: match state.status {
                StepStatus::Pending => seen::StepStatus::Pending,
                StepStatus::Running => seen::StepStatus::Running,
                StepStatus::Succeeded => seen::StepStatus::Succeeded,
                StepStatus::Failed => seen::StepStatus::Failed,
                StepStatus::Inconclusive => seen::StepStatus::Inconclusive,
                StepStatus::Skipped => seen::StepStatus::Skipped,
            },
            began: state.began.map(Timestamp::as_millis),
            ended: state.ended.map(Timestamp::as_millis),
            attempts: state.attempts,
            resumed_by: state.resumed_by.clone(),
            checks: state.checks.iter().map(Into::into).collect(),
            reason: state.reason.as_ref().map(|reason| wit::Reason {
                code: reason.code.clone(),
                message: reason.message.clone(),
                pointers: reason.pointers.clone(),
                references: reason.references.clone(),
                details: reason
                    .details
                    .as_ref()
                    .map(|details| wit::Document { schema: details.schema.clone(), json: details.json.to_string() }),
            }),
        }
    }
}

impl From<&CheckState> for seen::CheckState {
    fn from(state: &CheckState) -> Self {
        Self { check: state.check.clone(), outcome: state.outcome.clone(), code: state.code.clone() }
    }
}

//! What falls due of a deployment. Each source is a function in [`SOURCES`] that looks at one deployment.

use lockgate_domain::{
    Deployment, Direction, Gate, GatePassage, Progress, Scenario, Stage, StepAction, StepStatus, TimeWindow, Timestamp,
    WayBackKind,
};

use super::{DueKind, DueMark};
use crate::lifecycle::{ActivityOutcome, DeploymentState, StagePosition};
use crate::read::LoadedDeployment;

/// A deployment whose items are looked for.
pub(super) struct DueDeployment<'a> {
    pub(super) loaded: &'a LoadedDeployment,
    /// The window of its change, as the register of changes says it if it has the change.
    pub(super) window: Option<TimeWindow>,
}

/// Something about a deployment that falls due.
pub(super) struct Occasion {
    pub(super) mark: DueMark,
    pub(super) message: String,
    /// Whether something has to be done that is not done when its time has come. Then it stays listed as overdue.
    pub(super) asks_for_work: bool,
}

impl Occasion {
    fn new(what: DueKind, about: &str, due: Timestamp, message: String) -> Self {
        Self { mark: DueMark { due, what, about: about.to_owned() }, message, asks_for_work: false }
    }

    fn asking_for_work(self, asks_for_work: bool) -> Self {
        Self { asks_for_work, ..self }
    }
}

type DueSource = fn(&DueDeployment<'_>) -> Vec<Occasion>;

/// All sources. What is added later belongs here, with a [`DueKind`] of its own: for example when the stability of an instance is
/// reached.
const SOURCES: [DueSource; 7] =
    [holds, decision_before_no_return, change_window, suppression, approvals, reviews, retention];

impl DueDeployment<'_> {
    /// Everything that falls due of the deployment, whether it was recorded or not.
    pub(super) fn occasions(&self) -> Vec<Occasion> {
        // What was over when the deployment was requested is no news.
        let requested = self.loaded.state.requested;
        let all = SOURCES.iter().flat_map(|source| source(self));
        all.filter(|occasion| occasion.mark.due > requested).collect()
    }

    fn state(&self) -> &DeploymentState {
        &self.loaded.state
    }

    fn is_over(&self) -> bool {
        self.state().position.ended().is_some()
    }
}

/// The holds of the rollout that time ends.
fn holds(of: &DueDeployment<'_>) -> Vec<Occasion> {
    let Some(progress) = of.state().progress.as_ref().filter(|_| !of.is_over()) else { return Vec::new() };
    let running = progress.steps.iter().chain(&progress.back).filter(|state| state.status == StepStatus::Running);
    let holds = running.filter(|state| state.resumed_by.is_none()).filter_map(|state| {
        let step = progress.step(&state.id)?;
        let StepAction::Hold { length: Some(length), .. } = &step.action else { return None };
        let message = format!("the hold `{}` ends, and the next step may begin", step.title);
        Some(Occasion::new(DueKind::HoldEnded, &step.id, state.began?.saturating_add(*length), message))
    });
    holds.collect()
}

/// The last moment at which a rollout that is under way can go back and still end within the window.
fn decision_before_no_return(of: &DueDeployment<'_>) -> Vec<Occasion> {
    let state = of.state();
    let forward = |progress: &&Progress| {
        progress.direction == Direction::Forward
            && !progress.past_point_of_no_return
            && progress.rollout.way_back.kind != WayBackKind::ForwardOnly
    };
    let in_fulfill = state.position == StagePosition::InProgress { stage: Stage::Fulfill };
    let Some(progress) = state.progress.as_ref().filter(forward).filter(|_| in_fulfill) else { return Vec::new() };
    let mut deployment = Deployment::clone(&of.loaded.document);
    deployment.progress = Some(progress.clone());
    if let Some(before) = &state.before {
        before.restore(&mut deployment);
    }
    deployment.change.window = of.window.or(deployment.change.window);
    let Some(moment) = deployment.moment_of_no_return() else { return Vec::new() };
    let step = progress.rollout.point_of_no_return.as_deref().unwrap_or("rollout");
    let message =
        "decide before whether the rollout goes on or back: afterwards the way back would not end within the window";
    vec![Occasion::new(DueKind::DecisionBeforeNoReturn, step, moment, message.to_owned()).asking_for_work(true)]
}

/// The end of the change window, as long as the deployment may still change the environment.
fn change_window(of: &DueDeployment<'_>) -> Vec<Occasion> {
    let Some(window) = of.window.filter(|_| !of.is_over()) else { return Vec::new() };
    if of.state().position.stage() == Stage::Observe {
        return Vec::new();
    }
    let change = &of.loaded.document.change.id;
    let message = format!("the window of change `{change}` closes, and the deployment is {}", of.state().position);
    vec![Occasion::new(DueKind::ChangeWindowClosed, change, window.end, message)]
}

/// The suppression of events that has begun, until somebody reports that it was lifted.
fn suppression(of: &DueDeployment<'_>) -> Vec<Occasion> {
    let Some(plan) = &of.loaded.document.plan else { return Vec::new() };
    let has_begun = GatePassage::fulfillment_began(&of.state().passed).is_some();
    let lifted = of.state().activity(Stage::Validate, "lift-suppression");
    let is_lifted =
        lifted.is_some_and(|report| matches!(report.outcome, ActivityOutcome::Done | ActivityOutcome::NotNeeded));
    let Some(suppression) = plan.suppression.filter(|_| has_begun && !is_lifted) else { return Vec::new() };
    let message = "events are suppressed until then: lift the suppression, and report the activity `lift-suppression`";
    let occasion = Occasion::new(DueKind::SuppressionOver, &plan.id, suppression.end, message.to_owned());
    // Nobody can report an activity of a deployment that has ended.
    vec![occasion.asking_for_work(!of.is_over())]
}

/// The approvals and rejections that expire.
fn approvals(of: &DueDeployment<'_>) -> Vec<Occasion> {
    if of.is_over() {
        return Vec::new();
    }
    let counting = of.state().approvals.iter().filter(|known| known.revoked.is_none() && known.superseded_by.is_none());
    let expiring = counting.filter_map(|known| {
        let (approval, role) = (&known.approval, &known.approval.role);
        let message = format!("the answer of `{}` as `{role}` no longer counts", approval.person.id);
        Some(Occasion::new(DueKind::ApprovalExpired, &approval.id, approval.expires?, message))
    });
    expiring.collect()
}

/// The reviews of overrides, also after the deployment has ended.
fn reviews(of: &DueDeployment<'_>) -> Vec<Occasion> {
    let missing = of.state().overrides.iter().filter(|known| known.review.is_none());
    let due = missing.flat_map(|known| {
        let id = &known.taken.id;
        let review = "have somebody who is not involved review it";
        let late = format!("the override `{id}` of `{}` was not reviewed: {review}", known.taken.by);
        let late = Occasion::new(DueKind::OverrideReviewLate, id, known.review_due, late).asking_for_work(true);
        let blocks = known.blocks_from.map(|from| {
            let product = &of.loaded.document.product.id;
            let message = format!("the missing review of override `{id}` stops deployments of `{product}`: {review}");
            Occasion::new(DueKind::OverrideReviewBlocks, id, from, message).asking_for_work(true)
        });
        [Some(late), blocks].into_iter().flatten()
    });
    due.collect()
}

/// The end of the time for which the data of removed instances is kept.
fn retention(of: &DueDeployment<'_>) -> Vec<Occasion> {
    let document = &of.loaded.document;
    let retention = document.plan.as_ref().and_then(|plan| Some((plan, plan.data_retention.as_ref()?)));
    let removed = of.state().position == StagePosition::Operational && document.scenario == Scenario::Removal;
    // It is kept from the moment at which the removal was carried out.
    let carried_out = of.state().passed.iter().find(|passage| passage.gate() == Gate::FULFILL_EXIT);
    let (Some((plan, retention)), Some(last)) = (retention.filter(|_| removed), carried_out) else {
        return Vec::new();
    };
    let message = format!(
        "the data of the removed instances of `{}` was kept for {}, as `{}` decided: dispose of it",
        document.product.id, retention.keep, retention.decided_by
    );
    vec![Occasion::new(DueKind::RetentionOver, &plan.id, last.at.saturating_add(retention.keep), message)]
}

//! Rollouts: the plan of a strategy, the host's progress with it, and the strategy's next action.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::distinct::{Keyed, distinct, keyed};
use crate::name::{name, names, some_id, some_name, text};
use crate::{Digest, Document, Duration, Reason, Timestamp};

/// A share in hundredths of a percent: 0 to 10000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Share(#[schemars(range(max = 10_000))] u16);

impl Share {
    /// The whole.
    pub const ALL: Self = Self(10_000);

    /// The share of this many hundredths of a percent; none if there are more than 10000.
    #[must_use]
    pub fn new(hundredths: u16) -> Option<Self> {
        (hundredths <= Self::ALL.0).then_some(Self(hundredths))
    }

    /// The share in hundredths of a percent.
    #[must_use]
    pub fn hundredths(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hundredths = u16::deserialize(deserializer)?;
        Self::new(hundredths).ok_or_else(|| {
            serde::de::Error::custom(format_args!("{hundredths} is more than 10000 hundredths of a percent"))
        })
    }
}

/// In percent, for example `12.5 %`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{percent} %"),
            rest if rest % 10 == 0 => write!(f, "{percent}.{} %", rest / 10),
            rest => write!(f, "{percent}.{rest:02} %"),
        }
    }
}

/// The part of an environment that a step changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The name of the slot, which the environment must know.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub slot: Option<String>,
    /// The ids of the instances. If empty: all in the slot, or, without a slot, all in the environment.
    #[serde(default, deserialize_with = "names")]
    pub instances: Vec<String>,
}

/// In words, for example `slot canary`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.slot, self.instances.as_slice()) {
            (Some(slot), []) => f.write_str(slot),
            (Some(slot), instances) => write!(f, "{} in {slot}", instances.join(", ")),
            (None, []) => f.write_str("all instances"),
            (None, instances) => f.write_str(&instances.join(", ")),
        }
    }
}

/// The action of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StepAction {
    /// Install components. On the way forward they are those of the release, on the way back those of the release that
    /// the deployment returns to.
    Deploy {
        /// Where they are installed.
        to: Target,
        /// The names of the components. If empty, all.
        #[serde(default, deserialize_with = "names")]
        components: Vec<String>,
        /// The share of the capacity.
        capacity: Share,
    },
    /// Change the share of consumers that use a slot.
    Route {
        /// The name of the slot.
        #[serde(deserialize_with = "name")]
        slot: String,
        /// The share of the consumers.
        weight: Share,
        /// The audience that is meant, in words of the organization. If absent, all consumers.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
        audience: Option<String>,
    },
    /// Wait. The host ends the step.
    Hold {
        /// How long. If absent, until a person resumes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<Duration>,
        /// The role in which a person may resume. If absent, the deployment model says.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
        role: Option<String>,
    },
    /// Run checks.
    Analyze {
        /// The ids of the checks in the deployment model.
        #[serde(deserialize_with = "names")]
        checks: Vec<String>,
        /// The slot whose instances are examined.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
        candidate: Option<String>,
        /// The slot whose instances they are compared with.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
        baseline: Option<String>,
    },
    /// Take out of use, and keep what is installed.
    Disable(Target),
    /// Take out of use, and remove what is installed.
    Remove(Target),
    /// Have a person or a supplier do something.
    Work {
        /// What is to be done, for people.
        #[serde(deserialize_with = "text")]
        instructions: String,
        /// The role of the person who does it.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
        role: Option<String>,
        /// The id of the supplier who does it.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
        supplier: Option<String>,
        /// The names of the evidence that shows that it was done.
        #[serde(default, deserialize_with = "names")]
        evidence: Vec<String>,
    },
    /// Do an activity that the environment knows.
    Activity {
        /// The name of the activity.
        #[serde(deserialize_with = "name")]
        name: String,
        /// The inputs of the activity, by name.
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    /// A step that only the environment and the strategy understand.
    Custom(Document),
}

/// One step of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The id of the step, unique within the rollout.
    #[serde(deserialize_with = "name")]
    pub id: String,
    /// The title of the step, for display.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The action that carries out the step.
    pub action: StepAction,
    /// The planned length of the step.
    pub planned: Duration,
    /// The length after which the step counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Duration>,
    /// Whether the step can be done again without harm. Otherwise a person confirms before it is.
    pub repeatable: bool,
}

/// One step of the way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackStep {
    /// The step.
    pub step: Step,
    /// The ids of the steps that it undoes. It is due if one of them has begun; always, if none is named.
    #[serde(default, deserialize_with = "names")]
    pub undoes: Vec<String>,
}

/// The kinds of way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WayBackKind {
    /// Remove what was installed. This is how a first release is rolled back.
    Removal,
    /// Return to the last known good release.
    LastKnownGood,
    /// The deployment cannot be rolled back; problems are repaired by going forward.
    ForwardOnly,
}

impl WayBackKind {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removal => "removal",
            Self::LastKnownGood => "last-known-good",
            Self::ForwardOnly => "forward-only",
        }
    }
}

/// How a deployment is rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "WrittenWayBack")]
#[schemars(!try_from)]
pub struct WayBack {
    /// The kind.
    pub kind: WayBackKind,
    /// The id of the release that it returns to. Only `last-known-good` has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The digest of that release as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The id of the deployment that rehearsed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed_by: Option<String>,
}

/// A way back as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWayBack {
    kind: WayBackKind,
    #[serde(default, deserialize_with = "some_id")]
    release: Option<String>,
    #[serde(default)]
    digest: Option<Digest>,
    #[serde(default, deserialize_with = "some_id")]
    rehearsed_by: Option<String>,
}

impl TryFrom<WrittenWayBack> for WayBack {
    type Error = &'static str;

    fn try_from(written: WrittenWayBack) -> Result<Self, Self::Error> {
        let WrittenWayBack { kind, release, digest, rehearsed_by } = written;
        let way_back = Self { kind, release, digest, rehearsed_by };
        way_back.fault().map_or(Ok(way_back), Err)
    }
}

impl WayBack {
    /// The way back of this kind, without a release.
    #[must_use]
    pub fn new(kind: WayBackKind) -> Self {
        Self { kind, release: None, digest: None, rehearsed_by: None }
    }

    /// The return to this release.
    #[must_use]
    pub fn last_known_good(release: impl Into<String>) -> Self {
        Self { release: Some(release.into()), ..Self::new(WayBackKind::LastKnownGood) }
    }

    /// What contradicts itself in it, if anything does.
    pub fn fault(&self) -> Option<&'static str> {
        match self.kind {
            WayBackKind::LastKnownGood if self.release.is_none() => {
                Some("`last-known-good` needs the `release` that it returns to")
            }
            WayBackKind::LastKnownGood => None,
            _ if self.release.is_some() || self.digest.is_some() => {
                Some("only `last-known-good` returns to a `release`: leave `release` and `digest` out")
            }
            _ => None,
        }
    }
}

/// A rollout: all steps of a deployment, planned by a strategy and approved with the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "WrittenRollout")]
#[schemars(!try_from)]
pub struct Rollout {
    /// The steps, in the order in which they are done.
    #[serde(deserialize_with = "distinct")]
    pub steps: Vec<Step>,
    /// The steps of the way back, in the order in which those that are due are done.
    #[serde(default, deserialize_with = "distinct")]
    pub back: Vec<BackStep>,
    /// The id of the step that cannot be undone: once it has begun, only forward.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub point_of_no_return: Option<String>,
    /// How the deployment is rolled back before the point of no return.
    pub way_back: WayBack,
    /// The rollout in one sentence, for people.
    #[serde(deserialize_with = "text")]
    pub summary: String,
}

/// A rollout as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRollout {
    #[serde(deserialize_with = "distinct")]
    steps: Vec<Step>,
    #[serde(default, deserialize_with = "distinct")]
    back: Vec<BackStep>,
    #[serde(default, deserialize_with = "some_name")]
    point_of_no_return: Option<String>,
    way_back: WayBack,
    #[serde(deserialize_with = "text")]
    summary: String,
}

impl TryFrom<WrittenRollout> for Rollout {
    type Error = String;

    fn try_from(written: WrittenRollout) -> Result<Self, String> {
        let WrittenRollout { steps, back, point_of_no_return, way_back, summary } = written;
        let is_step = |id: &str| steps.iter().any(|step| step.id == id);
        for BackStep { step, undoes } in &back {
            let id = &step.id;
            if is_step(id) {
                return Err(format!(
                    "`{id}` is a step of the way back, and of the way forward: call one of them otherwise"
                ));
            }
            if let Some(unknown) = undoes.iter().find(|undone| !is_step(undone)) {
                return Err(format!(
                    "step `{id}` of the way back undoes `{unknown}`, which is not a step of the way forward"
                ));
            }
        }
        Ok(Self { steps, back, point_of_no_return, way_back, summary })
    }
}

/// The direction of a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To the new state.
    #[default]
    Forward,
    /// On the way back.
    Back,
}

/// The status of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// The step has not begun.
    Pending,
    /// The step has begun and not ended.
    Running,
    /// The step succeeded.
    Succeeded,
    /// The step failed.
    Failed,
    /// The step is an analysis that had not enough data.
    Inconclusive,
    /// The strategy left the step out, for a reason.
    Skipped,
}

impl StepStatus {
    /// Whether nothing is left to do for the step.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped)
    }
}

/// The outcome of one check of an analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckState {
    /// The id of the check in the deployment model.
    pub check: String,
    /// The outcome of the check, for example `passed`; `error` if it could not answer.
    pub outcome: String,
    /// The code of its first finding, or of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The state of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepState {
    /// The id of the step.
    pub id: String,
    /// The status of the step.
    pub status: StepStatus,
    /// When the step last began (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// When the step ended (RFC 3339). Absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How often the step was begun.
    #[serde(default)]
    pub attempts: u32,
    /// The id of the person who resumed the step since it last began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_by: Option<String>,
    /// The outcomes of the checks of its last analysis, in their order.
    #[serde(default)]
    pub checks: Vec<CheckState>,
    /// The reason why it failed, had not enough data, or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl StepState {
    /// The state of a step that has not begun.
    #[must_use]
    pub fn pending(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            status: StepStatus::Pending,
            began: None,
            ended: None,
            attempts: 0,
            resumed_by: None,
            checks: Vec::new(),
            reason: None,
        }
    }
}

/// The end of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEnd {
    /// The status in which it ended.
    pub status: StepStatus,
    /// The reason, unless it succeeded.
    pub reason: Option<Reason>,
    /// The outcomes of its checks, if it was an analysis.
    pub checks: Vec<CheckState>,
}

impl StepEnd {
    /// An end of this status for this reason, in one sentence.
    #[must_use]
    pub fn new(status: StepStatus, why: Option<String>) -> Self {
        let code = match status {
            StepStatus::Failed => "step-failed",
            StepStatus::Inconclusive => "step-inconclusive",
            StepStatus::Skipped => "step-skipped",
            StepStatus::Pending | StepStatus::Running | StepStatus::Succeeded => "step-ended",
        };
        Self { status, reason: why.map(|why| Reason::new(code, why)), checks: Vec::new() }
    }
}

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The rollout that is carried out.
    pub rollout: Rollout,
    /// The direction of the rollout.
    #[serde(default)]
    pub direction: Direction,
    /// The state of each step, in the order of the rollout.
    pub steps: Vec<StepState>,
    /// The state of each step of the way back, in the order of the rollout.
    #[serde(default)]
    pub back: Vec<StepState>,
    /// Whether the point of no return has been passed.
    pub past_point_of_no_return: bool,
}

impl Progress {
    /// A rollout at its beginning: no step has begun.
    pub fn new(rollout: Rollout) -> Self {
        let steps = rollout.steps.iter().map(|step| StepState::pending(&step.id)).collect();
        let back = rollout.back.iter().map(|back| StepState::pending(&back.step.id)).collect();
        Self { rollout, direction: Direction::Forward, steps, back, past_point_of_no_return: false }
    }

    /// The step with this id, forward or back.
    pub fn step(&self, id: &str) -> Option<&Step> {
        let back = self.rollout.back.iter().map(|back| &back.step);
        self.rollout.steps.iter().chain(back).find(|step| step.id == id)
    }

    /// The state of the step with this id, forward or back.
    pub fn state(&self, id: &str) -> Option<&StepState> {
        self.steps.iter().chain(&self.back).find(|state| state.id == id)
    }

    fn state_mut(&mut self, id: &str) -> Option<&mut StepState> {
        self.steps.iter_mut().chain(&mut self.back).find(|state| state.id == id)
    }

    /// Whether a step of the way back is due: one of the steps that it undoes has begun, or it names none.
    pub fn is_due(&self, back: &BackStep) -> bool {
        let has_begun = |id: &String| self.steps.iter().any(|state| state.id == *id && state.attempts > 0);
        back.undoes.is_empty() || back.undoes.iter().any(has_begun)
    }

    /// The steps of the way back that are due, in their order.
    pub fn due(&self) -> impl Iterator<Item = &Step> {
        self.rollout.back.iter().filter(|back| self.is_due(back)).map(|back| &back.step)
    }

    /// The ids of the steps that are left to do in the present direction, in their order.
    pub fn left(&self) -> Vec<&str> {
        let done = |id: &str| self.state(id).is_some_and(|state| state.status.is_done());
        let ids: Vec<&str> = match self.direction {
            Direction::Forward => self.rollout.steps.iter().map(|step| step.id.as_str()).collect(),
            Direction::Back => self.due().map(|step| step.id.as_str()).collect(),
        };
        ids.into_iter().filter(|id| !done(id)).collect()
    }

    /// Records that a step begins, for the first time or again. If it is the point of no return, that is passed now.
    pub fn begin(&mut self, id: &str, now: Timestamp) {
        if self.rollout.point_of_no_return.as_deref() == Some(id) {
            self.past_point_of_no_return = true;
        }
        if let Some(state) = self.state_mut(id) {
            let attempts = state.attempts.saturating_add(1);
            let id = std::mem::take(&mut state.id);
            *state = StepState { status: StepStatus::Running, began: Some(now), attempts, ..StepState::pending(id) };
        }
    }

    /// Records how a step ended.
    pub fn end(&mut self, id: &str, end: StepEnd, now: Timestamp) {
        if let Some(state) = self.state_mut(id) {
            state.status = end.status;
            state.ended = Some(now);
            state.reason = end.reason;
            state.checks = end.checks;
        }
    }

    /// Records that the rollout turns to the way back. A step that is under way has failed.
    pub fn turn_back(&mut self, now: Timestamp) {
        self.direction = Direction::Back;
        for state in self.steps.iter_mut().filter(|state| state.status == StepStatus::Running) {
            let reason = Reason::new("turned-back", "the way back began before the step had ended");
            (state.status, state.ended, state.reason) = (StepStatus::Failed, Some(now), Some(reason));
        }
    }

    /// Records that a person resumed a step. An analysis that lacked data counts as done from then on; the strategy
    /// must begin a failed step again.
    pub fn resume(&mut self, id: &str, by: &str) {
        if let Some(state) = self.state_mut(id) {
            state.resumed_by = Some(by.to_owned());
            if state.status == StepStatus::Inconclusive {
                state.status = StepStatus::Succeeded;
            }
        }
    }

    /// Ends every hold whose time is over, or that a person has resumed.
    pub fn settle(&mut self, now: Timestamp) {
        let back = self.rollout.back.iter().map(|back| &back.step);
        let steps = self.rollout.steps.iter().chain(back);
        for (step, state) in steps.zip(self.steps.iter_mut().chain(&mut self.back)) {
            let StepAction::Hold { length, .. } = &step.action else { continue };
            if state.status != StepStatus::Running {
                continue;
            }
            let over = match (length, state.began) {
                (Some(length), Some(began)) => began.saturating_add(*length) <= now,
                _ => false,
            };
            if over || state.resumed_by.is_some() {
                state.status = StepStatus::Succeeded;
                state.ended = Some(now);
            }
        }
    }

    /// The same progress at this moment: holds whose time is over have ended.
    #[must_use]
    pub fn settled(&self, now: Timestamp) -> Self {
        let mut settled = self.clone();
        settled.settle(now);
        settled
    }

    /// The hold that is under way and that only a person ends.
    pub fn waits_for_person(&self) -> Option<&Step> {
        let running = self.steps.iter().chain(&self.back).filter(|state| state.status == StepStatus::Running);
        let steps = running.filter_map(|state| self.step(&state.id));
        steps.into_iter().find(|step| matches!(step.action, StepAction::Hold { length: None, .. }))
    }
}

/// What a check is asked in a rollout: set while a step runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// The id of the step.
    pub step: String,
    /// How often the step was begun, this time included.
    pub attempt: u32,
    /// When it began (RFC 3339).
    pub began: Timestamp,
    /// The slot whose instances are examined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// The slot whose instances they are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// A wait: why nothing happens now, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// When to ask again (RFC 3339). Absent: when something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The role of the person who has to resume, if the strategy names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The reason for the wait.
    pub reason: Reason,
}

/// A step that is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skip {
    /// The id of the step.
    pub step: String,
    /// The reason.
    pub reason: Reason,
}

/// The next action, as a strategy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Do the steps with these ids. They may run side by side.
    Perform(Vec<String>),
    /// Leave a step out.
    Skip(Skip),
    /// Do nothing for now.
    Wait(Wait),
    /// Take the way back, for this reason.
    GoBack(Reason),
    /// Pause the rollout and let people decide, for this reason.
    Pause(Reason),
    /// The rollout is complete, forward or back.
    Complete,
}

keyed!(Step: id);

impl Keyed for BackStep {
    fn key(&self) -> &str {
        &self.step.id
    }
}

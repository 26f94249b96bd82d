//! Rollouts: the plan of a strategy, the host's progress with it, and the strategy's next action.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{id, name, names, some_name, text};
use crate::{Digest, Duration, Reason, Timestamp};

/// What the host does in one step. Each can be repeated without harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StepAction {
    /// Install the release's components into a slot.
    Deploy {
        /// Where: a name that the environment understands.
        #[serde(deserialize_with = "name")]
        slot: String,
        /// How much of the capacity, in percent.
        capacity: u8,
    },
    /// Change who is sent to a slot.
    Route {
        /// The slot.
        #[serde(deserialize_with = "name")]
        slot: String,
        /// The share of the consumers, in percent.
        weight: u8,
    },
    /// Wait: for that long, or, if `null`, until a person resumes.
    Hold(Option<Duration>),
    /// Run checks, by the ids that the deployment model gives them.
    Analyze(#[serde(deserialize_with = "names")] Vec<String>),
    /// Take a slot out of use and remove what is in it.
    Retire(#[serde(deserialize_with = "name")] String),
    /// Do an activity that the environment knows by name.
    Activity(#[serde(deserialize_with = "name")] String),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique within the rollout.
    #[serde(deserialize_with = "name")]
    pub id: String,
    /// For people.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// What the host does.
    pub action: StepAction,
}

/// The release that a rollback returns to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastKnownGood {
    /// The release, by id.
    #[serde(deserialize_with = "id")]
    pub release: String,
    /// Its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether the rollback has been rehearsed.
    #[serde(default)]
    pub rehearsed: bool,
}

/// How a deployment is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WayBack {
    /// Remove what was installed: the way back of a first release.
    Removal,
    /// Return to the last known good release.
    LastKnownGood(LastKnownGood),
    /// There is none: only forward.
    ForwardOnly,
}

/// The whole way, decided once and approved with the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// In order.
    #[serde(deserialize_with = "distinct")]
    pub steps: Vec<Step>,
    /// The id of the step that cannot be undone: once it has begun, only forward.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub point_of_no_return: Option<String>,
    /// How it is undone before that.
    pub way_back: WayBack,
    /// One sentence.
    #[serde(deserialize_with = "text")]
    pub summary: String,
}

/// How a step is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun and not ended.
    Running,
    /// Done.
    Succeeded,
    /// Ended, and not done.
    Failed,
    /// An analysis had not enough data.
    Inconclusive,
}

/// What the host knows of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepState {
    /// The step, by id.
    pub id: String,
    /// How it is doing.
    pub status: StepStatus,
    /// When it last began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How often it was begun.
    #[serde(default)]
    pub attempts: u32,
    /// Whether a person said to go on.
    #[serde(default)]
    pub resumed: bool,
}

/// How far a rollout has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The way.
    pub rollout: Rollout,
    /// One per step, in the order of the rollout.
    pub steps: Vec<StepState>,
    /// Whether the point of no return has been passed.
    pub past_point_of_no_return: bool,
}

impl Progress {
    /// A rollout at its beginning: no step has begun.
    pub fn new(rollout: Rollout) -> Self {
        let steps = rollout
            .steps
            .iter()
            .map(|step| StepState {
                id: step.id.clone(),
                status: StepStatus::Pending,
                began: None,
                ended: None,
                attempts: 0,
                resumed: false,
            })
            .collect();
        Self { rollout, steps, past_point_of_no_return: false }
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.rollout.steps.iter().find(|step| step.id == id)
    }

    /// The state of the step with this id.
    pub fn state(&self, id: &str) -> Option<&StepState> {
        self.steps.iter().find(|state| state.id == id)
    }

    /// Records that a step begins, for the first time or again. If it is the point of no return, that is passed now.
    pub fn begin(&mut self, id: &str, now: Timestamp) {
        if self.rollout.point_of_no_return.as_deref() == Some(id) {
            self.past_point_of_no_return = true;
        }
        if let Some(state) = self.steps.iter_mut().find(|state| state.id == id) {
            state.status = StepStatus::Running;
            state.began = Some(now);
            state.ended = None;
            state.attempts = state.attempts.saturating_add(1);
            state.resumed = false;
        }
    }

    /// Records how a step ended.
    pub fn end(&mut self, id: &str, status: StepStatus, now: Timestamp) {
        if let Some(state) = self.steps.iter_mut().find(|state| state.id == id) {
            state.status = status;
            state.ended = Some(now);
        }
    }

    /// Records that a person resumed a step. An analysis that lacked data counts as done from then on; the strategy
    /// must begin a failed step again.
    pub fn resume(&mut self, id: &str) {
        if let Some(state) = self.steps.iter_mut().find(|state| state.id == id) {
            state.resumed = true;
            if state.status == StepStatus::Inconclusive {
                state.status = StepStatus::Succeeded;
            }
        }
    }

    /// Ends every hold whose time is over, or that a person has resumed.
    pub fn settle(&mut self, now: Timestamp) {
        for (step, state) in self.rollout.steps.iter().zip(&mut self.steps) {
            let StepAction::Hold(length) = &step.action else { continue };
            if state.status != StepStatus::Running {
                continue;
            }
            let over = match (length, state.began) {
                (Some(length), Some(began)) => began.saturating_add(*length) <= now,
                _ => false,
            };
            if over || state.resumed {
                state.status = StepStatus::Succeeded;
                state.ended = Some(now);
            }
        }
    }
}

/// Why nothing happens now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// When to ask again; absent: when something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether a person has to resume the step.
    pub for_person: bool,
    /// Why.
    pub reason: Reason,
}

/// What a strategy says to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Do this step, by id.
    Perform(String),
    /// Nothing for now.
    Wait(Wait),
    /// Take the way back.
    RollBack(Reason),
    /// Stop where it is and let people decide.
    Pause(Reason),
    /// All is done.
    Complete,
}

keyed!(Step: id);

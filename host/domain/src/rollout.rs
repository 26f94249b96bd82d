//! Rollouts: the plan of a strategy, the host's progress with it, and the strategy's next action.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{id, name, names, some_name, text};
use crate::{Digest, Duration, Reason, Timestamp};

/// The action of a step. Each can be repeated without harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StepAction {
    /// Install the release's components into a slot.
    Deploy {
        /// The name of the slot, which the environment must know.
        #[serde(deserialize_with = "name")]
        slot: String,
        /// The share of the capacity, in percent.
        capacity: u8,
    },
    /// Change the share of consumers that use a slot.
    Route {
        /// The name of the slot.
        #[serde(deserialize_with = "name")]
        slot: String,
        /// The share of the consumers, in percent.
        weight: u8,
    },
    /// Wait for this long, or, if `null`, until a person resumes.
    Hold(Option<Duration>),
    /// Run the checks with these ids in the deployment model.
    Analyze(#[serde(deserialize_with = "names")] Vec<String>),
    /// Take the slot with this name out of use, and remove its content.
    Retire(#[serde(deserialize_with = "name")] String),
    /// Do the activity with this name, which the environment must know.
    Activity(#[serde(deserialize_with = "name")] String),
}

/// One step of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
}

/// The release that a rollback returns to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastKnownGood {
    /// The id of the release.
    #[serde(deserialize_with = "id")]
    pub release: String,
    /// The digest of the release as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether the rollback has been rehearsed.
    #[serde(default)]
    pub rehearsed: bool,
}

/// How a deployment is rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WayBack {
    /// Remove what was installed. This is how a first release is rolled back.
    Removal,
    /// Return to the last known good release.
    LastKnownGood(LastKnownGood),
    /// The deployment cannot be rolled back; problems are repaired by going forward.
    ForwardOnly,
}

/// A rollout: all steps of a deployment, planned by a strategy and approved with the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The steps, in the order in which they are done.
    #[serde(deserialize_with = "distinct")]
    pub steps: Vec<Step>,
    /// The id of the step that cannot be undone: once it has begun, only forward.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub point_of_no_return: Option<String>,
    /// How the deployment is rolled back before the point of no return.
    pub way_back: WayBack,
    /// The rollout in one sentence, for people.
    #[serde(deserialize_with = "text")]
    pub summary: String,
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
}

/// The state of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Whether a person resumed the step.
    #[serde(default)]
    pub resumed: bool,
}

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The rollout that is carried out.
    pub rollout: Rollout,
    /// The state of each step, in the order of the rollout.
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

/// A wait: why nothing happens now, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// When to ask again (RFC 3339). Absent: when something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether a person has to resume the step.
    pub for_person: bool,
    /// The reason for the wait.
    pub reason: Reason,
}

/// The next action, as a strategy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Do the step with this id.
    Perform(String),
    /// Do nothing for now.
    Wait(Wait),
    /// Roll back, for this reason.
    RollBack(Reason),
    /// Pause the rollout and let people decide, for this reason.
    Pause(Reason),
    /// The rollout is complete.
    Complete,
}

keyed!(Step: id);

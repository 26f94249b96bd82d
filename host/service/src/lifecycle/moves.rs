//! The moves that are legal in each position.

use std::fmt;

use lockgate_domain::{Gate, Progress, Stage, Step, StepAction, StepState, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activity::{ActivityOutcome, activities_of};
use super::{DeploymentState, StagePosition};

/// A move of a deployment from one position to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LifecycleMove {
    /// The deployment passes a gate that allows.
    Pass(Gate),
    /// People reject the deployment.
    Reject,
    /// The deployment is given up before anything is changed.
    Abort,
    /// The deployment goes back to planning, and the approvals no longer count.
    Replan,
    /// The rollback begins.
    RollBack,
    /// The rollback ends.
    CompleteRollback,
    /// The deployment failed: it can go neither forward nor back.
    Fail,
}

impl LifecycleMove {
    /// The name that files and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::Reject => "reject",
            Self::Abort => "abort",
            Self::Replan => "replan",
            Self::RollBack => "roll-back",
            Self::CompleteRollback => "complete-rollback",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for LifecycleMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass(gate) => write!(f, "pass {gate}"),
            other => f.write_str(other.as_str()),
        }
    }
}

/// A move that is possible now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegalMove {
    /// The name of the move, for example `pass` or `abort`.
    #[serde(rename = "move")]
    pub name: String,
    /// The gate that the move passes. Only the move `pass` has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The ids of the required activities that must be reported first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_activities: Vec<String>,
    /// The id of the step of the rollout that must be done next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_step: Option<String>,
}

impl LegalMove {
    /// What must be done first, each as the end of a sentence.
    fn needs(&self) -> impl Iterator<Item = String> {
        let activities = &self.needs_activities;
        let activities = (!activities.is_empty())
            .then(|| format!("activities that shall be done are not reported: `{}`", activities.join("`, `")));
        let step = self.needs_step.as_ref();
        let step =
            step.map(|step| format!("step `{step}` is not done: ask for the next step, with `POST …/rollout/next`"));
        activities.into_iter().chain(step)
    }
}

/// A move that is not legal now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{asked}` cannot be done: the deployment is {position}, and {why}{}", possible(.legal))]
pub struct IllegalMove {
    /// The move that was asked for.
    pub asked: LifecycleMove,
    /// The position of the deployment.
    pub position: StagePosition,
    /// Why the move is not legal, as the end of a sentence.
    pub why: String,
    /// The moves that are legal.
    pub legal: Vec<LegalMove>,
}

/// The legal moves as a sentence, if there are any.
fn possible(legal: &[LegalMove]) -> String {
    let named = |legal: &LegalMove| {
        let first = match (legal.needs_activities.len(), legal.needs_step.is_some()) {
            (0, false) => "",
            (0, true) => " (first the rollout)",
            (1, false) => " (first an activity)",
            (_, false) => " (first activities)",
            (1, true) => " (first an activity and the rollout)",
            (_, true) => " (first activities and the rollout)",
        };
        match legal.gate {
            Some(gate) => format!("`{} {gate}`{first}", legal.name),
            None => format!("`{}`", legal.name),
        }
    };
    match legal {
        [] => String::new(),
        legal => format!(". Possible now: {}", legal.iter().map(named).collect::<Vec<_>>().join(", ")),
    }
}

/// Whether a step has begun that changes something. Waiting and looking change nothing.
fn has_changed_something(progress: &Progress) -> bool {
    let changes = |step: &Step| !matches!(step.action, StepAction::Hold { .. } | StepAction::Analyze { .. });
    let mut begun = progress.steps.iter().filter(|state| state.attempts > 0);
    begun.any(|state| progress.step(&state.id).is_none_or(changes))
}

impl DeploymentState {
    /// The legal moves now, by the position of the deployment. Rules of the host may refuse them.
    pub fn legal_moves(&self) -> Vec<LegalMove> {
        let gate = self.position.gate().map(LifecycleMove::Pass);
        let others = [
            LifecycleMove::Reject,
            LifecycleMove::Abort,
            LifecycleMove::Replan,
            LifecycleMove::RollBack,
            LifecycleMove::CompleteRollback,
            LifecycleMove::Fail,
        ]
        .into_iter();
        let possible = gate.into_iter().chain(others).filter(|asked| self.refusal(*asked).is_none());
        possible.map(|asked| self.legal_move(asked)).collect()
    }

    /// A legal move, with what must be done first.
    fn legal_move(&self, asked: LifecycleMove) -> LegalMove {
        let gate = if let LifecycleMove::Pass(gate) = asked { Some(gate) } else { None };
        LegalMove {
            name: asked.as_str().to_owned(),
            gate,
            needs_activities: gate.map(|gate| self.missing_activities(gate)).unwrap_or_default(),
            needs_step: match asked {
                LifecycleMove::Pass(_) => self.unfinished_step(),
                LifecycleMove::CompleteRollback => self.unfinished_step_back(),
                _ => None,
            },
        }
    }

    /// The same deployment at this moment: holds whose time is over have ended.
    pub fn settled(&self, now: Timestamp) -> Self {
        let mut settled = self.clone();
        if let Some(progress) = &mut settled.progress {
            progress.settle(now);
        }
        settled
    }

    /// Checks that a move is legal now, and that everything before it has been done.
    ///
    /// # Errors
    /// Why the move is not legal, and which moves are.
    pub fn check(&self, asked: LifecycleMove) -> Result<(), IllegalMove> {
        let why = self.refusal(asked).or_else(|| {
            let needs: Vec<String> = self.legal_move(asked).needs().collect();
            (!needs.is_empty()).then(|| needs.join("; and "))
        });
        match why {
            None => Ok(()),
            Some(why) => Err(IllegalMove { asked, position: self.position, why, legal: self.legal_moves() }),
        }
    }

    /// The shall activities that are missing before an exit.
    pub fn missing_activities(&self, gate: Gate) -> Vec<String> {
        if gate.phase == lockgate_domain::Phase::Entrance {
            return Vec::new();
        }
        let is_done = |id: &str| {
            self.activity(gate.stage, id)
                .is_some_and(|report| matches!(report.outcome, ActivityOutcome::Done | ActivityOutcome::NotNeeded))
        };
        let missing = activities_of(gate.stage).filter(|activity| activity.shall && !is_done(activity.id));
        missing.map(|activity| activity.id.to_owned()).collect()
    }

    /// The first step of the rollout that is not done, at the exit of fulfill.
    fn unfinished_step(&self) -> Option<String> {
        if self.position != (StagePosition::InProgress { stage: Stage::Fulfill }) {
            return None;
        }
        let progress = self.progress.as_ref()?;
        let unfinished = |state: &&StepState| !state.status.is_done();
        progress.steps.iter().find(unfinished).map(|state| state.id.clone())
    }

    /// The first step of the way back that is due and not done.
    fn unfinished_step_back(&self) -> Option<String> {
        self.progress.as_ref()?.left().first().map(|step| (*step).to_owned())
    }

    fn refusal(&self, asked: LifecycleMove) -> Option<String> {
        let position = self.position;
        if position.ended().is_some() {
            return Some("it has ended".to_owned());
        }
        let rolling_back = matches!(position, StagePosition::RollingBack { .. });
        let begun = self.progress.as_ref().is_some_and(has_changed_something);
        let changing = position.changes_environment() && (begun || position.stage() > Stage::Fulfill)
            || position.stage() > Stage::Fulfill;
        let no = |why: &str| Some(why.to_owned());
        match asked {
            LifecycleMove::Pass(gate) => match position.gate() {
                Some(next) if next == gate => None,
                Some(next) => Some(format!("the next gate is {next}")),
                None => no("it is on the way back"),
            },
            LifecycleMove::Reject if position.stage() > Stage::PlanAndApprove => {
                no("it was approved: abort it, or have it planned anew")
            }
            LifecycleMove::Abort if changing => {
                no("something has been changed: take the way back, or say that it failed")
            }
            LifecycleMove::Replan if position.stage() < Stage::Fulfill => no("it is being planned"),
            LifecycleMove::Replan if changing => {
                no("something has been changed: take the way back, or say that it failed")
            }
            LifecycleMove::RollBack if position.stage() < Stage::Fulfill => {
                no("nothing has been changed yet: abort it")
            }
            LifecycleMove::RollBack
                if matches!(position, StagePosition::AwaitingEntrance { stage: Stage::Fulfill }) =>
            {
                no("nothing has been changed yet: abort it")
            }
            LifecycleMove::RollBack if rolling_back => no("it is on the way back already"),
            LifecycleMove::CompleteRollback if !rolling_back => no("it is not on the way back"),
            LifecycleMove::Abort | LifecycleMove::Replan | LifecycleMove::Reject if rolling_back => {
                no("it is on the way back")
            }
            LifecycleMove::Fail if position.stage() < Stage::Fulfill => {
                no("nothing has been changed yet: reject or abort it")
            }
            LifecycleMove::Reject
            | LifecycleMove::Abort
            | LifecycleMove::Replan
            | LifecycleMove::RollBack
            | LifecycleMove::CompleteRollback
            | LifecycleMove::Fail => None,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use lockgate_domain::Rollout;
    use serde_json::json;

    use super::*;

    #[test]
    fn waiting_and_looking_change_nothing_and_every_other_step_does() {
        let step = |id: &str, action: serde_json::Value| json!({"id": id, "title": id, "action": action, "planned": "5m", "repeatable": true});
        let rollout: Rollout = serde_json::from_value(json!({
            "steps": [
                step("wait", json!({"hold": {"length": "5m"}})),
                step("look", json!({"analyze": {"checks": ["errors"]}})),
                step("retire", json!({"remove": {"slot": "blue"}})),
            ],
            "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "three steps"
        }))
        .unwrap();
        let mut progress = Progress::new(rollout);
        let mut changed = Vec::new();
        for index in 0..progress.steps.len() {
            if let Some(state) = progress.steps.get_mut(index) {
                state.attempts = 1;
            }
            changed.push(has_changed_something(&progress));
        }
        assert_eq!(changed, [false, false, true]);
    }
}

//! Reporting activities.

use std::collections::BTreeSet;

use lockgate_domain::{Duration, Right, Stage, Timestamp};

use super::write::WriteChange;
use super::{
    DeploymentRef, DeploymentService, DeploymentView, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext,
};
use crate::lifecycle::{
    ActivityOutcome, ActivityReport, DeploymentEvent, DeploymentState, StagePosition, activities_of,
};

/// How long before the request a planning activity may have been done: people book slots and orders early.
const PLANNED_AHEAD: Duration = Duration::from_millis(365 * 86_400_000);

/// Why an activity of this stage cannot have been done at this time. None if it can.
fn cannot_be_at(at: Timestamp, stage: Stage, state: &DeploymentState, now: Timestamp) -> Option<String> {
    let requested = state.requested;
    if at > now {
        return Some(format!("an activity is reported when it has been done: `{at}` is later than now, `{now}`"));
    }
    let (is_early, rule) = match stage {
        Stage::PlanAndApprove => (at.saturating_add(PLANNED_AHEAD) < requested, "is done at most a year before that"),
        Stage::Fulfill | Stage::Validate | Stage::Observe => (at < requested, "is not done before that"),
    };
    is_early.then(|| {
        let stage = stage.as_str();
        format!(
            "the deployment was asked for at `{requested}`, and what is done in {stage} {rule}: `{at}` is too early"
        )
    })
}

impl DeploymentService {
    /// Reports activities of the deployment's present stage: all of them, or none.
    ///
    /// # Errors
    /// If the actor may not report, the deployment is in no stage, or the stage has no such activity.
    pub fn report_activities(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        reports: &[ActivityReport],
    ) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        write.actor.require(Right::Drive)?;
        self.once(
            write,
            &("report-activities", at, reports, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                let stage = match loaded.state.position {
                    StagePosition::InProgress { stage } => stage,
                    StagePosition::AwaitingEntrance { stage } => {
                        return Err(RuleRefusal::StageNotBegun { stage }.into());
                    }
                    _ => return Err(RuleRefusal::Over { what: "stage of the deployment", id: at.id.to_owned() }.into()),
                };
                let mut mistakes = Vec::new();
                if reports.is_empty() {
                    mistakes.push(InputError::new("", "no activity is reported: name at least one"));
                }
                let mut reported = BTreeSet::new();
                for (place, report) in reports.iter().enumerate() {
                    if !reported.insert(report.activity.as_str()) {
                        let message = format!("`{}` is in the list twice: remove one", report.activity);
                        mistakes.push(InputError::new(format!("/{place}/activity"), message));
                    }
                    let Some(activity) = activities_of(stage).find(|activity| activity.id == report.activity) else {
                        let known = activities_of(stage).map(|activity| activity.id).collect::<Vec<_>>().join("`, `");
                        let (name, stage) = (&report.activity, stage.as_str());
                        let message = format!("{stage} has no activity `{name}`: it has `{known}`");
                        mistakes.push(InputError::new(format!("/{place}/activity"), message));
                        continue;
                    };
                    let silent = report.note.as_ref().is_none_or(|note| note.trim().is_empty());
                    if report.outcome == ActivityOutcome::NotNeeded && silent {
                        mistakes.push(InputError::new(format!("/{place}/note"), "say why it is not needed"));
                    }
                    if report.outcome == ActivityOutcome::Skipped && activity.shall {
                        let message = format!("`{}` shall be done: it cannot be skipped", activity.id);
                        mistakes.push(InputError::new(format!("/{place}/outcome"), message));
                    }
                    if let Some(why) = report.at.and_then(|at| cannot_be_at(at, stage, &loaded.state, write.now)) {
                        mistakes.push(InputError::new(format!("/{place}/at"), why));
                    }
                }
                if !mistakes.is_empty() {
                    return Err(ServiceError::Invalid(mistakes));
                }
                let events =
                    reports.iter().map(|report| DeploymentEvent::ActivityReported { report: report.clone() }).collect();
                self.record(write, digest, &loaded, WriteChange { events, ..WriteChange::default() }, |after| {
                    self.view(after, write.now)
                })
            },
        )
    }
}

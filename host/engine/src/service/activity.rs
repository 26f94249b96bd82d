//! Reporting activities.

use super::write::Change;
use super::{DeploymentRef, DeploymentView, Engine, EngineError, Mistake, Refused, Write, Written};
use crate::authority::Right;
use crate::lifecycle::{ActivityOutcome, ActivityReport, Event, Position, activities_of};

impl Engine {
    /// Reports activities of the stage that the deployment is in: all of them, or none.
    ///
    /// # Errors
    /// If the actor may not, the deployment is in no stage, or the stage has no such activity.
    pub fn report_activities(
        &self,
        write: &Write<'_>,
        at: DeploymentRef<'_>,
        reports: &[ActivityReport],
    ) -> Result<Written<DeploymentView>, EngineError> {
        write.actor.require(Right::Drive)?;
        self.once(
            write,
            &("report-activities", at, reports, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                let Position::InProgress { stage } = loaded.state.position else {
                    return Err(Refused::Over { what: "stage of the deployment", id: at.id.to_owned() }.into());
                };
                let mut mistakes = Vec::new();
                if reports.is_empty() {
                    mistakes.push(Mistake::new("", "no activity is reported: name at least one"));
                }
                for (place, report) in reports.iter().enumerate() {
                    let Some(activity) = activities_of(stage).find(|activity| activity.id == report.activity) else {
                        let known = activities_of(stage).map(|activity| activity.id).collect::<Vec<_>>().join("`, `");
                        let (name, stage) = (&report.activity, stage.as_str());
                        let message = format!("{stage} has no activity `{name}`: it has `{known}`");
                        mistakes.push(Mistake::new(format!("/{place}/activity"), message));
                        continue;
                    };
                    let silent = report.note.as_ref().is_none_or(|note| note.trim().is_empty());
                    if report.outcome == ActivityOutcome::NotNeeded && silent {
                        mistakes.push(Mistake::new(format!("/{place}/note"), "say why it is not needed"));
                    }
                    if report.outcome == ActivityOutcome::Skipped && activity.shall {
                        let message = format!("`{}` shall be done: it cannot be skipped", activity.id);
                        mistakes.push(Mistake::new(format!("/{place}/outcome"), message));
                    }
                    if report.at.is_some_and(|at| at > write.now) {
                        mistakes.push(Mistake::new(format!("/{place}/at"), "it is reported when it has been done"));
                    }
                }
                if !mistakes.is_empty() {
                    return Err(EngineError::Invalid(mistakes));
                }
                let events = reports.iter().map(|report| Event::ActivityReported { report: report.clone() }).collect();
                self.record(write, digest, &loaded, Change { events, ..Change::default() }, |after| {
                    self.view(after, write.now)
                })
            },
        )
    }
}

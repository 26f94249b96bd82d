//! Finds the rollback of a deployment whose plan does not name one.

use crate::types::{DeploymentResult, LastKnownGood, Scenario, WayBack};
use crate::{Evaluation, PluginError};

/// The rollback of this deployment: the plan's, if it names one; otherwise the one that follows from the scenario.
///
/// A first release is removed again. A new version returns to the release that was last operational in the target
/// environment. A removal, as long as it can be undone, returns to the release that is being removed.
///
/// # Errors
/// `no-last-known-good` if a new version has nothing to return to.
pub fn way_back(evaluation: &Evaluation<'_>) -> Result<WayBack, PluginError> {
    if let Some(way_back) = evaluation.plan().and_then(|plan| plan.way_back) {
        return Ok(way_back);
    }
    let release = evaluation.release();
    match evaluation.scenario() {
        Scenario::FirstRelease => Ok(WayBack::Removal),
        Scenario::Removal => {
            Ok(WayBack::LastKnownGood(LastKnownGood { release: release.id, digest: release.digest, rehearsed: false }))
        }
        Scenario::NewVersion => {
            let environment = evaluation.environment().name;
            let good = evaluation.history().into_iter().find(|past| {
                past.environment == environment
                    && past.outcome == DeploymentResult::Operational
                    && past.scenario != Scenario::Removal
                    && past.release != release.id
            });
            match good {
                Some(past) => {
                    Ok(WayBack::LastKnownGood(LastKnownGood { release: past.release, digest: None, rehearsed: false }))
                }
                None => Err(PluginError::new(
                    "no-last-known-good",
                    format!(
                        "no other release has been operational in `{environment}`, so there is nothing to return to: \
                         name the way back in the plan (`way_back`)"
                    ),
                )),
            }
        }
    }
}

//! Finds the rollback of a deployment whose plan does not name one.

use crate::types::{DeploymentResult, Scenario, WayBack, WayBackKind};
use crate::{Evaluation, PluginError};

impl WayBack {
    /// The way back of this kind, without a release.
    pub fn new(kind: WayBackKind) -> Self {
        Self { kind, release: None, digest: None, rehearsed_by: None }
    }

    /// The return to this release.
    pub fn last_known_good(release: impl Into<String>) -> Self {
        Self { release: Some(release.into()), ..Self::new(WayBackKind::LastKnownGood) }
    }
}

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
        Scenario::FirstRelease => Ok(WayBack::new(WayBackKind::Removal)),
        Scenario::Removal => Ok(WayBack { digest: release.digest, ..WayBack::last_known_good(release.id) }),
        Scenario::NewVersion => {
            let environment = evaluation.environment().name;
            let good = evaluation.history().into_iter().find(|past| {
                past.environment == environment
                    && past.outcome == DeploymentResult::Operational
                    && past.scenario != Scenario::Removal
                    && past.release != release.id
            });
            match good {
                Some(past) => Ok(WayBack::last_known_good(past.release)),
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

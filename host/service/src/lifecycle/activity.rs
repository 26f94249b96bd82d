//! The activities of each stage. A *shall* activity must be done before the deployment leaves the stage; a *may*
//! activity that nobody reported is recorded as skipped. (IT4IT: Deploy value stream, activities of each stage)

use lockgate_domain::{Stage, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An activity of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Activity {
    /// Unique within the stage.
    pub id: &'static str,
    /// The stage.
    pub stage: Stage,
    /// Whether it has to be done before the stage is left.
    pub shall: bool,
    /// What it is.
    pub title: &'static str,
}

const fn shall(stage: Stage, id: &'static str, title: &'static str) -> Activity {
    Activity { id, stage, shall: true, title }
}

const fn may(stage: Stage, id: &'static str, title: &'static str) -> Activity {
    Activity { id, stage, shall: false, title }
}

/// All activities, by stage.
pub const ACTIVITIES: [Activity; 31] = {
    use Stage::{Fulfill, Observe, PlanAndApprove, Validate};
    [
        may(PlanAndApprove, "set-priority", "Set the priority"),
        may(PlanAndApprove, "assess-risk", "Assess risk and dependencies"),
        may(PlanAndApprove, "book-slot", "Book a slot"),
        may(PlanAndApprove, "check-capacity", "Check the capacity of the products depended on"),
        may(PlanAndApprove, "raise-requests", "Raise asset requests and orders"),
        may(PlanAndApprove, "choose-strategy", "Choose a strategy"),
        may(PlanAndApprove, "set-way-back", "Set the point of no return and the way back"),
        may(PlanAndApprove, "link-change", "Link the change to the release"),
        shall(Fulfill, "derive-topology", "Derive the desired topology"),
        shall(Fulfill, "reserve-resources", "Reserve resources"),
        shall(Fulfill, "order-services", "Order dependent services"),
        shall(Fulfill, "verify-preconditions", "Verify orchestration, fulfillment books and preconditions"),
        shall(Fulfill, "deploy-packages", "Deploy the build packages and update the topology"),
        shall(Fulfill, "deploy-monitors", "Deploy runbooks and service monitors"),
        shall(Fulfill, "activate-knowledge", "Activate knowledge items"),
        may(Fulfill, "warn-service-desk", "Warn the service desk"),
        may(Fulfill, "suppress-events", "Suppress events during the window"),
        may(Fulfill, "start-instance", "Start the instance"),
        may(Validate, "confirm-running", "Confirm that it runs"),
        may(Validate, "compare-instances", "Compare the actual with the desired instance"),
        may(Validate, "confirm-monitors", "Confirm monitors and documents"),
        may(Validate, "confirm-contract", "Confirm that the service contract is active and KPI data flows"),
        may(Validate, "lift-suppression", "Lift the suppression of events"),
        may(Validate, "raise-defects", "Raise defects"),
        may(Validate, "decide-to-proceed", "Decide to proceed or to roll back"),
        may(Validate, "update-change", "Update the change"),
        shall(Observe, "watch-service", "Watch logs, events and service levels until they are stable and acceptable"),
        shall(Observe, "weigh-way-on", "Weigh patching forward against rolling back"),
        may(Observe, "try-consumption", "Try to consume the service"),
        may(Observe, "watch-contacts", "Watch the contacts with the help desk"),
        may(Observe, "hand-over", "Hand over to operations"),
    ]
};

/// The activities of a stage.
pub fn activities_of(stage: Stage) -> impl Iterator<Item = &'static Activity> {
    ACTIVITIES.iter().filter(move |activity| activity.stage == stage)
}

/// The outcome of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityOutcome {
    /// The activity was done.
    Done,
    /// The activity was not needed; the note says why.
    NotNeeded,
    /// The activity was left out. Only an activity that is not required can be.
    Skipped,
    /// The activity was tried and failed. It can be reported again.
    Failed,
}

/// A report about an activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivityReport {
    /// The id of the activity.
    pub activity: String,
    /// The outcome of the activity.
    pub outcome: ActivityOutcome,
    /// A note on the outcome. It is required for `not-needed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When the activity was done (RFC 3339). If absent, the time of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

//! The rules that the host enforces itself, whatever the plugins say.
//!
//! No policy can make good for a breach of these rules: a deployment that breaks one is refused at every gate at which
//! the breach can be noticed. Each breach has its own code and says how to repair it.
//!
//! 1. A `new-version` plan has a point of no return and a rollback to the last known good release. A rollout keeps to
//!    both. Who says that the rollback was rehearsed names the deployment that proves it.
//! 2. After the point of no return a rollback is forbidden: only forward ([`may_roll_back`]). The point is a step and a moment:
//!    the last at which the way back still fits into the window. A rollback is complete when the inventory is as it was
//!    ([`unfinished_way_back`]).
//! 3. Event suppression never outlives the change window, and the slot lies within it.
//! 4. The office-hours exception needs zero consumers.
//! 5. A removal has a data-retention decision with a duration above zero, and its targets, with the instances that stay, are
//!    the inventory of actual instances. Those who use what is removed from a live environment are told before, nothing is removed
//!    that they may still use, its data is kept as decided, and its contracts end. A first release has no instance and no consumer yet.
//! 6. A change resolves to exactly one product release, whose digest is that of its components, and the deployment is the
//!    approved one. A rejected or withdrawn change stops the deployment, and so does a withdrawn release. What the release lays down for the environment is what is desired there.
//! 7. Deployments that would get in each other's way are fulfilled one after the other.
//! 8. A rollout that was laid out is carried out: every step has ended well before the exit of fulfill.
//! 9. A third party that controls the environment, or a part of it, attests its part or the result.
//! 10. While the line is stopped, no deployment in the scope of the stop passes a gate or begins a step ([`stopped`]). A late
//!     review of an override stops deployments of its product, where its model says so.
//! 11. What is deployed to a live environment is operational only when those who take it over have accepted it.

mod approved;
mod hand_over;
mod overlap;
mod plan;
mod release;
mod removal;
mod scenario;
mod stop;
mod third_party;
mod way_back;

pub use release::{ReleaseMistake, mistakes as release_mistakes};
use schemars::JsonSchema;
pub use stop::stopped;

use serde_json::Value;

use crate::{CorrectionNeeded, Digest, Finding, Snapshot};
pub use way_back::{RollbackTimes, may_roll_back, unfinished_way_back};

/// The codes of the breaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// There is no plan. Every gate from the exit of plan-and-approve on needs one.
    PlanMissing,
    /// The plan of a `new-version` deployment names no point of no return.
    PointOfNoReturnMissing,
    /// The plan's point of no return is not that of the rollout, or that of the rollout is none of its steps.
    PointOfNoReturnUnknown,
    /// The plan's way back is not that of the rollout.
    WayBackDiffers,
    /// The plan of a `new-version` deployment has no way back to the last known good release.
    WayBackMissing,
    /// The way back would not end within the window.
    WayBackTooLong,
    /// A rollback was asked for after the point of no return.
    RollbackAfterPointOfNoReturn,
    /// A rollback was asked for so late that the way back would not end within the window.
    RollbackAfterMomentOfNoReturn,
    /// A rollback was asked for, and the plan has no way back.
    RollbackForwardOnly,
    /// A rollback is not complete: a step of the way back is not done, or the inventory is not as it was.
    RollbackIncomplete,
    /// The deployment that is said to have rehearsed the way back does not prove it.
    RehearsalNotProved,
    /// A step of the rollout is not done at the exit of fulfill.
    RolloutUnfinished,
    /// The plan suppresses events outside the change window.
    SuppressionOutlivesChangeWindow,
    /// The slot that is booked for the deployment is not within the change window.
    SlotOutsideChangeWindow,
    /// The plan uses the office-hours exception while somebody may be using the product.
    OfficeHoursWithConsumers,
    /// The plan of a removal has no data-retention decision, or keeps the data for no time.
    DataRetentionUndecided,
    /// The targets of a removal are not the actual instances of the inventory.
    RemovalTargetsDiffer,
    /// Those who use what is removed in a live environment are not told before the removal begins.
    RemovalNoticeMissing,
    /// A step of a removal removes something that consumers may still use.
    RemovedBeforeDisabled,
    /// The data of what was removed is disposed of before the time for which it was to be kept is over.
    DataDisposedEarly,
    /// Everything of a product was removed from a live environment, and a service contract still promises it.
    ContractStillActive,
    /// The change does not resolve to exactly the release that is deployed.
    ChangeWithoutSingleRelease,
    /// The change was rejected or withdrawn by those who authorise changes.
    ChangeRefused,
    /// The release was withdrawn by those who release it.
    ReleaseRefused,
    /// A first release is deployed where instances exist already, or consumers use the product.
    NotTheFirstRelease,
    /// The release belongs to another product than the deployment.
    ReleaseOfAnotherProduct,
    /// The digest of the release is not the one that its components and its blueprint have.
    ReleaseDigestDiffers,
    /// The blueprint of the release names a component that the release does not have.
    BlueprintComponentUnknown,
    /// The desired instances are not the ones that the blueprint of the release lays down for the environment.
    DesiredInstancesDiffer,
    /// A fulfillment book of the blueprint is not the one of the register.
    FulfillmentBookDiffers,
    /// A third party controls a part of the environment, and has not attested that its part is ready.
    ThirdPartyEvidenceMissing,
    /// A third party controls the environment, and has not attested the result of the deployment.
    ThirdPartyResultMissing,
    /// The deployment is past plan-and-approve, and nothing records what was approved.
    ApprovedPlanMissing,
    /// The digest of a component is not the approved one.
    DigestDiffersFromApproved,
    /// The release is not the approved one: it is another release, or has a component too many or too few.
    ReleaseDiffersFromApproved,
    /// What is deployed, where, for whom or under which change is not what was approved.
    SubjectDiffersFromApproved,
    /// The approval lies in the future.
    ApprovedInTheFuture,
    /// The plan is not the approved one.
    PlanDiffersFromApproved,
    /// The rollout is not the approved one.
    RolloutDiffersFromApproved,
    /// The deployment model is not the approved one.
    ModelDiffersFromApproved,
    /// Another deployment is under way that this one waits for: it changes the same product here, a product that this one depends on or that depends on it, or needs the same resource.
    OverlappingDeployment,
    /// Somebody has stopped the line for a while, and the deployment is in the scope of the stop.
    LineStopped,
    /// An override of a deployment of the product was not reviewed in time.
    OverrideReviewLate,
    /// Nobody was named who takes over what was deployed to a live environment.
    HandOverMissing,
    /// Those who are to take over have not accepted the hand-over, or only somebody who may not accept it has.
    HandOverNotAccepted,
}

impl Rule {
    /// The code that decisions use.
    pub fn code(self) -> &'static str {
        match self {
            Self::PlanMissing => "plan-missing",
            Self::PointOfNoReturnMissing => "point-of-no-return-missing",
            Self::PointOfNoReturnUnknown => "point-of-no-return-unknown",
            Self::WayBackDiffers => "way-back-differs",
            Self::WayBackMissing => "way-back-missing",
            Self::WayBackTooLong => "way-back-too-long",
            Self::RollbackAfterPointOfNoReturn => "rollback-after-point-of-no-return",
            Self::RollbackAfterMomentOfNoReturn => "rollback-after-moment-of-no-return",
            Self::RollbackForwardOnly => "rollback-forward-only",
            Self::RollbackIncomplete => "rollback-incomplete",
            Self::RehearsalNotProved => "rehearsal-not-proved",
            Self::RolloutUnfinished => "rollout-unfinished",
            Self::SuppressionOutlivesChangeWindow => "suppression-outlives-change-window",
            Self::SlotOutsideChangeWindow => "slot-outside-change-window",
            Self::OfficeHoursWithConsumers => "office-hours-with-consumers",
            Self::DataRetentionUndecided => "data-retention-undecided",
            Self::RemovalTargetsDiffer => "removal-targets-differ",
            Self::RemovalNoticeMissing => "removal-notice-missing",
            Self::RemovedBeforeDisabled => "removed-before-disabled",
            Self::DataDisposedEarly => "data-disposed-early",
            Self::ContractStillActive => "contract-still-active",
            Self::ChangeWithoutSingleRelease => "change-without-single-release",
            Self::ChangeRefused => "change-refused",
            Self::ReleaseRefused => "release-refused",
            Self::NotTheFirstRelease => "not-the-first-release",
            Self::ReleaseOfAnotherProduct => "release-of-another-product",
            Self::ReleaseDigestDiffers => "release-digest-differs",
            Self::BlueprintComponentUnknown => "blueprint-component-unknown",
            Self::DesiredInstancesDiffer => "desired-instances-differ",
            Self::FulfillmentBookDiffers => "fulfillment-book-differs",
            Self::ThirdPartyEvidenceMissing => "third-party-evidence-missing",
            Self::ThirdPartyResultMissing => "third-party-result-missing",
            Self::ApprovedPlanMissing => "approved-plan-missing",
            Self::DigestDiffersFromApproved => "digest-differs-from-approved",
            Self::ReleaseDiffersFromApproved => "release-differs-from-approved",
            Self::SubjectDiffersFromApproved => "subject-differs-from-approved",
            Self::ApprovedInTheFuture => "approved-in-the-future",
            Self::PlanDiffersFromApproved => "plan-differs-from-approved",
            Self::RolloutDiffersFromApproved => "rollout-differs-from-approved",
            Self::ModelDiffersFromApproved => "model-differs-from-approved",
            Self::OverlappingDeployment => "overlapping-deployment",
            Self::LineStopped => "line-stopped",
            Self::OverrideReviewLate => "override-review-late",
            Self::HandOverMissing => "hand-over-missing",
            Self::HandOverNotAccepted => "hand-over-not-accepted",
        }
    }

    /// The role that owns what the rule is about, and can repair a breach.
    fn owner(self) -> &'static str {
        match self {
            Self::ChangeWithoutSingleRelease | Self::ChangeRefused | Self::OverrideReviewLate => "change-authority",
            Self::ReleaseRefused
            | Self::ReleaseDigestDiffers
            | Self::ReleaseOfAnotherProduct
            | Self::BlueprintComponentUnknown
            | Self::DesiredInstancesDiffer
            | Self::FulfillmentBookDiffers
            | Self::DigestDiffersFromApproved
            | Self::ReleaseDiffersFromApproved => "release-manager",
            Self::OfficeHoursWithConsumers
            | Self::DataDisposedEarly
            | Self::LineStopped
            | Self::RollbackIncomplete
            | Self::ThirdPartyEvidenceMissing
            | Self::ThirdPartyResultMissing
            | Self::HandOverNotAccepted => "operations-manager",
            Self::ContractStillActive => "service-owner",
            Self::PlanMissing
            | Self::PointOfNoReturnMissing
            | Self::PointOfNoReturnUnknown
            | Self::WayBackDiffers
            | Self::WayBackMissing
            | Self::RollbackAfterPointOfNoReturn
            | Self::WayBackTooLong
            | Self::RollbackAfterMomentOfNoReturn
            | Self::RollbackForwardOnly
            | Self::RehearsalNotProved
            | Self::RolloutUnfinished
            | Self::SuppressionOutlivesChangeWindow
            | Self::SlotOutsideChangeWindow
            | Self::DataRetentionUndecided
            | Self::RemovalTargetsDiffer
            | Self::RemovalNoticeMissing
            | Self::RemovedBeforeDisabled
            | Self::NotTheFirstRelease
            | Self::ApprovedPlanMissing
            | Self::SubjectDiffersFromApproved
            | Self::ApprovedInTheFuture
            | Self::PlanDiffersFromApproved
            | Self::RolloutDiffersFromApproved
            | Self::ModelDiffersFromApproved
            | Self::OverlappingDeployment
            | Self::HandOverMissing => "deployment-manager",
        }
    }

    /// A breach of the rule that can be repaired at one place of the snapshot.
    fn correct(self, message: impl Into<String>, pointer: impl Into<String>, fix: Fix) -> Finding {
        let Fix { message: remedy, expected, accepted, found } = fix;
        let need = CorrectionNeeded { pointer: pointer.into(), expected, accepted, found };
        Finding::breach(self.code(), message, remedy, need).owned_by(self.owner())
    }
}

/// How to repair a breach.
struct Fix {
    message: String,
    expected: String,
    accepted: Vec<Value>,
    found: Option<String>,
}

impl Fix {
    fn new(message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { message: message.into(), expected: expected.into(), accepted: Vec::new(), found: None }
    }

    /// The value that would be accepted.
    fn accepts(mut self, value: impl Into<Value>) -> Self {
        self.accepted.push(value.into());
        self
    }

    fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }
}

/// All breaches at the snapshot's gate, under the deployment model with this digest. Empty if there are none.
pub fn breaches(snapshot: &Snapshot, model: Digest) -> Vec<Finding> {
    let mut breaches = Vec::new();
    plan::check(snapshot, &mut breaches);
    release::check(snapshot, &mut breaches);
    scenario::check(snapshot, &mut breaches);
    removal::check(snapshot, &mut breaches);
    approved::check(snapshot, model, &mut breaches);
    overlap::check(snapshot, &mut breaches);
    third_party::check(snapshot, &mut breaches);
    way_back::check(snapshot, &mut breaches);
    stop::late_reviews(snapshot, &mut breaches);
    hand_over::check(snapshot, &mut breaches);
    breaches
}

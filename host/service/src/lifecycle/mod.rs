//! The lifecycle of a deployment: a typed state machine over the four stages, built from the deployment's events.
//!
//! Nothing here reads or writes. [`DeploymentState::apply`] takes the [`DeploymentEvent`]s one after the other; the
//! state then gives the deployment's position, its next [legal moves](DeploymentState::legal_moves), and the approvals
//! that count. So the same history means the same on every server and in every audit.

mod activity;
mod approval;
mod event;
mod moves;
mod position;
mod state;

pub use activity::{ACTIVITIES, Activity, ActivityOutcome, ActivityReport, activities_of};
pub use approval::{ApprovalInvalid, RecordedApproval};
pub use event::{DeploymentEvent, EventActor, ReviewFinding};
pub use moves::{IllegalMove, LegalMove, LifecycleMove};
pub use position::StagePosition;
pub use state::{DeploymentState, OverrideState, Review};

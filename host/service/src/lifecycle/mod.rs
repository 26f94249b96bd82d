//! The life of a deployment: a typed state machine over the four stages. What a deployment is, is what its events say.
//!
//! Nothing here reads or writes: [`DeploymentEvent`]s go in one after the other ([`DeploymentState::apply`]), and out comes where the
//! deployment stands, what may be done with it next ([`DeploymentState::legal_moves`]), and whose approvals count. That makes the
//! same history mean the same thing wherever it is read, on every server and in every audit.

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

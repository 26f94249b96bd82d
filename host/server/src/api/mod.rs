//! The routes and their handlers.
//!
//! `routes` is the table of all routes, `route` the checks in front of each. `extract`, `url_parts` and `json_body`
//! read requests, `errors` turns errors of the service into HTTP problems, and `answer` makes the other answers. Every
//! decision of a gate goes through `gate_decision`, every write through `state`.

mod access;
mod answer;
mod approvals;
pub mod audit;
pub mod authzen;
mod catalogue;
mod changes;
mod decisions;
mod delegations;
mod deployment_watch;
mod deployments;
mod due;
pub mod errors;
mod events;
mod evidence;
pub mod extract;
mod gate_decision;
mod gates;
mod hand_over;
mod health;
mod json_body;
mod notifications;
pub mod opa;
mod openapi;
mod openapi_parts;
mod overrides;
mod progress;
mod readiness;
mod registers;
mod rights_tables;
mod route;
mod routes;
mod state;
mod stops;
mod url_parts;
mod wait;
mod waiting_looks;
mod waivers;
mod whoami;

pub use self::answer::IDEMPOTENT_REPLAYED;
pub(crate) use self::catalogue::{models_of, reload_models};
pub use self::deployment_watch::DeploymentWatch;
pub use self::events::EventPage;
pub use self::progress::{MoveName, NewMove};
pub use self::readiness::{Readiness, ReadinessCheck, ReadinessChecks};
pub use self::rights_tables::UnmarkedPage;
pub use self::route::{RouteAccess, RouteRow};
pub use self::routes::{audit_router, mount, openapi, openapi_text, route_rows, router, with_rights_tables};
pub(crate) use self::routes::{health_router, is_about_health};
pub use self::state::{ApiState, ServerState};
pub use self::whoami::CallerIdentity;

//! Version 0.2 of the contract: its generated types, and the conversion to and from the domain.

mod answers;
mod descriptions;
mod facts;
mod generated;
mod host_snapshot;
mod intake;
mod provenance;
mod registers;
mod reports;
mod rollouts;
mod sections;
mod snapshot;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod typed_json;

pub(crate) use answers::{answer, plugin_error};
pub(crate) use descriptions::{description, readiness, settings, settings_findings};
pub(crate) use facts::{find as find_fact, names as fact_names};
pub(crate) use intake::{AnswerIntake, ContractBreach};
use lockgate_domain::Kind;
pub(crate) use reports::report;
pub(crate) use rollouts::{action, rollout};

pub(crate) use generated::exports::lockgate::approval::policy;
pub(crate) use generated::exports::lockgate::check::check;
pub(crate) use generated::exports::lockgate::strategy::strategy;
pub(crate) use generated::exports::lockgate::types::plugin;
pub(crate) use generated::lockgate::host::snapshot as wit_snapshot;
pub(crate) use generated::lockgate::types::types;
pub(crate) use host_snapshot::{EvaluationHandle, METHODS, SNAPSHOT, link_snapshot};
pub(crate) use snapshot::evidence;

/// The interface that every plugin exports, without its version.
pub(crate) const PLUGIN: &str = "lockgate:types/plugin";

/// The interface that a plugin of that kind exports, without its version.
pub(crate) fn interface_of(kind: Kind) -> &'static str {
    match kind {
        Kind::ApprovalPolicy => "lockgate:approval/policy",
        Kind::ValidationCheck => "lockgate:check/check",
        Kind::Strategy => "lockgate:strategy/strategy",
    }
}

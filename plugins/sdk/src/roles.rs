//! The roles that usually own the facts of a deployment.
//!
//! A [`Requirement`](crate::Requirement) names its owner, who can supply what is missing: a role, a person, or a supplier. These
//! are the roles that usually attest the entries of the registers, in the words of the host. An organisation may let others
//! attest them.

/// Keeps the changes: approval, category, risk, and the change window.
pub const CHANGE_AUTHORITY: &str = "change-authority";
/// Plans the deployment: the request itself, its slot, the instances that shall be there, and what is approved.
pub const DEPLOYMENT_MANAGER: &str = "deployment-manager";
/// Decides what plugins may see: the settings and grants of a binding.
pub const GOVERNANCE: &str = "governance";
/// Keeps the environments and the actual instances, and what is known of their operation.
pub const OPERATIONS_MANAGER: &str = "operations-manager";
/// Keeps the release: its components, notes, defects and knowledge items, and the evidence of what it is made of.
pub const RELEASE_MANAGER: &str = "release-manager";
/// Keeps the orders, the service contracts and the suppliers.
pub const SERVICE_OWNER: &str = "service-owner";

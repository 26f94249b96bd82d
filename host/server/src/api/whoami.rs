//! The identity and the rights of the actor.

use std::collections::BTreeSet;

use axum::Json;
use lockgate_domain::{CredentialKind, Principal, Right, Teams};
use lockgate_service::authority::Actor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extract::Authenticated;
use super::openapi_parts::ReadErrors;

/// The identity and the rights of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallerIdentity {
    /// The person, with the roles that they hold.
    pub person: Principal,
    /// The teams whose deployments the person sees.
    pub teams: Teams,
    /// The rights: those that the roles grant, narrowed to the scopes of the credential.
    pub rights: BTreeSet<Right>,
    /// The name of the credential. It is not secret.
    pub credential: String,
    /// The kind of the credential: person, service or agent.
    pub kind: CredentialKind,
}

/// Get your own identity and rights
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "whoami",
    tag = "me",
    responses((status = 200, description = "Your identity and rights.", body = ref("#/components/schemas/CallerIdentity")), ReadErrors)
)]
pub(super) async fn whoami(Authenticated(actor): Authenticated) -> Json<CallerIdentity> {
    let rights = Right::ALL.into_iter().filter(|right| actor.may(*right)).collect();
    let Actor { person, teams, credential, kind, .. } = actor;
    Json(CallerIdentity { person, teams, rights, credential, kind })
}

//! Who asks, as the endpoint sees them.

use std::collections::BTreeSet;

use axum::Json;
use lockgate_domain::Person;
use lockgate_engine::authority::{Actor, CredentialKind, Right, Teams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extract::Who;
use super::openapi::Reading;

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    /// The person, with the roles that they hold.
    pub person: Person,
    /// Whose deployments they see.
    pub teams: Teams,
    /// What they may do: what their roles grant, narrowed to what the credential is for.
    pub rights: BTreeSet<Right>,
    /// The name of the credential, which is no secret.
    pub credential: String,
    /// Who or what uses the credential.
    pub kind: CredentialKind,
}

/// Says who asks
///
/// And what they may do.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "me",
    tag = "me",
    responses((status = 200, description = "Whoever asks.", body = ref("#/components/schemas/Me")), Reading)
)]
pub(super) async fn me(Who(actor): Who) -> Json<Me> {
    let rights = Right::ALL.into_iter().filter(|right| actor.may(*right)).collect();
    let Actor { person, teams, credential, kind, .. } = actor;
    Json(Me { person, teams, rights, credential, kind })
}

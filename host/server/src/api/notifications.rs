//! What was sent to webhooks, and what was not taken.

use axum::Json;
use axum::extract::State;

use super::answer::{WholeList, listed};
use super::extract::Authenticated;
use super::openapi_parts::ReadErrors;
use super::state::ApiState;
use crate::notify::{WebhookState, states};
use crate::problem::Problem;

/// List webhooks
///
/// How far each webhook is, the event that its receiver does not take now, and the events that were given up: refused by the
/// receiver, or not taken for too long.
#[utoipa::path(
    get,
    path = "/api/v1/notifications",
    operation_id = "list_notifications",
    tag = "notifications",
    responses(
        (status = 200, description = "The webhooks.", body = ref("#/components/schemas/WebhookStateList")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<WholeList<WebhookState>>, Problem> {
    state.read(move |service| states(&**service.storage(), &actor.teams)).await.map(listed)
}

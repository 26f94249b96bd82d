//! Gates: evaluated, and passed if they allow. A denial is an answer, not an error.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use lockgate_domain::{Gate, TeamName, Verdict};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::answer::written;
use super::errors::unreadable;
use super::extract::{AtDeployment, AtGate, WriteRequest};
use super::gate_decision::{GateCaller, GateQuestion, ask, look, pass as pass_gate};
use super::openapi_parts::{WriteConditions, WriteErrors};
use super::state::{ApiState, with_effect};
use super::url_parts::QueryParams;
use crate::intake::Turn;
use crate::problem::Problem;

/// How often a waiting request evaluates its gate again. A verdict can turn without a change of the deployment: a
/// window opens, or a waiver or another model applies.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The name of this interface, in the ledger.
const PATH: &str = "api";

/// Parameters of passing a gate.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PassQuery {
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    #[expect(dead_code, reason = "`AtDeployment` reads it")]
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Only evaluate the gate. The deployment does not move.
    ask: Option<bool>,
    /// How long to wait for the verdict, for example `20s`; at most `limits.wait`.
    #[param(value_type = Option<String>, example = "20s")]
    wait: Option<lockgate_domain::Duration>,
    /// What to wait for: `decided`, a verdict other than `pending`; or `allow`.
    #[param(inline, default = "decided")]
    until: Option<WaitGoal>,
}

/// The verdict to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WaitGoal {
    /// A verdict other than `pending`.
    #[default]
    Decided,
    /// The verdict `allow`.
    Allow,
}

impl WaitGoal {
    /// Whether the wait ends with this verdict.
    fn is_reached(self, verdict: Verdict) -> bool {
        match self {
            Self::Decided => verdict != Verdict::Pending,
            Self::Allow => verdict == Verdict::Allow,
        }
    }
}

/// Pass a gate
///
/// Evaluates the gate, and passes it if the verdict is `allow`. The status is 200 for every verdict. Of several concurrent
/// requests, one passes. With `ask=true`, the gate is only evaluated, whatever the deployment's state, and the answer is the
/// decision alone. With `wait`, the request waits until the verdict changes, for example because somebody approved or a
/// window opened. If the time is up, the answer is 204 and nothing was decided: ask again.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/gates/{stage}/{phase}",
    operation_id = "pass_gate",
    tag = "gates",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        ("stage" = String, Path, description = "The stage.", example = "plan-and-approve"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        PassQuery,
        WriteConditions,
    ),
    responses(
        (
            status = 200, description = "The decision and the deployment's new state; with `ask=true`, the decision.",
            body = ref("#/components/schemas/GateAnswer"),
            headers(
                ("ETag" = String, description = "The deployment's version, in quotes; not with `ask=true`."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        (status = 204, description = "The verdict did not change in time. Nothing was decided."),
        WriteErrors,
    )
)]
pub(super) async fn pass(
    State(state): State<ApiState>,
    AtGate { at, gate }: AtGate,
    QueryParams(query): QueryParams<PassQuery>,
    caller: GateCaller,
    request: WriteRequest,
    turn: Option<Extension<Turn>>,
) -> Result<Response, Problem> {
    match (query.wait, query.until) {
        (Some(wait), until) => {
            let goal = GateWait { caller: &caller, at: &at, gate, passing: query.ask != Some(true) };
            if !goal.wait(&state, wait, until.unwrap_or_default(), turn).await? {
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
        }
        (None, Some(_)) => return Err(unreadable("`until` needs `wait`: add for example `wait=20s`")),
        (None, None) => {}
    }
    if query.ask == Some(true) {
        let question = GateQuestion { deployment: at, gate, path: PATH, input: None };
        let answered = ask(&state, &caller, question).await?;
        return Ok(Json(&*answered.decision).into_response());
    }
    let question = GateQuestion { deployment: at, gate, path: PATH, input: None };
    Ok(written(&pass_gate(&state, &caller, question, request.pass()).await?))
}

/// A request that waits for a gate.
struct GateWait<'a> {
    caller: &'a GateCaller,
    at: &'a AtDeployment,
    gate: Gate,
    passing: bool,
}

impl GateWait<'_> {
    /// Waits as [`GateWait::turned`] does, and checks the credential afterwards: a client whose credential ended
    /// meanwhile learns neither that the verdict has turned nor that it has not.
    async fn wait(
        &self,
        state: &ApiState,
        longest: lockgate_domain::Duration,
        until: WaitGoal,
        turn: Option<Extension<Turn>>,
    ) -> Result<bool, Problem> {
        let turned = self.turned(state, longest, until, turn).await?;
        with_effect(self.caller.session.clone(), move || Ok(turned)).await
    }

    /// Whether to ask the gate, because the verdict has turned or cannot be found; false if the time is over.
    async fn turned(
        &self,
        state: &ApiState,
        longest: lockgate_domain::Duration,
        until: WaitGoal,
        turn: Option<Extension<Turn>>,
    ) -> Result<bool, Problem> {
        let Self { caller, at, gate, passing } = *self;
        let longest = longest.as_millis().min(state.limits.wait.as_millis());
        let deadline = Instant::now() + Duration::from_millis(longest);
        let (asks, named) = (Arc::clone(&caller.actor), at.clone());
        let stream = state.read(move |service| service.stream_of(&asks, named.name())).await?;
        let mut receiver = state.deployment_watch.watch(&stream);
        let mut watching = None;
        loop {
            // Before evaluating, so that a write in between causes another evaluation.
            receiver.mark_unchanged();
            caller.session.require().await?;
            let question = GateQuestion { deployment: at.clone(), gate, path: PATH, input: None };
            let threads = if watching.is_none() { caller.threads() } else { state.looks.threads() };
            let seen = look(state, caller, question, passing, threads).await;
            // The next decision reports what blocks now, unless the request was answered before.
            if !seen.is_ok_and(|verdict| !until.is_reached(verdict)) {
                return Ok(true);
            }
            if let (None, Some(Extension(turn))) = (&watching, &turn) {
                watching = Some(turn.watch()?);
            }
            let again = Instant::now() + LOOK_AGAIN;
            tokio::select! {
                changed = receiver.changed() => if changed.is_err() { return Ok(false) },
                () = tokio::time::sleep_until(again), if again < deadline => {}
                () = state.lifecycle.stopping() => return Ok(false),
                () = tokio::time::sleep_until(deadline) => return Ok(false),
            }
        }
    }
}

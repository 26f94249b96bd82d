//! Gates: asked, and passed if they allow. A denial is an answer, and no error.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use lockgate_domain::{Gate, Verdict};
use lockgate_engine::service::Asked;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::answer::written;
use super::ask::{Asker, Question, ask};
use super::extract::{AtDeployment, AtGate, Intent, Parameters, unreadable};
use super::openapi::{Conditions, Writing};
use super::state::{ApiState, with_effect};
use crate::observe::Phases;
use crate::problem::Problem;
use crate::serve::Turn;

/// How often a gate that is waited for is looked at again, for what turns it without a change of the deployment: a window
/// that opens, a waiver, another model.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The name of this interface, in the ledger.
const PATH: &str = "api";

/// How a gate is asked.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// The team that the deployment belongs to; needed where several of one's teams have a deployment of that id.
    #[expect(dead_code, reason = "`AtDeployment` reads it")]
    team: Option<String>,
    /// Only ask: the deployment stays where it is, whatever the decision is.
    ask: Option<bool>,
    /// Wait for so long at most, for example `20s`, for the verdict to turn; never longer than the server lets wait.
    #[param(value_type = Option<String>, example = "20s")]
    wait: Option<lockgate_domain::Duration>,
    /// What is waited for: `decided`, a verdict other than `pending`; or `allow`, which a denial is waited out for, too.
    #[param(inline, default = "decided")]
    until: Option<Until>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Until {
    /// A verdict other than `pending`.
    #[default]
    Decided,
    /// The verdict `allow`.
    Allow,
}

impl Until {
    /// Whether the wait is over.
    fn is_reached(self, verdict: Verdict) -> bool {
        match self {
            Self::Decided => verdict != Verdict::Pending,
            Self::Allow => verdict == Verdict::Allow,
        }
    }
}

/// Passes a gate
///
/// Decides, and passes the gate if the decision allows; of several who try at the same time, one passes. The status is
/// 200 whatever the verdict is. With `ask=true` any gate can be asked, and the answer is the decision alone. With `wait`,
/// it is asked or passed as soon as the verdict turns, because somebody approved, handed in evidence or granted a waiver,
/// or because a window opens; when the time is over, the answer is 204, and nothing was decided: then ask again.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/{id}/gates/{stage}/{phase}",
    operation_id = "pass_gate",
    tag = "gates",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        ("stage" = String, Path, description = "The stage.", example = "plan-and-approve"),
        ("phase" = String, Path, description = "`entrance` or `exit`.", example = "entrance"),
        How,
        Conditions,
    ),
    responses(
        (
            status = 200, description = "The decision, and where the deployment stands since; with `ask=true`, the decision.",
            body = ref("#/components/schemas/GateAnswer"),
            headers(
                ("ETag" = String, description = "The version of the deployment, in quotes; not with `ask=true`."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the answer to an earlier request of the same key."),
            )
        ),
        (status = 204, description = "The gate that was waited for has not turned: nothing was decided."),
        Writing,
    )
)]
pub(super) async fn pass(
    State(state): State<ApiState>,
    AtGate { at, gate }: AtGate,
    Parameters(how): Parameters<How>,
    asker: Asker,
    intent: Intent,
    turn: Option<Extension<Turn>>,
) -> Result<Response, Problem> {
    match (how.wait, how.until) {
        (Some(wait), until) => {
            let goal = Goal { intent: &intent, at: &at, gate, passing: how.ask != Some(true) };
            if !goal.wait(&state, wait, until.unwrap_or_default(), turn).await? {
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
        }
        (None, Some(_)) => return Err(unreadable("`until` says what is waited for: say in `wait` for how long, too")),
        (None, None) => {}
    }
    if how.ask == Some(true) {
        let question = Question { deployment: at, gate, path: PATH, input: None };
        let answered = ask(&state, &asker, question).await?;
        return Ok(Json(&*answered.decision).into_response());
    }
    let Asker { exchange, request, .. } = asker;
    let asked = Asked { path: PATH.to_owned(), input: None, request };
    let done = state.write_to(&at, intent, move |engine, write, at| engine.pass(write, at, gate, &asked)).await?;
    // What is answered again was counted the first time.
    if let (Some(exchange), false) = (&exchange, done.repeated) {
        exchange.decision(&done.value.decision, Phases::default());
    }
    Ok(written(&done))
}

/// A gate that is waited for.
struct Goal<'a> {
    intent: &'a Intent,
    at: &'a AtDeployment,
    gate: Gate,
    passing: bool,
}

impl Goal<'_> {
    /// Waits as [`Goal::turned`] does, and checks the credential afterwards: whoever waits is told neither that the verdict
    /// has turned nor that it has not, if the credential ended meanwhile.
    async fn wait(
        &self,
        state: &ApiState,
        longest: lockgate_domain::Duration,
        until: Until,
        turn: Option<Extension<Turn>>,
    ) -> Result<bool, Problem> {
        let turned = self.turned(state, longest, until, turn).await?;
        with_effect(self.intent.session.clone(), move || Ok(turned)).await
    }

    /// Whether there is a reason to ask, because the verdict has turned, or there is none to be had; or the time is over.
    async fn turned(
        &self,
        state: &ApiState,
        longest: lockgate_domain::Duration,
        until: Until,
        turn: Option<Extension<Turn>>,
    ) -> Result<bool, Problem> {
        let Self { intent, at, gate, passing } = *self;
        let longest = longest.as_millis().min(state.limits.wait.as_millis());
        let deadline = Instant::now() + Duration::from_millis(longest);
        let (asks, named) = (intent.actor.clone(), at.clone());
        let stream = state.run(move |engine| engine.stream_of(&asks, named.name())).await?;
        let mut receiver = state.hub.watch(&stream);
        let mut watching = None;
        loop {
            // Before looking: what is written meanwhile is looked for again.
            receiver.mark_unchanged();
            intent.session.require().await?;
            let (intent, at) = (intent.clone(), at.clone());
            let outlook = state.run(move |engine| engine.outlook(&intent.write(), at.name(), gate, passing)).await;
            // What is in the way now is told by whoever is asked next, unless it was answered before.
            if !outlook.is_ok_and(|verdict| !until.is_reached(verdict)) {
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

//! What the engine does not do, as HTTP says it. `docs/api.md` lists the codes and the way out of each.

use axum::http::header::ETAG;
use axum::http::{HeaderValue, StatusCode};
use lockgate_engine::authority::Forbidden;
use lockgate_engine::rollout::RolloutError;
use lockgate_engine::service::{EngineError, Mistake, Refused};
use lockgate_ledger::{Cause, Error, Unavailable};

use crate::problem::Problem;

/// In how many seconds it is worth asking a busy or failing ledger again.
const RETRY_AFTER: u64 = 1;

/// The code of the problem that says that what lies in the ledger cannot be right.
pub(super) const DAMAGED: &str = "ledger-damaged";

/// What the engine says, as a problem.
pub fn problem(error: EngineError) -> Problem {
    let said = error.to_string();
    match error {
        EngineError::NotFound { what, id } => {
            Problem::of_status(StatusCode::NOT_FOUND).detail(said).with("what", what).with("id", id)
        }
        EngineError::SeveralTeams { id, teams } => {
            conflict("several-teams", "Several teams have a deployment of that id")
                .detail(said)
                .with("id", id)
                .with("teams", teams)
        }
        EngineError::Forbidden(forbidden) => of_forbidden(&forbidden).detail(said),
        EngineError::Refused(refused) => of_refused(refused).detail(said),
        EngineError::Illegal(illegal) => {
            Problem::new(StatusCode::CONFLICT, "illegal-move", "The deployment does not stand where this can be done")
                .detail(said)
                .with("position", illegal.position)
                .with("why", illegal.why)
                .with("legal_moves", illegal.legal)
        }
        EngineError::VersionDiffers { expected, actual, .. } => {
            let problem = Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version-differs",
                "The deployment has another version than was expected",
            );
            let problem = problem.detail(said).with("expected", expected).with("actual", actual);
            match HeaderValue::from_str(&format!("\"{actual}\"")) {
                Ok(tag) => problem.header(ETAG, tag),
                Err(_) => problem,
            }
        }
        EngineError::Exists { what, id } => {
            conflict("exists", "There is one of that id already").detail(said).with("what", what).with("id", id)
        }
        EngineError::Invalid(mistakes) => invalid(&mistakes),
        EngineError::Choice(_) => conflict("no-model", "No deployment model can be chosen").detail(said),
        EngineError::ModelGone(digest) => {
            conflict("model-gone", "The deployment model is not loaded any more").detail(said).with("model", digest)
        }
        EngineError::Rollout(error) => of_rollout(&error).detail(said),
        EngineError::Digest(_) => invalid(&[Mistake { pointer: String::new(), message: said }]),
        EngineError::Ledger(error) => of_ledger(error),
        EngineError::Damaged(what) => damaged(&what),
        _ => internal(&said),
    }
}

/// A document that is wrong: `errors` says where.
pub fn invalid(mistakes: &[Mistake]) -> Problem {
    let problem = Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY).with("errors", mistakes);
    match mistakes {
        [] => problem,
        [only] => problem.detail(match only.pointer.as_str() {
            "" => only.message.clone(),
            pointer => format!("{pointer}: {}", only.message),
        }),
        [first, rest @ ..] => problem.detail(format!("{}: {}; and {} more", first.pointer, first.message, rest.len())),
    }
}

fn conflict(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}

fn of_forbidden(forbidden: &Forbidden) -> Problem {
    let problem = Problem::of_status(StatusCode::FORBIDDEN);
    match forbidden {
        Forbidden::Role { right, granting, .. } => {
            let roles: Vec<&str> = granting.split('`').skip(1).step_by(2).collect();
            problem.with("right", right).with("roles", roles)
        }
        Forbidden::Scope { right, .. } => problem.with("right", right),
        _ => problem,
    }
}

fn of_refused(refused: Refused) -> Problem {
    let forbidden = |code, title| Problem::new(StatusCode::FORBIDDEN, code, title);
    match refused {
        Refused::SeparationOfDuties { person, .. } => {
            forbidden("separation-of-duties", "It takes somebody who did not ask for it or contribute to it")
                .with("person", person)
        }
        Refused::SecondPerson { person, .. } => {
            forbidden("second-person", "It takes another person").with("person", person)
        }
        Refused::RoleNotHeld { person, role, principal } => {
            let problem = forbidden("role-not-held", "The role is not held").with("person", person).with("role", role);
            match principal {
                Some(principal) => problem.with("on_behalf_of", principal),
                None => problem,
            }
        }
        Refused::VoiceGiven { principal, role, by } => conflict("voice-given", "This voice was given already")
            .with("principal", principal)
            .with("role", role)
            .with("by", by),
        Refused::SubjectDiffers { named, current } => {
            conflict("subject-differs", "What there is to approve is something else by now")
                .with("named", named)
                .with("current", current)
        }
        Refused::EvidenceApproved { name, approved } => {
            conflict("evidence-approved", "Other evidence of that name was approved")
                .with("name", name)
                .with("approved", approved)
        }
        Refused::NotOverridable { binding, gate, .. } => {
            conflict("not-overridable", "This cannot be overridden").with("binding", binding).with("gate", gate)
        }
        Refused::Over { what, id } => conflict("over", "It is over").with("what", what).with("id", id),
        Refused::OtherAccount { account, by } => {
            forbidden("other-account", "Another account said it").with("person", account).with("by", by)
        }
        Refused::OfAllTeams { what, id } => {
            forbidden("of-all-teams", "It is for all teams").with("what", what).with("id", id)
        }
        Refused::OfMoreTeams { what, id } => {
            forbidden("of-more-teams", "It is for more teams").with("what", what).with("id", id)
        }
        Refused::PersonDecides { person, kind, roles, .. } => forbidden("person-decides", "A person has to decide it")
            .with("person", person)
            .with("kind", kind)
            .with("roles", roles),
        Refused::StepNotUnderWay { step, .. } => {
            conflict("step-not-under-way", "The step is not under way").with("step", step)
        }
        _ => conflict("refused", "A rule stands against it"),
    }
}

fn of_rollout(error: &RolloutError) -> Problem {
    match error {
        RolloutError::NoStrategy(_) => conflict("no-strategy", "The deployment model has no strategy"),
        RolloutError::Refused(violation) => {
            conflict("rule-broken", "A rule of the host's stands against it").with("violation", violation)
        }
        _ => Problem::new(StatusCode::BAD_GATEWAY, "strategy-failed", "The strategy did not answer as it has to"),
    }
}

fn of_ledger(error: Error) -> Problem {
    let said = error.to_string();
    match error {
        Error::Conflict(_) | Error::UnknownContent(_) => {
            conflict("conflict", "Somebody else changed it").detail(said).retry_after(0)
        }
        Error::KeyReused { .. } => {
            let title = "The idempotency key was used for another request";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title).detail(said)
        }
        Error::Invalid(_) => invalid(&[Mistake { pointer: String::new(), message: said }]),
        Error::TooLarge { size, limit } => {
            Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).detail(said).with("size", size).with("limit", limit)
        }
        Error::Overloaded { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-overloaded", "The ledger is busy")
                .detail(format!("{said}: nothing was written, ask again later"))
                .retry_after(RETRY_AFTER)
        }
        Error::Unavailable(Unavailable { cause: Cause::Corrupt, message }) => damaged(&message),
        Error::Unavailable(Unavailable { cause, .. }) => unavailable(&said, cause.as_str()),
        Error::Loss(_) => unavailable(&said, Cause::Loss.as_str()),
        Error::KeyRetired { .. } => unavailable(&said, "key-retired"),
        Error::NotFound(_) => Problem::of_status(StatusCode::NOT_FOUND).detail(said),
        _ => internal(&said),
    }
}

/// What failed is told by its cause alone: messages of the database hold paths.
fn unavailable(said: &str, cause: &'static str) -> Problem {
    tracing::error!(error = said, "the ledger does not do its work");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-unavailable", "The ledger cannot be used at the moment")
        .detail(format!(
            "the ledger is unavailable ({cause}). Whether something was written is not known: the same request with the \
             same `Idempotency-Key` tells"
        ))
        .with("cause", cause)
        .retry_after(RETRY_AFTER)
}

/// What lies in the ledger cannot be right.
pub(super) fn damaged(what: &str) -> Problem {
    tracing::error!(what, "the ledger holds something that cannot be right");
    let title = "The ledger is damaged, or was tampered with";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, DAMAGED, title)
        .detail("the log of the server says what is wrong, and `lockgate audit verify` finds where")
}

fn internal(said: &str) -> Problem {
    tracing::error!(error = said, "a request failed in a way that nobody thought of");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
}

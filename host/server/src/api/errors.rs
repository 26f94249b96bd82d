//! The errors of the service as HTTP problems. `docs/api.md` lists the codes, and what to do about each.

use axum::http::header::ETAG;
use axum::http::{HeaderValue, StatusCode};
use lockgate_domain::api::LEDGER_DAMAGED;
use lockgate_domain::join::Contradiction;
use lockgate_domain::{Finding, Right, counted, shortened, shortened_quotes};
use lockgate_engine::rollout::RolloutError;
use lockgate_ledger::{Error, FailureCause, Loss, StorageFailure};
use lockgate_service::authority::Forbidden;
use lockgate_service::{InputError, RuleRefusal, ServiceError};
use serde_json::{Value, json};

use crate::problem::{LONGEST_QUOTE, Problem};

/// `Retry-After` if the ledger is busy or fails, in seconds.
const RETRY_AFTER: u64 = 1;

/// The title of the problem that `If-Match` names another version.
pub(super) const VERSION_DIFFERS: &str = "It has changed since the version in If-Match";

/// The problem for an error of the engine.
pub fn problem(error: ServiceError) -> Problem {
    let said = error.to_string();
    match error {
        ServiceError::NotFound { what, id } => {
            Problem::of_status(StatusCode::NOT_FOUND).detail(said).with("what", what).with("id", id)
        }
        ServiceError::SeveralTeams { id, teams } => {
            conflict("several-teams", "Several of your teams have a deployment with this id")
                .detail(said)
                .with("id", id)
                .with("teams", teams)
        }
        ServiceError::Forbidden(forbidden) => of_forbidden(&forbidden).detail(said),
        ServiceError::Refused(refused) => of_refused(refused).detail(said),
        ServiceError::RuleBroken(findings) => rule_broken(&findings).detail(said),
        ServiceError::Illegal(illegal) => {
            Problem::new(StatusCode::CONFLICT, "illegal-move", "Not possible in the deployment's current state")
                .detail(said)
                .with("position", illegal.position)
                .with("why", illegal.why)
                .with("legal_moves", illegal.legal)
        }
        ServiceError::VersionDiffers { expected, actual, .. } => {
            let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "version-differs", VERSION_DIFFERS);
            let problem = problem.detail(said).with("expected", expected).with("actual", actual);
            match HeaderValue::from_str(&format!("\"{actual}\"")) {
                Ok(tag) => problem.header(ETAG, tag),
                Err(_) => problem,
            }
        }
        ServiceError::NothingMatches { what, id } => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "nothing-matches", "Nothing exists that If-Match could match")
                .detail(said)
                .with("what", what)
                .with("id", id)
        }
        ServiceError::Exists { what, id } => {
            conflict("exists", "The id is taken").detail(said).with("what", what).with("id", id)
        }
        ServiceError::Contradicts(found) => {
            let errors: Vec<Value> = found.iter().map(contradiction).collect();
            conflict("contradicts-register", "The deployment contradicts a register")
                .detail(said)
                .with("errors", errors)
        }
        ServiceError::Invalid(mistakes) => invalid(&mistakes),
        ServiceError::Choice(_) => conflict("no-model", "No deployment model can be selected").detail(said),
        ServiceError::ModelGone(digest) => {
            conflict("model-gone", "The deployment model is no longer loaded").detail(said).with("model", digest)
        }
        ServiceError::Rollout(error) => of_rollout(&error).detail(said),
        ServiceError::Digest(_) => invalid(&[InputError { pointer: String::new(), message: said }]),
        ServiceError::Ledger(error) => of_ledger(error),
        ServiceError::Damaged(what) => damaged(&what),
        _ => internal(&said),
    }
}

/// An invalid document: `errors` lists the places.
pub fn invalid(mistakes: &[InputError]) -> Problem {
    let shown = |InputError { pointer, message }: &InputError| InputError {
        pointer: shortened(pointer, 2 * LONGEST_QUOTE),
        message: shortened_quotes(message, LONGEST_QUOTE),
    };
    let mistakes: Vec<InputError> = mistakes.iter().map(shown).collect();
    let problem = Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY).with("errors", &mistakes);
    match mistakes.as_slice() {
        [] => problem,
        [only] => problem.detail(only.to_string()),
        [first, rest @ ..] => problem.detail(format!("{first}; and {} more (see `errors`)", rest.len())),
    }
}

/// The problem for input that cannot be parsed at all.
pub(super) fn unreadable(detail: impl Into<String>) -> Problem {
    Problem::of_status(StatusCode::BAD_REQUEST).detail(detail)
}

/// The problem for a missing resource.
pub(super) fn missing(what: &str, id: &str) -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND)
        .detail(format!("there is no {what} `{id}`"))
        .with("what", what)
        .with("id", id)
}

/// Adds the members that clients of OPA look for in an error.
pub(super) fn as_opa(problem: Problem) -> Problem {
    let status = problem.status();
    let code = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "invalid_parameter",
        StatusCode::NOT_FOUND => "resource_not_found",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "resource_conflict",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "unauthorized",
        _ if status.is_server_error() => "internal_error",
        _ => "invalid_operation",
    };
    let document = problem.document(None);
    problem.with("code", code).with("message", document.detail.unwrap_or(document.title))
}

fn conflict(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}

fn of_forbidden(forbidden: &Forbidden) -> Problem {
    let problem = Problem::of_status(StatusCode::FORBIDDEN);
    match forbidden {
        Forbidden::Role { rights, granting, .. } => {
            let roles: Vec<&str> = granting.iter().map(|role| role.trim_matches('`')).collect();
            with_rights(problem, rights).with("roles", roles)
        }
        Forbidden::Scope { rights, .. } => with_rights(problem, rights),
        Forbidden::Attest { right, attesters, .. } => {
            Problem::new(StatusCode::FORBIDDEN, "not-an-attester", "Others attest entries of this register")
                .with("right", right)
                .with("attesters", attesters)
        }
        Forbidden::StopLine { roles, .. } => {
            Problem::new(StatusCode::FORBIDDEN, "cannot-stop-line", "Others stop the line")
                .with("right", Right::Stop)
                .with("roles", roles)
        }
        _ => problem,
    }
}

/// A contradiction for programs.
fn contradiction(found: &Contradiction) -> Value {
    let Contradiction { pointer, register, id, told, attested } = found;
    json!({ "pointer": pointer, "register": register, "id": id, "told": told, "attested": attested })
}

/// Adds the missing right. If any one of several rights would be enough, adds all of them.
fn with_rights(problem: Problem, rights: &[Right]) -> Problem {
    let first = rights.first().map(|right| problem.clone().with("right", right));
    let problem = first.unwrap_or(problem);
    if rights.len() > 1 { problem.with("rights", rights) } else { problem }
}

fn of_refused(refused: RuleRefusal) -> Problem {
    let forbidden = |code, title| Problem::new(StatusCode::FORBIDDEN, code, title);
    match refused {
        RuleRefusal::SeparationOfDuties { person, .. } => {
            forbidden("separation-of-duties", "Not open to requesters and contributors").with("person", person)
        }
        RuleRefusal::SecondPerson { person, .. } => {
            forbidden("second-person", "A second person is required").with("person", person)
        }
        RuleRefusal::RoleNotHeld { person, role, principal } => {
            let problem = forbidden("role-not-held", "Role not held").with("person", person).with("role", role);
            match principal {
                Some(principal) => problem.with("on_behalf_of", principal),
                None => problem,
            }
        }
        RuleRefusal::VoiceGiven { principal, role, by } => {
            conflict("voice-given", "Already approved on behalf of this person")
                .with("principal", principal)
                .with("role", role)
                .with("by", by)
        }
        RuleRefusal::SubjectDiffers { named, current } => {
            conflict("subject-differs", "The deployment changed since you looked")
                .with("named", named)
                .with("current", current)
        }
        RuleRefusal::EvidenceApproved { name, approved } => {
            conflict("evidence-approved", "Evidence of this name is already approved")
                .with("name", name)
                .with("approved", approved)
        }
        RuleRefusal::NotOverridable { binding, gate, .. } => {
            conflict("not-overridable", "Override not allowed").with("binding", binding).with("gate", gate)
        }
        RuleRefusal::Over { what, id } => conflict("over", "Already ended").with("what", what).with("id", id),
        RuleRefusal::OtherAccount { account, by } => {
            forbidden("other-account", "Belongs to another account").with("person", account).with("by", by)
        }
        RuleRefusal::OfAllTeams { what, id } => {
            forbidden("of-all-teams", "Needs access to all teams").with("what", what).with("id", id)
        }
        RuleRefusal::OfMoreTeams { what, id } => {
            forbidden("of-more-teams", "Needs access to more teams").with("what", what).with("id", id)
        }
        RuleRefusal::SharedByAllTeams { what, id } => {
            forbidden("of-all-teams", "Needs access to all teams").with("what", what).with("id", id)
        }
        RuleRefusal::SharedEntry { register, id } => {
            conflict("shared-entry", "All teams share an entry with this id").with("register", register).with("id", id)
        }
        RuleRefusal::RegisterFull { register, concerned, most } => {
            conflict("register-full", "The register has as many entries as a decision reads")
                .with("register", register)
                .with("concerned", concerned)
                .with("most", most)
        }
        RuleRefusal::PersonDecides { person, kind, roles, .. } => forbidden("person-decides", "A person has to decide")
            .with("person", person)
            .with("kind", kind)
            .with("roles", roles),
        RuleRefusal::StageNotBegun { stage } => {
            conflict("stage-not-begun", "The stage has not begun").with("stage", stage)
        }
        RuleRefusal::RolloutNotLaidOut { .. } => conflict("rollout-not-laid-out", "The rollout is not laid out"),
        RuleRefusal::NothingToHandOver { position, .. } => {
            conflict("nothing-to-hand-over", "Nothing is deployed that could be handed over").with("position", position)
        }
        RuleRefusal::NoHandOver { .. } => conflict("no-hand-over", "No hand-over was proposed"),
        RuleRefusal::HandOverAccepted { by } => conflict("hand-over-accepted", "Already accepted").with("by", by),
        RuleRefusal::OwnHandOver { person } => {
            forbidden("second-person", "A second person is required").with("person", person)
        }
        RuleRefusal::NotReceiver { person, receiver } => forbidden("not-receiver", "The hand-over is to somebody else")
            .with("person", person)
            .with("receiver", receiver),
        RuleRefusal::PersonTakesOver { person, kind } => {
            forbidden("person-takes-over", "A person has to accept the hand-over")
                .with("person", person)
                .with("kind", kind)
        }
        RuleRefusal::RolloutNotRunning { .. } => conflict("rollout-not-running", "No rollout is running"),
        RuleRefusal::StepNotUnderWay { step, .. } => {
            conflict("step-not-under-way", "The step is not running").with("step", step)
        }
        _ => conflict("refused", "Refused by a rule"),
    }
}

fn rule_broken(findings: &[Finding]) -> Problem {
    conflict("rule-broken", "Refused by a rule of the host").with("findings", findings)
}

fn of_rollout(error: &RolloutError) -> Problem {
    match error {
        RolloutError::NoStrategy(_) => conflict("no-strategy", "The deployment model has no strategy"),
        RolloutError::Refused(finding) => rule_broken(std::slice::from_ref(finding)),
        RolloutError::NotBegun => conflict("rollout-not-running", "No rollout is running"),
        _ => Problem::new(StatusCode::BAD_GATEWAY, "strategy-failed", "The strategy failed"),
    }
}

fn of_ledger(error: Error) -> Problem {
    let said = error.to_string();
    match error {
        Error::Conflict(_) | Error::UnknownContent(_) => conflict("conflict", "Conflict").detail(said).retry_after(0),
        Error::KeyReused { .. } => {
            let title = "Idempotency-Key reused for another request";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title).detail(said)
        }
        Error::Invalid(_) => invalid(&[InputError { pointer: String::new(), message: said }]),
        Error::TooLarge { size, limit } => {
            Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).detail(said).with("size", size).with("limit", limit)
        }
        Error::Overloaded { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-overloaded", "The ledger is overloaded")
                .detail(format!("{said}. Nothing was written. Retry after {RETRY_AFTER} s"))
                .retry_after(RETRY_AFTER)
        }
        Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, message }) => damaged(&message),
        Error::Unavailable(StorageFailure { cause, .. }) => unavailable(&said, cause.as_str()),
        Error::Loss(loss) => lost(&said, &loss),
        Error::KeyRetired { .. } => unavailable(&said, "key-retired"),
        Error::NotFound(_) => Problem::of_status(StatusCode::NOT_FOUND).detail(said),
        _ => internal(&said),
    }
}

/// The problem for a storage failure. The answer names only the cause: messages of the database hold paths.
fn unavailable(said: &str, cause: &'static str) -> Problem {
    tracing::error!(error = said, "the ledger is unavailable");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-unavailable", "The ledger is unavailable")
        .detail(format!(
            "the ledger is unavailable ({cause}). The write may or may not have happened: retry after {RETRY_AFTER} s with \
             the same `Idempotency-Key`"
        ))
        .with("cause", cause)
        .retry_after(RETRY_AFTER)
}

/// The problem for a lost part of the ledger, for which another attempt helps nobody. Only the server's log names the
/// files.
fn lost(said: &str, loss: &Loss) -> Problem {
    tracing::error!(error = said, "the ledger is unavailable");
    let entries = |count: u64| counted(count, "entry", "entries");
    let found = loss.found.map_or(0, |head| head.size);
    let expected = loss.expected.tree().map(|head| head.size);
    let differs = match expected {
        Some(expected) if expected == found => {
            format!("the ledger has {}, but not those that were written", entries(found))
        }
        Some(expected) => {
            format!("the ledger has {}, but {} written", entries(found), counted(expected, "entry was", "entries were"))
        }
        None => format!("the ledger has {}, and nobody can tell whether that is all of it", entries(found)),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-unavailable", "The ledger is unavailable")
        .detail(format!(
            "{differs} ({cause}). Nothing is written until an administrator brings back what is missing, or accepts the loss \
             with `lockgate ledger accept-loss`; the server's log names the files",
            cause = FailureCause::Loss.as_str()
        ))
        .with("cause", FailureCause::Loss.as_str())
        .with("found", found)
        .with("expected", expected)
}

/// The problem for a damaged ledger.
pub(super) fn damaged(what: &str) -> Problem {
    tracing::error!(what, "the ledger is damaged");
    let title = "The ledger is damaged or was tampered with";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, LEDGER_DAMAGED, title)
        .detail("the server's log tells more; run `lockgate audit verify` to find the place")
}

fn internal(said: &str) -> Problem {
    tracing::error!(error = said, "a request failed: unexpected error");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
}

//! What the descriptions of many routes have in common: headers of a request, error answers, names of stages and statuses.

use std::collections::BTreeMap;

use lockgate_domain::Stage;
use lockgate_domain::api::PROBLEM_MEDIA_TYPE;
use lockgate_service::DueKind;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses};

/// Headers of a request that changes a deployment.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described here: `Intent` reads it")]
pub(super) struct WriteConditions {
    /// Makes a retry safe: a repeated request with the same key gets the stored answer of the first one.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128, pattern = "^[!-~]{1,128}$")]
    idempotency_key: Option<String>,
    /// The `ETag` of the deployment as you read it. If it changed since, nothing is written and the answer is 412.
    #[param(rename = "If-Match", pattern = r#"^(\*|(W/)?"[0-9]{1,15}")$"#)]
    if_match: Option<String>,
}

/// Headers of a request that changes something outside of a deployment.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described here: `Intent` reads it")]
pub(super) struct IdempotencyHeader {
    /// Makes a retry safe: a repeated request with the same key gets the stored answer of the first one.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128, pattern = "^[!-~]{1,128}$")]
    idempotency_key: Option<String>,
}

/// Error answers of a request that reads.
pub(super) struct ReadErrors;

impl IntoResponses for ReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("400", "A parameter, a header or the JSON is invalid."),
            ("401", "Authentication required: send `Authorization: Bearer <token>`."),
            ("403", "Your roles do not allow it; `roles` lists those that do."),
            ("404", "Not found, or it belongs to a team that you are not in."),
            ("429", "Too many failed sign-ins from your address, or too many open requests with your credential."),
            ("503", "The server is overloaded or the ledger is unavailable. Retry after `Retry-After` seconds."),
            ("default", "Any other error."),
        ])
    }
}

/// Error answers of a request that writes.
pub(super) struct WriteErrors;

impl IntoResponses for WriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = ReadErrors::responses();
        all.extend(problems(&[
            ("409", "Not possible in the current state. The code says why; `legal_moves` lists what is possible."),
            ("412", "The deployment changed since the version in `If-Match`."),
            ("413", "The body is too large."),
            ("415", "Wrong `Content-Type`."),
            ("422", "The document is invalid (`errors` lists the places), or the `Idempotency-Key` was used for another request."),
        ]));
        all
    }
}

fn problems(all: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |(status, description): &(&str, &str)| {
        let schema = Ref::from_schema_name("ProblemDocument");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(*description).content(PROBLEM_MEDIA_TYPE, content).build();
        ((*status).to_owned(), RefOr::T(response))
    };
    all.iter().map(problem).collect()
}

/// The names of the stages.
pub(super) fn stage() -> utoipa::openapi::schema::Object {
    one_of(&Stage::ALL.map(Stage::as_str))
}

/// The names of the status of a deployment.
pub(super) const STATUSES: [&str; 8] =
    ["awaiting-entrance", "in-progress", "rolling-back", "operational", "rolled-back", "failed", "aborted", "rejected"];

pub(super) fn status() -> utoipa::openapi::schema::Object {
    one_of(&STATUSES)
}

/// The kinds of what falls due.
pub(super) fn due_kind() -> utoipa::openapi::schema::Object {
    one_of(&DueKind::ALL.map(DueKind::as_str))
}

fn one_of(names: &[&'static str]) -> utoipa::openapi::schema::Object {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(names.iter().copied())).build()
}

/// The error answers of an operation that describes none of its own.
pub(super) struct AnyError;

impl IntoResponses for AnyError {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("default", "An error.")])
    }
}

/// The error answers of an operation that asks for a decision.
pub(super) struct NothingDecided;

impl IntoResponses for NothingDecided {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("default", "An error. Nothing was decided.")])
    }
}

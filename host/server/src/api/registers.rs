//! Registers: what the owners of facts attest.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use lockgate_domain::{NewRegisterEntry, NewSamples, PersonId, RegisterEntry, RegisterKind, Sample, TeamName};
use lockgate_service::{EntriesFilter, ImportLine, InputError, Page, RegisterRef, RegisterScope};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{WholeList, at_version, created, listed, written};
use super::errors::{invalid, unreadable};
use super::extract::{Authenticated, Paging, WriteRequest};
use super::json_body::{BodyRefusal, JsonBody, RequestDocument, body_of_type, read_kept};
use super::openapi_parts::{IdempotencyHeader, ReadErrors, WriteConditions, WriteErrors};
use super::state::ApiState;
use super::url_parts::{PathParts, QueryParams};
use crate::problem::Problem;

impl RequestDocument for NewRegisterEntry {
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] = SET_BY_SERVER;
}

impl RequestDocument for NewSamples {}

/// The members of an entry that the server sets.
const SET_BY_SERVER: &[(&str, &str)] = &[
    ("register", "the one of the path"),
    ("id", "that of the value"),
    ("attested", "the credential that asks"),
    ("digest", "that of the value"),
    ("version", "the next one"),
    ("supersedes", "the version before"),
];

/// The most lines of an import.
const MOST_LINES: usize = 10_000;
/// The most samples of an answer.
const MOST_SAMPLES: usize = 10_000;

/// Whose entry.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OwnerQuery {
    /// The team that the entry belongs to. It may be absent if that is clear.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Whether the entry is one that all teams share.
    #[serde(default)]
    shared: bool,
}

impl OwnerQuery {
    fn check(&self) -> Result<(), Problem> {
        match (&self.team, self.shared) {
            (Some(team), true) => {
                Err(unreadable(format!("`team={team}` and `shared=true` exclude each other: leave one out")))
            }
            _ => Ok(()),
        }
    }

    /// The scope of a write.
    fn scope(&self) -> RegisterScope<'_> {
        match &self.team {
            _ if self.shared => RegisterScope::Shared,
            Some(team) => RegisterScope::Team(team),
            None => RegisterScope::OwnTeam,
        }
    }

    fn at<'a>(&'a self, register: RegisterKind, id: &'a str) -> RegisterRef<'a> {
        RegisterRef { register, id, team: self.team.as_ref(), shared: self.shared }
    }
}

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntriesQuery {
    /// Only entries of this team.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Only entries that all teams share.
    #[serde(default)]
    shared: bool,
    /// Only entries that concern the product with this id.
    product: Option<String>,
    /// Only entries that concern the environment with this name.
    environment: Option<String>,
    /// Only entries that the person or service with this id attested.
    #[param(value_type = Option<String>)]
    attester: Option<PersonId>,
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Which versions of an entry.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// The team that the entry belongs to. It may be absent if that is clear.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Whether the entry is one that all teams share.
    #[serde(default)]
    shared: bool,
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    cursor: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Which samples.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SamplesQuery {
    /// The team that the indicator belongs to. It may be absent if that is clear.
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Whether the indicator is one that all teams share.
    #[serde(default)]
    shared: bool,
    /// The most samples: the newest ones.
    #[param(minimum = 1, maximum = 10000, default = 1000)]
    limit: Option<usize>,
}

/// Reads the name of a register in a path.
fn register(name: &str) -> Result<RegisterKind, Problem> {
    name.parse().map_err(|error: lockgate_domain::NoSuchRegister| {
        Problem::of_status(StatusCode::NOT_FOUND).detail(error.to_string()).with("what", "register").with("id", name)
    })
}

/// List the entries of a register
///
/// Those of your teams and those that all teams share, the last attested first. Withdrawn entries are left out.
#[utoipa::path(
    get,
    path = "/api/v1/registers/{register}",
    operation_id = "list_register_entries",
    tag = "registers",
    params(("register" = String, Path, description = "The name of the register, for example `changes`."), EntriesQuery),
    responses(
        (status = 200, description = "A page of entries.", body = ref("#/components/schemas/RegisterEntryPage")),
        ReadErrors,
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    PathParts(name): PathParts<String>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<EntriesQuery>,
) -> Result<Json<Page<RegisterEntry>>, Problem> {
    let register = register(&name)?;
    let EntriesQuery { team, shared, product, environment, attester, cursor, limit } = query;
    OwnerQuery { team: team.clone(), shared }.check()?;
    let page = Paging { cursor, limit }.page()?;
    let filter = EntriesFilter { team, shared, product, environment, attester };
    state.read(move |service| service.entries(&actor, register, &filter, page)).await.map(Json)
}

/// Attest an entry
///
/// Writes its first version, or the next one. You need the right to attest entries of the register, which the configuration
/// gives to roles and services.
#[utoipa::path(
    put,
    path = "/api/v1/registers/{register}/{id}",
    operation_id = "put_register_entry",
    tag = "registers",
    params(
        ("register" = String, Path, description = "The name of the register, for example `changes`."),
        ("id" = String, Path, description = "The id of the entry, which its value has too."),
        OwnerQuery,
        WriteConditions,
    ),
    request_body(content = ref("#/components/schemas/NewRegisterEntry"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The next version of the entry.", body = ref("#/components/schemas/RegisterEntry"),
            headers(
                ("ETag" = String, description = "The entry's version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        (
            status = 201, description = "The first version of the entry.", body = ref("#/components/schemas/RegisterEntry"),
            headers(
                ("ETag" = String, description = "The entry's version, in quotes."),
                ("Location" = String, description = "The path of what was created."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn put(
    State(state): State<ApiState>,
    PathParts((name, id)): PathParts<(String, String)>,
    QueryParams(owner): QueryParams<OwnerQuery>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewRegisterEntry>,
) -> Result<Response, Problem> {
    let register = register(&name)?;
    owner.check()?;
    let address = address(register, &id, &owner);
    let attest = state
        .write(request, move |service, write| service.attest_entry(write, register, &id, owner.scope(), &new))
        .await?;
    Ok(if attest.value.version == 1 { created(&attest, &address) } else { written(&attest) })
}

/// The path of an entry.
fn address(register: RegisterKind, id: &str, owner: &OwnerQuery) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20");
    let path = format!("/api/v1/registers/{register}/{id}");
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(team) = &owner.team {
        query.append_pair("team", team);
    }
    if owner.shared {
        query.append_pair("shared", "true");
    }
    match query.finish() {
        query if query.is_empty() => path,
        query => format!("{path}?{query}"),
    }
}

/// Get an entry
///
/// Its present version. A key performance indicator has its newest sample as its latest value.
#[utoipa::path(
    get,
    path = "/api/v1/registers/{register}/{id}",
    operation_id = "get_register_entry",
    tag = "registers",
    params(
        ("register" = String, Path, description = "The name of the register, for example `changes`."),
        ("id" = String, Path, description = "The id of the entry."),
        OwnerQuery,
    ),
    responses(
        (
            status = 200, description = "The entry.", body = ref("#/components/schemas/RegisterEntry"),
            headers(("ETag" = String, description = "The entry's version, in quotes."))
        ),
        ReadErrors,
    )
)]
pub(super) async fn get(
    State(state): State<ApiState>,
    PathParts((name, id)): PathParts<(String, String)>,
    Authenticated(actor): Authenticated,
    QueryParams(owner): QueryParams<OwnerQuery>,
) -> Result<Response, Problem> {
    let register = register(&name)?;
    owner.check()?;
    let entry = state.read(move |service| service.entry(&actor, &owner.at(register, &id))).await?;
    Ok(at_version(entry.version, &entry))
}

/// Withdraw an entry
///
/// It no longer says anything. Its history stays.
#[utoipa::path(
    delete,
    path = "/api/v1/registers/{register}/{id}",
    operation_id = "withdraw_register_entry",
    tag = "registers",
    params(
        ("register" = String, Path, description = "The name of the register, for example `changes`."),
        ("id" = String, Path, description = "The id of the entry."),
        OwnerQuery,
        WriteConditions,
    ),
    responses(
        (
            status = 200, description = "The version that withdraws the entry.", body = ref("#/components/schemas/RegisterEntry"),
            headers(
                ("ETag" = String, description = "The entry's version, in quotes."),
                ("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."),
            )
        ),
        WriteErrors,
    )
)]
pub(super) async fn withdraw(
    State(state): State<ApiState>,
    PathParts((name, id)): PathParts<(String, String)>,
    QueryParams(owner): QueryParams<OwnerQuery>,
    request: WriteRequest,
) -> Result<Response, Problem> {
    let register = register(&name)?;
    owner.check()?;
    let done =
        state.write(request, move |service, write| service.withdraw_entry(write, &owner.at(register, &id))).await?;
    Ok(written(&done))
}

/// Get the history of an entry
///
/// Its versions, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/registers/{register}/{id}/history",
    operation_id = "get_register_entry_history",
    tag = "registers",
    params(
        ("register" = String, Path, description = "The name of the register, for example `changes`."),
        ("id" = String, Path, description = "The id of the entry."),
        HistoryQuery,
    ),
    responses(
        (status = 200, description = "A page of versions.", body = ref("#/components/schemas/RegisterEntryPage")),
        ReadErrors,
    )
)]
pub(super) async fn history(
    State(state): State<ApiState>,
    PathParts((name, id)): PathParts<(String, String)>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<HistoryQuery>,
) -> Result<Json<Page<RegisterEntry>>, Problem> {
    let register = register(&name)?;
    let HistoryQuery { team, shared, cursor, limit } = query;
    let owner = OwnerQuery { team, shared };
    owner.check()?;
    let page = Paging { cursor, limit }.page()?;
    state.read(move |service| service.entry_history(&actor, &owner.at(register, &id), page)).await.map(Json)
}

/// Import entries
///
/// Each line of the body is an entry as `PUT` takes it. Lines are written in batches of 500, each as a whole; a wrong line keeps
/// all of them from being written. An entry that is there already, with the same stated `as_of`, is left as it is, so an import
/// can be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/registers/{register}",
    operation_id = "import_register_entries",
    tag = "registers",
    params(
        ("register" = String, Path, description = "The name of the register, for example `changes`."),
        OwnerQuery,
        IdempotencyHeader,
    ),
    request_body(content = String, content_type = "application/x-ndjson", description = "One entry in each line; at most 10,000 lines."),
    responses(
        (
            status = 200, description = "How many entries were written.", body = ref("#/components/schemas/ImportReport"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."))
        ),
        WriteErrors,
    )
)]
pub(super) async fn import(
    State(state): State<ApiState>,
    PathParts(name): PathParts<String>,
    QueryParams(owner): QueryParams<OwnerQuery>,
    write_request: WriteRequest,
    request: Request,
) -> Result<Response, Problem> {
    let register = register(&name)?;
    owner.check()?;
    let body = body_of_type(request, &state, &["application/x-ndjson"]).await?;
    let entries = lines(&body)?;
    let done = state
        .write(write_request, move |service, write| service.import_entries(write, register, owner.scope(), &entries))
        .await?;
    Ok(written(&done))
}

/// Reads the entries of an import. The first part of a pointer is the number of the line.
fn lines(body: &Bytes) -> Result<Vec<ImportLine>, Problem> {
    let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if entries.len() >= MOST_LINES {
            return Err(unreadable(format!(
                "an import has at most {MOST_LINES} lines: send the rest in another request"
            )));
        }
        match read_kept::<NewRegisterEntry>(line, SET_BY_SERVER) {
            Ok(entry) => entries.push(ImportLine { line: number, entry }),
            Err(BodyRefusal::NotJson(why)) => {
                mistakes.push(InputError {
                    pointer: format!("/{number}"),
                    message: format!("the line is not JSON: {why}"),
                });
            }
            Err(BodyRefusal::Mistakes(found)) => mistakes.extend(
                found
                    .into_iter()
                    .map(|error| InputError { pointer: format!("/{number}{}", error.pointer), message: error.message }),
            ),
        }
    }
    match mistakes.is_empty() {
        true => Ok(entries),
        false => Err(invalid(&mistakes)),
    }
}

/// Record samples of an indicator
///
/// The newest of them is the latest value of the indicator.
#[utoipa::path(
    post,
    path = "/api/v1/registers/kpis/{id}/samples",
    operation_id = "record_samples",
    tag = "registers",
    params(("id" = String, Path, description = "The id of the indicator."), OwnerQuery, IdempotencyHeader),
    request_body(content = ref("#/components/schemas/NewSamples"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "The number of samples, and the newest one.",
            body = ref("#/components/schemas/SamplesRecorded"),
            headers(("Idempotent-Replayed" = String, description = "`true` if this is the stored answer to an earlier request with the same key."))
        ),
        WriteErrors,
    )
)]
pub(super) async fn record_samples(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    QueryParams(owner): QueryParams<OwnerQuery>,
    request: WriteRequest,
    JsonBody(new): JsonBody<NewSamples>,
) -> Result<Response, Problem> {
    owner.check()?;
    let done = state
        .write(request, move |service, write| service.record_samples(write, &owner.at(RegisterKind::Kpis, &id), &new))
        .await?;
    Ok(written(&done))
}

/// Get samples of an indicator
///
/// The newest ones, in order of time.
#[utoipa::path(
    get,
    path = "/api/v1/registers/kpis/{id}/samples",
    operation_id = "get_samples",
    tag = "registers",
    params(("id" = String, Path, description = "The id of the indicator."), SamplesQuery),
    responses(
        (status = 200, description = "The samples.", body = ref("#/components/schemas/SampleList")),
        ReadErrors,
    )
)]
pub(super) async fn samples(
    State(state): State<ApiState>,
    PathParts(id): PathParts<String>,
    Authenticated(actor): Authenticated,
    QueryParams(query): QueryParams<SamplesQuery>,
) -> Result<Json<WholeList<Sample>>, Problem> {
    let SamplesQuery { team, shared, limit } = query;
    let owner = OwnerQuery { team, shared };
    owner.check()?;
    let most = match limit {
        None => 1_000,
        Some(limit @ 1..=MOST_SAMPLES) => limit,
        Some(limit) => {
            return Err(unreadable(format!("`limit={limit}` is not a whole number from 1 to {MOST_SAMPLES}")));
        }
    };
    let samples = state.read(move |service| service.samples(&actor, &owner.at(RegisterKind::Kpis, &id), most)).await?;
    Ok(listed(samples))
}

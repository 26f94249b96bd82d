//! The description of the API in OpenAPI 3.1, generated from the handlers and their types.
//!
//! The paths come from `utoipa`'s attributes at each handler. The schemas of the domain's and the service's types come
//! from their own `JsonSchema`, which `lockgate schema` prints too, so nothing is described twice.

use axum::http::Method;
use lockgate_domain::api::ProblemDocument;
use lockgate_domain::api::access::AccessReview;
use lockgate_domain::api::audit::{Checkpoints, Contents, Entries, HeadDocument, Nodes};
use lockgate_domain::{NewRegisterEntry, NewSamples, Overlap, RegisterEntry, Sample};
use lockgate_service::lifecycle::{ActivityReport, OverrideState};
use lockgate_service::{
    ApprovalView, AttachedEvidence, Booking, ChangeView, DecisionRecord, DelegationState, DeploymentSummary,
    DeploymentView, DriftFinding, DuePage, GatePass, GrantedWaiver, ImportReport, NewApproval, NewDelegation,
    NewDeployment, NewHandOver, NewOverride, NewReview, NewStop, NewWaiver, NextStep, OpenExposure, Page,
    PendingOverride, SamplesRecorded, StepReport, StopState, WaiverState,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use super::answer::WholeList;
use super::route::{RouteAccess, RouteRow, rights_in_words};
use super::{audit, authzen, health, opa, readiness};

/// The kinds of credential.
const SCHEMES: [&str; 2] = ["bearer", "mutualTLS"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockgate",
        description = "Decides whether a deployment may proceed, and proves its decisions afterwards.",
    ),
    paths(
        super::deployments::list,
        super::deployments::request,
        super::deployments::get,
        super::deployments::revise,
        super::deployments::overlaps,
        super::deployments::bookings,
        super::events::events,
        super::wait::wait,
        super::gates::pass,
        super::evidence::put,
        super::evidence::get,
        super::approvals::give,
        super::approvals::get,
        super::approvals::revoke,
        super::progress::report_activities,
        super::progress::make_move,
        super::progress::next_step,
        super::progress::report_step,
        super::hand_over::propose,
        super::hand_over::accept,
        super::hand_over::exposures,
        super::changes::get,
        super::changes::drift,
        super::registers::list,
        super::registers::import,
        super::registers::get,
        super::registers::put,
        super::registers::withdraw,
        super::registers::history,
        super::registers::samples,
        super::registers::record_samples,
        super::overrides::take,
        super::overrides::get,
        super::overrides::confirm,
        super::overrides::list,
        super::overrides::review,
        super::waivers::list,
        super::waivers::grant,
        super::waivers::get,
        super::waivers::end,
        super::delegations::list,
        super::delegations::lend,
        super::delegations::get,
        super::delegations::end,
        super::delegations::end_all,
        super::stops::list,
        super::stops::place,
        super::stops::get,
        super::stops::lift,
        super::due::list,
        super::notifications::list,
        super::decisions::list,
        super::decisions::get,
        super::catalogue::models,
        super::catalogue::plugins,
        super::catalogue::reload,
        super::access::review,
        super::whoami::whoami,
        serve,
    ),
    tags(
        (name = "deployments", description = "Deployments and their way through the four stages."),
        (name = "changes", description = "Changes, the deployments that they carry, and what went round the gates."),
        (name = "registers", description = "Registers: the facts that their owners attest."),
        (name = "gates", description = "Gates: the entrance and the exit of each stage."),
        (name = "evidence", description = "Evidence files, such as SBOMs and scan results."),
        (name = "approvals", description = "Approvals and rejections by people, each bound to what the person saw."),
        (name = "rollout", description = "Rollouts: carrying out a deployment step by step."),
        (name = "overrides", description = "Emergency overrides of a gate, and their review."),
        (name = "waivers", description = "Waivers: exceptions that are granted in advance."),
        (name = "delegations", description = "Delegations: roles that a person lends to another one."),
        (name = "stops", description = "Stops of the line: deployments that somebody holds up for a while."),
        (name = "due", description = "What falls due: holds, windows, reviews, grants and stops."),
        (name = "notifications", description = "What webhooks are told, and what they did not take."),
        (name = "decisions", description = "Decisions and their reasons."),
        (name = "models", description = "Deployment models and the plugins that they use."),
        (name = "access", description = "The people, roles and rights at each gate."),
        (name = "me", description = "Your own identity and rights."),
        (name = "description", description = "This description of the API."),
        (name = "health", description = "Liveness, readiness and metrics."),
    )
)]
struct NativeApi;

#[derive(OpenApi)]
#[openapi(
    paths(health::livez, health::readyz, health::health, health::status, health::metrics),
    components(schemas(readiness::ReadinessCheck, readiness::Readiness))
)]
struct HealthApi;

/// The description of these routes, as JSON.
pub(super) fn document(rows: &[RouteRow]) -> Value {
    let mut api = of_handlers();
    let [bearer, mutual_tls] = SCHEMES;
    let components = api.components.get_or_insert_default();
    components.add_security_scheme(bearer, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let certificate = SecurityScheme::MutualTls { description: None, deprecated: None, extensions: None };
    components.add_security_scheme(mutual_tls, certificate);
    for row in rows {
        if let Some(operation) = operation(&mut api, row) {
            say_who_may_come(operation, row.access);
        }
    }
    let mut document = to_json(&api);
    if let Some(Value::Object(known)) = document.pointer_mut("/components/schemas") {
        known.extend(schemas());
        known.sort_keys();
    }
    document
}

#[expect(clippy::expect_used, reason = "all keys of a description are texts")]
fn to_json(api: &utoipa::openapi::OpenApi) -> Value {
    serde_json::to_value(api).expect("a description has a JSON form")
}

/// The descriptions at the handlers.
fn of_handlers() -> utoipa::openapi::OpenApi {
    let mut api = NativeApi::openapi();
    api.info.version = env!("CARGO_PKG_VERSION").to_owned();
    api.merge(audit::AuditApi::openapi());
    api.merge(authzen::AuthZenApi::openapi());
    api.merge(opa::OpaApi::openapi());
    api.merge(HealthApi::openapi());
    api
}

/// The operation that describes a route.
fn operation<'a>(api: &'a mut utoipa::openapi::OpenApi, row: &RouteRow) -> Option<&'a mut Operation> {
    let item = api.paths.paths.get_mut(&row.described_path())?;
    match row.method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

/// Describes the credentials and rights that an operation needs: each of the alternatives is enough.
fn say_who_may_come(operation: &mut Operation, access: RouteAccess) {
    let alternatives = match access {
        RouteAccess::Open => vec![],
        RouteAccess::Known => vec![vec![]],
        RouteAccess::Any(rights) => rights.iter().map(|right| vec![right.as_str()]).collect(),
    };
    let schemes = |rights: Vec<&'static str>| SCHEMES.map(|scheme| SecurityRequirement::new(scheme, rights.clone()));
    operation.security = Some(alternatives.into_iter().flat_map(schemes).collect());
    let said = match access {
        RouteAccess::Open => "No credential needed.".to_owned(),
        RouteAccess::Known => "Any credential.".to_owned(),
        RouteAccess::Any(rights) => format!("Needs the right {}.", rights_in_words(rights)),
    };
    let described = operation.description.take().map(|description| format!("{}\n\n{said}", description.trim_end()));
    operation.description = Some(described.unwrap_or(said));
}

/// Get this API description
///
/// OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "description",
    responses((status = 200, description = "The description in OpenAPI 3.1.", body = Value, content_type = "application/json"))
)]
#[expect(dead_code, reason = "only described here: `routes` answers it")]
fn serve() {}

/// The schemas of the types of the domain and the service.
fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut named = Map::new();
    register::<NewDeployment>(&mut generator);
    register::<DeploymentView>(&mut generator);
    register::<Page<DeploymentSummary>>(&mut generator);
    register::<super::events::EventPage>(&mut generator);
    register::<GatePass>(&mut generator);
    register::<lockgate_domain::Evidence>(&mut generator);
    register::<AttachedEvidence>(&mut generator);
    register::<ChangeView>(&mut generator);
    register::<Page<DriftFinding>>(&mut generator);
    register::<NewRegisterEntry>(&mut generator);
    register::<Page<RegisterEntry>>(&mut generator);
    register::<ImportReport>(&mut generator);
    register::<NewSamples>(&mut generator);
    register::<SamplesRecorded>(&mut generator);
    register::<WholeList<Sample>>(&mut generator);
    register::<NewApproval>(&mut generator);
    register::<ApprovalView>(&mut generator);
    register::<super::progress::NewMove>(&mut generator);
    register::<NextStep>(&mut generator);
    register::<StepReport>(&mut generator);
    register::<lockgate_domain::Progress>(&mut generator);
    register::<NewHandOver>(&mut generator);
    register::<Page<OpenExposure>>(&mut generator);
    register::<NewOverride>(&mut generator);
    register::<OverrideState>(&mut generator);
    register::<NewReview>(&mut generator);
    register::<Page<PendingOverride>>(&mut generator);
    register::<NewWaiver>(&mut generator);
    register::<GrantedWaiver>(&mut generator);
    register::<NewDelegation>(&mut generator);
    register::<NewStop>(&mut generator);
    register::<WholeList<StopState>>(&mut generator);
    register::<DuePage>(&mut generator);
    register::<WholeList<crate::notify::WebhookState>>(&mut generator);
    register::<Page<DecisionRecord>>(&mut generator);
    register::<lockgate_service::catalogue::CatalogueStatus>(&mut generator);
    register::<lockgate_service::catalogue::ReloadChanges>(&mut generator);
    register::<AccessReview>(&mut generator);
    register::<HeadDocument>(&mut generator);
    register::<Entries>(&mut generator);
    register::<Nodes>(&mut generator);
    register::<Checkpoints>(&mut generator);
    register::<Contents>(&mut generator);
    register::<ProblemDocument>(&mut generator);
    register::<super::whoami::CallerIdentity>(&mut generator);
    register::<WholeList<Overlap>>(&mut generator);
    register::<WholeList<Booking>>(&mut generator);
    register::<WholeList<WaiverState>>(&mut generator);
    register::<WholeList<DelegationState>>(&mut generator);
    register::<WholeList<super::catalogue::PluginWithModels>>(&mut generator);
    let reports = generator.subschema_for::<Vec<ActivityReport>>();
    named.insert("ActivityReports".to_owned(), reports.to_value());
    let answers = [generator.subschema_for::<GatePass>(), generator.subschema_for::<lockgate_domain::Decision>()];
    named.insert("GateAnswer".to_owned(), json!({ "anyOf": answers }));
    named.extend(generator.take_definitions(true));
    named
}

fn register<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_types_of_the_description_share_a_name() {
        let described = to_json(&of_handlers());
        let at_handlers = described.pointer("/components/schemas").and_then(Value::as_object);
        let of_types = schemas();
        let shared: Vec<&String> =
            at_handlers.into_iter().flat_map(Map::keys).filter(|name| of_types.contains_key(*name)).collect();
        assert!(shared.is_empty(), "{shared:?}");
    }
}

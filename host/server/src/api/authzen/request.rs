//! AuthZEN requests, and their meaning for Lockgate.
//!
//! The members that the standard requires are checked first, for all evaluations, and all missing ones are reported at
//! once. Unknown members are ignored, as the standard requires. Properties and context are read but have no effect,
//! except for the deployment's team: a decision depends on what the ledger knows of a deployment, never on what a
//! request says about it.

use axum::http::StatusCode;
use lockgate_domain::{Gate, PersonId, Right, TeamName};
use lockgate_service::authority::Actor;
use lockgate_service::{InputError, ServiceError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::errors::problem;
use super::super::extract::AtDeployment;
use super::super::gate_decision::GateQuestion;
use super::super::json_body::{BodyRefusal, read_asked};
use crate::problem::Problem;

/// The most evaluations in one request.
const MOST: usize = 100;
/// The name of this interface in the ledger.
const PATH: &str = "authzen";

/// One evaluation: may the subject take the action on the resource?
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(super) struct EvaluationRequest {
    /// The person or service that wants to proceed: the credential's own, or another one with the right `request-for-others`.
    #[schema(required)]
    subject: Option<EvaluationSubject>,
    /// The gate that is evaluated.
    #[schema(required)]
    action: Option<EvaluationAction>,
    /// The deployment that is evaluated.
    #[schema(required)]
    resource: Option<EvaluationResource>,
    /// Has no effect on the decision.
    #[expect(dead_code, reason = "it has to be an object, and that is all")]
    context: Option<Map<String, Value>>,
}

/// Several evaluations. The members beside `evaluations` are defaults for each; without `evaluations`, they are one evaluation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationsRequest {
    /// The subject of evaluations that name none.
    subject: Option<EvaluationSubject>,
    /// The action of evaluations that name none.
    action: Option<EvaluationAction>,
    /// The resource of evaluations that name none.
    resource: Option<EvaluationResource>,
    /// The context of evaluations that name none.
    #[expect(dead_code, reason = "it has to be an object, and that is all")]
    context: Option<Map<String, Value>>,
    /// The evaluations of the request, at most 100.
    #[serde(default)]
    #[schema(max_items = 100)]
    evaluations: Option<Vec<EvaluationItem>>,
    /// The options that apply to all evaluations.
    #[serde(default)]
    options: Option<EvaluationOptions>,
}

/// One evaluation of a request with several.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationItem {
    /// The person or service that wants to proceed.
    subject: Option<EvaluationSubject>,
    /// The gate that is evaluated. Absent: the `action` of the request.
    action: Option<EvaluationAction>,
    /// The deployment that is evaluated. Absent: the `resource` of the request.
    resource: Option<EvaluationResource>,
    /// Has no effect on the decision.
    #[expect(dead_code, reason = "it has to be an object, and that is all")]
    context: Option<Map<String, Value>>,
}

/// The person or service that wants to proceed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationSubject {
    /// The type of the subject: `user` or `service`.
    #[schema(required, examples("user"))]
    r#type: Option<String>,
    /// The id of the person or service, as in credentials.
    #[schema(required, examples("rita@example.org"))]
    id: Option<String>,
    /// Has no effect on the decision.
    #[expect(dead_code, reason = "it has to be an object, and that is all")]
    properties: Option<Map<String, Value>>,
}

/// The gate that is evaluated, as an AuthZEN action.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationAction {
    /// The stage, a dot, and the phase.
    #[schema(required, examples("fulfill.entrance"))]
    name: Option<String>,
    /// Has no effect on the decision.
    #[expect(dead_code, reason = "it has to be an object, and that is all")]
    properties: Option<Map<String, Value>>,
}

/// The deployment that is evaluated, as an AuthZEN resource.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationResource {
    /// The type of the resource: always `deployment`.
    #[schema(required, examples("deployment"))]
    r#type: Option<String>,
    /// The id of the deployment, unique within its team.
    #[schema(required, examples("shop-42"))]
    id: Option<String>,
    /// `team` is the deployment's team. It is required if several of your teams have a deployment with this id. Other
    /// properties have no effect on the decision.
    #[schema(example = json!({"team": "shop"}))]
    properties: Option<Map<String, Value>>,
}

/// How to make several evaluations. Other options are ignored.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub(super) struct EvaluationOptions {
    /// The rule by which the evaluations stop early.
    #[serde(default)]
    evaluations_semantic: Option<EvaluationSemantic>,
}

/// The rule by which several evaluations stop early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EvaluationSemantic {
    /// Make all evaluations.
    #[default]
    ExecuteAll,
    /// Stop after the first evaluation that is not allowed or fails.
    DenyOnFirstDeny,
    /// Stop after the first evaluation that is allowed.
    PermitOnFirstPermit,
}

impl EvaluationSemantic {
    /// Whether the evaluations stop after one with this outcome.
    pub(super) fn stops_after(self, allowed: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !allowed,
            Self::PermitOnFirstPermit => allowed,
        }
    }
}

/// An evaluation with all required members. The deployment or gate that it names may still not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CompleteEvaluation {
    subject: (String, String),
    action: String,
    resource: (String, String),
    team: Option<TeamName>,
}

/// One evaluation, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EvaluationBatch {
    /// The request has no list: it is one evaluation.
    One(CompleteEvaluation),
    /// A list, and the rule for when to stop.
    Several(Vec<CompleteEvaluation>, EvaluationSemantic),
}

/// Reads one evaluation.
pub(super) fn evaluation(body: &[u8]) -> Result<CompleteEvaluation, Problem> {
    let EvaluationRequest { subject, action, resource, context: _ } = read(body)?;
    let mut mistakes = Vec::new();
    let asked = complete("", subject.as_ref(), action.as_ref(), resource.as_ref(), &mut mistakes);
    asked.ok_or_else(|| wrong(&mistakes))
}

/// Reads several evaluations.
pub(super) fn evaluations(body: &[u8]) -> Result<EvaluationBatch, Problem> {
    let EvaluationsRequest { subject, action, resource, context: _, evaluations, options } = read(body)?;
    let (subject, action, resource) = (subject.as_ref(), action.as_ref(), resource.as_ref());
    let mut mistakes = Vec::new();
    let evaluations = evaluations.unwrap_or_default();
    if evaluations.is_empty() {
        let asked = complete("", subject, action, resource, &mut mistakes);
        return asked.map(EvaluationBatch::One).ok_or_else(|| wrong(&mistakes));
    }
    if evaluations.len() > MOST {
        let message = format!("{} evaluations are more than {MOST}: send several requests", evaluations.len());
        return Err(wrong(&[mistake("/evaluations", message)]));
    }
    let each = evaluations.iter().enumerate().filter_map(|(place, evaluation)| {
        let EvaluationItem { subject: own_subject, action: own_action, resource: own_resource, context: _ } =
            evaluation;
        let (own_subject, own_action) = (own_subject.as_ref().or(subject), own_action.as_ref().or(action));
        let own_resource = own_resource.as_ref().or(resource);
        complete(&format!("/evaluations/{place}"), own_subject, own_action, own_resource, &mut mistakes)
    });
    let asked: Vec<CompleteEvaluation> = each.collect();
    match mistakes.is_empty() {
        true => {
            Ok(EvaluationBatch::Several(asked, options.unwrap_or_default().evaluations_semantic.unwrap_or_default()))
        }
        false => Err(wrong(&mistakes)),
    }
}

/// Takes the required members of an evaluation, or notes all that are missing.
fn complete(
    place: &str,
    subject: Option<&EvaluationSubject>,
    action: Option<&EvaluationAction>,
    resource: Option<&EvaluationResource>,
    mistakes: &mut Vec<InputError>,
) -> Option<CompleteEvaluation> {
    let team = resource.and_then(|resource| resource.properties.as_ref()).and_then(|properties| properties.get("team"));
    let team = match team {
        None => None,
        Some(Value::String(team)) => match TeamName::new(team) {
            Ok(team) => Some(team),
            Err(error) => {
                mistakes.push(mistake(format!("{place}/resource/properties/team"), error.to_string()));
                return None;
            }
        },
        Some(_) => {
            let place = format!("{place}/resource/properties/team");
            mistakes.push(mistake(place, "`team` is the name of a team: write a text, for example `shop`".to_owned()));
            return None;
        }
    };
    let mut required = |at: &str, value: Option<&String>, example: &str| {
        if value.is_none() {
            mistakes.push(mistake(format!("{place}{at}"), format!("`{at}` is required, for example {example}")));
        }
        value.cloned()
    };
    let whole_subject = r#"`{"type": "user", "id": "rita@example.org"}`"#;
    let whole_resource = r#"`{"type": "deployment", "id": "shop-42"}`"#;
    let subject = match subject {
        Some(subject) => required("/subject/type", subject.r#type.as_ref(), "`user`").zip(required(
            "/subject/id",
            subject.id.as_ref(),
            "`rita@example.org`",
        )),
        None => required("/subject", None, whole_subject).zip(None),
    };
    let action = match action {
        Some(action) => required("/action/name", action.name.as_ref(), "`fulfill.entrance`"),
        None => required("/action", None, r#"`{"name": "fulfill.entrance"}`"#),
    };
    let resource = match resource {
        Some(resource) => required("/resource/type", resource.r#type.as_ref(), "`deployment`").zip(required(
            "/resource/id",
            resource.id.as_ref(),
            "`shop-42`",
        )),
        None => required("/resource", None, whole_resource).zip(None),
    };
    Some(CompleteEvaluation { subject: subject?, action: action?, resource: resource?, team })
}

impl CompleteEvaluation {
    /// The question to the gate, if the actor may ask it for the subject.
    pub(super) fn question(self, actor: &Actor) -> Result<GateQuestion, Problem> {
        let Self { subject, action, resource, team } = self;
        let (kind, id) = subject;
        if !matches!(kind.as_str(), "user" | "service") {
            let message = format!("`{kind}` is not a type of subject here: write `user` or `service`");
            return Err(wrong(&[mistake("/subject/type", message)]));
        }
        if resource.0 != "deployment" {
            let message = format!("`{}` is not a type of resource here: write `deployment`", resource.0);
            return Err(wrong(&[mistake("/resource/type", message)]));
        }
        let gate = gate(&action).ok_or_else(|| {
            let gates: Vec<String> = Gate::all().map(|gate| format!("`{}`", name(gate))).collect();
            let message = format!("`{action}` is not a gate: write one of {}", gates.join(", "));
            wrong(&[mistake("/action/name", message)])
        })?;
        let mut input = None;
        let is_asker = PersonId::new(&id).is_ok_and(|id| id == actor.person.id);
        if !is_asker {
            actor.require(Right::RequestForOthers).map_err(|forbidden| problem(ServiceError::from(forbidden)))?;
            // The ledger keeps the actor in any case. It keeps the subject only if that is somebody else.
            input = Some(json!({ "subject": { "type": kind, "id": id } }));
        }
        Ok(GateQuestion { deployment: AtDeployment::new(resource.1, team), gate, path: PATH, input })
    }
}

/// The name of a gate as an AuthZEN action.
fn name(gate: Gate) -> String {
    format!("{}.{}", gate.stage.as_str(), gate.phase.as_str())
}

fn gate(action: &str) -> Option<Gate> {
    Gate::all().find(|gate| action.split_once('.') == Some((gate.stage.as_str(), gate.phase.as_str())))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    read_asked(body).map_err(|refusal| match refusal {
        BodyRefusal::NotJson(why) => wrong(&[mistake("", format!("the body is not JSON: {why}"))]),
        BodyRefusal::Mistakes(mistakes) => wrong(&mistakes),
    })
}

fn mistake(pointer: impl Into<String>, message: impl Into<String>) -> InputError {
    InputError { pointer: pointer.into(), message: message.into() }
}

/// The problem for what the standard calls a bad request.
fn wrong(mistakes: &[InputError]) -> Problem {
    let detail = mistakes.first().map(InputError::to_string);
    Problem::new(StatusCode::BAD_REQUEST, "invalid-evaluation", "Invalid evaluation")
        .detail(detail.unwrap_or_default())
        .with("errors", mistakes)
}

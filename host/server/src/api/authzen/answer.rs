//! A decision in the form of AuthZEN: yes or no, with everything else in `context`.

use std::collections::BTreeMap;

use lockgate_domain::{Decision, DecisionReason, DecisionRequirement, Obligation, ReasonSource, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// The answer to one evaluation request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvaluationAnswer<'a> {
    /// Whether the deployment may proceed: `true` only for the verdict `allow`.
    pub(super) decision: bool,
    /// The reasons, and what would change the answer.
    context: EvaluationContext<'a>,
}

/// The answers in the order of the evaluations, up to the one at which `evaluations_semantic` stops.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvaluationsAnswer<'a> {
    /// The answers, one for each evaluation that was made.
    pub(super) evaluations: Vec<EvaluationAnswer<'a>>,
}

/// The explanation of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum EvaluationContext<'a> {
    /// A decision, which is in the ledger.
    Decided(Box<EvaluationDecision<'a>>),
    /// An evaluation that could not be decided. The ledger has no entry for it.
    Failed {
        /// The reason why nothing was decided.
        error: EvaluationFailure,
    },
}

/// A decision, with its reasons and requirements.
#[derive(Debug, Serialize, ToSchema)]
struct EvaluationDecision<'a> {
    /// The id of the decision in the ledger.
    id: &'a str,
    /// The verdict: `allow`, `deny`, `pending` or `error`. `decision` tells only `allow` from the others.
    #[schema(value_type = String, examples("pending"))]
    verdict: Verdict,
    /// The reasons for administrators, with codes and sources, by language.
    reason_admin: BTreeMap<&'static str, String>,
    /// The reasons for the people who deploy, by language.
    reason_user: BTreeMap<&'static str, String>,
    /// All reasons for the verdict, with their codes and sources.
    #[schema(value_type = Vec<Object>)]
    reasons: &'a [DecisionReason],
    /// The requirements that would change the verdict if they were met.
    #[schema(value_type = Vec<Object>)]
    requirements: &'a [DecisionRequirement],
    /// The conditions of the answer, by binding.
    #[schema(value_type = Object)]
    obligations: &'a BTreeMap<String, Vec<Obligation>>,
    /// The paths under which the decision and its proof can be read.
    receipt: EvaluationReceipt,
}

/// Where to read a decision, and its proof.
#[derive(Debug, Serialize, ToSchema)]
struct EvaluationReceipt {
    /// The path of the whole decision.
    decision: String,
    /// The path of the proof that it is in the audit log.
    proof: String,
}

/// Why one of several evaluations failed.
#[derive(Debug, Serialize, ToSchema)]
struct EvaluationFailure {
    /// The HTTP status of the same evaluation sent alone.
    status: u16,
    /// The type of the problem, as a URI.
    #[serde(rename = "type")]
    kind: String,
    /// What is wrong, and how to mend it.
    message: String,
}

impl<'a> EvaluationAnswer<'a> {
    /// The answer for a decision.
    pub(super) fn of(decision: &'a Decision) -> Self {
        let Decision { id, verdict, reasons, requirements, obligations, .. } = decision;
        let decided = EvaluationDecision {
            id,
            verdict: *verdict,
            reason_admin: [("en", for_administrators(decision))].into(),
            reason_user: [("en", for_users(decision))].into(),
            reasons,
            requirements,
            obligations,
            receipt: EvaluationReceipt {
                decision: format!("/api/v1/decisions/{id}"),
                proof: format!("/api/v1/decisions/{id}/proof"),
            },
        };
        Self { decision: *verdict == Verdict::Allow, context: EvaluationContext::Decided(Box::new(decided)) }
    }

    /// The answer if no decision was made.
    pub(super) fn failed(problem: &Problem) -> Self {
        let document = problem.document(None);
        let message = document.detail.unwrap_or(document.title);
        let error = EvaluationFailure { status: document.status, kind: document.kind, message };
        Self { decision: false, context: EvaluationContext::Failed { error } }
    }
}

/// The reasons that block, in words, each once.
fn for_users(decision: &Decision) -> String {
    let reasons = decision.reasons.iter().filter(|reason| reason.blocking).map(|reason| reason.message.as_str());
    let needs = decision.requirements.iter().filter(|need| need.blocking);
    let mut told: Vec<&str> = Vec::new();
    for message in reasons.chain(needs.map(|need| need.requirement.message.as_str())) {
        if !told.contains(&message) {
            told.push(message);
        }
    }
    let begin = match decision.verdict {
        Verdict::Allow => return format!("Gate `{}` allows the deployment.", decision.gate),
        Verdict::Deny => "Gate `{}` denies the deployment",
        Verdict::Pending => "Gate `{}` does not allow the deployment yet",
        Verdict::Error => "Gate `{}` could not be evaluated",
    };
    let begin = begin.replace("{}", &decision.gate.to_string());
    if told.is_empty() { format!("{begin}.") } else { format!("{begin}: {}.", told.join("; ")) }
}

/// The same, with codes, sources, and the model.
fn for_administrators(decision: &Decision) -> String {
    let reasons = decision.reasons.iter().filter(|reason| reason.blocking);
    let reasons = reasons.map(|reason| format!("{}: {}: {}", from(&reason.source), reason.code, reason.message));
    let needs = decision.requirements.iter().filter(|need| need.blocking);
    let needs = needs.map(|need| {
        format!("{} requires: {}: {}", from(&need.source), need.requirement.code, need.requirement.message)
    });
    let told: Vec<String> = reasons.chain(needs).collect();
    let model = format!("by model `{}` {}", decision.model.id, decision.model.version);
    let begin = format!("{} at {} {model}", decision.verdict, decision.gate);
    if told.is_empty() { begin } else { format!("{begin}; {}", told.join("; ")) }
}

fn from(source: &ReasonSource) -> String {
    match source {
        ReasonSource::Host => "host".to_owned(),
        ReasonSource::Binding(id) => format!("binding `{id}`"),
        ReasonSource::Group(id) => format!("group `{id}`"),
    }
}

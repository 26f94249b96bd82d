//! A decision in the form of the standard: yes or no, and in the context everything else.

use std::collections::BTreeMap;

use lockgate_domain::{Decision, DecisionReason, DecisionRequirement, Obligation, ReasonSource, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// The answer to one evaluation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvaluationAnswer<'a> {
    /// Whether the deployment may go on. Everything but the verdict `allow` is `false`.
    pub(super) decision: bool,
    /// Why, and what would turn it.
    context: Context<'a>,
}

/// The answers to several evaluations, in their order. Those after the one at which it was to stop are not there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvaluationsAnswer<'a> {
    /// The answers.
    pub(super) evaluations: Vec<EvaluationAnswer<'a>>,
}

/// What is to be known beside yes or no.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Context<'a> {
    /// Of a decision: it is in the ledger.
    Decided(Box<Decided<'a>>),
    /// Of what could not be decided: nothing is in the ledger.
    Failed {
        /// Why nothing was decided.
        error: Failure,
    },
}

/// A decision, explained.
#[derive(Debug, Serialize, ToSchema)]
struct Decided<'a> {
    /// The id of the decision.
    id: &'a str,
    /// The verdict, of which `decision` is only the half: `allow`, `deny`, `pending` or `error`.
    #[schema(value_type = String, examples("pending"))]
    verdict: Verdict,
    /// Why, for whoever runs deployments: codes and where they come from. By language.
    reason_admin: BTreeMap<&'static str, String>,
    /// Why, for whoever wants to deploy. By language.
    reason_user: BTreeMap<&'static str, String>,
    /// All reasons.
    #[schema(value_type = Vec<Object>)]
    reasons: &'a [DecisionReason],
    /// What is missing, and would turn the answer.
    #[schema(value_type = Vec<Object>)]
    requirements: &'a [DecisionRequirement],
    /// On what conditions, by binding.
    #[schema(value_type = Object)]
    obligations: &'a BTreeMap<String, Vec<Obligation>>,
    /// Where it stands in the ledger.
    receipt: Receipt,
}

/// Where a decision can be looked up, and proved to somebody who trusts nobody.
#[derive(Debug, Serialize, ToSchema)]
struct Receipt {
    /// The whole decision.
    decision: String,
    /// The proof that it is in the audit log.
    proof: String,
}

/// Why one of several evaluations could not be made.
#[derive(Debug, Serialize, ToSchema)]
struct Failure {
    /// The status of HTTP that it would have had alone.
    status: u16,
    /// The type of the problem.
    #[serde(rename = "type")]
    kind: String,
    /// What is the matter, and what can be done about it.
    message: String,
}

impl<'a> EvaluationAnswer<'a> {
    /// The answer that a decision gives.
    pub(super) fn of(decision: &'a Decision) -> Self {
        let Decision { id, verdict, reasons, requirements, obligations, .. } = decision;
        let decided = Decided {
            id,
            verdict: *verdict,
            reason_admin: [("en", for_administrators(decision))].into(),
            reason_user: [("en", for_users(decision))].into(),
            reasons,
            requirements,
            obligations,
            receipt: Receipt {
                decision: format!("/api/v1/decisions/{id}"),
                proof: format!("/api/v1/decisions/{id}/proof"),
            },
        };
        Self { decision: *verdict == Verdict::Allow, context: Context::Decided(Box::new(decided)) }
    }

    /// The answer where nothing was decided.
    pub(super) fn failed(problem: &Problem) -> Self {
        let document = problem.document(None);
        let message = document.detail.unwrap_or(document.title);
        let error = Failure { status: document.status, kind: document.kind, message };
        Self { decision: false, context: Context::Failed { error } }
    }
}

/// What stands in the way, in words, each thing once.
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
        Verdict::Allow => return format!("The gate `{}` allows it.", decision.gate),
        Verdict::Deny => "The gate `{}` does not allow it",
        Verdict::Pending => "The gate `{}` does not allow it yet",
        Verdict::Error => "Nobody can tell whether the gate `{}` allows it",
    };
    let begin = begin.replace("{}", &decision.gate.to_string());
    if told.is_empty() { format!("{begin}.") } else { format!("{begin}: {}.", told.join("; ")) }
}

/// The same with codes, where they come from, and the model.
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

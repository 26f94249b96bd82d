#![doc = include_str!("../README.md")]

mod settings;
mod standing;

use lockgate_plugin::types::{Change, ChangeCategory, Document, Scenario};
use lockgate_plugin::{Answer, ApprovalPolicy, ApprovalsNeeded, Capability, Evaluation, Obligation, Plugin, PluginError, Reason, Requirement, SettingsFinding, info};
use serde_json::json;

use settings::Settings;
use standing::Standing;

/// Asks for as many approvals as the risk of the change needs.
struct RiskApprovals(Settings);

impl Plugin for RiskApprovals {
    type Settings = Settings;

    const TITLE: &'static str = "Approvals by risk";

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        let findings = settings.contradictions();
        if findings.is_empty() { Ok(Self(settings)) } else { Err(findings) }
    }

    fn capabilities() -> Vec<Capability> {
        vec![Capability::log("to say how many approvals count")]
    }
}

impl ApprovalPolicy for RiskApprovals {
    fn decide(&self, evaluation: &Evaluation) -> Result<Answer, PluginError> {
        let Self(settings) = self;
        if evaluation.scenario() == Scenario::Removal {
            let why = "what is removed is no new risk: another policy has to judge it";
            return Ok(Answer::abstain().reasons([Reason::new("removal-not-judged", why).at("/scenario")]));
        }

        let change = evaluation.change();
        let standing = Standing::of(settings, evaluation);
        if !standing.rejections.is_empty() {
            return Ok(Answer::deny_all(standing.rejections).reasons(standing.void));
        }

        let (needed, counted) = (settings.needed(&change), standing.people.len());
        info!("{counted} of {needed} approvals at {} risk", change.risk.word());
        if counted < needed {
            return Ok(Answer::require(missing(settings, &standing, needed - counted)).reasons(standing.void));
        }

        let answer = Answer::allow().reasons([enough(&standing.people, needed, &change)]).reasons(standing.void);
        Ok(match change.category {
            ChangeCategory::Emergency => answer.oblige(review(&change, settings.normally(change.risk), needed)),
            ChangeCategory::Standard | ChangeCategory::Normal => answer,
        })
    }
}

fn enough(people: &[String], needed: usize, change: &Change) -> Reason {
    let risk = change.risk.word();
    if needed == 0 {
        return Reason::new("no-approval-needed", format!("a {risk} risk needs no approval")).at("/change/risk");
    }
    let approvers: Vec<String> = people.iter().map(|person| format!("`{person}`")).collect();
    let message = format!("approved by {}; {needed} needed at {risk} risk", approvers.join(", "));
    Reason::new("enough-approvals", message).at("/approvals")
}

fn missing(settings: &Settings, standing: &Standing, missing: usize) -> Requirement {
    let (approvals, are) = match missing {
        1 => ("approval", "is"),
        _ => ("approvals", "are"),
    };
    let role = settings.role.as_ref().map(|role| format!(" in role `{role}`")).unwrap_or_default();
    let mut excluded: Vec<&String> = standing.outsiders.keys().chain(&standing.people).collect();
    excluded.sort();
    excluded.dedup();
    let need = ApprovalsNeeded {
        roles: settings.role.iter().cloned().collect(),
        competence: None,
        missing: u32::try_from(missing).unwrap_or(u32::MAX),
        excluded: excluded.into_iter().cloned().collect(),
        subject: standing.subject.clone(),
    };
    Requirement::new("approvals-missing", format!("{missing} {approvals}{role} {are} missing"), need)
}

fn review(change: &Change, normally: usize, needed: usize) -> Obligation {
    let details = json!({ "change": change.id, "waived": normally.saturating_sub(needed) });
    let message = format!("review the emergency change `{}` after the deployment", change.id);
    Obligation::new("review-afterwards", "review", message)
        .details(Document::new("urn:example:emergency-review:1", details.to_string()))
}

lockgate_plugin::export!(RiskApprovals: approval_policy);

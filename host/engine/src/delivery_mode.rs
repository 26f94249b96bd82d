//! The mode of a model: whether a person decides on each deployment, or the gates decide on what a service starts.

use lockgate_domain::{
    ApprovalAnswer, ApprovalsNeeded, CorrectionNeeded, DeliveryMode, Finding, Gate, Need, PersonKind, Phase,
    Requirement, Severity, Snapshot, Stage,
};

use crate::gate::EngineCode;
use crate::model::Model;

/// The gate at which a person decides.
const SIGN_OFF: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };

/// Adds a breach if the deployment is not made in the mode of the model.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    match model.mode {
        Some(DeliveryMode::ContinuousDelivery) if snapshot.gate == SIGN_OFF => breaches.extend(unattended(snapshot)),
        Some(DeliveryMode::ContinuousDeployment) => breaches.extend(not_by_service(snapshot)),
        _ => {}
    }
}

fn unattended(snapshot: &Snapshot) -> Option<Finding> {
    let is_decided = snapshot.deployment.independent_approvals().any(|approval| {
        approval.answer == ApprovalAnswer::Approved
            && approval.person.kind == PersonKind::Person
            && approval.subject == snapshot.subject
            && approval.expires.is_none_or(|expires| snapshot.now < expires)
    });
    if is_decided {
        return None;
    }
    let code = EngineCode::DeploymentUnattended.as_str();
    let need = Need::Approvals(ApprovalsNeeded {
        roles: Vec::new(),
        competence: None,
        missing: 1,
        excluded: snapshot.deployment.everybody_involved().iter().map(|person| person.normal().to_owned()).collect(),
        subject: snapshot.subject.to_string(),
    });
    let remedy = "a person who is not involved has to approve the deployment";
    Some(Finding {
        pointers: vec!["/approvals".to_owned()],
        remedies: vec![Requirement::new(code, remedy, need)],
        ..Finding::new(
            Severity::High,
            code,
            "in continuous delivery a person decides on each deployment, and nobody has approved this one",
        )
    })
}

fn not_by_service(snapshot: &Snapshot) -> Option<Finding> {
    let requester = &snapshot.deployment.requester;
    if requester.kind == PersonKind::Service {
        return None;
    }
    let kind = requester.kind.as_str();
    let need = CorrectionNeeded {
        pointer: "/requester/kind".to_owned(),
        expected: "a service".to_owned(),
        accepted: vec![PersonKind::Service.as_str().into()],
        found: Some(format!("`{kind}`")),
    };
    Some(Finding::breach(
        EngineCode::DeploymentNotByService.as_str(),
        format!(
            "in continuous deployment a service starts each deployment, and `{}` is of kind `{kind}`",
            requester.id
        ),
        "start the deployment with the credential of a service",
        need,
    ))
}

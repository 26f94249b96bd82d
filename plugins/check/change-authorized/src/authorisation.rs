//! Whether those who authorise changes have approved this one, and whether it is one that may be deployed.

use lockgate_plugin::roles::CHANGE_AUTHORITY;
use lockgate_plugin::types::{Change, ChangeApproval, Severity};
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, Requirement, listed};

use crate::settings::Settings;
use crate::{correct_change, place};

/// Looks at the approval, the category and the risk of the change.
pub(crate) fn check(settings: &Settings, change: &Change, evaluation: &Evaluation, findings: &mut Findings) {
    approval(change, findings);
    if settings.independent_approver && change.approval == ChangeApproval::Approved {
        approver(change, evaluation, findings);
    }
    category(settings, change, findings);
}

fn approval(change: &Change, findings: &mut Findings) {
    let id = change.id.as_str();
    let (code, message) = match change.approval {
        ChangeApproval::Approved => return,
        ChangeApproval::Requested => {
            return findings.awaited("change-not-approved", |code| {
                let message = format!("change `{id}` was requested, and nobody has approved it yet");
                let need = CorrectionNeeded::new(place().key("approval"), "approved")
                    .accept("\"approved\"")
                    .found("requested");
                let remedy = format!("approve change `{id}`");
                let remedy = Requirement::new("approve-change", remedy, need).owner(CHANGE_AUTHORITY);
                Finding::new(code, message).about(id).at(place().key("approval")).remedy(remedy)
            });
        }
        ChangeApproval::Rejected => ("change-rejected", format!("change `{id}` was rejected")),
        ChangeApproval::Withdrawn => {
            ("change-withdrawn", format!("change `{id}` was withdrawn before it was carried out"))
        }
        ChangeApproval::Closed => {
            ("change-closed", format!("change `{id}` is closed, so nothing can be deployed under it"))
        }
    };
    findings.wrong(code, |code| {
        let need = CorrectionNeeded::new(place().key("approval"), "the approval of this or of another change");
        let finding = Finding::new(code, message).about(id).severity(Severity::Critical);
        correct_change(finding, need.found(change.approval.word()))
    });
}

/// The change names who approved it, and this person neither asked for it nor works on it.
fn approver(change: &Change, evaluation: &Evaluation, findings: &mut Findings) {
    let id = change.id.as_str();
    let expected = "the id of a person who is not involved";
    let Some(approver) = &change.approved_by else {
        return findings.unknown("change-approver-unknown", |code| {
            let message = format!("change `{id}` is approved, and it does not name the person who approved it");
            let need = CorrectionNeeded::new(place().key("approved_by"), expected).found("nothing");
            correct_change(Finding::new(code, message).about(id), need)
        });
    };
    let why = if *approver == evaluation.requester().id {
        "asked for the deployment"
    } else if change.requested_by.as_ref() == Some(approver) {
        "asked for the change"
    } else if change.assignee.as_ref() == Some(approver) {
        "works on the change"
    } else if evaluation.contributors().iter().any(|contributor| contributor.id == *approver) {
        "contributed to the change"
    } else {
        return;
    };
    findings.wrong("change-approver-involved", |code| {
        let message = format!("`{approver}` approved change `{id}`, and {why}");
        let need = CorrectionNeeded::new(place().key("approved_by"), expected).found(approver);
        correct_change(Finding::new(code, message).about(approver), need)
    });
}

/// The settings let a change of that category and that risk through.
fn category(settings: &Settings, change: &Change, findings: &mut Findings) {
    let (id, category) = (change.id.as_str(), change.category);
    if !settings.categories.contains(&category) {
        findings.wrong("change-category-not-allowed", |code| {
            let allowed = listed(settings.categories.iter().map(|category| category.word()), "or");
            let message =
                format!("change `{id}` is of the category `{}`, and only {allowed} is allowed", category.word());
            let need = CorrectionNeeded::new(place().key("category"), allowed).found(category.word());
            correct_change(Finding::new(code, message).about(id), need)
        });
    }
    let Some(greatest) = settings.greatest_risk.of(category).filter(|greatest| change.risk > *greatest) else { return };
    findings.wrong("change-risk-too-great", |code| {
        let (risk, category, greatest) = (change.risk.word(), category.word(), greatest.word());
        let message =
            format!("the risk of change `{id}` is {risk}, and the greatest risk of a {category} change is {greatest}");
        let need = CorrectionNeeded::new(place().key("risk"), format!("a risk of at most {greatest}")).found(risk);
        correct_change(Finding::new(code, message).about(id), need)
    });
}

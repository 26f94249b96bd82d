//! Which of the answers that people gave still count.

use std::collections::BTreeMap;

use lockgate_plugin::types::{Approval, ApprovalAnswer};
use lockgate_plugin::{ApprovalsNeeded, Evaluation, Pointer, Reason, Requirement, Finding};

use crate::settings::Settings;

const DAY: i64 = 86_400_000;

/// How things stand in a snapshot.
pub(crate) struct Standing {
    pub(crate) subject: String,
    /// Who cannot count, whatever they answer, and why.
    pub(crate) outsiders: BTreeMap<String, &'static str>,
    /// Whose approvals count, in the order in which they stand in the snapshot.
    pub(crate) people: Vec<String>,
    /// The rejections that stand.
    pub(crate) rejections: Vec<Finding>,
    /// Why the other approvals do not count.
    pub(crate) void: Vec<Reason>,
}

impl Standing {
    pub(crate) fn of(settings: &Settings, evaluation: &Evaluation) -> Self {
        let (subject, now, answers) = (evaluation.subject(), evaluation.now().as_millis(), evaluation.approvals());
        let contributors = evaluation.contributors().into_iter().map(|person| (person.id, "contributed to the change"));
        let mut outsiders: BTreeMap<String, &'static str> = contributors.collect();
        outsiders.insert(evaluation.requester().id, "asked for the deployment");

        let is_live = |answer: &&Approval| answer.subject == subject && !is_over(answer, now);
        let (mut people, mut rejections, mut void) = (Vec::new(), Vec::new(), Vec::new());
        for (index, answer) in answers.iter().enumerate() {
            let (person, place) = (&answer.person.id, Pointer::root().key("approvals").index(index));
            if answer.answer == ApprovalAnswer::Rejected {
                let is_taken_back = || answers.iter().filter(is_live).any(|later| takes_back(later, answer));
                if is_live(&answer) && !is_taken_back() {
                    rejections.push(finding(answer, &subject).at(place));
                }
            } else if let Some((code, why)) = flaw(settings, answer, &subject, now, &outsiders) {
                let message = format!("the approval of `{person}` does not count: {why}");
                void.push(Reason::new(code, message).at(place));
            } else if !people.contains(person) {
                people.push(person.clone());
            }
        }
        Self { subject, outsiders, people, rejections, void }
    }
}

fn is_over(answer: &Approval, now: i64) -> bool {
    answer.expires.is_some_and(|expires| expires <= now)
}

/// Whoever rejected can come round.
fn takes_back(later: &Approval, rejection: &Approval) -> bool {
    later.answer == ApprovalAnswer::Approved && later.person.id == rejection.person.id && later.at > rejection.at
}

/// Why an approval does not count: code and words.
fn flaw(
    settings: &Settings,
    approval: &Approval,
    subject: &str,
    now: i64,
    outsiders: &BTreeMap<String, &'static str>,
) -> Option<(&'static str, String)> {
    if approval.subject != subject {
        return Some(("approval-of-something-else", "it names something else than what is deployed now".to_owned()));
    }
    if is_over(approval, now) {
        return Some(("approval-expired", "it has expired".to_owned()));
    }
    if let Some(days) = settings.max_age_days
        && now.saturating_sub(approval.at) > i64::from(days) * DAY
    {
        return Some(("approval-too-old", format!("it is older than {days} {}", if days == 1 { "day" } else { "days" })));
    }
    if let Some(role) = settings.role.as_ref().filter(|role| approval.role != **role) {
        let given = &approval.role;
        return Some(("approval-in-another-role", format!("it was given as `{given}`, not as `{role}`")));
    }
    let person = &approval.person.id;
    outsiders.get(person).map(|why| ("approval-by-outsider", format!("`{person}` {why}")))
}

fn finding(rejection: &Approval, subject: &str) -> Finding {
    let Approval { person, role, comment, .. } = rejection;
    let said = comment.as_ref().map(|comment| format!(": “{comment}”")).unwrap_or_default();
    let remedy = Requirement::new(
        "approval-after-rejection",
        format!("`{}` has to approve, or what is deployed has to change", person.id),
        ApprovalsNeeded::new(role, 1, subject),
    );
    Finding::new("rejected", format!("`{}` rejected the deployment as `{role}`{said}", person.id))
        .about(&person.id)
        .remedy(remedy)
}

//! Which answers count, and why the others do not. Ids in a snapshot are in their normal form, so that two are one person's
//! if they are equal.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{Approval, ApprovalAnswer};
use lockgate_plugin::{ApprovalsNeeded, Evaluation, Pointer, Reason, Requirement, Violation};

use crate::Outsider;
use crate::settings::Settings;

/// Somebody whose approval counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) id: String,
    /// The roles in which the person approved.
    pub(crate) roles: Vec<String>,
}

impl Counted {
    pub(crate) fn in_words(&self) -> String {
        format!("`{}` ({})", self.id, self.roles.join(", "))
    }
}

/// Somebody who said no and did not come round.
#[derive(Debug)]
pub(crate) struct Rejection {
    index: usize,
    id: String,
    role: String,
    comment: Option<String>,
}

impl Rejection {
    pub(crate) fn violation(&self, subject: &str) -> Violation {
        let Self { index, id, role, comment } = self;
        let comment = comment.as_deref().map(|comment| format!(": “{comment}”")).unwrap_or_default();
        Violation::new("rejected", format!("`{id}` rejected the deployment as `{role}`{comment}"))
            .about(id)
            .at(place(*index))
            .remedy(Requirement::new(
                "approval-after-rejection",
                format!("`{id}` has to approve after all, or the plan has to be changed and approved anew"),
                ApprovalsNeeded::new(role, 1, subject),
            ))
    }
}

/// How all answers stand.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// One entry for each person, in the order of their first approval that counts.
    pub(crate) counted: Vec<Counted>,
    pub(crate) rejections: Vec<Rejection>,
    /// Why an approval does not count, each with its place.
    pub(crate) void: Vec<Reason>,
}

/// Where the answer lies in the snapshot.
fn place(index: usize) -> Pointer {
    Pointer::root().key("approvals").index(index)
}

/// Sorts the answers.
pub(crate) fn standing(settings: &Settings, evaluation: &Evaluation, outsiders: &[Outsider]) -> Standing {
    let approvals: Vec<(usize, Approval)> = evaluation.approvals().into_iter().enumerate().collect();
    if approvals.is_empty() {
        // The time is not looked at either: that nobody has approved holds at any moment.
        return Standing::default();
    }
    let judge = Judge { settings, now: evaluation.now(), subject: evaluation.subject(), outsiders };
    let (good, void): (Vec<_>, Vec<_>) = approvals
        .into_iter()
        .map(|(index, answer)| (index, judge.void(&answer), answer))
        .partition(|(_, void, _)| void.is_none());

    let mut standing = Standing::default();
    for (index, void, _) in void {
        standing.void.extend(void.map(|(code, message)| Reason::new(code, message).at(place(index))));
    }
    let rejected_at = |id: &str| {
        let rejections = good.iter().filter(|(_, _, a)| a.answer == ApprovalAnswer::Rejected && a.person.id == id);
        rejections.map(|(_, _, rejection)| rejection.at).max()
    };
    for (index, _, answer) in &good {
        let id = &answer.person.id;
        match (answer.answer, rejected_at(id)) {
            (ApprovalAnswer::Approved, Some(rejected)) if answer.at <= rejected => {
                let message =
                    format!("the approval of `{id}` does not count: `{id}` rejected the deployment afterwards");
                standing.void.push(Reason::new("approval-taken-back", message).at(place(*index)));
            }
            (ApprovalAnswer::Approved, _) => standing.count(answer),
            (ApprovalAnswer::Rejected, _) => {
                let came_round = good.iter().any(|(_, _, later)| {
                    later.answer == ApprovalAnswer::Approved && later.person.id == *id && later.at > answer.at
                });
                if !came_round {
                    let (id, role, comment) = (id.clone(), answer.role.clone(), answer.comment.clone());
                    standing.rejections.push(Rejection { index: *index, id, role, comment });
                }
            }
        }
    }
    standing
}

impl Standing {
    fn count(&mut self, approval: &Approval) {
        let (id, role) = (&approval.person.id, &approval.role);
        match self.counted.iter_mut().find(|counted| counted.id == *id) {
            Some(counted) if counted.roles.contains(role) => {}
            Some(counted) => counted.roles.push(role.clone()),
            None => self.counted.push(Counted { id: id.clone(), roles: vec![role.clone()] }),
        }
    }
}

/// What an answer is judged by.
struct Judge<'a> {
    settings: &'a Settings,
    now: Timestamp,
    subject: String,
    outsiders: &'a [Outsider],
}

impl Judge<'_> {
    /// Why the answer does not count: a code, and a sentence. None if it does.
    fn void(&self, answer: &Approval) -> Option<(&'static str, String)> {
        let id = &answer.person.id;
        let (code, why) = self.why_void(answer)?;
        let what = match answer.answer {
            ApprovalAnswer::Approved => "approval",
            ApprovalAnswer::Rejected => "rejection",
        };
        Some((code, format!("the {what} of `{id}` does not count: {why}")))
    }

    fn why_void(&self, answer: &Approval) -> Option<(&'static str, String)> {
        let (id, at) = (&answer.person.id, Timestamp::from(answer.at));
        if answer.subject != self.subject {
            let why = "it was given to something else: release, plan, change, environment or deployment model have changed since";
            return Some(("approval-of-something-else", why.to_owned()));
        }
        if at > self.now {
            return Some(("approval-from-the-future", format!("it is dated {at}, and it is only {}", self.now)));
        }
        if let Some(expires) = answer.expires.map(Timestamp::from)
            && expires <= self.now
        {
            return Some(("approval-expired", format!("it expired at {expires}")));
        }
        if !answer.person.roles.contains(&answer.role) {
            return Some((
                "approval-role-not-held",
                format!("it was given as `{}`, a role that `{id}` does not hold", answer.role),
            ));
        }
        // Whoever may not approve may still say no, and a no does not grow old.
        if answer.answer == ApprovalAnswer::Rejected {
            return None;
        }
        if let Some(outsider) = self.outsiders.iter().find(|outsider| outsider.id == *id) {
            return Some(("approval-by-outsider", format!("`{id}` {}", outsider.why)));
        }
        match self.settings.max_age {
            Some(max_age) if self.now.since(at) > max_age => {
                Some(("approval-too-old", format!("it was given at {at}, more than {max_age} ago")))
            }
            _ => None,
        }
    }
}

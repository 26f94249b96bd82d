//! Which answers count, and why the others do not. Ids in a snapshot are in their normal form, so that two are one person's
//! if they are equal.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{Approval, ApprovalAnswer};
use lockgate_plugin::{ApprovalsNeeded, Evaluation, Finding, Pointer, Reason, Requirement};

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
    pub(crate) fn finding(&self, subject: &str) -> Finding {
        let Self { index, id, role, comment } = self;
        let comment = comment.as_deref().map(|comment| format!(": “{comment}”")).unwrap_or_default();
        Finding::new("rejected", format!("`{id}` rejected the deployment as `{role}`{comment}"))
            .about(id)
            .at(place(*index))
            .remedy(
                Requirement::new(
                    "approval-after-rejection",
                    format!("`{id}` has to approve after all, or the plan has to be changed and approved anew"),
                    ApprovalsNeeded::new(role, 1, subject),
                )
                .owner(id),
            )
    }
}

/// How all answers stand.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// One entry for each person, in the order of their first approval that counts.
    pub(crate) counted: Vec<Counted>,
    pub(crate) rejections: Vec<Rejection>,
    /// What does not count.
    void: Vec<Void>,
}

/// An answer that does not count.
#[derive(Debug)]
struct Void {
    index: usize,
    id: String,
    what: ApprovalAnswer,
    code: &'static str,
    why: String,
}

impl Void {
    /// `counts` says whether another approval of the same person does.
    fn reason(&self, counts: bool) -> Reason {
        let Self { index, id, what, code, why } = self;
        let message = match (what, counts) {
            (ApprovalAnswer::Approved, false) => format!("the approval of `{id}` does not count: {why}"),
            (ApprovalAnswer::Approved, true) => {
                format!("`{id}` approved more than once, and one of these approvals does not count: {why}")
            }
            (ApprovalAnswer::Rejected, _) => format!("the rejection of `{id}` does not count: {why}"),
        };
        Reason::new(*code, message).at(place(*index))
    }
}

/// Where the answer lies in the snapshot.
fn place(index: usize) -> Pointer {
    Pointer::root().key("approvals").index(index)
}

/// Sorts the answers.
pub(crate) fn standing(settings: &Settings, evaluation: &Evaluation, outsiders: &[Outsider]) -> Standing {
    let approvals: Vec<(usize, Approval)> = evaluation.approvals().into_iter().enumerate().collect();
    if approvals.is_empty() {
        return Standing::default();
    }
    let subject = evaluation.subject();
    // The time is looked at only where somebody answered to what is asked now: anything else holds at any moment.
    let now = approvals.iter().any(|(_, answer)| answer.subject == subject).then(|| evaluation.now());
    let judge = Judge { settings, now, subject, outsiders };
    let (good, void): (Vec<_>, Vec<_>) = approvals
        .into_iter()
        .map(|(index, answer)| (index, judge.void(&answer), answer))
        .partition(|(_, void, _)| void.is_none());

    let mut standing = Standing::default();
    for (index, void, answer) in void {
        let (id, what) = (answer.person.id, answer.answer);
        standing.void.extend(void.map(|(code, why)| Void { index, id, what, code, why }));
    }
    let rejected_at = |id: &str| {
        let rejections = good.iter().filter(|(_, _, a)| a.answer == ApprovalAnswer::Rejected && a.person.id == id);
        rejections.map(|(_, _, rejection)| rejection.at).max()
    };
    for (index, _, answer) in &good {
        let id = &answer.person.id;
        match (answer.answer, rejected_at(id)) {
            (ApprovalAnswer::Approved, Some(rejected)) if answer.at <= rejected => {
                let (why, id) = (format!("`{id}` rejected the deployment afterwards"), id.clone());
                let (index, what, code) = (*index, answer.answer, "approval-taken-back");
                standing.void.push(Void { index, id, what, code, why });
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
    /// Why answers do not count, each with its place.
    pub(crate) fn void_reasons(&self) -> impl Iterator<Item = Reason> {
        let counts = |id: &str| self.counted.iter().any(|counted| counted.id == id);
        self.void.iter().map(move |void| void.reason(counts(&void.id)))
    }

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
    /// The time, where some answer names the subject.
    now: Option<Timestamp>,
    subject: String,
    outsiders: &'a [Outsider],
}

impl Judge<'_> {
    /// Why the answer does not count: a code, and a clause. None if it does.
    fn void(&self, answer: &Approval) -> Option<(&'static str, String)> {
        let (id, at) = (&answer.person.id, Timestamp::from(answer.at));
        if answer.subject != self.subject {
            let why = "it was given to something else: release, plan, change, environment, people, evidence or deployment \
                       model have changed since";
            return Some(("approval-of-something-else", why.to_owned()));
        }
        let now = self.now?;
        if at > now {
            return Some((
                "approval-from-the-future",
                format!("it is dated {at}, which is after the time of this decision, {now}"),
            ));
        }
        if let Some(expires) = answer.expires.map(Timestamp::from)
            && expires <= now
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
            Some(max_age) if now.since(at) > max_age => {
                Some(("approval-too-old", format!("it was given at {at}, more than {max_age} ago")))
            }
            _ => None,
        }
    }
}

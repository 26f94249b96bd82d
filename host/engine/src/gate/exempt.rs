//! Exceptions: an answer that was waived or overridden stays as it is, but does not count.
//!
//! A waiver removes the weight of an answer that blocks and may be waived; an override removes that of a soft-mandatory
//! answer. A member of a group has no weight of its own: its exceptions name the group. If an exception for this answer
//! does not count, the reasons say so: nobody should have to guess why it had no effect.

use lockgate_domain::combine::Voice;
use lockgate_domain::{
    ApprovalAnswer, BindingOutcome, DecisionReason, Enforcement, ExceptionCode, Exemption, GroupOutcome, Override,
    PersonId, ReasonSource, Snapshot, Waiver,
};

use super::explain;
use crate::load::LoadedGate;
use crate::model::Exceptions;

/// The reason why an exception of an involved person does not count for the deployment.
const INVOLVED: &str = "asked for this deployment or contributed to it, now or before";

/// One answer that counts at the gate.
struct CountedException<'a> {
    source: ReasonSource,
    id: &'a str,
    voice: Voice,
    exceptions: Exceptions,
    /// The codes of the answers that block.
    codes: Vec<String>,
}

/// Exempts the answers that were waived or overridden. Returns the reasons.
pub(super) fn apply(
    gate: &LoadedGate,
    snapshot: &Snapshot,
    model: &str,
    bindings: &mut [BindingOutcome],
    groups: &mut [GroupOutcome],
) -> Vec<DecisionReason> {
    let deployment = &snapshot.deployment;
    let waivers: Vec<&Waiver> =
        deployment.waivers.iter().filter(|waiver| snapshot.is_within(&waiver.scope, model)).collect();
    let of_gate = |taken: &&Override| taken.gate == snapshot.gate && taken.stop.is_none();
    let overrides: Vec<&Override> = deployment.overrides.iter().filter(of_gate).collect();
    let mut reasons = Vec::new();
    if waivers.is_empty() && overrides.is_empty() {
        return reasons;
    }
    for place in 0..bindings.len() {
        let Some((counted, member_of)) = of_binding(gate, bindings, groups, place) else { continue };
        let exemption = exempt(&counted, member_of.as_deref(), snapshot, &waivers, &overrides, &mut reasons);
        if let Some(binding) = bindings.get_mut(place) {
            binding.exemption = exemption;
        }
    }
    for group in groups.iter_mut() {
        let exceptions = gate.groups.iter().find(|loaded| loaded.model.id == group.id);
        let voice = Voice { standing: group.standing, enforcement: group.enforcement };
        let members = bindings.iter().filter(|binding| binding.group.as_ref() == Some(&group.id));
        let counted = CountedException {
            source: ReasonSource::Group(group.id.clone()),
            id: &group.id,
            voice,
            exceptions: exceptions.map(|loaded| loaded.model.exceptions).unwrap_or_default(),
            codes: members.flat_map(explain::codes_in_the_way).collect(),
        };
        group.exemption = exempt(&counted, None, snapshot, &waivers, &overrides, &mut reasons);
    }
    reasons
}

/// A binding as it counts at the gate, with its group if it has one.
fn of_binding<'a>(
    gate: &LoadedGate,
    bindings: &'a [BindingOutcome],
    groups: &[GroupOutcome],
    place: usize,
) -> Option<(CountedException<'a>, Option<String>)> {
    let binding = bindings.get(place)?;
    let loaded = gate.bindings.iter().find(|loaded| loaded.model.id == binding.id)?;
    let member_of = binding.group.clone().filter(|id| groups.iter().any(|group| &group.id == id));
    let counted = CountedException {
        source: ReasonSource::Binding(binding.id.clone()),
        id: &binding.id,
        voice: Voice { standing: binding.standing, enforcement: binding.enforcement },
        exceptions: loaded.model.exceptions,
        codes: explain::codes_in_the_way(binding),
    };
    Some((counted, member_of))
}

fn exempt(
    counted: &CountedException<'_>,
    member_of: Option<&str>,
    snapshot: &Snapshot,
    waivers: &[&Waiver],
    overrides: &[&Override],
    reasons: &mut Vec<DecisionReason>,
) -> Option<Exemption> {
    let mut say = |code: ExceptionCode, message: String| {
        reasons.push(DecisionReason::new(counted.source.clone(), false, code.code(), message));
    };
    let id = counted.id;
    let mut exemption = None;
    for waiver in waivers.iter().filter(|waiver| waiver.scope.bindings.iter().any(|named| named == id)) {
        let not = |why: String| format!("waiver `{}` does not count for `{id}`: {why}", waiver.id);
        let other = || counted.codes.iter().find(|code| !waiver.scope.codes.contains(code));
        if let Some(group) = member_of {
            say(
                ExceptionCode::WaiverNotApplicable,
                not(format!("it is a member of group `{group}`: waive the group's answer")),
            );
        } else if !counted.voice.blocks() {
            // There is no weight to remove.
        } else if !counted.exceptions.may_be_waived(counted.voice.enforcement) {
            say(ExceptionCode::WaiverNotApplicable, not("the model does not let its answer be waived".to_owned()));
        } else if snapshot.deployment.involves(&waiver.owner) {
            let owner = &waiver.owner;
            say(ExceptionCode::WaiverNotApplicable, not(format!("`{owner}` granted it, and {INVOLVED}")));
        } else if let Err(wrong) = waiver.check() {
            say(ExceptionCode::WaiverNotApplicable, not(wrong.to_string()));
        } else if !waiver.counts_at(snapshot.now) {
            let when = if snapshot.now < waiver.granted { "it is granted from" } else { "it expired at" };
            let at = if snapshot.now < waiver.granted { waiver.granted } else { waiver.expires };
            say(ExceptionCode::WaiverExpired, not(format!("{when} {at}")));
        } else if let Some(code) = other().filter(|_| !waiver.scope.codes.is_empty()) {
            say(ExceptionCode::WaiverNotApplicable, not(format!("`{code}` is none of the codes that it waives")));
        } else if exemption.is_none() {
            let Waiver { id: waiver_id, owner, reason, ticket, expires, .. } = waiver;
            let message = format!("waived by `{owner}` until {expires}: {reason} (waiver `{waiver_id}`, {ticket})");
            say(ExceptionCode::Waived, message);
            exemption = Some(Exemption::Waiver(waiver_id.clone()));
        }
    }
    for taken in overrides.iter().filter(|taken| taken.binding == id) {
        let not = |why: &str| format!("override `{}` does not count for `{id}`: {why}", taken.id);
        if let Some(group) = member_of {
            say(
                ExceptionCode::OverrideNotApplicable,
                not(&format!("it is a member of group `{group}`: override the group")),
            );
        } else if exemption.is_some() || !counted.voice.blocks() {
            // The override is not needed.
        } else if counted.voice.enforcement != Enforcement::SoftMandatory {
            say(ExceptionCode::OverrideNotApplicable, not("only what is soft-mandatory can be overridden"));
        } else if let Some(person) = not_independent(snapshot, taken) {
            say(ExceptionCode::OverrideNotApplicable, not(&format!("`{person}` took or confirmed it, and {INVOLVED}")));
        } else if taken.confirmed_by.as_ref() == Some(&taken.by) {
            say(
                ExceptionCode::OverrideUnconfirmed,
                not("the same person took it and confirmed it: somebody else has to confirm it"),
            );
        } else if taken.reason.trim().is_empty() {
            say(ExceptionCode::OverrideNotApplicable, not("it says no reason"));
        } else if taken.at > snapshot.now {
            let why = format!("it is dated {}, and it is only {}", taken.at, snapshot.now);
            say(ExceptionCode::OverrideNotApplicable, not(&why));
        } else if taken.subject != snapshot.subject {
            say(ExceptionCode::OverrideVoid, not("what it was taken for has changed since"));
        } else if counted.exceptions.needs_two_people() && taken.confirmed_by.is_none() {
            say(
                ExceptionCode::OverrideUnconfirmed,
                not("the model asks for a second person: somebody else has to confirm it"),
            );
        } else {
            let Override { id: override_id, by, reason, confirmed_by, .. } = taken;
            let second = confirmed_by.as_ref().map(|second| format!(" and `{second}`")).unwrap_or_default();
            say(
                ExceptionCode::Overridden,
                format!("overridden by `{by}`{second}: {reason} (override `{override_id}`)"),
            );
            exemption = Some(Exemption::Override(override_id.clone()));
        }
    }
    exemption
}

/// The person, of those who took and confirmed an override, who is involved in the deployment.
fn not_independent<'a>(snapshot: &Snapshot, taken: &'a Override) -> Option<&'a PersonId> {
    let people = [Some(&taken.by), taken.confirmed_by.as_ref()].into_iter().flatten();
    people.into_iter().find(|person| snapshot.deployment.involves(person))
}

/// The reasons why approvals and rejections do not count, as far as the host knows: an involved person gave it
/// (policies do not see it; a server accepts none, but a document can contain one), or what it was given to has changed
/// since (policies see it with its old subject).
pub(super) fn void_approvals(snapshot: &Snapshot) -> impl Iterator<Item = DecisionReason> {
    let deployment = &snapshot.deployment;
    let approved_at = deployment.approved.as_ref().map(|approved| approved.at);
    deployment.approvals.iter().filter_map(move |approval| {
        let (code, why) = if deployment.involves(&approval.person.id) {
            (ExceptionCode::ApprovalNotIndependent, format!("`{}` {INVOLVED}", approval.person.id))
        } else if approval.subject == snapshot.subject || approved_at.is_some_and(|at| approval.at <= at) {
            // The decision of that gate explains the approved plan; afterwards the host compares the deployment with
            // the plan.
            return None;
        } else if approval.changed.is_empty() {
            let why = "it names another subject: the deployment has changed since, or it was given to another one";
            (ExceptionCode::ApprovalVoid, why.to_owned())
        } else {
            let changed: Vec<String> = approval.changed.iter().map(|part| format!("`{part}`")).collect();
            (ExceptionCode::ApprovalVoid, format!("this has changed since it was given: {}", changed.join(", ")))
        };
        let what = match approval.answer {
            ApprovalAnswer::Approved => "approval",
            ApprovalAnswer::Rejected => "rejection",
        };
        let (id, person, role) = (&approval.id, &approval.person.id, &approval.role);
        let message = format!("the {what} `{id}` of `{person}` as `{role}` does not count: {why}");
        let about = Some(person.written().to_owned());
        Some(DecisionReason { about, ..DecisionReason::new(ReasonSource::Host, false, code.code(), message) })
    })
}

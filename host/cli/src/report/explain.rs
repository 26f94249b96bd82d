//! From a decision to what a person is told: one diagnostic for each reason, with its place and what would turn it.

use std::collections::BTreeSet;

use lockgate_domain::{
    BindingAnswer, Decision, DecisionReason, DecisionRequirement, ExceptionCode, Need, ReasonSource, Requirement,
    Ruling, Standing, rules::Rule,
};

use super::documents::Documents;
use crate::diagnostic::{Diagnostic, Tone};

/// Everything that stands in the way, that an advisory binding says against it, or why an approval or exception does not count.
/// What would turn several reasons is said with the first of them.
pub(super) fn diagnostics(decision: &Decision, documents: Documents<'_>) -> Vec<Diagnostic> {
    let objections = decision.reasons.iter().filter(|reason| reason.blocking || objects(decision, reason));
    // A member of a group is heard with its group.
    let alone = objections.filter(|reason| group_of(decision, &reason.source).is_none());
    let mut alone: Vec<&DecisionReason> = alone.collect();
    // Whoever speaks alone is heard before whoever speaks for others; stable, so the rest stays in its order.
    alone.sort_by_key(|reason| (!reason.blocking, matches!(reason.source, ReasonSource::Group(_))));
    let alone = alone.into_iter();
    let mut diagnostics: Vec<Diagnostic> = alone.map(|reason| diagnostic(decision, reason, documents)).collect();
    let mut said = BTreeSet::new();
    for diagnostic in &mut diagnostics {
        diagnostic.helps.retain(|help| said.insert(help.clone()));
    }
    diagnostics.into_iter().map(Diagnostic::in_lines).collect()
}

/// Whether a reason says that somebody's exception or approval does not count: nobody should have to guess why it did
/// nothing.
fn does_not_count(reason: &DecisionReason) -> bool {
    !reason.blocking && ExceptionCode::of(&reason.code).is_some_and(|code| !code.counts())
}

/// The exception that takes the weight from what a binding or group says.
pub(super) fn exception<'a>(decision: &'a Decision, source: &ReasonSource) -> Option<(ExceptionCode, &'a str)> {
    decision.reasons.iter().filter(|reason| reason.source == *source).find_map(|reason| {
        let code = ExceptionCode::of(&reason.code).filter(|code| code.counts())?;
        Some((code, reason.message.as_str()))
    })
}

/// The group that a binding counts in.
fn group_of<'a>(decision: &'a Decision, source: &ReasonSource) -> Option<&'a str> {
    let ReasonSource::Binding(id) = source else { return None };
    decision.bindings.iter().find(|binding| &binding.id == id).and_then(|binding| binding.group.as_deref())
}

/// The name of who says something.
pub(super) fn source_name(source: &ReasonSource) -> &str {
    match source {
        ReasonSource::Host => "lockgate",
        ReasonSource::Binding(id) | ReasonSource::Group(id) => id,
    }
}

/// What `source` says.
pub(super) fn standing(decision: &Decision, source: &ReasonSource) -> Standing {
    let found = match source {
        ReasonSource::Host => None,
        ReasonSource::Binding(id) => {
            decision.bindings.iter().find(|binding| &binding.id == id).map(|binding| binding.standing)
        }
        ReasonSource::Group(id) => decision.groups.iter().find(|group| &group.id == id).map(|group| group.standing),
    };
    found.unwrap_or(Standing::Deny)
}

/// Whether a reason that does not stand in the way is told all the same: an objection of an advisory binding, or why an approval
/// or exception does not count.
fn objects(decision: &Decision, reason: &DecisionReason) -> bool {
    if does_not_count(reason) {
        return true;
    }
    let ReasonSource::Binding(id) = &reason.source else { return false };
    let Some(binding) = decision.bindings.iter().find(|binding| &binding.id == id) else { return false };
    match &binding.answer {
        // All that it says: also why an approval that somebody gave does not count.
        BindingAnswer::Policy(answer) => matches!(answer.ruling, Ruling::Deny(_) | Ruling::Require(_)),
        BindingAnswer::Check(report) => {
            matches!(binding.standing, Standing::Deny | Standing::Error)
                && report.findings.iter().any(|finding| finding.violation.code == reason.code)
        }
        BindingAnswer::Failed(_) => true,
        BindingAnswer::Plan(_) | BindingAnswer::Advance(_) | BindingAnswer::NotAsked { .. } => false,
    }
}

fn diagnostic(decision: &Decision, reason: &DecisionReason, documents: Documents<'_>) -> Diagnostic {
    let tone = match standing(decision, &reason.source) {
        _ if !reason.blocking => Tone::Warning,
        Standing::Pending => Tone::Pending,
        _ => Tone::Error,
    };
    let code = format!("{}/{}", source_name(&reason.source), reason.code);
    let mut diagnostic = Diagnostic::new(tone, with_short_digests(&reason.message)).code(code);
    let remedies: Vec<&Requirement> = remedies(decision, reason);
    let pointer = reason.pointer.as_deref().or_else(|| remedies.iter().find_map(|remedy| pointer_of(remedy)));
    if let Some(pointer) = pointer {
        diagnostic = match documents.find(pointer) {
            Some(found) => {
                let label = found.beyond.map(|beyond| format!("there is no `{beyond}` here")).unwrap_or_default();
                diagnostic.at(&found.source, found.span, label)
            }
            None => diagnostic.note(format!("this is about `{pointer}` of the snapshot")),
        };
    }
    for remedy in remedies {
        if remedy.message != reason.message {
            diagnostic = diagnostic.help(remedy.message.as_str());
        }
        diagnostic.helps.extend(how(remedy));
    }
    if reason.source == ReasonSource::Host && reason.code == Rule::ApprovedPlanMissing.code() {
        diagnostic = diagnostic.help("hand in the decision that allowed it, with `--approved <decision.json>`");
    }
    if let ReasonSource::Group(id) = &reason.source {
        diagnostic = of_members(decision, id, diagnostic, documents);
    }
    diagnostic
}

/// What the members of a group say against it, as notes; and what would turn them.
fn of_members(decision: &Decision, group: &str, diagnostic: Diagnostic, documents: Documents<'_>) -> Diagnostic {
    let members = decision.reasons.iter().filter(|reason| {
        (reason.blocking || objects(decision, reason)) && group_of(decision, &reason.source) == Some(group)
    });
    members.fold(diagnostic, |mut diagnostic, reason| {
        let member = self::diagnostic(decision, reason, documents);
        diagnostic = diagnostic.note(format!("{}: {}", source_name(&reason.source), reason.message));
        diagnostic.place = diagnostic.place.or(member.place);
        diagnostic.helps.extend(member.helps);
        diagnostic
    })
}

/// What would turn this reason: the requirements of the same source that belong to it.
fn remedies<'a>(decision: &'a Decision, reason: &DecisionReason) -> Vec<&'a Requirement> {
    let all = || {
        let same = |required: &&DecisionRequirement| required.source == reason.source;
        decision.requirements.iter().filter(same).map(|required| &required.requirement)
    };
    let binding = match &reason.source {
        ReasonSource::Binding(id) => decision.bindings.iter().find(|binding| &binding.id == id),
        ReasonSource::Host | ReasonSource::Group(_) => None,
    };
    let violations: Vec<_> = match binding.map(|binding| &binding.answer) {
        Some(BindingAnswer::Policy(answer)) => match &answer.ruling {
            Ruling::Deny(violations) => violations.iter().collect(),
            // What is required is its own reason.
            Ruling::Require(requirements) => {
                let same = |required: &&Requirement| required.code == reason.code && required.message == reason.message;
                return requirements.iter().filter(same).collect();
            }
            Ruling::Allow | Ruling::Abstain => Vec::new(),
        },
        Some(BindingAnswer::Check(report)) => report.findings.iter().map(|finding| &finding.violation).collect(),
        _ => Vec::new(),
    };
    let belongs = violations.into_iter().find(|violation| {
        violation.code == reason.code && violation.pointer == reason.pointer && violation.message == reason.message
    });
    match belongs {
        Some(violation) => violation.remedies.iter().collect(),
        None => all().filter(|required| required.code == reason.code && is_about(required, reason)).collect(),
    }
}

/// The host breaks a rule down by place: each breach has its own correction.
fn is_about(requirement: &Requirement, reason: &DecisionReason) -> bool {
    match &requirement.need {
        Need::Correction(correction) => Some(&correction.pointer) == reason.pointer.as_ref(),
        _ => true,
    }
}

fn pointer_of(requirement: &Requirement) -> Option<&str> {
    match &requirement.need {
        Need::Correction(correction) => Some(&correction.pointer),
        Need::Approvals(_) => Some("/approvals"),
        Need::Time(_) | Need::Evidence(_) | Need::Other(_) => None,
    }
}

/// What somebody can do, from the part of a requirement that is made for tools.
fn how(requirement: &Requirement) -> Vec<String> {
    let said = |text: &str| requirement.message.contains(text);
    match &requirement.need {
        Need::Approvals(needed) => {
            let mut lines = vec![format!("approve the subject `{}`", needed.subject)];
            if !needed.excluded.iter().all(|id| said(id)) {
                lines.push(format!("these people cannot count: `{}`", needed.excluded.join("`, `")));
            }
            lines
        }
        Need::Evidence(needed) => vec![match &needed.media_type {
            Some(media_type) => format!("hand it in with `--evidence {}=<file>` ({media_type})", needed.name),
            None => format!("hand it in with `--evidence {}=<file>`", needed.name),
        }],
        Need::Time(needed) if needed.not_before.is_some_and(|from| said(&from.to_string())) => Vec::new(),
        Need::Time(needed) => match (needed.not_before, needed.not_after) {
            (Some(from), Some(until)) => vec![format!("ask again from {from} on, and before {until}")],
            (Some(from), None) => vec![format!("ask again from {from} on")],
            (None, Some(until)) => vec![format!("only before {until}")],
            (None, None) => Vec::new(),
        },
        Need::Correction(correction) if said(&correction.expected) => Vec::new(),
        // What is found stands in the file, at the place that is shown.
        Need::Correction(correction) => vec![format!("expected {}", correction.expected)],
        Need::Other(document) => vec![format!("`{}` says how", document.schema)],
    }
}

/// The text with digests as long as people compare them; what they would have to copy is said as a whole in the helps.
fn with_short_digests(text: &str) -> String {
    const SHOWN: usize = 12;
    let mut parts = text.split("sha256:");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        short.push_str("sha256:");
        if let (64, Some(shown), Some(rest)) = (digits, part.get(..SHOWN), part.get(digits..)) {
            short.push_str(shown);
            short.push('…');
            short.push_str(rest);
        } else {
            short.push_str(part);
        }
    }
    short
}

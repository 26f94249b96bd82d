//! Explains a decision: one diagnostic for each reason, with its place and what would change the result.

use std::collections::BTreeSet;

use lockgate_domain::{
    BindingAnswer, CheckOutcome, Decision, DecisionReason, DecisionRequirement, ExceptionCode, Need, PolicyVerdict,
    ReasonSource, Requirement, Standing, rules::Rule,
};

use super::documents::InputDocuments;
use crate::diagnostic::{Diagnostic, DiagnosticLevel};

/// A diagnostic for each blocking reason, each objection of an advisory binding, and each approval or exception that does not count.
/// A help that fits several of them is only in the first.
pub(super) fn diagnostics(decision: &Decision, documents: InputDocuments<'_>) -> Vec<Diagnostic> {
    let objections = decision.reasons.iter().filter(|reason| reason.blocking || objects(decision, reason));
    // A member of a group is explained with its group.
    let alone = objections.filter(|reason| group_of(decision, &reason.source).is_none());
    let mut alone: Vec<&DecisionReason> = alone.collect();
    // Bindings come before groups. The sort is stable, so the rest stays in order.
    alone.sort_by_key(|reason| (!reason.blocking, matches!(reason.source, ReasonSource::Group(_))));
    let alone = alone.into_iter();
    let mut diagnostics: Vec<Diagnostic> = alone.map(|reason| diagnostic(decision, reason, documents)).collect();
    let mut shown = BTreeSet::new();
    for diagnostic in &mut diagnostics {
        diagnostic.helps.retain(|help| shown.insert(help.clone()));
    }
    diagnostics.into_iter().map(Diagnostic::in_lines).collect()
}

/// Whether a reason says that an exception or approval does not count.
fn does_not_count(reason: &DecisionReason) -> bool {
    !reason.blocking && ExceptionCode::of(&reason.code).is_some_and(|code| !code.counts())
}

/// The exception that applies to the result of a binding or group.
pub(super) fn exception<'a>(decision: &'a Decision, source: &ReasonSource) -> Option<(ExceptionCode, &'a str)> {
    decision.reasons.iter().filter(|reason| reason.source == *source).find_map(|reason| {
        let code = ExceptionCode::of(&reason.code).filter(|code| code.counts())?;
        Some((code, reason.message.as_str()))
    })
}

/// The group that a binding belongs to.
fn group_of<'a>(decision: &'a Decision, source: &ReasonSource) -> Option<&'a str> {
    let ReasonSource::Binding(id) = source else { return None };
    decision.bindings.iter().find(|binding| &binding.id == id).and_then(|binding| binding.group.as_deref())
}

/// The name of the source of a reason.
pub(super) fn source_name(source: &ReasonSource) -> &str {
    match source {
        ReasonSource::Host => "lockgate",
        ReasonSource::Binding(id) | ReasonSource::Group(id) => id,
    }
}

/// The standing of a source.
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

/// Whether a reason is shown although it does not block: an objection of an advisory binding, or an approval or exception that does
/// not count.
fn objects(decision: &Decision, reason: &DecisionReason) -> bool {
    if does_not_count(reason) {
        return true;
    }
    let ReasonSource::Binding(id) = &reason.source else { return false };
    let Some(binding) = decision.bindings.iter().find(|binding| &binding.id == id) else { return false };
    match &binding.answer {
        // All its reasons, also why an approval does not count.
        BindingAnswer::Policy(answer) => matches!(answer.verdict, PolicyVerdict::Deny | PolicyVerdict::Require),
        BindingAnswer::Check(report) => {
            matches!(binding.standing, Standing::Deny | Standing::Error)
                && report.findings.iter().any(|finding| finding.code == reason.code)
        }
        BindingAnswer::Failed(_) => true,
        BindingAnswer::Plan(_) | BindingAnswer::Advance(_) | BindingAnswer::NotAsked { .. } => false,
    }
}

fn diagnostic(decision: &Decision, reason: &DecisionReason, documents: InputDocuments<'_>) -> Diagnostic {
    let tone = match standing(decision, &reason.source) {
        _ if !reason.blocking => DiagnosticLevel::Warning,
        Standing::Pending => DiagnosticLevel::Pending,
        _ => DiagnosticLevel::Error,
    };
    let code = format!("{}/{}", source_name(&reason.source), reason.code);
    let mut diagnostic = Diagnostic::new(tone, with_short_digests(&reason.message)).code(code);
    let remedies: Vec<&Requirement> = remedies(decision, reason);
    let pointer =
        reason.pointers.first().map(String::as_str).or_else(|| remedies.iter().find_map(|remedy| pointer_of(remedy)));
    if let Some(pointer) = pointer {
        diagnostic = match documents.find(pointer) {
            Some(found) => {
                let label = found.beyond.map(|beyond| format!("`{beyond}` is missing here")).unwrap_or_default();
                diagnostic.at(&found.source, found.span, label)
            }
            None => diagnostic.note(format!("about `{pointer}` in the snapshot")),
        };
    }
    for reference in &reason.references {
        diagnostic = diagnostic.note(format!("see {reference}"));
    }
    let ways: BTreeSet<u32> = remedies.iter().map(|remedy| remedy.way).collect();
    for remedy in remedies {
        let way = match ways.iter().position(|way| *way == remedy.way) {
            Some(place) if ways.len() > 1 => format!("way {} of {}: ", place + 1, ways.len()),
            _ => String::new(),
        };
        if remedy.message != reason.message || !way.is_empty() {
            diagnostic = diagnostic.help(format!("{way}{}", remedy.message));
        }
        diagnostic.helps.extend(remedy_steps(remedy));
        if let Some(owner) = remedy.owner.as_ref().filter(|owner| !remedy.message.contains(owner.as_str())) {
            diagnostic = diagnostic.help(format!("`{owner}` can supply it"));
        }
    }
    if reason.source == ReasonSource::Host && reason.code == Rule::ApprovedPlanMissing.code() {
        diagnostic = diagnostic.help("pass the decision that approved it: `--approved <decision.json>`");
    }
    if let ReasonSource::Group(id) = &reason.source {
        diagnostic = with_members(decision, id, diagnostic, documents);
    }
    diagnostic
}

/// Adds the objections of a group's members as notes, and what would change them.
fn with_members(decision: &Decision, group: &str, diagnostic: Diagnostic, documents: InputDocuments<'_>) -> Diagnostic {
    let members = decision.reasons.iter().filter(|reason| {
        (reason.blocking || objects(decision, reason)) && group_of(decision, &reason.source) == Some(group)
    });
    members.fold(diagnostic, |mut diagnostic, reason| {
        let member = self::diagnostic(decision, reason, documents);
        diagnostic = diagnostic.note(format!("{}: {}", source_name(&reason.source), reason.message));
        diagnostic.location = diagnostic.location.or(member.location);
        diagnostic.helps.extend(member.helps);
        diagnostic
    })
}

/// What would change this reason: the requirements of the same source that belong to it.
fn remedies<'a>(decision: &'a Decision, reason: &DecisionReason) -> Vec<&'a Requirement> {
    let all = || {
        let same = |required: &&DecisionRequirement| required.source == reason.source;
        decision.requirements.iter().filter(same).map(|required| &required.requirement)
    };
    let binding = match &reason.source {
        ReasonSource::Binding(id) => decision.bindings.iter().find(|binding| &binding.id == id),
        ReasonSource::Host | ReasonSource::Group(_) => None,
    };
    let findings = match binding.map(|binding| &binding.answer) {
        Some(BindingAnswer::Policy(answer)) => {
            // Each requirement is its own reason.
            let same = |required: &&Requirement| required.code == reason.code && required.message == reason.message;
            let required: Vec<&Requirement> = answer.requirements.iter().filter(same).collect();
            if !required.is_empty() {
                return required;
            }
            answer.findings.as_slice()
        }
        Some(BindingAnswer::Check(report)) => {
            if report.outcome == CheckOutcome::Pending && reason.code == report.outcome.as_str() {
                return report.requirements.iter().collect();
            }
            report.findings.as_slice()
        }
        _ => &[],
    };
    let belongs = findings.iter().find(|finding| {
        finding.code == reason.code && finding.pointers == reason.pointers && finding.message == reason.message
    });
    match belongs {
        Some(finding) => finding.remedies.iter().collect(),
        None => all().filter(|required| required.code == reason.code && is_about(required, reason)).collect(),
    }
}

/// Whether a requirement is about the same place: of the host's rules, each breach has its own correction.
fn is_about(requirement: &Requirement, reason: &DecisionReason) -> bool {
    match &requirement.need {
        Need::Correction(correction) => reason.pointers.contains(&correction.pointer),
        _ => true,
    }
}

fn pointer_of(requirement: &Requirement) -> Option<&str> {
    match &requirement.need {
        Need::Correction(correction) => Some(&correction.pointer),
        Need::Fact(fact) => Some(&fact.pointer),
        Need::Approvals(_) => Some("/approvals"),
        Need::Time(_)
        | Need::Evidence(_)
        | Need::Activity(_)
        | Need::Deployment(_)
        | Need::Exemption(_)
        | Need::Other(_) => None,
    }
}

/// What somebody can do, from the part of a requirement that is for tools.
fn remedy_steps(requirement: &Requirement) -> Vec<String> {
    let is_said = |text: &str| requirement.message.contains(text);
    match &requirement.need {
        Need::Approvals(needed) => {
            let mut lines = vec![format!("approvals must name the subject `{}`", needed.subject)];
            if !needed.excluded.iter().all(|id| is_said(id)) {
                lines.push(format!("not eligible: `{}`", needed.excluded.join("`, `")));
            }
            if let Some(competence) = needed.competence.as_ref().filter(|name| !is_said(name)) {
                lines.push(format!("who approves needs the competence `{competence}`"));
            }
            lines
        }
        Need::Evidence(needed) => {
            let mut lines = vec![match &needed.media_type {
                Some(media_type) => format!("pass it with `--evidence {}=<file>` ({media_type})", needed.name),
                None => format!("pass it with `--evidence {}=<file>`", needed.name),
            }];
            if !needed.attesters.iter().all(|attester| is_said(attester)) {
                lines.push(format!("one of `{}` has to attest it", needed.attesters.join("`, `")));
            }
            if let Some(age) = needed.max_age {
                lines.push(format!("it may be {age} old at most"));
            }
            if needed.verified {
                lines.push("it needs a signature that can be verified".to_owned());
            }
            lines
        }
        Need::Fact(needed) => {
            let register = match (&needed.kind, &needed.id) {
                (Some(kind), Some(id)) => format!("`{kind}/{id}` of the registers supplies it"),
                (Some(kind), None) => format!("the register `{kind}` supplies it"),
                (None, _) => format!("it belongs at `{}` of the snapshot", needed.pointer),
            };
            let age = needed.max_age.map(|age| format!("it may be {age} old at most"));
            std::iter::once(register).chain(age).collect()
        }
        Need::Activity(needed) => {
            let by = needed.role.as_ref().map(|role| format!(" by `{role}`")).unwrap_or_default();
            let due = needed.due.map(|due| format!(", until {due}")).unwrap_or_default();
            vec![format!("the activity `{}` has to be done{by}{due}", needed.activity)]
        }
        Need::Deployment(needed) => {
            let mut which = String::new();
            let parts = [
                (" `", needed.deployment.as_ref()),
                (" of `", needed.release.as_ref()),
                (" to `", needed.environment.as_ref()),
            ];
            for (word, value) in parts {
                if let Some(value) = value {
                    which.push_str(word);
                    which.push_str(value);
                    which.push('`');
                }
            }
            vec![format!("a deployment{which} has to end as `{}`", needed.outcome.as_str())]
        }
        Need::Exemption(needed) => {
            let by = match needed.roles.as_slice() {
                [] => String::new(),
                roles => format!(" by `{}`", roles.join("` or `")),
            };
            let of = match needed.codes.as_slice() {
                [] => String::new(),
                codes => format!(" of `{}`", codes.join("`, `")),
            };
            vec![format!("it needs a waiver or an override{of}{by}")]
        }
        Need::Time(needed) if needed.not_before.is_some_and(|from| is_said(&from.to_string())) => Vec::new(),
        Need::Time(needed) => match (needed.not_before, needed.not_after) {
            (Some(from), Some(until)) => vec![format!("try again between {from} and {until}")],
            (Some(from), None) => vec![format!("try again after {from}")],
            (None, Some(until)) => vec![format!("try again before {until}")],
            (None, None) => Vec::new(),
        },
        Need::Correction(correction) if is_said(&correction.expected) => Vec::new(),
        // The diagnostic shows the place in the file, with what is there.
        Need::Correction(correction) => vec![format!("expected {}", correction.expected)],
        Need::Other(document) => vec![format!("see `{}` in the JSON output", document.schema)],
    }
}

/// The text with shortened digests. Digests that people need to copy are in the helps.
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

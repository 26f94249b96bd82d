//! What approval policies answer, and the words that all kinds of plugin share.

use lockgate_domain::{
    Answer, ApprovalsNeeded, CorrectionNeeded, EvidenceNeeded, Need, Obligation, PluginError, Reason, Requirement,
    Ruling, TimeNeeded, Timestamp, Violation,
};

use super::generated::lockgate::types::types as wit;
use super::intake::{Intake, Place, Taken};
use super::policy;

/// The answer of an approval policy. One that denies says why, and one that requires says what.
pub(crate) fn answer(intake: &mut Intake, answer: policy::Answer) -> Taken<Answer> {
    let at = Place::Root("ruling");
    let ruling = match answer.ruling {
        policy::Ruling::Allow => Ruling::Allow,
        policy::Ruling::Deny(violations) => {
            let at = Place::Field(&at, "deny");
            if violations.is_empty() {
                return at.broken("names no violation: a denial needs at least one");
            }
            Ruling::Deny(intake.each(&at, violations, violation)?)
        }
        policy::Ruling::Require(requirements) => {
            let at = Place::Field(&at, "require");
            if requirements.is_empty() {
                return at.broken("names no requirement: one that requires nothing allows");
            }
            Ruling::Require(intake.each(&at, requirements, requirement)?)
        }
        policy::Ruling::Abstain => Ruling::Abstain,
    };
    Ok(Answer {
        ruling,
        reasons: intake.each(&Place::Root("reasons"), answer.reasons, reason)?,
        obligations: intake.each(&Place::Root("obligations"), answer.obligations, obligation)?,
    })
}

/// The plugin's own word that it could not answer.
pub(crate) fn plugin_error(intake: &mut Intake, error: wit::PluginError) -> Taken<PluginError> {
    let at = Place::Root("plugin-error");
    Ok(PluginError {
        code: intake.code(&Place::Field(&at, "code"), error.code)?,
        message: intake.some_text(&Place::Field(&at, "message"), error.message)?,
    })
}

pub(super) fn reason(intake: &mut Intake, at: &Place<'_>, reason: wit::Reason) -> Taken<Reason> {
    Ok(Reason {
        code: intake.code(&Place::Field(at, "code"), reason.code)?,
        message: intake.some_text(&Place::Field(at, "message"), reason.message)?,
        pointer: pointer(intake, at, reason.pointer)?,
    })
}

pub(super) fn violation(intake: &mut Intake, at: &Place<'_>, violation: wit::Violation) -> Taken<Violation> {
    Ok(Violation {
        code: intake.code(&Place::Field(at, "code"), violation.code)?,
        message: intake.some_text(&Place::Field(at, "message"), violation.message)?,
        subject: violation.subject.map(|subject| intake.text(subject)),
        pointer: pointer(intake, at, violation.pointer)?,
        remedies: intake.each(&Place::Field(at, "remedies"), violation.remedies, requirement)?,
    })
}

fn obligation(intake: &mut Intake, at: &Place<'_>, obligation: wit::Obligation) -> Taken<Obligation> {
    let details = Place::Field(at, "details");
    Ok(Obligation {
        code: intake.code(&Place::Field(at, "code"), obligation.code)?,
        message: intake.some_text(&Place::Field(at, "message"), obligation.message)?,
        details: obligation.details.map(|document| intake.document(&details, document)).transpose()?,
    })
}

fn requirement(intake: &mut Intake, at: &Place<'_>, requirement: wit::Requirement) -> Taken<Requirement> {
    Ok(Requirement {
        code: intake.code(&Place::Field(at, "code"), requirement.code)?,
        message: intake.some_text(&Place::Field(at, "message"), requirement.message)?,
        need: need(intake, &Place::Field(at, "need"), requirement.need)?,
    })
}

fn need(intake: &mut Intake, at: &Place<'_>, need: wit::Need) -> Taken<Need> {
    Ok(match need {
        wit::Need::Approvals(needed) => {
            let at = Place::Field(at, "approvals");
            if needed.missing == 0 {
                return Place::Field(&at, "missing").broken("is 0: nothing is missing then");
            }
            Need::Approvals(ApprovalsNeeded {
                role: needed.role.map(|role| intake.some_text(&Place::Field(&at, "role"), role)).transpose()?,
                missing: needed.missing,
                excluded: needed.excluded.into_iter().map(|person| intake.text(person)).collect(),
                subject: intake.some_text(&Place::Field(&at, "subject"), needed.subject)?,
            })
        }
        wit::Need::Evidence(needed) => Need::Evidence(EvidenceNeeded {
            name: intake.some_text(&Place::Field(&Place::Field(at, "evidence"), "name"), needed.name)?,
            media_type: needed.media_type.map(|media_type| intake.text(media_type)),
        }),
        wit::Need::Time(needed) => {
            let at = Place::Field(at, "time");
            match (needed.not_before, needed.not_after) {
                (None, None) => return at.broken("has neither `not-before` nor `not-after`: any time would do then"),
                (Some(from), Some(to)) if from >= to => return at.broken("ends before it begins"),
                _ => {}
            }
            Need::Time(TimeNeeded {
                not_before: needed.not_before.map(Timestamp::from_millis),
                not_after: needed.not_after.map(Timestamp::from_millis),
            })
        }
        wit::Need::Correction(needed) => {
            let at = Place::Field(at, "correction");
            Need::Correction(CorrectionNeeded {
                pointer: intake.pointer(&Place::Field(&at, "pointer"), needed.pointer)?,
                expected: intake.some_text(&Place::Field(&at, "expected"), needed.expected)?,
                found: needed.found.map(|found| intake.text(found)),
            })
        }
        wit::Need::Other(document) => Need::Other(intake.document(&Place::Field(at, "other"), document)?),
    })
}

fn pointer(intake: &mut Intake, at: &Place<'_>, pointer: Option<String>) -> Taken<Option<String>> {
    pointer.map(|pointer| intake.pointer(&Place::Field(at, "pointer"), pointer)).transpose()
}

//! Converts the answers of approval policies, and the types that all kinds of plugin share.

use lockgate_domain::{
    Answer, ApprovalsNeeded, CorrectionNeeded, EvidenceNeeded, Need, Obligation, PluginError, Reason, Requirement,
    Ruling, TimeNeeded, Timestamp, Violation,
};

use super::generated::lockgate::types::types as wit;
use super::intake::{AnswerIntake, AnswerPath, Conversion};
use super::policy;

/// Converts the answer of an approval policy. A denial has at least one violation, and `require` at least one requirement.
pub(crate) fn answer(intake: &mut AnswerIntake, answer: policy::Answer) -> Conversion<Answer> {
    let at = AnswerPath::Root("ruling");
    let ruling = match answer.ruling {
        policy::Ruling::Allow => Ruling::Allow,
        policy::Ruling::Deny(violations) => {
            let at = AnswerPath::Field(&at, "deny");
            if violations.is_empty() {
                return at.broken("is empty: a denial needs at least one violation");
            }
            Ruling::Deny(intake.each(&at, violations, violation)?)
        }
        policy::Ruling::Require(requirements) => {
            let at = AnswerPath::Field(&at, "require");
            if requirements.is_empty() {
                return at.broken("is empty: require something, or allow");
            }
            Ruling::Require(intake.each(&at, requirements, requirement)?)
        }
        policy::Ruling::Abstain => Ruling::Abstain,
    };
    Ok(Answer {
        ruling,
        reasons: intake.each(&AnswerPath::Root("reasons"), answer.reasons, reason)?,
        obligations: intake.each(&AnswerPath::Root("obligations"), answer.obligations, obligation)?,
    })
}

/// Converts the error of a plugin that could not answer.
pub(crate) fn plugin_error(intake: &mut AnswerIntake, error: wit::PluginError) -> Conversion<PluginError> {
    let at = AnswerPath::Root("plugin-error");
    Ok(PluginError {
        code: intake.code(&AnswerPath::Field(&at, "code"), error.code)?,
        message: intake.some_text(&AnswerPath::Field(&at, "message"), error.message)?,
    })
}

pub(super) fn reason(intake: &mut AnswerIntake, at: &AnswerPath<'_>, reason: wit::Reason) -> Conversion<Reason> {
    Ok(Reason {
        code: intake.code(&AnswerPath::Field(at, "code"), reason.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), reason.message)?,
        pointer: pointer(intake, at, reason.pointer)?,
    })
}

pub(super) fn violation(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    violation: wit::Violation,
) -> Conversion<Violation> {
    Ok(Violation {
        code: intake.code(&AnswerPath::Field(at, "code"), violation.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), violation.message)?,
        subject: violation.subject.map(|subject| intake.text(subject)),
        pointer: pointer(intake, at, violation.pointer)?,
        remedies: intake.each(&AnswerPath::Field(at, "remedies"), violation.remedies, requirement)?,
    })
}

fn obligation(intake: &mut AnswerIntake, at: &AnswerPath<'_>, obligation: wit::Obligation) -> Conversion<Obligation> {
    let details = AnswerPath::Field(at, "details");
    Ok(Obligation {
        code: intake.code(&AnswerPath::Field(at, "code"), obligation.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), obligation.message)?,
        details: obligation.details.map(|document| intake.document(&details, document)).transpose()?,
    })
}

fn requirement(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    requirement: wit::Requirement,
) -> Conversion<Requirement> {
    Ok(Requirement {
        code: intake.code(&AnswerPath::Field(at, "code"), requirement.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), requirement.message)?,
        need: need(intake, &AnswerPath::Field(at, "need"), requirement.need)?,
    })
}

fn need(intake: &mut AnswerIntake, at: &AnswerPath<'_>, need: wit::Need) -> Conversion<Need> {
    Ok(match need {
        wit::Need::Approvals(needed) => {
            let at = AnswerPath::Field(at, "approvals");
            if needed.missing == 0 {
                return AnswerPath::Field(&at, "missing").broken("is 0: at least one approval has to be missing");
            }
            Need::Approvals(ApprovalsNeeded {
                role: needed.role.map(|role| intake.some_text(&AnswerPath::Field(&at, "role"), role)).transpose()?,
                missing: needed.missing,
                excluded: needed.excluded.into_iter().map(|person| intake.text(person)).collect(),
                subject: intake.some_text(&AnswerPath::Field(&at, "subject"), needed.subject)?,
            })
        }
        wit::Need::Evidence(needed) => Need::Evidence(EvidenceNeeded {
            name: intake.some_text(&AnswerPath::Field(&AnswerPath::Field(at, "evidence"), "name"), needed.name)?,
            media_type: needed.media_type.map(|media_type| intake.text(media_type)),
        }),
        wit::Need::Time(needed) => {
            let at = AnswerPath::Field(at, "time");
            match (needed.not_before, needed.not_after) {
                (None, None) => return at.broken("has neither `not-before` nor `not-after`: set at least one"),
                (Some(from), Some(to)) if from >= to => return at.broken("ends before it begins"),
                _ => {}
            }
            Need::Time(TimeNeeded {
                not_before: needed.not_before.map(Timestamp::from_millis),
                not_after: needed.not_after.map(Timestamp::from_millis),
            })
        }
        wit::Need::Correction(needed) => {
            let at = AnswerPath::Field(at, "correction");
            Need::Correction(CorrectionNeeded {
                pointer: intake.pointer(&AnswerPath::Field(&at, "pointer"), needed.pointer)?,
                expected: intake.some_text(&AnswerPath::Field(&at, "expected"), needed.expected)?,
                found: needed.found.map(|found| intake.text(found)),
            })
        }
        wit::Need::Other(document) => Need::Other(intake.document(&AnswerPath::Field(at, "other"), document)?),
    })
}

fn pointer(intake: &mut AnswerIntake, at: &AnswerPath<'_>, pointer: Option<String>) -> Conversion<Option<String>> {
    pointer.map(|pointer| intake.pointer(&AnswerPath::Field(at, "pointer"), pointer)).transpose()
}

//! Converts the answers of approval policies, and the types that all kinds of plugin share.

use lockgate_domain::{
    ActivityNeeded, Answer, ApprovalsNeeded, CorrectionNeeded, DeploymentNeeded, DeploymentResult, EvidenceNeeded,
    ExemptionNeeded, FactNeeded, Finding, Need, Obligation, PluginError, PolicyVerdict, Reason, Requirement, Severity,
    TimeNeeded, Timestamp,
};

use super::generated::lockgate::types::types as wit;
use super::intake::{AnswerIntake, AnswerPath, Conversion};
use super::policy;

/// Converts the answer of an approval policy. A denial has at least one finding, `require` at least one requirement, and
/// an answer that stops nothing has none.
pub(crate) fn answer(intake: &mut AnswerIntake, answer: policy::Answer) -> Conversion<Answer> {
    let verdict = match answer.verdict {
        policy::Verdict::Allow => PolicyVerdict::Allow,
        policy::Verdict::Deny => PolicyVerdict::Deny,
        policy::Verdict::Require => PolicyVerdict::Require,
        policy::Verdict::Abstain => PolicyVerdict::Abstain,
    };
    let findings = AnswerPath::Root("findings");
    let requirements = AnswerPath::Root("requirements");
    match verdict {
        PolicyVerdict::Deny if answer.findings.is_empty() => {
            return findings.broken("is empty: a denial needs at least one finding");
        }
        PolicyVerdict::Require if answer.requirements.is_empty() => {
            return requirements.broken("is empty: require something, or allow");
        }
        PolicyVerdict::Abstain if !answer.findings.is_empty() => {
            return findings.broken("is not empty: a policy that abstains has found nothing");
        }
        PolicyVerdict::Allow | PolicyVerdict::Abstain if !answer.requirements.is_empty() => {
            let verdict = verdict.as_str();
            return requirements.broken(format_args!("is not empty, and the verdict is `{verdict}`: answer `require`"));
        }
        _ => {}
    }
    Ok(Answer {
        verdict,
        findings: intake.each(&findings, answer.findings, finding)?,
        requirements: intake.each(&requirements, answer.requirements, requirement)?,
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
        transient: error.transient,
    })
}

pub(super) fn severity(severity: wit::Severity) -> Severity {
    match severity {
        wit::Severity::Info => Severity::Info,
        wit::Severity::Low => Severity::Low,
        wit::Severity::Medium => Severity::Medium,
        wit::Severity::High => Severity::High,
        wit::Severity::Critical => Severity::Critical,
    }
}

pub(super) fn reason(intake: &mut AnswerIntake, at: &AnswerPath<'_>, reason: wit::Reason) -> Conversion<Reason> {
    Ok(Reason {
        code: intake.code(&AnswerPath::Field(at, "code"), reason.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), reason.message)?,
        pointers: intake.each(&AnswerPath::Field(at, "pointers"), reason.pointers, AnswerIntake::pointer)?,
        references: intake.each(&AnswerPath::Field(at, "references"), reason.references, AnswerIntake::some_text)?,
        details: intake.optional(&AnswerPath::Field(at, "details"), reason.details, AnswerIntake::document)?,
    })
}

pub(super) fn finding(intake: &mut AnswerIntake, at: &AnswerPath<'_>, finding: wit::Finding) -> Conversion<Finding> {
    Ok(Finding {
        severity: severity(finding.severity),
        code: intake.code(&AnswerPath::Field(at, "code"), finding.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), finding.message)?,
        about: finding.about.map(|about| intake.text(about)),
        pointers: intake.each(&AnswerPath::Field(at, "pointers"), finding.pointers, AnswerIntake::pointer)?,
        remedies: intake.each(&AnswerPath::Field(at, "remedies"), finding.remedies, requirement)?,
        references: intake.each(&AnswerPath::Field(at, "references"), finding.references, AnswerIntake::some_text)?,
        details: intake.optional(&AnswerPath::Field(at, "details"), finding.details, AnswerIntake::document)?,
    })
}

fn obligation(intake: &mut AnswerIntake, at: &AnswerPath<'_>, obligation: wit::Obligation) -> Conversion<Obligation> {
    if let (Some(from), Some(due)) = (obligation.not_before, obligation.due)
        && from > due
    {
        return at.broken("is due before it can be kept");
    }
    Ok(Obligation {
        code: intake.code(&AnswerPath::Field(at, "code"), obligation.code)?,
        kind: intake.code(&AnswerPath::Field(at, "kind"), obligation.kind)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), obligation.message)?,
        owner: intake.optional(&AnswerPath::Field(at, "owner"), obligation.owner, AnswerIntake::some_text)?,
        not_before: obligation.not_before.map(Timestamp::from_millis),
        due: obligation.due.map(Timestamp::from_millis),
        proof: intake.optional(&AnswerPath::Field(at, "proof"), obligation.proof, requirement)?,
        details: intake.optional(&AnswerPath::Field(at, "details"), obligation.details, AnswerIntake::document)?,
    })
}

pub(super) fn requirement(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    requirement: wit::Requirement,
) -> Conversion<Requirement> {
    Ok(Requirement {
        code: intake.code(&AnswerPath::Field(at, "code"), requirement.code)?,
        message: intake.some_text(&AnswerPath::Field(at, "message"), requirement.message)?,
        way: requirement.way,
        owner: intake.optional(&AnswerPath::Field(at, "owner"), requirement.owner, AnswerIntake::some_text)?,
        need: need(intake, &AnswerPath::Field(at, "need"), requirement.need)?,
    })
}

fn need(intake: &mut AnswerIntake, at: &AnswerPath<'_>, need: wit::Need) -> Conversion<Need> {
    Ok(match need {
        wit::Need::Approvals(needed) => {
            Need::Approvals(approvals(intake, &AnswerPath::Field(at, "approvals"), needed)?)
        }
        wit::Need::Evidence(needed) => Need::Evidence(evidence(intake, &AnswerPath::Field(at, "evidence"), needed)?),
        wit::Need::Fact(needed) => Need::Fact(fact(intake, &AnswerPath::Field(at, "fact"), needed)?),
        wit::Need::Activity(needed) => {
            let at = AnswerPath::Field(at, "activity");
            Need::Activity(ActivityNeeded {
                activity: intake.name(&AnswerPath::Field(&at, "activity"), needed.activity)?,
                role: intake.optional(&AnswerPath::Field(&at, "role"), needed.role, AnswerIntake::some_text)?,
                due: needed.due.map(Timestamp::from_millis),
            })
        }
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
                accepted: intake.each(&AnswerPath::Field(&at, "accepted"), needed.accepted, AnswerIntake::json)?,
                found: needed.found.map(|found| intake.text(found)),
            })
        }
        wit::Need::Deployment(needed) => {
            Need::Deployment(deployment(intake, &AnswerPath::Field(at, "deployment"), needed)?)
        }
        wit::Need::Exemption(needed) => {
            let at = AnswerPath::Field(at, "exemption");
            Need::Exemption(ExemptionNeeded {
                roles: intake.each(&AnswerPath::Field(&at, "roles"), needed.roles, AnswerIntake::some_text)?,
                codes: intake.each(&AnswerPath::Field(&at, "codes"), needed.codes, AnswerIntake::code)?,
            })
        }
        wit::Need::Other(document) => Need::Other(intake.document(&AnswerPath::Field(at, "other"), document)?),
    })
}

fn approvals(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    needed: wit::ApprovalsNeeded,
) -> Conversion<ApprovalsNeeded> {
    if needed.missing == 0 {
        return AnswerPath::Field(at, "missing").broken("is 0: at least one approval has to be missing");
    }
    Ok(ApprovalsNeeded {
        roles: intake.each(&AnswerPath::Field(at, "roles"), needed.roles, AnswerIntake::some_text)?,
        competence: intake.optional(
            &AnswerPath::Field(at, "competence"),
            needed.competence,
            AnswerIntake::some_text,
        )?,
        missing: needed.missing,
        excluded: needed.excluded.into_iter().map(|person| intake.text(person)).collect(),
        subject: intake.subject(&AnswerPath::Field(at, "subject"), needed.subject)?,
    })
}

fn evidence(intake: &mut AnswerIntake, at: &AnswerPath<'_>, needed: wit::EvidenceNeeded) -> Conversion<EvidenceNeeded> {
    Ok(EvidenceNeeded {
        name: intake.some_text(&AnswerPath::Field(at, "name"), needed.name)?,
        media_type: needed.media_type.map(|media_type| intake.text(media_type)),
        attesters: intake.each(&AnswerPath::Field(at, "attesters"), needed.attesters, AnswerIntake::some_text)?,
        max_age: intake.optional(&AnswerPath::Field(at, "max-age"), needed.max_age, AnswerIntake::length)?,
        verified: needed.verified,
    })
}

fn fact(intake: &mut AnswerIntake, at: &AnswerPath<'_>, needed: wit::FactNeeded) -> Conversion<FactNeeded> {
    Ok(FactNeeded {
        pointer: intake.pointer(&AnswerPath::Field(at, "pointer"), needed.pointer)?,
        kind: intake.optional(&AnswerPath::Field(at, "kind"), needed.kind, AnswerIntake::some_text)?,
        id: intake.optional(&AnswerPath::Field(at, "id"), needed.id, AnswerIntake::id)?,
        max_age: intake.optional(&AnswerPath::Field(at, "max-age"), needed.max_age, AnswerIntake::length)?,
    })
}

fn deployment(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    needed: wit::DeploymentNeeded,
) -> Conversion<DeploymentNeeded> {
    let given = [&needed.environment, &needed.release, &needed.digest, &needed.deployment];
    if given.into_iter().all(Option::is_none) {
        return at.broken("names no deployment: set `environment`, `release`, `digest` or `deployment`");
    }
    Ok(DeploymentNeeded {
        environment: intake.optional(&AnswerPath::Field(at, "environment"), needed.environment, AnswerIntake::id)?,
        release: intake.optional(&AnswerPath::Field(at, "release"), needed.release, AnswerIntake::id)?,
        digest: intake.optional(&AnswerPath::Field(at, "digest"), needed.digest, AnswerIntake::digest)?,
        deployment: intake.optional(&AnswerPath::Field(at, "deployment"), needed.deployment, AnswerIntake::id)?,
        outcome: match needed.outcome {
            wit::DeploymentResult::UnderWay => DeploymentResult::UnderWay,
            wit::DeploymentResult::Operational => DeploymentResult::Operational,
            wit::DeploymentResult::RolledBack => DeploymentResult::RolledBack,
            wit::DeploymentResult::Failed => DeploymentResult::Failed,
            wit::DeploymentResult::Aborted => DeploymentResult::Aborted,
            wit::DeploymentResult::Rejected => DeploymentResult::Rejected,
        },
    })
}

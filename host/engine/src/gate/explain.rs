//! Makes the decision explain itself: which answers block, why, and what would change that.

use std::collections::BTreeMap;

use lockgate_domain::combine::Voice;
use lockgate_domain::{
    Action, BindingAnswer, BindingOutcome, CheckOutcome, DecisionReason, DecisionRequirement, Enforcement, Exemption,
    Finding, GroupOutcome, Obligation, PolicyVerdict, Reason, ReasonSource, Requirement, Severity, Skip, Standing,
    Verdict, Wait, findings_in_the_way,
};

use super::code::EngineCode;
use crate::model::listed;

/// All answers that count by themselves: those of groups, and those of bindings in no group.
pub(super) fn voices<'a>(
    bindings: &'a [BindingOutcome],
    groups: &'a [GroupOutcome],
) -> impl Iterator<Item = Voice> + use<'a> {
    let alone = bindings.iter().filter(|binding| binding.group.is_none()).map(own_voice);
    alone.chain(groups.iter().map(group_voice))
}

fn own_voice(binding: &BindingOutcome) -> Voice {
    voice(binding.standing, binding.enforcement, binding.exemption.as_ref())
}

fn group_voice(group: &GroupOutcome) -> Voice {
    voice(group.standing, group.enforcement, group.exemption.as_ref())
}

/// The voice of an answer. An exempted answer has no weight.
fn voice(standing: Standing, enforcement: Enforcement, exemption: Option<&Exemption>) -> Voice {
    Voice { standing: if exemption.is_some() { Standing::NotApplicable } else { standing }, enforcement }
}

/// The codes with which a binding speaks against the deployment, or says that it cannot tell.
pub fn codes_in_the_way(binding: &BindingOutcome) -> Vec<String> {
    let codes = |codes: Vec<&str>| codes.into_iter().map(str::to_owned).collect();
    match &binding.answer {
        BindingAnswer::Policy(answer) => match answer.verdict {
            PolicyVerdict::Deny => codes(finding_codes(&answer.findings)),
            PolicyVerdict::Require => codes(answer.requirements.iter().map(|needed| needed.code.as_str()).collect()),
            PolicyVerdict::Allow | PolicyVerdict::Abstain => Vec::new(),
        },
        BindingAnswer::Check(report) => match report.outcome {
            CheckOutcome::Passed | CheckOutcome::Skipped => Vec::new(),
            _ if report.findings.is_empty() => codes(vec![report.outcome.as_str()]),
            _ => codes(finding_codes(&report.findings)),
        },
        BindingAnswer::Failed(failure) => codes(vec![failure.code.as_deref().unwrap_or(failure.kind.as_str())]),
        BindingAnswer::Plan(_) | BindingAnswer::Advance(_) | BindingAnswer::NotAsked { .. } => Vec::new(),
    }
}

fn finding_codes(findings: &[Finding]) -> Vec<&str> {
    findings_in_the_way(findings).map(|finding| finding.code.as_str()).collect()
}

/// Whether the binding, or the group that it counts in, blocks.
fn blocks(binding: &BindingOutcome, groups: &[GroupOutcome]) -> bool {
    match &binding.group {
        None => own_voice(binding).blocks(),
        Some(id) => {
            let in_the_way = !matches!(binding.standing, Standing::Allow | Standing::NotApplicable);
            let group = groups.iter().find(|group| &group.id == id);
            in_the_way && group.is_some_and(|group| group_voice(group).blocks())
        }
    }
}

/// All reasons: the host's first, then those that block, then the rest, each in the order of the model. `guarded`: whether the
/// model binds a plugin to the gate.
pub(super) fn reasons(
    guarded: bool,
    breaches: &[Finding],
    bindings: &[BindingOutcome],
    groups: &[GroupOutcome],
    mut exceptions: Vec<DecisionReason>,
) -> Vec<DecisionReason> {
    let mut reasons: Vec<DecisionReason> =
        breaches.iter().map(|breach| of_finding(ReasonSource::Host, true, breach)).collect();
    if !guarded {
        let message = "the deployment model binds no plugin to this gate";
        reasons.push(DecisionReason::new(ReasonSource::Host, false, EngineCode::GateNotGuarded.as_str(), message));
    }
    let mut of_plugins = Vec::new();
    for group in groups {
        let voice = group_voice(group);
        let source = ReasonSource::Group(group.id.clone());
        let code = EngineCode::from(group.standing).as_str();
        of_plugins.push(DecisionReason::new(source, voice.blocks(), code, group.message.as_str()));
    }
    for binding in bindings {
        let source = ReasonSource::Binding(binding.id.clone());
        of_binding(&source, blocks(binding, groups), &binding.answer, &mut of_plugins);
    }
    of_plugins.append(&mut exceptions);
    of_plugins.sort_by_key(|reason| !reason.blocking);
    reasons.append(&mut of_plugins);
    reasons
}

fn of_binding(source: &ReasonSource, blocking: bool, answer: &BindingAnswer, reasons: &mut Vec<DecisionReason>) {
    let plain = |code: &str, message: &str| DecisionReason::new(source.clone(), blocking, code, message);
    let given = |reason: &Reason| DecisionReason {
        pointers: reason.pointers.clone(),
        references: reason.references.clone(),
        ..DecisionReason::new(source.clone(), false, reason.code.as_str(), reason.message.as_str())
    };
    // Findings of an answer that does not stop the deployment are remarks, and so are those of severity `info` beside
    // others.
    let found = |findings: &[Finding], in_the_way: bool| {
        let only_info = findings.iter().all(|finding| finding.severity == Severity::Info);
        let blocks = |finding: &Finding| blocking && in_the_way && (only_info || finding.severity != Severity::Info);
        let reasons = findings.iter().map(|finding| of_finding(source.clone(), blocks(finding), finding));
        reasons.collect::<Vec<_>>()
    };
    match answer {
        BindingAnswer::Policy(answer) => {
            reasons.extend(found(&answer.findings, answer.verdict == PolicyVerdict::Deny));
            if answer.verdict == PolicyVerdict::Require {
                let needed = answer.requirements.iter();
                reasons.extend(needed.map(|requirement| plain(&requirement.code, &requirement.message)));
            }
            reasons.extend(answer.reasons.iter().map(given));
        }
        BindingAnswer::Check(report) => {
            let summary = DecisionReason {
                // The findings say what is wrong; the summary only says how the check ended.
                blocking: blocking && report.findings.is_empty(),
                ..plain(report.outcome.as_str(), &report.summary)
            };
            reasons.push(summary);
            reasons.extend(found(&report.findings, report.outcome != CheckOutcome::Passed));
        }
        BindingAnswer::Failed(failure) => {
            let code = failure.code.as_deref().unwrap_or(failure.kind.as_str());
            reasons.push(plain(code, &failure.message));
        }
        BindingAnswer::NotAsked { when } => {
            reasons.push(plain(EngineCode::NotAsked.as_str(), &format!("not asked, because `{when}` does not hold")));
        }
        BindingAnswer::Plan(rollout) => reasons.push(plain(EngineCode::Planned.as_str(), &rollout.summary)),
        BindingAnswer::Advance(action) => reasons.push(of_action(source, blocking, action)),
    }
}

/// The reason that the action of a strategy gives.
fn of_action(source: &ReasonSource, blocking: bool, action: &Action) -> DecisionReason {
    let plain = |code: &str, message: String| DecisionReason::new(source.clone(), blocking, code, message);
    let reason = match action {
        Action::Perform(steps) => {
            return plain(
                EngineCode::StepAdvised.as_str(),
                format!("next: {}", listed(steps.iter().map(String::as_str))),
            );
        }
        Action::Complete => return plain(EngineCode::RolloutComplete.as_str(), "all steps are done".to_owned()),
        Action::Skip(Skip { reason, .. })
        | Action::Wait(Wait { reason, .. })
        | Action::GoBack(reason)
        | Action::Pause(reason) => reason,
    };
    DecisionReason {
        pointers: reason.pointers.clone(),
        references: reason.references.clone(),
        ..plain(&reason.code, reason.message.clone())
    }
}

fn of_finding(source: ReasonSource, blocking: bool, finding: &Finding) -> DecisionReason {
    DecisionReason {
        source,
        blocking,
        code: finding.code.clone(),
        message: finding.message.clone(),
        severity: Some(finding.severity),
        about: finding.about.clone(),
        pointers: finding.pointers.clone(),
        references: finding.references.clone(),
    }
}

/// All requirements for another answer. Those of blocking answers come first.
pub(super) fn requirements(
    breaches: &[Finding],
    bindings: &[BindingOutcome],
    groups: &[GroupOutcome],
) -> Vec<DecisionRequirement> {
    let mut all: Vec<DecisionRequirement> = Vec::new();
    let mut add = |source: &ReasonSource, blocking: bool, requirements: &[Requirement]| {
        for requirement in requirements {
            let new = DecisionRequirement { source: source.clone(), blocking, requirement: requirement.clone() };
            if !all.contains(&new) {
                all.push(new);
            }
        }
    };
    for breach in breaches {
        add(&ReasonSource::Host, true, &breach.remedies);
    }
    for binding in bindings {
        let source = ReasonSource::Binding(binding.id.clone());
        let blocking = blocks(binding, groups);
        match &binding.answer {
            BindingAnswer::Policy(answer) => match answer.verdict {
                PolicyVerdict::Require | PolicyVerdict::Deny => {
                    answer.findings.iter().for_each(|finding| add(&source, blocking, &finding.remedies));
                    add(&source, blocking, &answer.requirements);
                }
                PolicyVerdict::Allow | PolicyVerdict::Abstain => {}
            },
            BindingAnswer::Check(report) => {
                report.findings.iter().for_each(|finding| add(&source, blocking, &finding.remedies));
                add(&source, blocking, &report.requirements);
            }
            _ => {}
        }
    }
    all.sort_by_key(|requirement| !requirement.blocking);
    all
}

/// The conditions of an allowance, by binding.
pub(super) fn obligations(verdict: Verdict, bindings: &[BindingOutcome]) -> BTreeMap<String, Vec<Obligation>> {
    if verdict != Verdict::Allow {
        return BTreeMap::new();
    }
    let of = |binding: &BindingOutcome| match &binding.answer {
        BindingAnswer::Policy(answer) if answer.verdict == PolicyVerdict::Allow && !answer.obligations.is_empty() => {
            Some((binding.id.clone(), answer.obligations.clone()))
        }
        _ => None,
    };
    bindings.iter().filter_map(of).collect()
}

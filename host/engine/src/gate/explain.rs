//! Makes the decision explain itself: which answers block, why, and what would change that.

use std::collections::BTreeMap;

use lockgate_domain::combine::Voice;
use lockgate_domain::{
    BindingAnswer, BindingOutcome, CheckOutcome, DecisionReason, DecisionRequirement, Enforcement, Exemption,
    GroupOutcome, Obligation, Reason, ReasonSource, Requirement, Ruling, Severity, Standing, Verdict, Violation,
};

use super::code::EngineCode;

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
        BindingAnswer::Policy(answer) => match &answer.ruling {
            Ruling::Deny(violations) => codes(violations.iter().map(|violation| violation.code.as_str()).collect()),
            Ruling::Require(needed) => codes(needed.iter().map(|requirement| requirement.code.as_str()).collect()),
            Ruling::Allow | Ruling::Abstain => Vec::new(),
        },
        BindingAnswer::Check(report) => match report.outcome {
            CheckOutcome::Passed | CheckOutcome::Skipped => Vec::new(),
            _ if report.findings.is_empty() => codes(vec![report.outcome.as_str()]),
            _ => codes(report.findings.iter().map(|finding| finding.violation.code.as_str()).collect()),
        },
        BindingAnswer::Failed(failure) => codes(vec![failure.code.as_deref().unwrap_or(failure.kind.as_str())]),
        BindingAnswer::Plan(_) | BindingAnswer::Advance(_) | BindingAnswer::NotAsked { .. } => Vec::new(),
    }
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

/// All reasons: the host's first, then those that block, then the rest, each in the order of the model.
pub(super) fn reasons(
    breaches: &[Violation],
    bindings: &[BindingOutcome],
    groups: &[GroupOutcome],
    mut exceptions: Vec<DecisionReason>,
) -> Vec<DecisionReason> {
    let mut reasons: Vec<DecisionReason> =
        breaches.iter().map(|breach| of_violation(ReasonSource::Host, true, breach)).collect();
    if bindings.is_empty() {
        reasons.push(DecisionReason {
            source: ReasonSource::Host,
            blocking: false,
            code: EngineCode::GateNotGuarded.as_str().to_owned(),
            message: "the deployment model binds no plugin to this gate".to_owned(),
            subject: None,
            pointer: None,
        });
    }
    let mut of_plugins = Vec::new();
    for group in groups {
        let voice = group_voice(group);
        of_plugins.push(DecisionReason {
            source: ReasonSource::Group(group.id.clone()),
            blocking: voice.blocks(),
            code: EngineCode::from(group.standing).as_str().to_owned(),
            message: group.message.clone(),
            subject: None,
            pointer: None,
        });
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
    let plain = |code: &str, message: &str| DecisionReason {
        source: source.clone(),
        blocking,
        code: code.to_owned(),
        message: message.to_owned(),
        subject: None,
        pointer: None,
    };
    let given = |reason: &Reason| DecisionReason {
        source: source.clone(),
        blocking: false,
        code: reason.code.clone(),
        message: reason.message.clone(),
        subject: None,
        pointer: reason.pointer.clone(),
    };
    match answer {
        BindingAnswer::Policy(answer) => {
            if let Ruling::Deny(violations) = &answer.ruling {
                reasons.extend(violations.iter().map(|violation| of_violation(source.clone(), blocking, violation)));
            }
            if let Ruling::Require(requirements) = &answer.ruling {
                reasons.extend(requirements.iter().map(|requirement| plain(&requirement.code, &requirement.message)));
            }
            reasons.extend(answer.reasons.iter().map(given));
        }
        BindingAnswer::Check(report) => {
            reasons.push(DecisionReason {
                // The findings say what is wrong; the summary only says how the check ended.
                blocking: blocking && report.findings.is_empty(),
                ..plain(report.outcome.as_str(), &report.summary)
            });
            for finding in &report.findings {
                // A passed check may still have findings, which do not block.
                let blocking = blocking && report.outcome != CheckOutcome::Passed && finding.severity != Severity::Info;
                reasons.push(of_violation(source.clone(), blocking, &finding.violation));
            }
        }
        BindingAnswer::Failed(failure) => {
            let code = failure.code.as_deref().unwrap_or(failure.kind.as_str());
            reasons.push(plain(code, &failure.message));
        }
        BindingAnswer::NotAsked { when } => {
            reasons.push(plain(EngineCode::NotAsked.as_str(), &format!("not asked, because `{when}` does not hold")));
        }
        BindingAnswer::Plan(rollout) => reasons.push(plain(EngineCode::Planned.as_str(), &rollout.summary)),
        BindingAnswer::Advance(_) => {}
    }
}

fn of_violation(source: ReasonSource, blocking: bool, violation: &Violation) -> DecisionReason {
    DecisionReason {
        source,
        blocking,
        code: violation.code.clone(),
        message: violation.message.clone(),
        subject: violation.subject.clone(),
        pointer: violation.pointer.clone(),
    }
}

/// All requirements for another answer. Those of blocking answers come first.
pub(super) fn requirements(
    breaches: &[Violation],
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
            BindingAnswer::Policy(answer) => match &answer.ruling {
                Ruling::Require(requirements) => add(&source, blocking, requirements),
                Ruling::Deny(violations) => {
                    violations.iter().for_each(|violation| add(&source, blocking, &violation.remedies));
                }
                Ruling::Allow | Ruling::Abstain => {}
            },
            BindingAnswer::Check(report) => {
                report.findings.iter().for_each(|finding| add(&source, blocking, &finding.violation.remedies));
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
        BindingAnswer::Policy(answer) if answer.ruling == Ruling::Allow && !answer.obligations.is_empty() => {
            Some((binding.id.clone(), answer.obligations.clone()))
        }
        _ => None,
    };
    bindings.iter().filter_map(of).collect()
}

//! Asking one binding: whether at all, then the plugin, then what its answer says.

use std::sync::Arc;

use lockgate_domain::{
    BindingAnswer, BindingOutcome, Enforcement, Failure, FailureKind, Kind, Risk, Snapshot, Standing, combine,
};
use lockgate_runtime::Evaluation;

use crate::expression::{Expression, ExpressionError, Variables};
use crate::load::{LoadedBinding, LoadedPlugin};

/// Asks the binding's plugin, unless its `when` does not hold.
pub(super) fn ask(binding: &LoadedBinding, snapshot: &Arc<Snapshot>, variables: &Variables<'_>) -> BindingOutcome {
    let outcome = |standing, answer| BindingOutcome {
        id: binding.model.id.clone(),
        plugin: binding.plugin.reference.clone(),
        kind: binding.kind,
        enforcement: binding.model.enforcement,
        group: binding.model.group.clone(),
        standing,
        answer,
        receipt: None,
        log: Vec::new(),
        log_dropped: 0,
    };
    if let Some(when) = &binding.when {
        match is_asked(binding, when, snapshot, variables) {
            Ok(true) => {}
            Ok(false) => {
                let when = when.text().to_owned();
                return outcome(Standing::NotApplicable, BindingAnswer::NotAsked { when });
            }
            Err(error) => {
                return outcome(
                    Standing::Error,
                    BindingAnswer::Failed(Failure {
                        kind: FailureKind::PluginError,
                        message: format!("its `when` cannot be told: {error}"),
                        code: Some("when-not-told".to_owned()),
                        limit: None,
                        used: None,
                    }),
                );
            }
        }
    }
    let called = call(&binding.plugin, binding.kind, snapshot);
    BindingOutcome {
        receipt: Some(called.receipt),
        log: called.log,
        log_dropped: called.log_dropped,
        ..outcome(called.standing, called.answer)
    }
}

/// A higher risk is never asked less: a mandatory approval policy is asked if its `when` holds at the deployment's risk
/// or at any lower one.
fn is_asked(
    binding: &LoadedBinding,
    when: &Expression,
    snapshot: &Arc<Snapshot>,
    variables: &Variables<'_>,
) -> Result<bool, ExpressionError> {
    if when.holds(variables)? {
        return Ok(true);
    }
    let monotone = binding.kind == Kind::ApprovalPolicy && binding.model.enforcement != Enforcement::Advisory;
    if !monotone || !when.looks_at_risk() {
        return Ok(false);
    }
    for risk in [Risk::Low, Risk::Medium, Risk::High] {
        if risk >= snapshot.deployment.change.risk {
            break;
        }
        let mut lower = Snapshot::clone(snapshot);
        lower.deployment.change.risk = risk;
        if when.holds(&Variables::new(&lower))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One call of a plugin that decides or checks.
pub(crate) struct Called {
    pub(crate) standing: Standing,
    pub(crate) answer: BindingAnswer,
    pub(crate) receipt: lockgate_domain::Receipt,
    pub(crate) log: Vec<lockgate_domain::LogLine>,
    pub(crate) log_dropped: u64,
}

/// Calls the plugin as what it is bound as.
pub(crate) fn call(plugin: &LoadedPlugin, kind: Kind, snapshot: &Arc<Snapshot>) -> Called {
    match kind {
        Kind::ApprovalPolicy => called(plugin.plugin.decide(snapshot), |answer| {
            (combine::of_answer(&answer), BindingAnswer::Policy(answer))
        }),
        Kind::ValidationCheck => {
            called(plugin.plugin.check(snapshot), |report| (combine::of_report(&report), BindingAnswer::Check(report)))
        }
        Kind::Strategy => {
            called(plugin.plugin.plan(snapshot), |rollout| (Standing::Allow, BindingAnswer::Plan(rollout)))
        }
    }
}

fn called<T>(evaluation: Evaluation<T>, say: impl FnOnce(T) -> (Standing, BindingAnswer)) -> Called {
    let (standing, answer) = match evaluation.outcome {
        Ok(answer) => say(answer),
        Err(failure) => (Standing::Error, BindingAnswer::Failed(failure)),
    };
    Called { standing, answer, receipt: evaluation.receipt, log: evaluation.log, log_dropped: evaluation.log_dropped }
}

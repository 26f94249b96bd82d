//! Asks one binding: checks its condition, calls the plugin, and reads the answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{
    Action, BindingAnswer, BindingOutcome, Enforcement, Failure, FailureKind, Kind, LogLine, Receipt, Risk, Snapshot,
    Standing, combine,
};
use lockgate_runtime::{
    CapabilityExchange, Evaluation, NamespaceChanges, PluginFunction, PluginOutput, RecordedOutcome, Recording,
};

use crate::expression::{Expression, ExpressionError, Variables};
use crate::gate::answer_cache::AnswerCache;
use crate::gate::code::EngineCode;
use crate::load::{LoadedBinding, LoadedPluginUse};
use crate::values::PendingValues;

/// Whether a call is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordCalls {
    /// The whole call is recorded.
    Yes,
    /// Only the receipt is kept.
    No,
}

/// The source of the answers to what plugins ask of the outside.
#[derive(Clone, Copy, Debug)]
pub enum AnswerSource<'a> {
    /// The outside is asked.
    Live(RecordCalls),
    /// The outside is asked, and calls are not recorded. Earlier answers about the same snapshot are used again where
    /// they hold.
    Cached(&'a AnswerCache),
    /// The outside is not asked: the recorded answers of the first decision are used, by binding.
    Recorded(&'a RecordedAnswers),
}

impl AnswerSource<'_> {
    /// Whether at most one of the bindings has to be asked.
    pub(super) fn knows_most_of(&self, bindings: &[LoadedBinding]) -> bool {
        matches!(self, Self::Cached(remembered) if remembered.knows_most_of(bindings))
    }
}

/// The answers that the first decision got from outside, by binding.
pub type RecordedAnswers = BTreeMap<String, Vec<CapabilityExchange>>;

/// The result of asking a binding.
pub(super) struct BindingEvaluation {
    pub(super) outcome: BindingOutcome,
    /// The recording of the call, if there was one and it was to be recorded.
    pub(super) recording: Option<Recording>,
    /// The changes that the plugin makes in its namespace.
    changes: Option<NamespaceChanges>,
}

impl BindingEvaluation {
    /// The outcome of a binding whose plugin was not called.
    fn uncalled(outcome: BindingOutcome) -> Self {
        Self { outcome, recording: None, changes: None }
    }

    /// Adds the plugin's changes to those of earlier plugins. If they do not fit, the plugin has failed: an answer
    /// never counts without its changes.
    pub(super) fn keep_changes(&mut self, values: &PendingValues) {
        let Some(changes) = self.changes.take() else { return };
        if let Err(failure) = values.add(&changes) {
            if let Some(recording) = &mut self.recording {
                recording.outcome = RecordedOutcome::Failed(failure.clone());
            }
            self.outcome.standing = Standing::Error;
            self.outcome.answer = BindingAnswer::Failed(failure);
        }
    }
}

/// Asks the binding's plugin, unless its `when` is false.
pub(super) fn ask(
    binding: &LoadedBinding,
    snapshot: &Arc<Snapshot>,
    variables: &Variables<'_>,
    outside: AnswerSource<'_>,
    values: &Arc<PendingValues>,
) -> BindingEvaluation {
    ask_function(binding, function(binding.kind), snapshot, variables, outside, values)
}

/// As [`ask`], with one of several functions that a plugin of this kind has.
pub(super) fn ask_function(
    binding: &LoadedBinding,
    function: PluginFunction,
    snapshot: &Arc<Snapshot>,
    variables: &Variables<'_>,
    outside: AnswerSource<'_>,
    values: &Arc<PendingValues>,
) -> BindingEvaluation {
    let outcome = |standing, answer| BindingOutcome {
        id: binding.model.id.clone(),
        plugin: binding.plugin.reference.clone(),
        kind: binding.kind,
        enforcement: binding.model.enforcement,
        group: binding.model.group.clone(),
        standing,
        exemption: None,
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
                return BindingEvaluation::uncalled(outcome(Standing::NotApplicable, BindingAnswer::NotAsked { when }));
            }
            Err(error) => {
                let failure = Failure {
                    kind: FailureKind::PluginError,
                    message: format!("its `when` cannot be evaluated: {error}{}", way_out(&error)),
                    code: Some(EngineCode::WhenNotTold.as_str().to_owned()),
                    transient: false,
                    limit: None,
                    used: None,
                };
                return BindingEvaluation::uncalled(outcome(Standing::Error, BindingAnswer::Failed(failure)));
            }
        }
    }
    if let AnswerSource::Cached(remembered) = outside
        && let Some(said) = remembered.said(binding)
    {
        return BindingEvaluation::uncalled(said);
    }
    let called = match outside {
        AnswerSource::Live(record) => call(&binding.plugin, function, snapshot, record, values),
        AnswerSource::Cached(_) => call(&binding.plugin, function, snapshot, RecordCalls::No, values),
        AnswerSource::Recorded(answers) => {
            let exchanges = answers.get(&binding.model.id).map(Vec::as_slice).unwrap_or_default();
            PluginCall::of(binding.plugin.on(snapshot).answered_by(exchanges).ask(function), None)
        }
    };
    let outcome = BindingOutcome {
        receipt: Some(called.receipt),
        log: called.log,
        log_dropped: called.log_dropped,
        ..outcome(called.standing, called.answer)
    };
    if let (AnswerSource::Cached(remembered), true) = (outside, called.holds) {
        remembered.note(&outcome);
    }
    BindingEvaluation { outcome, recording: called.recording, changes: called.changes }
}

/// How to repair a `when` that reads a missing field, so that the policy is then asked.
fn way_out(error: &ExpressionError) -> String {
    match error {
        ExpressionError::Absent { field, .. } => format!(
            ": write `!has(…) || (…)` around it, or `!(\"{field}\" in …) || (…)` where `{field}` is a name that somebody chose, so that it \
             holds then"
        ),
        _ => String::new(),
    }
}

/// Whether the binding is asked. A higher risk is never asked less: a mandatory approval policy is asked if its `when`
/// is true at the deployment's risk or at any lower one.
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
        Arc::make_mut(&mut lower.deployment).change.risk = risk;
        if when.holds(&Variables::new(&lower))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One call of a plugin.
struct PluginCall {
    standing: Standing,
    answer: BindingAnswer,
    receipt: Receipt,
    log: Vec<LogLine>,
    log_dropped: u64,
    /// The changes that the plugin makes in its namespace.
    changes: Option<NamespaceChanges>,
    recording: Option<Recording>,
    /// Whether the plugin answered, and would give the same answer at any other moment.
    holds: bool,
}

/// Calls a function of the plugin.
fn call(
    plugin: &LoadedPluginUse,
    call: PluginFunction,
    snapshot: &Arc<Snapshot>,
    record: RecordCalls,
    values: &Arc<PendingValues>,
) -> PluginCall {
    let evaluation = plugin.on(snapshot).reading_from(Arc::<PendingValues>::clone(values)).ask(call);
    let recording = match record {
        RecordCalls::Yes => Some(Recording::take(&plugin.plugin, call, snapshot, &evaluation, Some(&plugin.model))),
        RecordCalls::No => None,
    };
    PluginCall::of(evaluation, recording)
}

/// The function that is called for this kind of binding.
fn function(kind: Kind) -> PluginFunction {
    match kind {
        Kind::ApprovalPolicy => PluginFunction::Decide,
        Kind::ValidationCheck => PluginFunction::Run,
        Kind::Strategy => PluginFunction::Plan,
    }
}

impl PluginCall {
    fn of(evaluation: Evaluation<PluginOutput>, recording: Option<Recording>) -> Self {
        let Evaluation { outcome, receipt, log, log_dropped, timeless, changes, .. } = evaluation;
        let holds = timeless && changes.is_none() && outcome.is_ok();
        let (standing, answer) = match outcome {
            Ok(said) => (standing(&said), answer(said)),
            Err(failure) => (Standing::Error, BindingAnswer::Failed(failure)),
        };
        Self { standing, answer, receipt, log, log_dropped, changes, recording, holds }
    }
}

/// The standing that an answer has at a gate.
pub(crate) fn standing(said: &PluginOutput) -> Standing {
    match said {
        PluginOutput::Answer(answer) => combine::of_answer(answer),
        PluginOutput::Report(report) => combine::of_report(report),
        PluginOutput::Rollout(_) => Standing::Allow,
        PluginOutput::Action(action) => match action {
            Action::Perform(_) | Action::Skip(_) | Action::Complete => Standing::Allow,
            Action::Wait(_) | Action::Pause(_) => Standing::Pending,
            Action::GoBack(_) => Standing::Deny,
        },
    }
}

/// An answer in the form that decisions keep.
fn answer(said: PluginOutput) -> BindingAnswer {
    match said {
        PluginOutput::Answer(answer) => BindingAnswer::Policy(answer),
        PluginOutput::Report(report) => BindingAnswer::Check(report),
        PluginOutput::Rollout(rollout) => BindingAnswer::Plan(rollout),
        PluginOutput::Action(action) => BindingAnswer::Advance(action),
    }
}

//! One decision at one gate: asks every binding side by side, combines the answers, and explains the result.
//!
//! Nothing here reads or writes storage: the snapshot holds everything that the decision may use, so the same snapshot
//! under the same model gives the same decision, id included. The changes that plugins make in their namespaces are
//! collected in the order of the bindings, for the write that the decision belongs to.

mod answer_cache;
mod ask;
mod code;
pub(crate) mod declared_analyses;
mod exempt;
mod explain;
mod group;
mod guard;
mod in_rollout;
mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use lockgate_domain::{
    ApprovedPlan, BindingAnswer, BindingOutcome, Decision, DecisionReason, Digest, Finding, Gate, GroupOutcome,
    ModelRef, RolloutQuestion, Snapshot, Standing, Verdict, combine, rules, unmet_criteria,
};
use lockgate_runtime::Recording;
use rayon::prelude::*;
use serde::Serialize;

use self::load::RunningDecision;
use crate::expression::Variables;
use crate::load::{LoadedGate, LoadedModel};
use crate::values::PendingValues;
use crate::{delivery_mode, environment_order, fact_demands, stops};
use ask::BindingEvaluation;
pub use code::EngineCode;

pub use answer_cache::AnswerCache;
pub(crate) use ask::standing;
pub use ask::{AnswerSource, RecordCalls, RecordedAnswers};
pub use explain::codes_in_the_way;
pub(crate) use in_rollout::Asked;
pub use in_rollout::{RolloutAnswer, RolloutDecision};

/// Why no decision could be made. A failure of a plugin is no such error: it becomes part of the decision.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The snapshot, or an answer, has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] lockgate_domain::DigestError),
}

impl LoadedModel {
    /// Evaluates the gate on this snapshot. `chosen_because` says why this model was chosen; the decision repeats it.
    /// Nothing is persisted: changes that plugins make in their namespaces are dropped.
    ///
    /// # Errors
    /// If the snapshot has no canonical JSON form.
    pub fn evaluate(&self, snapshot: &Arc<Snapshot>, chosen_because: &str) -> Result<Decision, GateError> {
        let outside = AnswerSource::Live(RecordCalls::No);
        let values = self.unwritten_values();
        self.decide(snapshot, snapshot.digest()?, chosen_because, outside, &values).map(|(decision, _)| decision)
    }

    /// As [`LoadedModel::evaluate`], with a recording of every plugin call.
    ///
    /// # Errors
    /// As [`LoadedModel::evaluate`].
    pub fn evaluate_recorded(
        &self,
        snapshot: &Arc<Snapshot>,
        chosen_because: &str,
    ) -> Result<(Decision, Vec<Recording>), GateError> {
        let values = self.unwritten_values();
        self.decide(snapshot, snapshot.digest()?, chosen_because, AnswerSource::Live(RecordCalls::Yes), &values)
    }

    /// Makes a decision again. Nothing outside is reached: plugins get the recorded answers.
    pub fn decide_again(
        &self,
        snapshot: &Arc<Snapshot>,
        chosen_because: &str,
        answers: &RecordedAnswers,
    ) -> Result<Decision, GateError> {
        let outside = AnswerSource::Recorded(answers);
        let values = PendingValues::of_runtime(None);
        self.decide(snapshot, snapshot.digest()?, chosen_because, outside, &values).map(|(decision, _)| decision)
    }

    /// Decides on a snapshot with this digest. Adds the changes that plugins make in their namespaces to `values`.
    pub fn decide(
        &self,
        snapshot: &Arc<Snapshot>,
        digest: Digest,
        chosen_because: &str,
        outside: AnswerSource<'_>,
        values: &Arc<PendingValues>,
    ) -> Result<(Decision, Vec<Recording>), GateError> {
        let mut breaches = rules::breaches(snapshot, self.digest());
        environment_order::check(self.model(), snapshot, &mut breaches);
        declared_analyses::check(self.model(), snapshot, &mut breaches);
        fact_demands::check(self.model(), snapshot, &mut breaches);
        delivery_mode::check(self.model(), snapshot, &mut breaches);
        stops::check(self.model(), snapshot, &mut breaches);
        if self.model().criteria {
            breaches.extend(unmet_criteria(snapshot, &|place| fact_demands::attesters_at(self.model(), place)));
        }
        let strategy = self.ask_for_rollout(snapshot, outside, values)?;
        self.check_laid_out(snapshot, strategy.as_ref().map(|asked| &asked.outcome), &mut breaches);
        let (asked, mut groups) = match self.gate(snapshot.gate) {
            Some(gate) => ask_all(gate, snapshot, outside, values),
            None => (Vec::new(), Vec::new()),
        };
        let guarded = !asked.is_empty();
        let (mut bindings, mut recordings) = split(asked);
        guard::check(self, snapshot, &bindings, &mut breaches);
        let mut exceptions = match self.gate(snapshot.gate) {
            Some(gate) => exempt::apply(gate, snapshot, &self.model().id, &mut bindings, &mut groups),
            None => Vec::new(),
        };
        exceptions.extend(exempt::void_approvals(snapshot));
        exceptions.extend(stops::remarks(self.model(), snapshot));
        if let Some(strategy) = strategy {
            let place = bindings.partition_point(|binding| binding.id < strategy.outcome.id);
            bindings.insert(place, strategy.outcome);
            recordings.extend(strategy.recording);
        }
        let judged = Judged { question: None, guarded, breaches, bindings, groups, exceptions };
        let decision = self.conclude(snapshot, digest, chosen_because, judged)?;
        let of_decision = |recording| Recording { decision: Some(decision.id.clone()), ..recording };
        let recordings = recordings.into_iter().map(of_decision).collect();
        Ok((decision, recordings))
    }

    /// Asks the strategy for the rollout, at the gates at which it is laid out.
    fn ask_for_rollout(
        &self,
        snapshot: &Arc<Snapshot>,
        outside: AnswerSource<'_>,
        values: &Arc<PendingValues>,
    ) -> Result<Option<BindingEvaluation>, GateError> {
        let Some(strategy) = self.strategy_binding().filter(|_| self.lays_out_at(snapshot.gate)) else {
            return Ok(None);
        };
        let planning = self.planning(snapshot)?;
        let mut asked = ask::ask(strategy, &planning, &Variables::new(&planning), outside, values);
        asked.keep_changes(values);
        Ok(Some(asked))
    }

    /// The decision that follows from the answers.
    fn conclude(
        &self,
        snapshot: &Snapshot,
        digest: Digest,
        chosen_because: &str,
        judged: Judged,
    ) -> Result<Decision, GateError> {
        let Judged { question, guarded, breaches, bindings, groups, exceptions } = judged;
        let verdict = combine::verdict(explain::voices(&bindings, &groups), !breaches.is_empty());
        let mut decision = Decision {
            id: String::new(),
            deployment: snapshot.deployment.id.clone(),
            gate: snapshot.gate,
            rollout: question,
            at: snapshot.now,
            verdict,
            reasons: explain::reasons(guarded, &breaches, &bindings, &groups, exceptions),
            requirements: explain::requirements(&breaches, &bindings, &groups),
            obligations: explain::obligations(verdict, &bindings),
            bindings,
            groups,
            model: ModelRef {
                id: self.model().id.clone(),
                version: self.model().version.clone(),
                digest: self.digest(),
                chosen_because: chosen_because.to_owned(),
                mode: self.model().mode,
            },
            snapshot: digest,
            subject: snapshot.subject,
            approved: None,
        };
        decision.id = decision_id(&decision)?;
        if verdict == Verdict::Allow && decision.rollout.is_none() {
            decision.approved = approved(&decision, snapshot)?;
        }
        Ok(decision)
    }
}

/// What was found at a gate, or within a rollout.
struct Judged {
    question: Option<RolloutQuestion>,
    /// Whether the model asks a plugin here.
    guarded: bool,
    breaches: Vec<Finding>,
    bindings: Vec<BindingOutcome>,
    groups: Vec<GroupOutcome>,
    exceptions: Vec<DecisionReason>,
}

/// The outcomes of bindings, and the recordings of those whose calls were recorded.
fn split(asked: Vec<BindingEvaluation>) -> (Vec<BindingOutcome>, Vec<Recording>) {
    let (outcomes, recordings): (_, Vec<Option<Recording>>) =
        asked.into_iter().map(|BindingEvaluation { outcome, recording, .. }| (outcome, recording)).unzip();
    (outcomes, recordings.into_iter().flatten().collect())
}

/// Asks every binding of the gate. Bindings run side by side as long as cores are free. They run one after the other if
/// other decisions keep all cores busy or most answers are known, because threads then cost more than they give. The
/// result is the same. A plugin that may wait for others runs on a thread of its own, so that it does not block a
/// computing thread: there are only as many of those as cores.
fn ask_all(
    gate: &LoadedGate,
    snapshot: &Arc<Snapshot>,
    outside: AnswerSource<'_>,
    values: &Arc<PendingValues>,
) -> (Vec<BindingEvaluation>, Vec<GroupOutcome>) {
    let variables = Variables::new(snapshot);
    let ask = |binding| ask::ask(binding, snapshot, &variables, outside, values);
    let running = RunningDecision::begin();
    let mut asked: Vec<BindingEvaluation> = match gate.bindings.as_slice() {
        [only] => vec![ask(only)],
        several if several.iter().any(|binding| binding.plugin.plugin.may_wait()) => thread::scope(|scope| {
            let waiting = several.iter().enumerate().filter(|(_, binding)| binding.plugin.plugin.may_wait());
            // If no thread is available, the binding is asked like the others.
            let threads: BTreeMap<usize, _> = waiting
                .filter_map(|(place, binding)| {
                    thread::Builder::new().spawn_scoped(scope, move || ask(binding)).ok().map(|thread| (place, thread))
                })
                .collect();
            let apart: BTreeSet<usize> = threads.keys().copied().collect();
            let others = several.par_iter().enumerate();
            let mut asked: Vec<Option<BindingEvaluation>> =
                others.map(|(place, binding)| (!apart.contains(&place)).then(|| ask(binding))).collect();
            for (place, thread) in threads {
                if let (Some(asked), Ok(answered)) = (asked.get_mut(place), thread.join()) {
                    *asked = Some(answered);
                }
            }
            several.iter().zip(asked).map(|(binding, asked)| asked.unwrap_or_else(|| ask(binding))).collect()
        }),
        several if running.all_cores() || outside.knows_most_of(several) => several.iter().map(ask).collect(),
        several => several.par_iter().map(ask).collect(),
    };
    drop(running);
    // All of them have seen the values from before. The order of the bindings decides whose change of a key holds, and
    // whose changes no longer fit.
    asked.iter_mut().for_each(|asked| asked.keep_changes(values));
    let outcomes: Vec<&BindingOutcome> = asked.iter().map(|asked| &asked.outcome).collect();
    let groups = gate.groups.iter().map(|group| group::settle(group, &outcomes)).collect();
    (asked, groups)
}

/// The id of a decision with this content. A decision with another id was changed after it was made. A decision with
/// this id may still be forged, because anybody who can read this code can compute an id.
///
/// The id depends on the input and the answers, and on nothing that differs from run to run. It begins with the moment
/// of the snapshot, so that the ids of consecutive decisions are neighbours in the indexes of a database, however many
/// there are.
///
/// # Errors
/// If an answer has no canonical JSON form.
pub fn decision_id(decision: &Decision) -> Result<String, GateError> {
    #[derive(Serialize)]
    struct Answered<'a> {
        id: &'a str,
        settings: Option<Digest>,
        standing: Standing,
        answer: &'a BindingAnswer,
    }
    #[derive(Serialize)]
    struct Basis<'a> {
        snapshot: Digest,
        #[serde(skip_serializing_if = "Option::is_none")]
        rollout: Option<&'a RolloutQuestion>,
        model: Digest,
        verdict: Verdict,
        answers: Vec<Answered<'a>>,
    }
    let basis = Basis {
        snapshot: decision.snapshot,
        rollout: decision.rollout.as_ref(),
        model: decision.model.digest,
        verdict: decision.verdict,
        answers: decision
            .bindings
            .iter()
            .map(|binding| Answered {
                id: &binding.id,
                settings: binding.receipt.as_ref().map(|receipt| receipt.settings),
                standing: binding.standing,
                answer: &binding.answer,
            })
            .collect(),
    };
    let hex: String = Digest::of_canonical(&basis)?.hex().chars().take(32).collect();
    // Ids of moments before 1970 have the same beginning: only their order in an index suffers.
    let millis = u64::try_from(decision.at.as_millis()).unwrap_or(0);
    Ok(format!("dec-{millis:012x}-{hex}"))
}

/// The plan that the exit of plan-and-approve approves, when it allows.
fn approved(decision: &Decision, snapshot: &Snapshot) -> Result<Option<ApprovedPlan>, GateError> {
    let Some(plan) = snapshot.deployment.plan.as_ref().filter(|_| snapshot.gate == Gate::PLAN_EXIT) else {
        return Ok(None);
    };
    Ok(Some(ApprovedPlan {
        subject: snapshot.subject,
        decision: decision.id.clone(),
        at: snapshot.now,
        release: snapshot.deployment.release.id.clone(),
        digest: snapshot.deployment.release.digest,
        components: snapshot.deployment.release.components.clone(),
        parts: Snapshot::subject_parts(&snapshot.deployment, &snapshot.evidence)?,
        evidence: Snapshot::subject_evidence(&snapshot.deployment, &snapshot.evidence),
        plan: Digest::of_canonical(plan)?,
        rollout: snapshot.deployment.rollout.as_ref().map(Digest::of_canonical).transpose()?,
        model: decision.model.digest,
    }))
}

//! Makes the decisions of a ledger again from the ledger alone: from the deployment and its evidence, the model with
//! its components, and the answers that plugins got from outside.
//!
//! Replay only reads the ledger, so a server may use it at the same time.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use lockgate_domain::{BindingAnswer, Decision, Deployment, Digest, DigestError, Rollout, Snapshot, Timestamp};
use lockgate_ledger::{ContentState, EntryQuery, Error, Storage, StoredEntry};
use lockgate_runtime::{RecordedEngine, Recording, Runtime};
use parking_lot::Mutex;
use serde_json::Value;

use crate::catalogue::{RestoreError, engines, restore_to_replay};
use crate::{DecisionRecord, DeploymentService, Models, Recordings, ServiceError, decision_stream, teams_with};
use lockgate_engine::expression::Variables;
use lockgate_engine::gate::RecordedAnswers;
use lockgate_engine::load::LoadedModel;
use lockgate_engine::model::ModelGrants;
use lockgate_engine::replay::{DecisionComparison, ReplayOutcome, ReplayedDecision, of_the_machine};

/// The most teams whose deployments with one id are considered.
const MOST_TEAMS: usize = 1000;

/// Selects decisions. A decision must meet all conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Only decisions with one of these ids. Empty: any id.
    pub ids: Vec<String>,
    /// Only decisions about the deployment with this id, of any team.
    pub deployment: Option<String>,
    /// Only decisions made at this moment or later.
    pub since: Option<Timestamp>,
    /// Only decisions made before this moment.
    pub until: Option<Timestamp>,
}

/// A decision that a ledger keeps.
#[derive(Clone, Debug)]
pub struct KeptDecision {
    /// The index in the audit log.
    pub index: u64,
    pub id: String,
    /// The record, or why it cannot be read.
    pub record: Result<Box<DecisionRecord>, String>,
}

/// Makes the decisions of a ledger again. Threads may share it.
pub struct LedgerReplay {
    runtime: Runtime,
    storage: Arc<dyn Storage>,
    engine: DeploymentService,
    candidate: Option<LoadedModel>,
    loaded: Mutex<HashMap<Digest, LoadingModel>>,
    /// The engines that decided, in order, each with the index of the log from which on it did. None where the ledger
    /// does not say.
    engines: Vec<(u64, Option<String>)>,
}

/// A model, which the first thread that needs it loads; or the outcome that replaces the replay.
type LoadingModel = Arc<OnceLock<Result<LoadedModel, ReplayOutcome>>>;

/// The models of a replay, which never asks for a model by deployment.
struct NoModels;

impl Models for NoModels {
    fn current(&self) -> Arc<[LoadedModel]> {
        Arc::default()
    }

    fn by_digest(&self, _: Digest) -> Option<LoadedModel> {
        None
    }
}

impl std::fmt::Debug for LedgerReplay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decisions").field("candidate", &self.candidate).finish_non_exhaustive()
    }
}

impl LedgerReplay {
    /// Replays the decisions of a ledger. A candidate replaces the model with the same id, and must be [loaded for
    /// it](LoadedModel::load_to_replay).
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of(runtime: Runtime, storage: Arc<dyn Storage>, candidate: Option<LoadedModel>) -> Result<Self, Error> {
        let engines = engines(&*storage)?;
        let engine = DeploymentService::new(storage.clone(), Arc::new(NoModels), Recordings::None);
        Ok(Self { runtime, storage, engine, candidate, loaded: Mutex::default(), engines })
    }

    /// The decisions that a filter selects, in order, from an index of the log on, at most `limit`; and the index from
    /// which on there may be more. A filter with ids gets all of its decisions at once.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn find(
        &self,
        which: &DecisionFilter,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<KeptDecision>, Option<u64>), Error> {
        let query = EntryQuery { kind: Some("decision".to_owned()), from, limit, ..EntryQuery::default() };
        let mut found = Vec::new();
        let mut next = None;
        for stream in self.streams(which)? {
            let query = EntryQuery { stream, ..query.clone() };
            if which.ids.is_empty() {
                found.extend(self.storage.entries(&query)?);
            }
            for id in &which.ids {
                found.extend(self.storage.entries(&EntryQuery { id: Some(id.clone()), ..query.clone() })?);
            }
        }
        found.sort_by_key(|stored| stored.index);
        found.dedup_by_key(|stored| stored.index);
        if which.ids.is_empty() {
            found.truncate(limit);
            next = found.last().map(|last| last.index + 1);
        }
        let is_asked_for = |stored: &StoredEntry| {
            which.since.is_none_or(|since| since <= stored.at) && which.until.is_none_or(|until| stored.at < until)
        };
        Ok((found.iter().filter(|stored| is_asked_for(stored)).map(KeptDecision::of).collect(), next))
    }

    /// The streams that hold the decisions: those of each team that has a deployment with this id, or all.
    fn streams(&self, which: &DecisionFilter) -> Result<Vec<Option<String>>, Error> {
        let Some(id) = &which.deployment else { return Ok(vec![None]) };
        let teams = teams_with(&*self.storage, id, MOST_TEAMS)?;
        Ok(teams.iter().map(|team| Some(decision_stream(team, id))).collect())
    }

    /// Makes one decision again.
    pub fn replay(&self, kept: &KeptDecision) -> ReplayedDecision {
        match &kept.record {
            Ok(record) => self.again(kept.index, record).unwrap_or_else(ReplayedDecision::from),
            Err(why) => ReplayOutcome::NotRun { why: why.clone() }.into(),
        }
    }

    fn again(&self, index: u64, record: &DecisionRecord) -> Result<ReplayedDecision, ReplayOutcome> {
        let was = &record.decision;
        if self.candidate.as_ref().is_some_and(|candidate| candidate.model().id != was.model.id) {
            return Err(ReplayOutcome::NotConcerned);
        }
        if let Some(why) = of_the_machine(was) {
            return Err(ReplayOutcome::NotComparable { why });
        }
        let mut answers = self.answers(record)?;
        let snapshot = self.snapshot(record)?;
        let (model, snapshot) = match &self.candidate {
            None => {
                // The approved subject must be that of the snapshot, so it is computed again, too.
                let subject = Snapshot::subject_of(&snapshot.deployment, &snapshot.evidence, was.model.digest);
                (self.model(was.model.digest)?, Snapshot { subject: subject.map_err(not_run)?, ..snapshot })
            }
            Some(candidate) => {
                if !answers.is_empty() {
                    let before = self.model(was.model.digest)?;
                    answers.retain(|id, _| reach_the_same(&before, candidate, was, id));
                }
                (candidate.clone(), would_be(candidate, snapshot, was)?)
            }
        };
        let (snapshot, because) = (Arc::new(snapshot), &was.model.chosen_because);
        let is = match &was.rollout {
            None => model.decide_again(&snapshot, because, &answers).map_err(not_run)?,
            Some(question) => model.decide_again_in_rollout(&snapshot, question, because, &answers).map_err(not_run)?,
        };
        let same_engine = self.engine_at(index) == Some(&RecordedEngine::line());
        let compared = DecisionComparison { was, is: &is, candidate: self.candidate.is_some(), same_engine };
        compared.ended().map_err(not_run)
    }

    /// The answers that plugins got from outside, by binding.
    fn answers(&self, record: &DecisionRecord) -> Result<RecordedAnswers, ReplayOutcome> {
        let mut answers = RecordedAnswers::new();
        for digest in &record.recordings {
            let bytes = self.content("a recording of what a plugin asked", *digest)?;
            let recording = Recording::decode(&bytes).map_err(not_run)?;
            if let Some(model) = recording.model {
                answers.insert(model.binding, recording.exchanges);
            }
        }
        Ok(answers)
    }

    /// The snapshot of the decision.
    fn snapshot(&self, record: &DecisionRecord) -> Result<Snapshot, ReplayOutcome> {
        self.engine.snapshot(record).map_err(|error| {
            let evidence = record.evidence.iter().map(|(name, piece)| (format!("the evidence `{name}`"), piece.digest));
            let entries = self.entries(record).into_iter();
            let mut parts = [("the deployment that was looked at".to_owned(), record.deployment)]
                .into_iter()
                .chain(evidence)
                .chain(entries);
            let gone = match &error {
                ServiceError::NotFound { .. } => parts.find_map(|(what, digest)| self.content(&what, digest).err()),
                _ => None,
            };
            gone.unwrap_or_else(|| not_run(error))
        })
    }

    /// The values of registers that the decision's snapshot holds, as far as the ledger still tells.
    fn entries(&self, record: &DecisionRecord) -> Vec<(String, Digest)> {
        let kept = self.content("the deployment that was looked at", record.deployment).ok();
        let form: Option<Value> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let provenance = form.as_ref().and_then(|form| form.get("provenance")).and_then(Value::as_object);
        let entry = |(pointer, provenance): (&String, &Value)| {
            let digest = provenance.get("entry")?.as_str()?.parse().ok()?;
            Some((format!("the entry of a register at `{pointer}`"), digest))
        };
        provenance.into_iter().flatten().filter_map(entry).collect()
    }

    /// Content of the ledger whose bytes have this digest.
    fn content(&self, what: &str, digest: Digest) -> Result<Vec<u8>, ReplayOutcome> {
        match self.storage.content(&digest).map_err(not_run)?.map(|content| content.state) {
            Some(ContentState::Present(bytes)) if Digest::of(&bytes) == digest => Ok(bytes),
            Some(ContentState::Present(_)) => Err(not_run(format!("{what} is not what its digest `{digest}` says"))),
            Some(ContentState::Deleted(at)) => Err(ReplayOutcome::Deleted { what: what.to_owned(), digest, at }),
            None => Err(not_run(format!("the ledger has no content `{digest}`, which is {what}"))),
        }
    }

    /// The model with this digest, from the ledger.
    fn model(&self, digest: Digest) -> Result<LoadedModel, ReplayOutcome> {
        let place = {
            let mut loaded = self.loaded.lock();
            Arc::clone(loaded.entry(digest).or_default())
        };
        let load = || match restore_to_replay(&self.runtime, &*self.storage, digest) {
            Err(RestoreError::Deleted { model, what, digest, at }) => {
                Err(ReplayOutcome::Deleted { what: format!("{what} of the model `{model}`"), digest, at })
            }
            restored => restored.map_err(not_run),
        };
        place.get_or_init(load).clone()
    }

    /// The engine that decided at this index of the log, if the ledger says so.
    fn engine_at(&self, index: u64) -> Option<&String> {
        let before = self.engines.partition_point(|(from, _)| *from < index);
        self.engines.get(before.checked_sub(1)?)?.1.as_ref()
    }
}

impl KeptDecision {
    fn of(stored: &StoredEntry) -> Self {
        let record = stored.read().and_then(|entry| {
            let record = serde_json::from_value(entry.body);
            record.map_err(|error| format!("entry {} is no decision: {error}", stored.index))
        });
        Self { index: stored.index, id: stored.id.clone().unwrap_or_default(), record }
    }
}

fn not_run(error: impl ToString) -> ReplayOutcome {
    ReplayOutcome::NotRun { why: error.to_string() }
}

/// Whether a binding reaches the same outside sources under both models.
fn reach_the_same(one: &LoadedModel, other: &LoadedModel, was: &Decision, binding: &str) -> bool {
    let grants = |model: &LoadedModel| -> Option<ModelGrants> {
        let used = match was.rollout {
            None => model.use_at(was.gate, binding),
            Some(_) => model.use_in_rollout(binding),
        };
        used.map(|used| used.grants.clone())
    };
    grants(one).zip(grants(other)).is_some_and(|(one, other)| one.reach_the_same(&other))
}

/// The snapshot as it would be if the candidate had been the model from the first gate on. People would have approved
/// the same under the candidate, so the approved subject names the candidate, and not the model that it would replace.
fn would_be(candidate: &LoadedModel, snapshot: Snapshot, was: &Decision) -> Result<Snapshot, ReplayOutcome> {
    let before = was.model.digest;
    let Snapshot { deployment, gate, now, subject, evidence } = snapshot;
    let mut deployment = Deployment::clone(&deployment);
    let was_laid_out = deployment.rollout.clone();
    let laid_out = was.bindings.iter().any(|binding| match &binding.answer {
        BindingAnswer::Plan(planned) => Some(planned) == was_laid_out.as_ref(),
        _ => false,
    });
    if laid_out || was_laid_out.is_none() && candidate.lays_out_at(gate) {
        // Its strategy would have laid the rollout out.
        deployment.rollout = None;
        let laid_out = candidate.snapshot(deployment, gate, now, evidence.clone()).map_err(not_run)?;
        deployment = Deployment::clone(&laid_out.deployment);
        approve_instead(&mut deployment, was_laid_out.as_ref()).map_err(not_run)?;
    }
    let is = Snapshot::subject_of(&deployment, &evidence, candidate.digest()).map_err(not_run)?;
    let Deployment { approved, approvals, overrides, .. } = &mut deployment;
    let subjects = approvals.iter_mut().map(|approval| &mut approval.subject);
    let subjects = subjects.chain(overrides.iter_mut().map(|taken| &mut taken.subject));
    let subjects = subjects.chain(approved.iter_mut().map(|approved| &mut approved.subject));
    subjects.filter(|named| **named == subject).for_each(|named| *named = is);
    if let Some(approved) = approved.as_mut().filter(|approved| approved.model == before) {
        approved.model = candidate.digest();
    }
    let is_approved = approved.is_some();
    let snapshot = candidate.snapshot(deployment, gate, now, evidence).map_err(not_run)?;
    // An approved deployment stays with its model, whether the model would be chosen again or not.
    if !is_approved {
        applies(candidate, &snapshot)?;
    }
    Ok(snapshot)
}

/// Has the present rollout approved in the place of the one that was approved.
fn approve_instead(deployment: &mut Deployment, was: Option<&Rollout>) -> Result<(), DigestError> {
    let digest = |rollout: Option<&Rollout>| rollout.map(Digest::of_canonical).transpose();
    let (was, is) = (digest(was)?, digest(deployment.rollout.as_ref())?);
    if let Some(approved) = deployment.approved.as_mut().filter(|approved| approved.rollout == was) {
        approved.rollout = is;
        approved.parts.remove("rollout");
        approved.parts.extend(is.map(|digest| ("rollout".to_owned(), digest)));
    }
    Ok(())
}

fn applies(candidate: &LoadedModel, snapshot: &Snapshot) -> Result<(), ReplayOutcome> {
    let Some(condition) = candidate.applies() else { return Ok(()) };
    let id = &candidate.model().id;
    match condition.holds(&Variables::new(snapshot)) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let why = format!("the candidate `{id}` is not for this deployment: `{}` does not hold", condition.text());
            Err(ReplayOutcome::NotChosen { why })
        }
        Err(error) => Err(ReplayOutcome::NotChosen {
            why: format!("whether the candidate `{id}` applies to it is unknown: {error}"),
        }),
    }
}

//! Decisions: each is made on a snapshot, written with everything that a replay needs, and answered when it is durable.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::join::with_entries;
use lockgate_domain::{
    BeforeRollout, Decision, Digest, Evidence, Gate, Right, Rollout, RolloutQuestion, Snapshot, TeamName,
};
use lockgate_ledger::{
    Append, Conflict, ContentBlob, EntryDraft, Error, ExpectedVersion, IdempotentRequest, ValueChanges,
};
use lockgate_runtime::Recording;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::locate::decision_stream;
use super::read::{LoadedDeployment, Page, PageRequest, body};
use super::snapshot_cache::{CachedSnapshot, GateSnapshot, content_of};
use super::stops::passed_stops;
use super::{DeploymentRef, DeploymentService, Recordings, ServiceError};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, EventActor};
use crate::namespaces::{LedgerNamespaces, value_changes};
use lockgate_engine::LoadedModel;
use lockgate_engine::PendingValues;
use lockgate_engine::gate::{AnswerSource, RecordCalls, RolloutDecision};

/// How many digests of stored content are remembered.
const REMEMBERED: usize = 16_384;

/// How a decision was asked for: kept beside it in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionOrigin {
    /// The interface of the request: `api`, `authzen`, `opa`, or a path of the OPA data API.
    pub path: String,
    /// The input of the request, if the server keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The request that asked for the decision.
    #[serde(default)]
    pub request: RequestRef,
}

/// The request that asked for a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRef {
    /// The id of the request: its `X-Request-ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id of the trace that the request belongs to, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The id of the span in the trace, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// The network address that the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

/// The durations of the parts of a decision. They are not part of the decision itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionPhases {
    /// The time for reading the deployment, in nanoseconds.
    #[serde(rename = "read_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub read: Duration,
    /// The time for choosing the model and taking the snapshot, in nanoseconds.
    #[serde(rename = "snapshot_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub snapshot: Duration,
    /// The time for calling the plugins and combining their answers, in nanoseconds.
    #[serde(rename = "evaluate_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub evaluate: Duration,
}

mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}

/// A decision as the ledger keeps it: the body of a `decision` entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRecord {
    /// The decision itself: verdict, reasons and outcomes.
    pub decision: Decision,
    /// The team that owns the deployment.
    pub team: TeamName,
    /// The person who asked for the decision, and the credential.
    pub actor: EventActor,
    /// The interface and the request that asked for the decision.
    #[serde(flatten)]
    pub asked: DecisionOrigin,
    /// Whether the deployment passed the gate with this decision. Otherwise the gate was only evaluated.
    pub passed: bool,
    /// The digest of the deployment without gate and time, which the ledger holds as content. Together with this record
    /// it is the snapshot, byte for byte.
    pub deployment: Digest,
    /// The evidence of the snapshot, by name. The ledger holds its bytes as content.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Evidence>,
    /// The digests of the recordings of plugins with capabilities, which the ledger holds as content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<Digest>,
    /// The time that each part of the decision took.
    pub phases: DecisionPhases,
}

/// The result of evaluating a gate.
pub(super) struct EvaluatedDecision {
    loaded: Arc<LoadedDeployment>,
    cached: Arc<CachedSnapshot>,
    snapshot: Arc<Snapshot>,
    /// The versions of the bookings that the snapshot depends on.
    bookings: Vec<ExpectedVersion>,
    pub(super) decision: Decision,
    recordings: Vec<Recording>,
    /// The values that plugins want to keep. They are written with the decision, or not at all.
    values: Vec<ValueChanges>,
    /// How long choosing the model and taking the snapshot took, and how long evaluating took.
    snapshot_time: Duration,
    evaluate: Duration,
}

/// A decision that is not on the disk yet, with everything that is written with it.
pub(super) struct PreparedDecision {
    /// The decision. No answer may contain it before it is on the disk.
    pub(super) decision: Arc<Decision>,
    /// The durations of its parts.
    pub(super) phases: DecisionPhases,
    pub(super) loaded: Arc<LoadedDeployment>,
    /// The overrides that a pass takes by itself, because the line is stopped and the hotfix lane of the model is open.
    pub(super) taken: Vec<DeploymentEvent>,
    pub(super) entries: Vec<EntryDraft>,
    pub(super) content: Vec<ContentBlob>,
    pub(super) expect: Vec<ExpectedVersion>,
    pub(super) values: Vec<ValueChanges>,
    /// The answer that the ledger keeps for an idempotency key.
    pub(super) request: Option<IdempotentRequest>,
    /// The rollout that the strategy lays out for the deployment, before it begins.
    pub(super) laid_out: Option<Rollout>,
    /// The deployment and the environment before the rollout, at the entrance of fulfill.
    pub(super) before: Option<Box<BeforeRollout>>,
}

/// What is kept of the snapshot of a decision, for replays.
struct KeptSnapshot {
    deployment: ContentBlob,
    evidence: BTreeMap<String, Evidence>,
    recordings: Vec<Recording>,
    phases: DecisionPhases,
}

impl EvaluatedDecision {
    /// The durations of the parts, with the time for reading added.
    pub(super) fn phases(&self, read: Duration) -> DecisionPhases {
        DecisionPhases { read, snapshot: self.snapshot_time, evaluate: self.evaluate }
    }
}

/// The content that was stored lately, and need not be sent again.
#[derive(Debug, Default)]
pub(super) struct RecentContent(Mutex<HashSet<Digest>>);

impl RecentContent {
    fn has(&self, digest: Digest) -> bool {
        self.0.lock().contains(&digest)
    }

    pub(super) fn add(&self, digests: impl Iterator<Item = Digest>) {
        let mut known = self.0.lock();
        if known.len() > REMEMBERED {
            known.clear();
        }
        known.extend(digests);
    }

    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}

impl DeploymentService {
    /// Whether the error means that something has changed which the decision depends on, so that it is worth another
    /// attempt.
    pub(super) fn is_worth_another_attempt(&self, error: &Error) -> bool {
        if let Error::UnknownContent(_) = error {
            // Retention has deleted content that this process remembered as stored.
            self.0.stored.forget();
        }
        self.note_conflict(error);
        matches!(error, Error::Conflict(_) | Error::UnknownContent(_))
    }

    /// Notes a conflict over values. Writers of this process then take turns.
    pub(super) fn note_conflict(&self, error: &Error) {
        if let Error::Conflict(Conflict::Namespace { namespace, .. }) = error {
            self.0.value_turns.contend(namespace);
        }
    }

    /// Evaluates the gate on a snapshot. `snapshot_time` says how long taking the snapshot took. Writes neither the
    /// decision nor the values that plugins want to keep.
    pub(super) fn evaluate(
        &self,
        loaded: Arc<LoadedDeployment>,
        GateSnapshot { cached, snapshot, bookings }: GateSnapshot,
        snapshot_time: Duration,
    ) -> Result<EvaluatedDecision, ServiceError> {
        let began = Instant::now();
        let (gate, now) = (snapshot.gate, snapshot.now);
        let digest = cached.form.digest(gate, now)?;
        let outside = match self.records(&cached.model, gate) {
            true => AnswerSource::Live(RecordCalls::Yes),
            false => AnswerSource::Cached(&cached.answers),
        };
        let values = LedgerNamespaces::pending(Arc::clone(&self.0.storage));
        let (decision, recordings) = cached.model.decide(&snapshot, digest, &cached.because, outside, &values)?;
        let (values, evaluate) = (value_changes(&values), began.elapsed());
        Ok(EvaluatedDecision {
            loaded,
            cached,
            snapshot,
            bookings,
            decision,
            recordings,
            values,
            snapshot_time,
            evaluate,
        })
    }

    /// Makes the entry of a decision, with everything that a replay needs.
    pub(super) fn write_down(
        &self,
        actor: &Actor,
        evaluated: EvaluatedDecision,
        asked: &DecisionOrigin,
        read: Duration,
        pass: bool,
    ) -> Result<PreparedDecision, ServiceError> {
        let phases = evaluated.phases(read);
        let EvaluatedDecision { loaded, cached, snapshot, bookings, decision, recordings, values, .. } = evaluated;
        let taken = passed_stops(&loaded, &cached.model, &snapshot, (decision.gate, actor))?;
        let passed = pass && decision.verdict == lockgate_domain::Verdict::Allow;
        let (deployment, evidence) = (cached.content.clone(), snapshot.evidence.clone());
        let kept = KeptSnapshot { deployment, evidence, recordings, phases };
        let (entry, content, decision) = self.decision_entry_of(actor, &loaded, asked, passed, decision, kept)?;
        let mut expect = cached.expect.clone();
        expect.extend(bookings);
        expect.push(ExpectedVersion { stream: loaded.stream.clone(), version: loaded.state.version });
        let decision = Arc::new(decision);
        let begins = passed && snapshot.gate == Gate::FULFILL_ENTRANCE;
        let before = begins.then(|| Box::new(BeforeRollout::of(&snapshot.deployment)));
        // Once planning has begun, there is a rollout to look at and to approve.
        let laid_out = match snapshot.gate {
            gate if gate > Gate::FULFILL_ENTRANCE || !passed => None,
            gate if gate < Gate::PLAN_EXIT => cached.model.lay_out(&snapshot).ok(),
            _ => snapshot.deployment.rollout.clone(),
        };
        let entries = vec![entry];
        Ok(PreparedDecision {
            decision,
            phases,
            loaded,
            taken,
            entries,
            content,
            expect,
            values,
            request: None,
            laid_out,
            before,
        })
    }

    fn records(&self, model: &LoadedModel, gate: Gate) -> bool {
        match self.0.recordings {
            Recordings::All => true,
            Recordings::None => false,
            Recordings::Needed => model.reaches_outside(gate),
        }
    }

    /// Makes a decision within a rollout. Adds the changes that plugins make in their namespaces to `values`.
    pub(super) fn decide_in_rollout(
        &self,
        cached: &CachedSnapshot,
        snapshot: &Arc<Snapshot>,
        question: &RolloutQuestion,
        values: &Arc<PendingValues>,
    ) -> Result<RolloutDecision, ServiceError> {
        let model = &cached.model;
        let record = match self.0.recordings {
            Recordings::All => RecordCalls::Yes,
            Recordings::None => RecordCalls::No,
            Recordings::Needed if model.reaches_outside_in_rollout() => RecordCalls::Yes,
            Recordings::Needed => RecordCalls::No,
        };
        let outside = AnswerSource::Live(record);
        Ok(model.decide_in_rollout(snapshot, question, &cached.because, outside, values)?)
    }

    /// The entry of a decision within a rollout, and the content that a replay needs.
    pub(super) fn rollout_entry(
        &self,
        actor: &Actor,
        loaded: &LoadedDeployment,
        snapshot: &Snapshot,
        decided: RolloutDecision,
    ) -> Result<(EntryDraft, Vec<ContentBlob>), ServiceError> {
        let RolloutDecision { decision, recordings, .. } = decided;
        let deployment = content_of(&snapshot.deployment)?;
        let asked = DecisionOrigin { path: "rollout".to_owned(), ..DecisionOrigin::default() };
        let phases = DecisionPhases::default();
        let kept = KeptSnapshot { deployment, evidence: snapshot.evidence.clone(), recordings, phases };
        self.decision_entry_of(actor, loaded, &asked, false, decision, kept).map(|(entry, content, _)| (entry, content))
    }

    /// The entry of a decision, with the content that a replay needs.
    fn decision_entry_of(
        &self,
        actor: &Actor,
        loaded: &LoadedDeployment,
        asked: &DecisionOrigin,
        passed: bool,
        decision: Decision,
        kept: KeptSnapshot,
    ) -> Result<(EntryDraft, Vec<ContentBlob>, Decision), ServiceError> {
        let KeptSnapshot { deployment, evidence, recordings, phases } = kept;
        let mut content = Vec::new();
        for recording in recordings {
            let bytes = recording.encode().map_err(|error| ServiceError::Damaged(format!("a recording: {error}")))?;
            content.push(ContentBlob::new("recording", "application/zstd", Arc::new(bytes)));
        }
        let recordings = digests(&content);
        let record = DecisionRecord {
            team: loaded.state.team.clone(),
            actor: EventActor::from(actor),
            asked: asked.clone(),
            passed,
            deployment: deployment.digest(),
            evidence,
            recordings,
            phases,
            decision,
        };
        content.push(deployment);
        let at = record.decision.at;
        let mut entry = EntryDraft::new(&decision_stream(&loaded.state.team, &loaded.id), "decision", at, &record)?;
        entry = entry.with_id(&record.decision.id)?.of_team(&loaded.state.team)?;
        let named =
            [record.deployment].into_iter().chain(record.recordings).chain(record.evidence.values().map(|e| e.digest));
        for digest in named {
            entry = entry.referring_to(digest);
        }
        content.retain(|content| !self.0.stored.has(content.digest()));
        Ok((entry, content, record.decision))
    }

    /// The record of a decision by id, as the ledger keeps it.
    ///
    /// # Errors
    /// If the actor sees no such decision, or the ledger cannot be read.
    pub fn decision(&self, actor: &Actor, id: &str) -> Result<DecisionRecord, ServiceError> {
        Ok(self.decision_entry(actor, id)?.1)
    }

    /// The index of a decision in the audit log.
    ///
    /// # Errors
    /// As [`DeploymentService::decision`].
    pub fn decision_index(&self, actor: &Actor, id: &str) -> Result<u64, ServiceError> {
        Ok(self.decision_entry(actor, id)?.0)
    }

    fn decision_entry(&self, actor: &Actor, id: &str) -> Result<(u64, DecisionRecord), ServiceError> {
        actor.require(Right::Read)?;
        let missing = || ServiceError::NotFound { what: "decision", id: id.to_owned() };
        let query = lockgate_ledger::EntryQuery {
            kind: Some("decision".to_owned()),
            id: Some(id.to_owned()),
            limit: 1,
            ..Default::default()
        };
        let stored = self.visible(&actor.teams, &query)?.into_iter().next().ok_or_else(missing)?;
        let entry = stored.read().map_err(ServiceError::Damaged)?;
        Ok((entry.index, body(&entry)?))
    }

    /// The decisions about one deployment, or about all that the actor may see, newest first.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn decisions(
        &self,
        actor: &Actor,
        deployment: Option<DeploymentRef<'_>>,
        page: PageRequest,
    ) -> Result<Page<DecisionRecord>, ServiceError> {
        actor.require(Right::Read)?;
        let stream = match deployment {
            Some(at) => {
                let loaded = self.load(actor, at)?;
                Some(decision_stream(&loaded.state.team, &loaded.id))
            }
            None => None,
        };
        self.paged(&actor.teams, stream, "decision", page, |entry| body(entry).map(Some))
    }

    /// The snapshot of a decision, rebuilt from the ledger.
    ///
    /// # Errors
    /// If retention deleted a part of it, or it does not have the digest that the decision names.
    pub fn snapshot(&self, record: &DecisionRecord) -> Result<Snapshot, ServiceError> {
        let bytes = self.content(record.deployment)?;
        let wrong = |error| ServiceError::Damaged(format!("content `{}`: {error}", record.deployment));
        let mut form: Value = serde_json::from_slice(&bytes).map_err(wrong)?;
        with_entries(&mut form, |digest| {
            let bytes = self.content(digest)?;
            serde_json::from_slice(&bytes)
                .map_err(|error| ServiceError::Damaged(format!("content `{digest}`: {error}")))
        })?;
        let deployment = serde_json::from_value(form).map_err(wrong)?;
        let evidence = record.evidence.iter();
        let evidence = evidence
            .map(|(name, evidence)| Ok((name.clone(), self.with_bytes(evidence)?)))
            .collect::<Result<BTreeMap<_, _>, ServiceError>>()?;
        let Decision { gate, at, subject, snapshot, .. } = record.decision;
        let rebuilt = Snapshot { deployment, gate, now: at, subject, evidence };
        if rebuilt.digest()? != snapshot {
            return Err(ServiceError::Damaged(format!(
                "what was kept of the snapshot `{snapshot}` has another digest"
            )));
        }
        Ok(rebuilt)
    }
}

impl PreparedDecision {
    pub(super) fn append(self) -> Append {
        let Self { entries, content, expect, values, request, .. } = self;
        Append { entries, content, expect, values, request }
    }
}

pub(super) fn digests(content: &[ContentBlob]) -> Vec<Digest> {
    content.iter().map(ContentBlob::digest).collect()
}

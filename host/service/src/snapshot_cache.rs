//! The snapshot for a decision: the document that was handed in, together with what the host knows. It has the
//! approvals that count and those whose subject has changed since, and only exceptions and evidence that this server
//! recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::join::{join, without_entries};
use lockgate_domain::{
    Approval, Deployment, Digest, DigestError, Evidence, Gate, GatePassage, PersonId, Phase, Snapshot, SnapshotForm,
    Stage, TeamName, Timestamp, join_people,
};
use lockgate_ledger::{ContentBlob, ExpectedVersion, LEDGER_STREAM};
use parking_lot::Mutex;

use super::booking::{KnownBookings, streams_to_look_at};
use super::granted::end_stream;
use super::product_history::product_stream;
use super::read::{LoadedDeployment, ReadMode};
use super::registers::{LedgerRegisters, is_observed};
use super::stops::STOPS;
use super::waiver::{EVERYBODYS_WAIVERS, about, team_waivers};
use super::{DeploymentService, ServiceError, WaiverState};
use crate::lifecycle::{ApprovalInvalid, RecordedApproval};
use lockgate_engine::gate::AnswerCache;
use lockgate_engine::{LoadedModel, SelectedModel, SnapshotRequest, select_model};

/// The snapshot of a deployment for one gate and one moment.
pub(super) struct GateSnapshot {
    pub(super) cached: Arc<CachedSnapshot>,
    pub(super) snapshot: Arc<Snapshot>,
    /// The versions of the bookings that the snapshot depends on. Empty if the gate looks at no other deployments.
    pub(super) bookings: Vec<ExpectedVersion>,
}

/// The parts of snapshots that stay the same until something that they depend on changes.
pub(super) struct CachedSnapshot {
    pub(super) model: LoadedModel,
    pub(super) because: String,
    pub(super) deployment: Arc<Deployment>,
    pub(super) evidence: BTreeMap<String, Evidence>,
    pub(super) subject: Digest,
    /// The versions that must not have changed since the snapshot was taken, besides that of the deployment.
    pub(super) expect: Vec<ExpectedVersion>,
    /// Why approvals do not count, in the order of the state's approvals.
    pub(super) void: Vec<Option<ApprovalInvalid>>,
    pub(super) parts: BTreeMap<String, Digest>,
    /// The deployment as the ledger keeps it.
    pub(super) content: ContentBlob,
    pub(super) form: SnapshotForm,
    /// The answers of the gate's plugins that hold at any moment.
    pub(super) answers: AnswerCache,
    rests_on: SnapshotBasis,
    /// The streams of the bookings that may concern the deployment. Empty if the gate looks at no other deployments.
    bookings: Vec<String>,
    /// Versions of these streams at which the overlaps are known to be those of the snapshot.
    overlaps_at: Mutex<Vec<u64>>,
    /// The moment from which on the snapshot is out of date.
    until: Option<Timestamp>,
}

/// The versions that a snapshot depends on.
struct SnapshotBasis {
    deployment: u64,
    /// The versions of the waiver streams of everybody and of the team.
    waivers: [u64; 2],
    /// The end streams of the waivers that may apply to the deployment, and their versions.
    ends: Vec<(String, u64)>,
    history: u64,
    /// The version of the ledger's own stream, whose entries say what content was deleted.
    deletions: u64,
    /// The version of the stops of the line.
    stops: u64,
    /// The streams of the registers that were joined, and their versions.
    registers: Vec<(String, u64)>,
    models: Arc<[LoadedModel]>,
}

/// How the versions that a snapshot depends on have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BasisChange {
    None,
    /// Only samples of indicators have come in.
    Samples,
    Other,
}

impl SnapshotBasis {
    /// How `now` differs from this.
    fn compare(&self, now: &Self) -> BasisChange {
        let same = (self.deployment, self.waivers, &self.ends, self.history, self.deletions, self.stops)
            == (now.deployment, now.waivers, &now.ends, now.history, now.deletions, now.stops)
            && Arc::ptr_eq(&self.models, &now.models)
            && self.registers.len() == now.registers.len();
        let registers = self.registers.iter().zip(&now.registers);
        let newer: Vec<&str> =
            registers.filter(|(known, now)| known != now).map(|(_, (stream, _))| stream.as_str()).collect();
        match same && newer.iter().all(|stream| is_observed(stream)) {
            false => BasisChange::Other,
            true if newer.is_empty() => BasisChange::None,
            true => BasisChange::Samples,
        }
    }
}

impl DeploymentService {
    /// Takes the snapshot of a deployment at a gate.
    pub(super) fn gate_snapshot(
        &self,
        loaded: &LoadedDeployment,
        gate: Gate,
        now: Timestamp,
    ) -> Result<GateSnapshot, ServiceError> {
        self.gate_snapshot_as_of(ReadMode::Fresh, loaded, gate, now)
    }

    pub(super) fn gate_snapshot_as_of(
        &self,
        as_of: ReadMode,
        loaded: &LoadedDeployment,
        gate: Gate,
        now: Timestamp,
    ) -> Result<GateSnapshot, ServiceError> {
        let (cached, bookings) = self.cached_snapshot(as_of, loaded, gate, now)?;
        let CachedSnapshot { deployment, evidence, subject, .. } = &*cached;
        let (deployment, evidence) = (deployment.clone(), evidence.clone());
        let snapshot = Arc::new(Snapshot { deployment, gate, now, subject: *subject, evidence });
        Ok(GateSnapshot { cached, snapshot, bookings })
    }

    fn cached_snapshot(
        &self,
        as_of: ReadMode,
        loaded: &LoadedDeployment,
        gate: Gate,
        now: Timestamp,
    ) -> Result<(Arc<CachedSnapshot>, Vec<ExpectedVersion>), ServiceError> {
        let state = &loaded.state;
        let team = &state.team;
        let overlaps =
            gate.stage == Stage::PlanAndApprove || gate == (Gate { stage: Stage::Fulfill, phase: Phase::Entrance });
        let history_stream = product_stream(team, &loaded.document.product.id);
        let own_waivers = team_waivers(team);
        // Another state may get the version of one that is not written.
        let known = self.0.snapshots.get(&(loaded.stream.clone(), gate)).filter(|_| loaded.is_written);
        let mut streams = vec![EVERYBODYS_WAIVERS, &own_waivers, &history_stream, LEDGER_STREAM, STOPS];
        let named = streams.len();
        // The registers may say that the product depends on others than the document names. What is missing is read later.
        let looked_at = match &known {
            _ if !overlaps => Vec::new(),
            Some(known) => known.bookings.clone(),
            None => streams_to_look_at(&loaded.document),
        };
        streams.extend(looked_at.iter().map(String::as_str));
        let booked = streams.len();
        streams.extend(known.iter().flat_map(|known| &known.rests_on.ends).map(|(stream, _)| stream.as_str()));
        let ended = streams.len();
        streams.extend(known.iter().flat_map(|known| &known.rests_on.registers).map(|(stream, _)| stream.as_str()));
        let versions = as_of.versions(&*self.0.storage, &streams)?;
        #[expect(clippy::expect_used, reason = "a decision on another version than this would be signed")]
        let version = |place: usize| *versions.get(place).expect("a storage answers with one version for each stream");
        let waivers = [
            self.grants(&self.0.waivers, EVERYBODYS_WAIVERS, version(0))?,
            self.grants(&self.0.waivers, &own_waivers, version(1))?,
        ];
        let history = self.history_at(&history_stream, version(2))?;
        let deletions = version(3);
        self.drop_deleted(deletions);
        let stops = self.stops_at(version(4))?;
        let mut extra = streams.iter().zip(&versions).skip(named).map(|(stream, version)| (*stream, *version));
        let read_bookings: Vec<(&str, u64)> = extra.by_ref().take(booked - named).collect();
        let mut extra = extra.map(|(stream, version)| (stream.to_owned(), version));
        let ends: Vec<_> = extra.by_ref().take(ended - booked).collect();
        let registers: Vec<_> = extra.collect();
        let mut rests_on = SnapshotBasis {
            deployment: state.version,
            waivers: [&waivers[0], &waivers[1]].map(|waivers| waivers.version),
            ends,
            history: history.version,
            deletions,
            stops: stops.version,
            registers,
            models: self.0.models.current(),
        };
        if let Some(known) = known.as_ref().filter(|known| known.shows(now))
            && let change = known.rests_on.compare(&rests_on)
            && change != BasisChange::Other
            // Other deployments are booked and released all the time. That makes another snapshot only if it changes what
            // this deployment overlaps with.
            && let bookings = self.bookings_of(read_bookings.iter().copied())?
            && known.overlaps_as_in(&bookings, team)
        {
            let expected = bookings.expected();
            if change == BasisChange::None {
                return Ok((Arc::clone(known), expected));
            }
            if !known.model.lays_out_at(gate)
                && let Some(deployment) = self.with_newer_samples(known, team, &rests_on.registers)?
            {
                let cached = Arc::new(known.with_deployment(deployment, gate, now, rests_on)?);
                self.0.snapshots.insert((loaded.stream.clone(), gate), cached.clone());
                return Ok((cached, expected));
            }
        }

        let mut deployment = Deployment::clone(&loaded.document);
        let mut source = LedgerRegisters::new(self, team, as_of, std::mem::take(&mut rests_on.registers));
        let expiry = join(&mut deployment, &mut source, now)?;
        let (evidence, signed_until) = self.verified_evidence(state, &mut source, now)?;
        deployment.approved.clone_from(&state.approved);
        if gate.stage >= Stage::Fulfill {
            deployment.progress.clone_from(&state.progress);
        }
        deployment.overrides = state.overrides.iter().map(|known| known.taken.clone()).collect();
        deployment.history = history.says.without(&loaded.id);
        deployment.late_reviews = history.says.late_reviews.clone();
        deployment.stops = stops.says.holding_up(team, &deployment, now);
        deployment.gates_passed.clone_from(&state.passed);
        if gate > Gate::FULFILL_ENTRANCE && deployment.rollout.is_none() {
            // It was laid out, approved and begun; nothing lays it out anew.
            deployment.rollout.clone_from(&state.rollout);
        }
        deployment.hand_over.clone_from(&state.hand_over);
        deployment.tell_drift();
        // A decision uses nothing that was deleted meanwhile.
        let mut expect = vec![
            ExpectedVersion { stream: history_stream.clone(), version: history.version },
            ExpectedVersion { stream: LEDGER_STREAM.to_owned(), version: deletions },
            ExpectedVersion { stream: STOPS.to_owned(), version: stops.version },
        ];
        let waivers: Vec<&WaiverState> = waivers.iter().flat_map(|waivers| waivers.says.values()).collect();
        let waivers: Vec<&WaiverState> = waivers.into_iter().filter(|known| about(known, &deployment)).collect();
        let ids: Vec<&str> = waivers.iter().map(|known| known.waiver.id.as_str()).collect();
        let ends = self.ends::<WaiverState>(as_of, &ids)?;
        // The snapshot depends on waivers not having ended, but not on no other waiver having been granted.
        let unended = ids.iter().zip(&ends).filter(|(_, end)| end.is_none());
        expect.extend(unended.map(|(id, _)| ExpectedVersion { stream: end_stream::<WaiverState>(id), version: 0 }));
        rests_on.ends =
            ids.iter().zip(&ends).map(|(id, end)| (end_stream::<WaiverState>(id), u64::from(end.is_some()))).collect();
        deployment.waivers = waivers.iter().zip(ends).map(|(known, end)| known.until(end)).collect();
        let bookings = match overlaps {
            true => self.bookings_for(as_of, &deployment, &read_bookings)?,
            false => KnownBookings::default(),
        };
        if overlaps {
            deployment.overlaps = bookings.overlaps(team, &deployment);
        }
        let (expected, overlaps_at) = (bookings.expected(), Mutex::new(bookings.versions()));
        let request = SnapshotRequest { deployment, gate, now, evidence };
        let SelectedModel { model, because, snapshot } = self.select_model(&rests_on.models, request)?;

        let parts = Snapshot::subject_parts(&snapshot.deployment, &snapshot.evidence)?;
        let involves = |person: &PersonId| snapshot.deployment.involves(person);
        let void: Vec<Option<ApprovalInvalid>> =
            state.approvals.iter().map(|known| known.void(now, &parts, model.digest(), &involves)).collect();
        let approvals: Vec<Approval> =
            state.approvals.iter().zip(&void).filter_map(|(known, void)| shown(known, void.as_ref())).collect();
        // The choice of the model may depend on the time: then the snapshot is valid for this moment alone.
        let depends_on_time = state.approved.is_none()
            && rests_on.models.iter().filter_map(LoadedModel::applies).any(|applies| applies.looks_at("now"));
        // Before planning begins, the rollout would be laid out for this moment.
        let depends_on_time =
            depends_on_time || (model.lays_out_at(gate) && GatePassage::planning_began(&state.passed).is_none());
        // What the strategy could not do now, or does with what is outside, it may do another time.
        let lays_out = model.lays_out_at(gate);
        let is_fleeting = snapshot.deployment.rollout.is_none() || model.strategy_reaches_outside();
        let depends_on_time = depends_on_time || lays_out && is_fleeting;
        // The choice of the model, and the subject of approvals, do not depend on who has approved.
        let mut snapshot = Arc::unwrap_or_clone(snapshot);
        let deployment = Arc::make_mut(&mut snapshot.deployment);
        deployment.approvals = approvals;
        // Approvals name people, too.
        let people_expiry = join_people(deployment, &mut source, now)?;
        rests_on.registers = source.into_read();
        if model.reads_samples() {
            self.join_samples(deployment, team, &rests_on.registers)?;
        }
        let registers = rests_on.registers.iter().filter(|(stream, _)| !is_observed(stream));
        expect.extend(registers.map(|(stream, version)| ExpectedVersion { stream: stream.clone(), version: *version }));
        let expiries = deployment.approvals.iter().filter_map(|approval| approval.expires);
        let stopped_until = deployment.stops.iter().map(|stop| stop.until);
        let expiries = expiries.chain(stopped_until);
        let until = expiries.chain(expiry).chain(people_expiry).chain(signed_until).min();
        let until = if depends_on_time { Some(now) } else { until };
        let form = SnapshotForm::of(&snapshot)?;
        let content = content_of(&snapshot.deployment)?;
        let Snapshot { deployment, subject, evidence, .. } = snapshot;
        let cached = Arc::new(CachedSnapshot {
            model,
            because,
            deployment,
            evidence,
            subject,
            expect,
            void,
            parts,
            content,
            form,
            answers: AnswerCache::default(),
            rests_on,
            bookings: bookings.streams(),
            overlaps_at,
            until,
        });
        if loaded.is_written && !depends_on_time {
            self.0.snapshots.insert((loaded.stream.clone(), gate), cached.clone());
        }
        Ok((cached, expected))
    }

    /// The deployment of a snapshot, with its indicators completed by newer samples. None if they may change more than
    /// that.
    fn with_newer_samples(
        &self,
        known: &CachedSnapshot,
        team: &TeamName,
        registers: &[(String, u64)],
    ) -> Result<Option<Deployment>, ServiceError> {
        let models = known.rests_on.models.iter();
        let chosen_by_registers = known.deployment.approved.is_none()
            && models.filter_map(LoadedModel::applies).any(|applies| applies.looks_at("registers"));
        if chosen_by_registers {
            return Ok(None);
        }
        self.complete_again(Deployment::clone(&known.deployment), team, registers)
    }

    /// The model under which the deployment was approved, or the one that is chosen now.
    fn select_model(&self, models: &[LoadedModel], request: SnapshotRequest) -> Result<SelectedModel, ServiceError> {
        let Some(approved) = &request.deployment.approved else {
            return Ok(select_model(models, request)?);
        };
        // Even if it would no longer be chosen: what was approved stays bound.
        let digest = approved.model;
        let model = self.0.models.by_digest(digest).ok_or(ServiceError::ModelGone(digest))?;
        let SnapshotRequest { deployment, gate, now, evidence } = request;
        let snapshot = Arc::new(model.snapshot(deployment, gate, now, evidence)?);
        Ok(SelectedModel { model, because: "the plan was approved under it".to_owned(), snapshot })
    }
}

/// An approval as policies see it. If its subject has changed since, it keeps the old subject. Policies do not see
/// approvals that were revoked or replaced, have expired, or came from an involved person.
fn shown(known: &RecordedApproval, void: Option<&ApprovalInvalid>) -> Option<Approval> {
    match void {
        None => Some(known.approval.clone()),
        Some(ApprovalInvalid::Changed { parts }) => Some(Approval { changed: parts.clone(), ..known.approval.clone() }),
        Some(
            ApprovalInvalid::Revoked
            | ApprovalInvalid::Superseded { .. }
            | ApprovalInvalid::Replanned
            | ApprovalInvalid::Expired
            | ApprovalInvalid::NotIndependent { .. },
        ) => None,
    }
}

/// The deployment of a snapshot, as the ledger keeps it.
pub(super) fn content_of(deployment: &Deployment) -> Result<ContentBlob, DigestError> {
    Ok(ContentBlob::new("snapshot", "application/json", Arc::new(without_entries(deployment)?)))
}

impl CachedSnapshot {
    /// The same snapshot of a deployment that differs only in what neither the model, nor its subject, nor approvals
    /// depend on.
    fn with_deployment(
        &self,
        deployment: Deployment,
        gate: Gate,
        now: Timestamp,
        rests_on: SnapshotBasis,
    ) -> Result<Self, DigestError> {
        let (deployment, evidence) = (Arc::new(deployment), self.evidence.clone());
        let content = content_of(&deployment)?;
        let snapshot = Snapshot { deployment, gate, now, subject: self.subject, evidence };
        let form = SnapshotForm::of(&snapshot)?;
        let Snapshot { deployment, subject, evidence, .. } = snapshot;
        Ok(Self {
            model: self.model.clone(),
            because: self.because.clone(),
            deployment,
            evidence,
            subject,
            expect: self.expect.clone(),
            void: self.void.clone(),
            parts: self.parts.clone(),
            content,
            form,
            answers: AnswerCache::default(),
            rests_on,
            bookings: self.bookings.clone(),
            overlaps_at: Mutex::new(self.overlaps_at.lock().clone()),
            until: self.until,
        })
    }

    fn shows(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether the deployment overlaps with the same deployments by the present bookings, those of the snapshot's streams.
    fn overlaps_as_in(&self, present: &KnownBookings, team: &TeamName) -> bool {
        let versions = present.versions();
        let mut overlaps_at = self.overlaps_at.lock();
        if *overlaps_at == versions {
            return true;
        }
        let same = present.overlaps(team, &self.deployment) == self.deployment.overlaps;
        if same {
            *overlaps_at = versions;
        }
        same
    }
}

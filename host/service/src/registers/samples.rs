//! The samples of key performance indicators: the values that were measured, the newest of which complete the
//! indicator.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{
    Attester, CredentialKind, Deployment, Duration, FactSource, GatePassage, KpiIntervals, KpiSamples, NewSamples,
    Provenance, RegisterKind, Right, Sample, TeamName, Timestamp,
};
use lockgate_ledger::{Append, EntryDraft, EntryQuery, ExpectedVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::read::RegisterRef;
use super::streams::samples_stream;
use super::{RecordedEntry, SampleSummary};
use crate::authority::{Actor, Forbidden};
use crate::read::body;
use crate::{DeploymentService, InputError, ServiceError, WriteAnswer, WriteContext};

/// The most samples of one request.
const MOST_AT_ONCE: usize = 1_000;
/// The most samples of an indicator that are kept within reach.
const MOST_KEPT: u32 = 10_000;
/// The most samples of an indicator that are summarized: one each minute for two months.
const MOST_SUMMARIZED: usize = 100_000;
/// How much later than its time a request may be in the log: it is tried again for less than that.
const LATEST_WRITE: Duration = Duration::from_millis(60_000);

/// The samples of one request, as the ledger keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RecordedSamples {
    by: crate::lifecycle::EventActor,
    /// The samples in order of time.
    samples: Vec<Sample>,
    /// The number of samples so far, these included.
    total: u64,
    /// The newest sample so far.
    latest: Sample,
}

/// The result of recording samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SamplesRecorded {
    /// The number of samples that were ever recorded.
    pub total: u64,
    /// The newest sample.
    pub latest: Sample,
}

impl DeploymentService {
    /// Records samples of an indicator. They are the word of those who attested it: whoever demands that somebody attests an
    /// indicator wants its values from them, too.
    ///
    /// # Errors
    /// If the actor may not attest indicators, or not this one, the indicator does not exist, or a sample is wrong.
    pub fn record_samples(
        &self,
        write: &WriteContext<'_>,
        at: &RegisterRef<'_>,
        new: &NewSamples,
    ) -> Result<WriteAnswer<SamplesRecorded>, ServiceError> {
        let permit = || {
            let head = self.find_entry(write.actor, at)?;
            if head.entry.value.is_none() {
                return Err(ServiceError::NotFound { what: "entry", id: format!("{}/{}", at.register, at.id) });
            }
            self.may_attest(write.actor, RegisterKind::Kpis, head.entry.team.as_ref())?;
            self.may_measure(write.actor, &head.entry)?;
            Ok(head)
        };
        self.once(write, &("record-samples", at, new), permit, |head, digest| {
            let samples = check(new, write)?;
            let team = head.entry.team.as_ref();
            let stream = samples_stream(team, &head.entry.id);
            let version = self.0.storage.version(&stream)?;
            let before = self.samples_at(&stream, version)?;
            let newest = samples.iter().chain(before.as_ref().map(|before| &before.latest)).max_by_key(|one| one.at);
            let Some(latest) = newest.copied() else {
                return Err(ServiceError::Invalid(vec![InputError::new("/samples", "there is no sample: send one")]));
            };
            let total = before.map_or(0, |before| before.total) + samples.len() as u64;
            let recorded = RecordedSamples { by: write.actor.into(), samples, total, latest };
            let entry = EntryDraft::new(&stream, "samples-recorded", write.now, &recorded)?;
            let entry = match team {
                Some(team) => entry.of_team(team)?,
                None => entry,
            };
            let expect = vec![ExpectedVersion { stream: stream.clone(), version }];
            let append = Append { entries: vec![entry], expect, ..Append::default() };
            let written = self.commit(write, digest, append, None, SamplesRecorded { total, latest })?;
            if !written.repeated {
                self.0.registers.samples.insert(stream, (version + 1, SampleSummary { total, latest }));
            }
            Ok(written)
        })
    }

    /// Checks that the actor attested the indicator, or shares a role that may attest it with the person who did. What a service
    /// attested, no one else measures.
    fn may_measure(&self, actor: &Actor, kpi: &RecordedEntry) -> Result<(), ServiceError> {
        let RecordedEntry { register, id, team, by, roles, .. } = kpi;
        if by.person == actor.person.id && by.kind == actor.kind {
            return Ok(());
        }
        let attesters = self.0.attest.attesters(*register, team.as_ref());
        let may_attest = |role: &&String| attesters.contains(&Attester::Role((*role).clone()));
        let shared: Vec<&String> = match by.kind {
            CredentialKind::Person => roles.iter().filter(may_attest).collect(),
            CredentialKind::Service | CredentialKind::Agent => Vec::new(),
        };
        if shared.iter().any(|role| actor.person.roles.contains(role)) {
            return Ok(());
        }
        let kind = if by.kind == CredentialKind::Person { "person" } else { "service" };
        let own = format!("{kind}:{}", by.person.written());
        let attesters = [own].into_iter().chain(shared.into_iter().cloned()).collect();
        let right = format!("{}/{id}", register.right());
        Err(Forbidden::Attest { person: actor.person.id.clone(), right, attesters }.into())
    }

    /// The newest samples of an indicator, in order of time: at most `limit`, and at most 10,000.
    ///
    /// # Errors
    /// If the actor sees no such indicator, or the ledger cannot be read.
    pub fn samples(&self, actor: &Actor, at: &RegisterRef<'_>, limit: usize) -> Result<Vec<Sample>, ServiceError> {
        actor.require(Right::Read)?;
        let head = self.find_entry(actor, at)?;
        let stream = samples_stream(head.entry.team.as_ref(), &head.entry.id);
        let limit = limit.min(MOST_KEPT as usize);
        let (mut samples, mut before) = (Vec::new(), None);
        while samples.len() < limit {
            let query = EntryQuery {
                stream: Some(stream.clone()),
                before,
                newest_first: true,
                limit: 100,
                ..EntryQuery::default()
            };
            let entries = self.0.storage.entries(&query)?;
            let Some(last) = entries.last() else { break };
            before = Some(last.index);
            for stored in &entries {
                let recorded: RecordedSamples = body(&stored.read().map_err(ServiceError::Damaged)?)?;
                samples.extend(recorded.samples);
            }
        }
        samples.sort_by_key(|sample: &Sample| sample.at);
        Ok(samples.split_off(samples.len().saturating_sub(limit)))
    }

    /// The samples of a stream that has this version. None if there are none.
    fn samples_at(&self, stream: &str, version: u64) -> Result<Option<SampleSummary>, ServiceError> {
        if version == 0 {
            return Ok(None);
        }
        if let Some((known, summary)) = self.0.registers.samples.get(stream)
            && known == version
        {
            return Ok(Some(summary));
        }
        let query =
            EntryQuery { stream: Some(stream.to_owned()), newest_first: true, limit: 1, ..EntryQuery::default() };
        let missing = || ServiceError::Damaged(format!("`{stream}` has a version and no entry"));
        let newest = self.0.storage.entries(&query)?.into_iter().next().ok_or_else(missing)?;
        let newest = newest.read().map_err(ServiceError::Damaged)?;
        let RecordedSamples { total, latest, .. } = body(&newest)?;
        let summary = SampleSummary { total, latest };
        self.0.registers.samples.insert(stream.to_owned(), (newest.sequence, summary));
        Ok(Some(summary))
    }

    /// Completes an indicator by its samples: the last value, when it was measured, and how many there are.
    pub(super) fn complete_kpi(&self, value: &mut Value, stream: &str, version: u64) -> Result<(), ServiceError> {
        let Some(summary) = self.samples_at(stream, version)? else { return Ok(()) };
        if let Some(kpi) = value.as_object_mut() {
            let measured = kpi.get("measured").and_then(Value::as_str).and_then(|text| text.parse().ok());
            if let Some(latest) = summary.later_than(measured) {
                kpi.insert("latest".to_owned(), json!(latest.value));
                kpi.insert("measured".to_owned(), json!(latest.at));
            }
            kpi.insert("samples".to_owned(), json!(summary.kept()));
        }
        Ok(())
    }

    /// Completes the indicators of a deployment that was joined already by newer samples. `registers` are the streams
    /// that it was joined from, with their present versions. None if they do not tell which samples are those of an
    /// indicator.
    pub(crate) fn complete_again(
        &self,
        mut deployment: Deployment,
        team: &TeamName,
        registers: &[(String, u64)],
    ) -> Result<Option<Deployment>, ServiceError> {
        let versions: BTreeMap<&str, u64> = registers.iter().map(|(stream, version)| (&**stream, *version)).collect();
        for kpi in deployment.registers.kpis.iter_mut().flatten() {
            let streams = [None, Some(team)].map(|owner| samples_stream(owner, &kpi.id));
            let mut joined = streams.iter().filter_map(|stream| Some((stream, *versions.get(&**stream)?)));
            let (Some((stream, version)), None) = (joined.next(), joined.next()) else { return Ok(None) };
            let Some(summary) = self.samples_at(stream, version)? else { continue };
            if let Some(latest) = summary.later_than(kpi.measured) {
                (kpi.latest, kpi.measured) = (Some(latest.value), Some(latest.at));
            }
            kpi.samples = summary.kept();
        }
        if deployment.samples.is_some() {
            self.join_samples(&mut deployment, team, registers)?;
        }
        Ok(Some(deployment))
    }

    /// Joins a deployment with the samples of its indicators, if somebody keeps indicators. `registers` are the streams that its registers
    /// were joined from, with their versions.
    pub(crate) fn join_samples(
        &self,
        deployment: &mut Deployment,
        team: &TeamName,
        registers: &[(String, u64)],
    ) -> Result<(), ServiceError> {
        if !deployment.provenance.contains_key("/registers/kpis") {
            return Ok(());
        }
        let versions: BTreeMap<&str, u64> = registers.iter().map(|(stream, version)| (&**stream, *version)).collect();
        let deployed = GatePassage::deployed(&deployment.gates_passed);
        let (mut samples, mut intervals) = (BTreeMap::new(), BTreeMap::new());
        for kpi in deployment.registers.kpis.iter().flatten() {
            let streams = [None, Some(team)].map(|owner| samples_stream(owner, &kpi.id));
            let joined = streams.iter().find_map(|stream| Some((stream, *versions.get(&**stream)?)));
            let recorded = match joined {
                Some((stream, version)) => self.recorded_last(stream, version)?,
                None => Arc::default(),
            };
            samples.insert(kpi.id.clone(), KpiSamples::of_recorded(recorded.iter().copied()));
            if let Some(since) = deployed {
                let measured = match joined {
                    Some((stream, version)) => self.measured_since(stream, version, since)?,
                    None => Arc::default(),
                };
                intervals.insert(kpi.id.clone(), KpiIntervals::of(kpi, &measured, since));
            }
        }
        let mut known = |section: &str| {
            deployment.provenance.insert(section.to_owned(), Provenance::from_source(FactSource::Register));
        };
        known("/samples");
        if deployed.is_some() {
            known("/sample_intervals");
        }
        deployment.samples = Some(samples);
        deployment.sample_intervals = deployed.map(|_| intervals);
        Ok(())
    }

    /// The samples of a stream at this version that were measured since a moment, in order of time, one for each moment: at most the
    /// newest [`MOST_SUMMARIZED`]. Of two samples of one moment the one that was recorded last counts.
    fn measured_since(&self, stream: &str, version: u64, since: Timestamp) -> Result<Arc<Vec<Sample>>, ServiceError> {
        let key = (stream.to_owned(), since);
        let known = self.0.registers.deployed.get(&key).filter(|(known, _)| *known <= version);
        let (known, earlier) = known.unwrap_or_default();
        if known == version {
            return Ok(earlier);
        }
        // The samples of each entry, the newest entry first.
        let (mut newer, mut before): (Vec<Vec<Sample>>, Option<u64>) = (Vec::new(), None);
        'all: loop {
            let query = EntryQuery {
                stream: Some(stream.to_owned()),
                before,
                newest_first: true,
                limit: 100,
                ..EntryQuery::default()
            };
            let entries = self.0.storage.entries(&query)?;
            let Some(last) = entries.last() else { break };
            before = Some(last.index);
            for stored in &entries {
                let stored = stored.read().map_err(ServiceError::Damaged)?;
                // Nobody records a sample before it is measured, so no earlier entry has one that counts.
                if stored.sequence <= known || stored.at.saturating_add(LATEST_WRITE) < since {
                    break 'all;
                }
                if stored.sequence <= version {
                    let RecordedSamples { samples, .. } = body(&stored)?;
                    newer.push(samples);
                }
            }
        }
        let recorded = earlier.iter().copied().chain(newer.into_iter().rev().flatten());
        let by_moment: BTreeMap<Timestamp, Sample> =
            recorded.filter(|sample| sample.at >= since).map(|sample| (sample.at, sample)).collect();
        let left_out = by_moment.len().saturating_sub(MOST_SUMMARIZED);
        let measured = Arc::new(by_moment.into_values().skip(left_out).collect::<Vec<_>>());
        self.0.registers.deployed.insert(key, (version, Arc::clone(&measured)));
        Ok(measured)
    }

    /// The samples of a stream at this version that were recorded last, in that order: at most [`KpiSamples::MOST`].
    fn recorded_last(&self, stream: &str, version: u64) -> Result<Arc<Vec<Sample>>, ServiceError> {
        let known = self.0.registers.recent.get(stream).filter(|(known, _)| *known <= version);
        let (known, earlier) = known.unwrap_or_default();
        if known == version {
            return Ok(earlier);
        }
        // The samples of each entry, the newest entry first.
        let (mut newer, mut count, mut before) = (Vec::new(), 0, None);
        'all: loop {
            let query = EntryQuery {
                stream: Some(stream.to_owned()),
                before,
                newest_first: true,
                limit: 20,
                ..EntryQuery::default()
            };
            let entries = self.0.storage.entries(&query)?;
            let Some(last) = entries.last() else { break };
            before = Some(last.index);
            for stored in &entries {
                let stored = stored.read().map_err(ServiceError::Damaged)?;
                if stored.sequence <= known || count >= KpiSamples::MOST {
                    break 'all;
                }
                if stored.sequence <= version {
                    let RecordedSamples { samples, .. } = body(&stored)?;
                    count += samples.len();
                    newer.push(samples);
                }
            }
        }
        let recorded: Vec<Sample> = earlier.iter().copied().chain(newer.into_iter().rev().flatten()).collect();
        let left_out = recorded.len().saturating_sub(KpiSamples::MOST);
        let recorded = Arc::new(recorded.into_iter().skip(left_out).collect::<Vec<_>>());
        self.0.registers.recent.insert(stream.to_owned(), (version, Arc::clone(&recorded)));
        Ok(recorded)
    }
}

impl SampleSummary {
    /// The newest sample, unless the indicator itself holds a later value.
    fn later_than(&self, measured: Option<Timestamp>) -> Option<Sample> {
        measured.is_none_or(|measured| measured <= self.latest.at).then_some(self.latest)
    }

    /// The number of samples that are kept within reach.
    fn kept(&self) -> u32 {
        u32::try_from(self.total).map_or(MOST_KEPT, |total| total.min(MOST_KEPT))
    }
}

/// Checks samples, and sorts them by time.
fn check(new: &NewSamples, write: &WriteContext<'_>) -> Result<Vec<Sample>, ServiceError> {
    let invalid =
        |pointer: String, message: String| Err(ServiceError::Invalid(vec![InputError::new(pointer, message)]));
    if new.samples.is_empty() || new.samples.len() > MOST_AT_ONCE {
        let message = format!("a request has 1 to {MOST_AT_ONCE} samples, and this one {}", new.samples.len());
        return invalid("/samples".to_owned(), message);
    }
    for (index, sample) in new.samples.iter().enumerate() {
        if sample.at > write.now {
            let message = format!("`{}` is later than now, {}: send what was measured already", sample.at, write.now);
            return invalid(format!("/samples/{index}/at"), message);
        }
        let mut earlier = new.samples.iter().take(index);
        if earlier.any(|known| known.at == sample.at && known.value.to_bits() != sample.value.to_bits()) {
            let message = format!("another sample has another value at `{}`: send one of them", sample.at);
            return invalid(format!("/samples/{index}/value"), message);
        }
    }
    let mut samples = new.samples.clone();
    samples.sort_by_key(|sample| sample.at);
    Ok(samples)
}

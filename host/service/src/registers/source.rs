//! The registers of the ledger, as a deployment is joined with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::join::{RegisterSource, RegisteredFact};
use lockgate_domain::{Digest, EarlierStatement, LapsedEntry, RegisterKind, TeamName};
use lockgate_ledger::LEDGER_STREAM;
use serde::Serialize;

use super::EntryHead;
use super::streams::{
    ConcerningEntries, entry_stream, environment_entries, kept_stream, key_entries, product_entries, samples_stream,
};
use crate::read::{FollowedStream, ReadMode};
use crate::signature::{KnownKey, SignatureMatches, SignedEvidence};
use crate::{DeploymentService, ServiceError};

/// The registers that a team sees. Notes which streams were read, and their versions: what is joined depends on them.
pub(crate) struct LedgerRegisters<'a> {
    service: &'a DeploymentService,
    team: &'a TeamName,
    as_of: ReadMode,
    read: BTreeMap<String, u64>,
    /// The versions that were read before.
    known: BTreeMap<String, u64>,
}

/// The keys that a team sees.
pub(crate) struct KeyRing {
    /// Those of entries that all teams share come first.
    pub(crate) keys: Vec<KnownKey>,
    /// How many these are.
    shared: usize,
    /// The streams that the keys were read from, and their versions.
    versions: Vec<(String, u64)>,
}

impl<'a> LedgerRegisters<'a> {
    pub(crate) fn new(
        service: &'a DeploymentService,
        team: &'a TeamName,
        as_of: ReadMode,
        known: impl IntoIterator<Item = (String, u64)>,
    ) -> Self {
        Self { service, team, as_of, read: BTreeMap::new(), known: known.into_iter().collect() }
    }

    /// The streams that were read, with their versions.
    pub(crate) fn into_read(self) -> Vec<(String, u64)> {
        self.read.into_iter().collect()
    }

    /// The versions of these streams.
    fn versions(&mut self, streams: &[String]) -> Result<Vec<u64>, ServiceError> {
        let unknown: Vec<&str> = streams
            .iter()
            .filter(|stream| !self.read.contains_key(*stream) && !self.known.contains_key(*stream))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            // Nothing is taken from memory that was deleted by then.
            let asked: Vec<&str> = [LEDGER_STREAM].into_iter().chain(unknown.iter().copied()).collect();
            let mut versions = self.as_of.versions(&*self.service.0.storage, &asked)?.into_iter();
            self.service.drop_deleted(versions.next().unwrap_or_default());
            self.known.extend(unknown.iter().map(|stream| (*stream).to_owned()).zip(versions));
        }
        let mut versions = Vec::with_capacity(streams.len());
        for stream in streams {
            let version = self.read.get(stream).or_else(|| self.known.get(stream)).copied().unwrap_or(0);
            self.read.insert(stream.clone(), version);
            versions.push(version);
        }
        Ok(versions)
    }

    /// The keys of suppliers and people that the team sees.
    pub(crate) fn keys(&mut self) -> Result<KeyRing, ServiceError> {
        let owners = self.owners();
        let streams = owners.map(key_entries);
        let versions = self.versions(&streams)?;
        let mut ring = KeyRing { keys: Vec::new(), shared: 0, versions: Vec::new() };
        for ((owner, stream), version) in owners.into_iter().zip(streams).zip(versions) {
            let (version, keys) = self.service.keys_at(&stream, version)?;
            ring.keys.extend(keys.iter().cloned());
            ring.versions.push((stream, version));
            if owner.is_none() {
                ring.shared = ring.keys.len();
            }
        }
        Ok(ring)
    }

    /// The keys that made the signatures of evidence, without those of entries that a shared one takes precedence over.
    pub(crate) fn signature_matches(
        &mut self,
        ring: &KeyRing,
        signed: &SignedEvidence,
        of: &impl Serialize,
    ) -> Result<SignatureMatches, ServiceError> {
        let cache = &self.service.0.registers.signatures;
        let name = Digest::of_canonical(&(of, &ring.versions))?;
        let mut matches = cache.get(&name).unwrap_or_else(|| {
            let matches = signed.matches(&ring.keys);
            cache.insert(name, matches.clone());
            matches
        });
        let team = matches.keys.iter().filter(|index| **index >= ring.shared);
        let team: Vec<(usize, String)> = team
            .filter_map(|index| {
                let KnownKey { register, id, .. } = ring.keys.get(*index)?;
                Some((*index, entry_stream(None, *register, id)))
            })
            .collect();
        let streams: Vec<String> = team.iter().map(|(_, stream)| stream.clone()).collect();
        for ((index, stream), version) in team.into_iter().zip(self.versions(&streams)?) {
            if self.service.head_at(&stream, version)?.is_some_and(|shared| shared.entry.value.is_some()) {
                matches.keys.retain(|key| *key != index);
            }
        }
        Ok(matches)
    }

    /// The two owners whose entries the team sees: all teams, whose entries take precedence, and the team.
    fn owners(&self) -> [Option<&'a TeamName>; 2] {
        [None, Some(self.team)]
    }

    /// The entries of the streams of a product and an environment that the team sees: shared ones come first.
    fn entries_of(
        &mut self,
        product: &str,
        environment: &str,
    ) -> Result<Vec<Arc<FollowedStream<ConcerningEntries>>>, ServiceError> {
        let [shared, team] = self.owners();
        let streams = [
            product_entries(shared, product),
            environment_entries(shared, environment),
            product_entries(team, product),
            environment_entries(team, environment),
        ];
        let kept = self.owners().map(kept_stream);
        if self.versions(&kept)?.iter().all(|version| *version == 0) {
            return Ok(Vec::new());
        }
        let versions = self.versions(&streams)?;
        streams.iter().zip(versions).map(|(stream, version)| self.service.concerning_at(stream, version)).collect()
    }

    /// The fact of an entry. None if it was withdrawn, or its value was deleted.
    fn fact(&mut self, head: &EntryHead) -> Result<Option<RegisteredFact>, ServiceError> {
        let Some(digest) = head.entry.value else { return Ok(None) };
        let register = head.entry.register;
        let Some(value) = self.service.register_value(register, digest)? else { return Ok(None) };
        let mut value = Arc::unwrap_or_clone(value);
        if register == RegisterKind::Kpis {
            let stream = samples_stream(head.entry.team.as_ref(), &head.entry.id);
            let version = self.versions(std::slice::from_ref(&stream))?;
            self.service.complete_kpi(&mut value, &stream, version.first().copied().unwrap_or(0))?;
        }
        Ok(RegisteredFact::of(head.entry.shown(head.recorded, Some(value))))
    }
}

impl RegisterSource for LedgerRegisters<'_> {
    type Error = ServiceError;

    fn is_kept(&mut self, register: RegisterKind) -> Result<bool, ServiceError> {
        let streams = self.owners().map(kept_stream);
        let versions = self.versions(&streams)?;
        for (stream, version) in streams.iter().zip(versions) {
            if version > 0 && self.service.kept_at(stream, version)?.says.contains(&register) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn entry(&mut self, register: RegisterKind, id: &str) -> Result<Option<RegisteredFact>, ServiceError> {
        if !self.is_kept(register)? {
            return Ok(None);
        }
        let streams = self.owners().map(|owner| entry_stream(owner, register, id));
        let versions = self.versions(&streams)?;
        for (stream, version) in streams.iter().zip(versions) {
            if let Some(head) = self.service.head_at(stream, version)?
                && let Some(fact) = self.fact(&head)?
            {
                return Ok(Some(fact));
            }
        }
        Ok(None)
    }

    fn concerning(&mut self, product: &str, environment: &str) -> Result<Vec<RegisteredFact>, ServiceError> {
        let mut heads: BTreeMap<(RegisterKind, String), Arc<EntryHead>> = BTreeMap::new();
        for known in self.entries_of(product, environment)? {
            for (key, head) in &known.says.entries {
                if head.entry.concerns.include(product, environment) {
                    heads.entry(key.clone()).or_insert_with(|| Arc::clone(head));
                }
            }
        }
        let mut facts = Vec::new();
        for head in heads.values() {
            facts.extend(self.fact(head)?);
        }
        Ok(facts)
    }

    fn withdrawn(&mut self, product: &str, environment: &str) -> Result<Vec<LapsedEntry>, ServiceError> {
        let mut lapsed = BTreeMap::new();
        for known in self.entries_of(product, environment)? {
            for (key, head, before) in known.says.disputed() {
                let is_attested = before.iter().any(|said| said.speaks_of(product, environment));
                if head.speaks_of(product, environment) || !is_attested {
                    continue;
                }
                let earlier = |said: &Arc<EntryHead>| EarlierStatement {
                    said: said.said(),
                    withdrew: !said.speaks_of(product, environment),
                };
                let entry = LapsedEntry {
                    register: head.entry.register,
                    id: head.entry.id.clone(),
                    said: head.said(),
                    withdrawn: true,
                    before: before.iter().map(earlier).collect(),
                };
                lapsed.entry(key.clone()).or_insert(entry);
            }
        }
        Ok(lapsed.into_values().collect())
    }
}

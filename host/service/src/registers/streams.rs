//! The streams of the registers, and what their entries add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lockgate_domain::{Digest, RegisterKind, TeamName};
use lockgate_ledger::{Entry, EntryQuery, KEEPS_NEWEST, LEDGER_STREAM};
use serde_json::Value;

use super::{EntryHead, RecordedEntry};
use crate::locate::team_step;
use crate::read::{FollowedStream, body, follow};
use crate::signature::KnownKey;
use crate::{DeploymentService, ServiceError};

/// The part of a stream's name that says whose entries it has.
fn owner_step(team: Option<&TeamName>) -> String {
    team.map_or_else(|| "shared".to_owned(), |team| format!("team/{}", team_step(team)))
}

/// The stream of one entry. Retention keeps its newest value.
pub(super) fn entry_stream(team: Option<&TeamName>, register: RegisterKind, id: &str) -> String {
    format!("{KEEPS_NEWEST}{}/{register}/{}", owner_step(team), register.normal_id(id))
}

/// The stream of the entries that concern a product.
pub(super) fn product_entries(team: Option<&TeamName>, product: &str) -> String {
    format!("register-of/{}/product/{product}", owner_step(team))
}

/// The stream of the entries that concern an environment, whatever the product.
pub(super) fn environment_entries(team: Option<&TeamName>, environment: &str) -> String {
    format!("register-of/{}/environment/{environment}", owner_step(team))
}

/// The stream of the entries that have keys for signatures of evidence.
pub(super) fn key_entries(team: Option<&TeamName>) -> String {
    format!("register-of/{}/keys", owner_step(team))
}

/// The stream that says which registers somebody keeps.
pub(super) fn kept_stream(team: Option<&TeamName>) -> String {
    format!("register-kept/{}", owner_step(team))
}

/// The stream of the samples of an indicator.
pub(super) fn samples_stream(team: Option<&TeamName>, id: &str) -> String {
    format!("register-samples/{}/{id}", owner_step(team))
}

/// Whether a stream holds measurements, which come in all the time. A decision takes them as of its snapshot, and is
/// written although more have come in since.
pub(crate) fn is_observed(stream: &str) -> bool {
    stream.starts_with("register-samples/")
}

/// The kind of the ledger entries of a register. Those of shared entries are others, because an index by team lacks
/// them.
pub(super) fn entry_kind(register: RegisterKind, shared: bool) -> String {
    format!("{register}-attested{}", if shared { "-shared" } else { "" })
}

/// The kind of content that the values of a register are in the ledger. Retention names it.
pub fn register_content(register: RegisterKind) -> String {
    format!("register-{register}")
}

/// The id of the ledger entries of an entry.
pub(super) fn entry_id(register: RegisterKind, id: &str) -> String {
    format!("{register}/{}", register.normal_id(id))
}

/// The registers that somebody keeps.
pub(super) type KeptRegisters = BTreeSet<RegisterKind>;

/// The register and the id of an entry.
type EntryKey = (RegisterKind, String);

/// The entries of a stream of a product or an environment, by register and id.
#[derive(Clone, Debug, Default)]
pub(super) struct ConcerningEntries {
    pub(super) entries: BTreeMap<EntryKey, Arc<EntryHead>>,
    /// The entries that were withdrawn, or no longer concern the product or the environment, and of which others had said
    /// something.
    gone: BTreeMap<EntryKey, Arc<EntryHead>>,
    /// What others than the last attester said of an entry, the newest last: the last of each.
    before: BTreeMap<EntryKey, Vec<Arc<EntryHead>>>,
}

impl ConcerningEntries {
    /// Adds the next version of an entry.
    fn add(&mut self, head: EntryHead, concerns_it: bool) {
        let key = (head.entry.register, head.entry.register.normal_id(&head.entry.id));
        let head = Arc::new(head);
        let last = self.entries.remove(&key).or_else(|| self.gone.remove(&key));
        let mut before = self.before.remove(&key).unwrap_or_default();
        before.extend(last);
        before.retain(|said| !said.is_by_the_same(&head));
        let is_there = head.entry.value.is_some() && concerns_it;
        if is_there {
            self.entries.insert(key.clone(), head);
        } else if !before.is_empty() {
            self.gone.insert(key.clone(), head);
        }
        if !before.is_empty() {
            self.before.insert(key, before);
        }
    }

    /// The newest version of each entry, those that are gone included, of which others than its attester had said something,
    /// with what they said.
    pub(super) fn disputed(&self) -> impl Iterator<Item = (&EntryKey, &Arc<EntryHead>, &[Arc<EntryHead>])> {
        let newest = |key: &EntryKey| self.entries.get(key).or_else(|| self.gone.get(key));
        self.before.iter().filter_map(move |(key, before)| Some((key, newest(key)?, before.as_slice())))
    }

    /// The number of entries of a register.
    pub(super) fn count(&self, register: RegisterKind) -> usize {
        self.entries.range((register, String::new())..).take_while(|((kind, _), _)| *kind == register).count()
    }
}

fn head_of(entry: &Entry) -> Result<EntryHead, ServiceError> {
    Ok(EntryHead { entry: body::<RecordedEntry>(entry)?, recorded: entry.at })
}

impl DeploymentService {
    /// The registers that are kept, according to a stream at least at this version.
    pub(super) fn kept_at(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<KeptRegisters>>, ServiceError> {
        follow(&*self.0.storage, &self.0.registers.kept, stream, version, |kept, entry| {
            kept.insert(body(&entry)?);
            Ok(())
        })
    }

    /// The entries of a stream of a product or an environment, up to at least this version.
    pub(super) fn concerning_at(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<ConcerningEntries>>, ServiceError> {
        follow(&*self.0.storage, &self.0.registers.concerning, stream, version, |known, entry| {
            // The kind of an entry that no longer concerns the product or the environment is another one.
            known.add(head_of(&entry)?, entry.kind == CONCERNING);
            Ok(())
        })
    }

    /// The keys of the entries of a stream of keys, up to at least this version, and the version that they have.
    pub(super) fn keys_at(&self, stream: &str, version: u64) -> Result<(u64, Arc<Vec<KnownKey>>), ServiceError> {
        let known = self.concerning_at(stream, version)?;
        if let Some(found) = self.0.registers.keys.get(stream)
            && found.0 == known.version
        {
            return Ok(found);
        }
        let mut keys = Vec::new();
        for ((register, _), head) in &known.says.entries {
            let RecordedEntry { id, value, valid_until, .. } = &head.entry;
            let Some(digest) = value else { continue };
            let Some(value) = self.register_value(*register, *digest)? else { continue };
            keys.extend(KnownKey::of_entry(*register, id, *valid_until, &value));
        }
        let found = (known.version, Arc::new(keys));
        self.0.registers.keys.insert(stream.to_owned(), found.clone());
        Ok(found)
    }

    /// The newest version of the entry of a stream that has this version. None if there is none.
    pub(super) fn head_at(&self, stream: &str, version: u64) -> Result<Option<Arc<EntryHead>>, ServiceError> {
        if version == 0 {
            return Ok(None);
        }
        if let Some((known, head)) = self.0.registers.heads.get(stream)
            && known == version
        {
            return Ok(Some(head));
        }
        let query =
            EntryQuery { stream: Some(stream.to_owned()), newest_first: true, limit: 1, ..EntryQuery::default() };
        let missing = || ServiceError::Damaged(format!("`{stream}` has a version and no entry"));
        let newest = self.0.storage.entries(&query)?.into_iter().next().ok_or_else(missing)?;
        let newest = newest.read().map_err(ServiceError::Damaged)?;
        let head = Arc::new(head_of(&newest)?);
        self.0.registers.heads.insert(stream.to_owned(), (newest.sequence, Arc::clone(&head)));
        Ok(Some(head))
    }

    /// As [`register_value`](Self::register_value), for people to read: a value that was deleted by now is not shown.
    pub(super) fn shown_value(
        &self,
        register: RegisterKind,
        digest: Digest,
    ) -> Result<Option<Arc<Value>>, ServiceError> {
        self.drop_deleted(self.0.storage.version(LEDGER_STREAM)?);
        self.register_value(register, digest)
    }

    /// A value of a register in its normal form. None if retention deleted it; what [`drop_deleted`](Self::drop_deleted) has not
    /// heard of yet still counts.
    pub(super) fn register_value(
        &self,
        register: RegisterKind,
        digest: Digest,
    ) -> Result<Option<Arc<Value>>, ServiceError> {
        if let Some(known) = self.0.registers.values.get(&digest) {
            return Ok(Some(known));
        }
        let deletions = self.0.deletions.load(Ordering::SeqCst);
        let Some(bytes) = self.content_if_kept(digest)? else { return Ok(None) };
        self.read_register_value(register, digest, &bytes, deletions).map(Some)
    }

    /// Reads a value of a register from its bytes, and keeps it for the next time.
    fn read_register_value(
        &self,
        register: RegisterKind,
        digest: Digest,
        bytes: &[u8],
        deletions: u64,
    ) -> Result<Arc<Value>, ServiceError> {
        let wrong = |error: String| ServiceError::Damaged(format!("the value `{digest}` of `{register}`: {error}"));
        let value: Value = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let value = Arc::new(register.normalized(&value).map_err(|error| wrong(error.to_string()))?);
        let values = &self.0.registers.values;
        let insert = || values.insert(digest, Arc::clone(&value));
        self.keep_unless_deleted(deletions, insert, || drop(values.remove(&digest)));
        Ok(value)
    }
}

/// The kind of the ledger entries in the streams of products and environments.
pub(super) const CONCERNING: &str = "concerning";

/// The kind of the ledger entries that end what [`CONCERNING`] began.
pub(super) const NO_LONGER_CONCERNING: &str = "no-longer-concerning";

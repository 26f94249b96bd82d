//! The registers: what an organization knows of one kind of thing each, attested by its owners.
//!
//! Each entry has a stream of its own, with one ledger entry for each version of it; its values are content, so that they can be
//! forgotten without breaking a proof. An entry that concerns products or environments also stands in a stream of each of them:
//! a decision reads those, and so its cost depends on what concerns the deployment, and not on the size of the registers.
//! An entry with keys for the signatures of evidence stands in the stream of the keys of its owner, too.
//! Entries that all teams share stand in streams of their own, and take precedence over those of a team.

mod attest;
mod read;
mod samples;
mod source;
mod streams;

use std::sync::Arc;

use lockgate_domain::{
    Attestation, Digest, EntryConcerns, Provenance, RegisterEntry, RegisterKind, Sample, TeamName, Timestamp,
};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::FollowedStreams;
use crate::lifecycle::EventActor;
use crate::signature::{KnownKey, SignatureMatches};

pub use attest::{ImportLine, ImportReport, RegisterScope};
pub use read::{EntriesFilter, RegisterRef};
pub use samples::SamplesRecorded;
pub(super) use source::{KeyRing, LedgerRegisters};
pub(super) use streams::is_observed;
pub use streams::register_content;

use streams::{ConcerningEntries, KeptRegisters};

/// A version of an entry, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedEntry {
    register: RegisterKind,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<TeamName>,
    /// The digest of the value, which the ledger holds as content. None: the entry was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Digest>,
    #[serde(default, skip_serializing_if = "EntryConcerns::is_empty")]
    concerns: EntryConcerns,
    as_of: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    by: EventActor,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    version: u64,
    /// Whether the value has keys for signatures of evidence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_keys: bool,
}

impl RecordedEntry {
    /// The entry as clients see it. `recorded` is the time of the ledger's entry.
    fn shown(&self, recorded: Timestamp, value: Option<Value>) -> RegisterEntry {
        let Self { register, id, team, value: digest, concerns, as_of, valid_until, by, roles, version, .. } =
            self.clone();
        let EventActor { person, credential, kind } = by;
        let attested = Attestation { by: person, kind, roles, credential, recorded };
        let supersedes = version.checked_sub(1).filter(|before| *before > 0);
        RegisterEntry { register, id, team, value, digest, concerns, as_of, valid_until, attested, version, supersedes }
    }
}

/// The newest version of an entry, with the time when it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EntryHead {
    entry: RecordedEntry,
    recorded: Timestamp,
}

impl EntryHead {
    /// Whether the same person or service attested both, with the same roles.
    fn is_by_the_same(&self, other: &Self) -> bool {
        let (one, two) = (&self.entry, &other.entry);
        one.by.person == two.by.person && one.by.kind == two.by.kind && one.roles == two.roles
    }

    /// Whether it says something of a product in an environment.
    fn speaks_of(&self, product: &str, environment: &str) -> bool {
        self.entry.value.is_some() && self.entry.concerns.include(product, environment)
    }

    /// Who attested it, or withdrew it. The value is not named.
    fn said(&self) -> Provenance {
        Provenance { entry: None, ..Provenance::of_entry(&self.entry.shown(self.recorded, None)) }
    }
}

/// The samples of an indicator, as far as a decision needs them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SampleSummary {
    /// The number of samples that were ever recorded.
    total: u64,
    latest: Sample,
}

/// What this process has read of the registers.
pub(super) struct RegisterCaches {
    kept: FollowedStreams<KeptRegisters>,
    concerning: FollowedStreams<ConcerningEntries>,
    /// The newest entry of a stream, with the version of the stream.
    heads: Cache<String, (u64, Arc<EntryHead>)>,
    /// Values in their normal form, by digest.
    values: Cache<Digest, Arc<Value>>,
    samples: Cache<String, (u64, SampleSummary)>,
    /// The keys of the entries of a stream, with the version of the stream.
    keys: Cache<String, (u64, Arc<Vec<KnownKey>>)>,
    /// The keys that made signatures, by the digest of the evidence, its signature, and the versions of the streams of keys.
    signatures: Cache<Digest, SignatureMatches>,
    /// The samples of a stream that were recorded last, in that order, with the version of the stream: as many as a snapshot holds.
    recent: Cache<String, VersionedSamples>,
    /// The samples of a stream that were measured since a deployment, in order of time, with the version of the stream.
    deployed: Cache<(String, Timestamp), VersionedSamples>,
}

/// Samples of a stream, with its version.
type VersionedSamples = (u64, Arc<Vec<Sample>>);

impl RegisterCaches {
    /// Drops what was made of values.
    pub(super) fn drop_values(&self) {
        self.values.clear();
        self.keys.clear();
    }
}

impl Default for RegisterCaches {
    fn default() -> Self {
        Self {
            kept: Cache::new(1_000),
            concerning: Cache::new(1_000),
            heads: Cache::new(10_000),
            values: Cache::new(10_000),
            samples: Cache::new(10_000),
            keys: Cache::new(1_000),
            signatures: Cache::new(10_000),
            recent: Cache::new(1_000),
            deployed: Cache::new(64),
        }
    }
}

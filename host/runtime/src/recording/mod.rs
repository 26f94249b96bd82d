//! Recordings: one evaluation, whole, so that it can be run again anywhere and later.
//!
//! A recording holds what went in (the call, the settings, the limits, the snapshot with the evidence that the plugin
//! could read, every answer of a capability) and what came out. Two things are not in it. The component, because it is
//! large and the same in thousands of recordings: it is named by its digest. And what the plugin saw of the snapshot,
//! because that follows from the snapshot.

mod file;
mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lockgate_domain::{Digest, Failure, LogLine, Receipt, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{PluginFunction, PluginOutput};
use crate::capability::{Base64Bytes, EvidencePatterns};
use crate::config::Limits;
use crate::sandbox::CapabilityExchange;

pub use file::{RECORDING_EXTENSION, RecordingError};
pub use replay::ReplayResult;

/// One evaluation of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// What ran it.
    pub engine: RecordedEngine,
    /// The version of the contract that it was called by.
    pub contract: String,
    /// The plugin.
    pub plugin: RecordedPlugin,
    /// For whom it was evaluated; none if nobody's decision hung on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<RecordedContext>,
    /// What the call could use.
    pub limits: RecordedLimits,
    /// Whether it could log.
    pub log_granted: bool,
    /// The evidence that it could read, as patterns of names.
    pub evidence_granted: Vec<String>,
    /// What was called.
    pub call: PluginFunction,
    /// What it looked at. Evidence is named in it by digest.
    pub snapshot: Snapshot,
    /// The content of the evidence that it could read, by digest.
    pub evidence: BTreeMap<String, Base64Bytes>,
    /// What it asked its capabilities, and what they answered, in order.
    pub exchanges: Vec<CapabilityExchange>,
    /// What came of it.
    pub outcome: RecordedOutcome,
    /// What it used. It must be the same on the same engine.
    pub used: ResourceUse,
}

/// For whom a plugin was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedContext {
    /// The id of the decision.
    pub decision: String,
    /// The id of the binding.
    pub binding: String,
    /// The id of the deployment model.
    pub model: String,
    /// Its version.
    pub model_version: String,
}

/// What decides how much fuel a call uses and what it computes: equal here means equal there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEngine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The settings that can change an answer or its fuel, in words.
    pub settings: Vec<String>,
    /// Whether the plugin started configured. Otherwise configuring it counts towards its fuel.
    pub frozen: bool,
}

/// The plugin of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPlugin {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of the component.
    pub component: Digest,
    /// The digest of the settings' canonical JSON.
    pub settings_digest: Digest,
    /// The settings that it was configured with: the ids of people that their schema marks are in their normal form.
    pub settings: Value,
}

/// The limits of a recording, those that the clock decides left out of what a replay compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedLimits {
    /// See [`Limits::fuel`].
    pub fuel: u64,
    /// See [`Limits::memory`].
    pub memory: u64,
    /// See [`Limits::result_size`].
    pub result_size: u64,
    /// See [`Limits::wall_clock`], in milliseconds.
    pub wall_clock_ms: u64,
    /// See [`Limits::log_lines`].
    pub log_lines: u64,
    /// See [`Limits::log_bytes`].
    pub log_bytes: u64,
}

/// What came of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedOutcome {
    /// The plugin answered.
    Answered(PluginOutput),
    /// It did not.
    Failed(Failure),
}

/// What an evaluation used and left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceUse {
    /// In units of fuel.
    pub fuel: u64,
    /// The most memory that it held, in bytes.
    pub peak_memory: u64,
    /// How often it called each function of the host.
    pub host_calls: BTreeMap<String, u64>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// How many lines more.
    pub log_dropped: u64,
}

impl Recording {
    /// The evidence that it could read.
    fn readable(&self) -> EvidencePatterns {
        EvidencePatterns::new(&self.evidence_granted)
    }

    /// The snapshot with the content of its evidence.
    fn whole_snapshot(&self) -> Snapshot {
        let mut snapshot = self.snapshot.clone();
        for piece in snapshot.evidence.values_mut() {
            if let Some(content) = self.evidence.get(&piece.digest.text()) {
                piece.content = Arc::new(content.0.clone());
            }
        }
        snapshot
    }

    /// The limits to run it again under. The clock is a backstop that must not decide a replay, so it gets ten times
    /// what it had, and from one minute to ten. A log larger than the default is only kept up to a bound: somebody else
    /// may have written the recording.
    pub fn limits(&self) -> Limits {
        let most_log = 16 << 20;
        let limits = Limits {
            fuel: self.limits.fuel,
            memory: self.limits.memory,
            result_size: self.limits.result_size,
            wall_clock: Duration::from_millis(self.limits.wall_clock_ms),
            log_lines: usize::try_from(self.limits.log_lines).unwrap_or(most_log).min(most_log),
            log_bytes: usize::try_from(self.limits.log_bytes).unwrap_or(most_log).min(most_log),
        };
        limits.to_replay()
    }
}

impl From<&Limits> for RecordedLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            fuel: limits.fuel,
            memory: limits.memory,
            result_size: limits.result_size,
            wall_clock_ms: u64::try_from(limits.wall_clock.as_millis()).unwrap_or(u64::MAX),
            log_lines: limits.log_lines as u64,
            log_bytes: limits.log_bytes as u64,
        }
    }
}

impl ResourceUse {
    pub(crate) fn new(receipt: &Receipt, log: &[LogLine], log_dropped: u64) -> Self {
        Self {
            fuel: receipt.fuel,
            peak_memory: receipt.peak_memory,
            host_calls: receipt.host_calls.clone(),
            log: log.to_vec(),
            log_dropped,
        }
    }
}

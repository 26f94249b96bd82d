//! Recordings: one complete evaluation, which can be run again at any time and place.
//!
//! A recording holds the input (the call, the settings, the limits, the snapshot with the evidence that the plugin could
//! read, every answer of a capability) and the output. The component is not in it, because it is large and the same in
//! thousands of recordings; its digest names it. The plugin's calls of the snapshot are not in it either, because their
//! results follow from the snapshot.

mod file;
mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lockgate_domain::{AskingModel, Digest, Failure, LogLine, Receipt, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{PluginFunction, PluginOutput};
use crate::capability::{Base64Bytes, NamePatterns};
use crate::config::Limits;
use crate::sandbox::CapabilityExchange;

pub use file::{RECORDING_EXTENSION, RecordingError};
pub use replay::ReplayResult;

/// One evaluation of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The WebAssembly engine that ran it.
    pub engine: RecordedEngine,
    /// The version of the contract that the plugin was called with, for example `0.2.0`.
    pub contract: String,
    /// The plugin, without its component.
    pub plugin: RecordedPlugin,
    /// The id of the decision that it was evaluated for; none if it was evaluated for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The deployment model that asked, and its binding; none if the plugin was tried without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<AskingModel>,
    /// The limits of the call.
    pub limits: RecordedLimits,
    /// Whether the plugin could log.
    pub log_granted: bool,
    /// The patterns of the names of evidence that the plugin could read.
    pub evidence_granted: Vec<String>,
    /// The patterns of the names of facts that the plugin could read.
    pub facts_granted: Vec<String>,
    /// The function that was called.
    pub call: PluginFunction,
    /// The snapshot. It names evidence by digest.
    pub snapshot: Snapshot,
    /// The content of the evidence that the plugin could read, by digest.
    pub evidence: BTreeMap<String, Base64Bytes>,
    /// What the plugin asked its capabilities and what they answered, in order.
    pub exchanges: Vec<CapabilityExchange>,
    /// The answer or the failure.
    pub outcome: RecordedOutcome,
    /// What the call used and logged. A replay on the same engine uses the same.
    pub used: ResourceUse,
}

/// The WebAssembly engine of a recording. Equal engines use the same fuel and compute the same answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEngine {
    /// The name of the engine: `wasmtime`.
    pub name: String,
    /// The version of the engine, for example `48.0.8`.
    pub version: String,
    /// The names of the settings that can change an answer or its fuel.
    pub settings: Vec<String>,
    /// Whether the plugin was frozen. If not, configuring it counts towards its fuel.
    pub frozen: bool,
}

/// The plugin of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPlugin {
    /// The name in its description.
    pub name: String,
    /// The version in its description.
    pub version: String,
    /// The SHA-256 digest of the component.
    pub component: Digest,
    /// The SHA-256 digest of the canonical JSON of the settings.
    pub settings_digest: Digest,
    /// The settings that it was configured with. Ids of people that their schema marks are in their normal form.
    pub settings: Value,
}

/// The limits of the recorded call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedLimits {
    /// [`Limits::fuel`].
    pub fuel: u64,
    /// [`Limits::memory`], in bytes.
    pub memory: u64,
    /// [`Limits::result_size`], in bytes.
    pub result_size: u64,
    /// [`Limits::wall_clock`], in milliseconds.
    pub wall_clock_ms: u64,
    /// [`Limits::log_lines`].
    pub log_lines: u64,
    /// [`Limits::log_bytes`].
    pub log_bytes: u64,
}

/// The answer or the failure of a recorded evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedOutcome {
    /// The plugin answered.
    #[serde(rename = "said")]
    Answered(PluginOutput),
    /// The evaluation failed.
    Failed(Failure),
}

/// What a recorded evaluation used and logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceUse {
    /// The fuel that the plugin used, without the work of the host.
    pub fuel: u64,
    /// The most memory that the plugin held at the same time, in bytes.
    pub peak_memory: u64,
    /// The number of calls of each host function, by its name.
    pub host_calls: BTreeMap<String, u64>,
    /// The log lines that were kept.
    pub log: Vec<LogLine>,
    /// The number of log lines that were not kept.
    pub log_dropped: u64,
}

impl Recording {
    /// The patterns of the evidence that the plugin could read.
    fn readable(&self) -> NamePatterns {
        NamePatterns::new(&self.evidence_granted)
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

    /// The limits for a replay, with the longer wall clock of [`Limits::to_replay`]. At most 16 MiB of log are kept, because
    /// anybody may have written the recording.
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

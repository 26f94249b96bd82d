//! Records an evaluation, and runs a recording again.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{AskingModel, Failure, FailureKind, LogLine, Receipt, Snapshot, canonical_json};
use serde::Serialize;

use super::file::RecordingError;
use super::{RecordedEngine, RecordedOutcome, RecordedPlugin, Recording, ResourceUse};
use crate::call::{PluginFunction, PluginOutput};
use crate::capability::{Base64Bytes, NamePatterns};
use crate::evaluation::Evaluation;
use crate::freeze::StartUp;
use crate::plugin::Plugin;
use crate::sandbox;

/// The parts that a replay must reproduce byte for byte. Fuel is compared separately, between equal engines only.
#[derive(Serialize)]
struct ComparedParts<'a> {
    outcome: &'a RecordedOutcome,
    host_calls: &'a BTreeMap<String, u64>,
    log: &'a [LogLine],
    log_dropped: u64,
}

/// The result of running a recording again.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayResult {
    /// The answer or the failure of this run.
    pub outcome: RecordedOutcome,
    /// What this run used and logged.
    pub used: ResourceUse,
    /// Whether the outcome, the calls of the host and the log are the same, byte for byte.
    pub same: bool,
    /// Whether it used the same fuel; none if another plugin or another engine ran.
    pub same_fuel: Option<bool>,
}

impl Recording {
    /// Makes a recording of an evaluation, which `model` asked for.
    pub fn take(
        plugin: &Plugin,
        call: PluginFunction,
        snapshot: &Snapshot,
        evaluation: &Evaluation<PluginOutput>,
        model: Option<&AskingModel>,
    ) -> Self {
        let Evaluation { outcome, receipt, log, log_dropped, exchanges, .. } = evaluation;
        let patterns = NamePatterns::new(plugin.evidence_granted());
        let readable = snapshot.evidence.iter().filter(|(name, _)| patterns.allow(name));
        let evidence = readable.map(|(_, piece)| (piece.digest.text(), Base64Bytes(piece.content.to_vec()))).collect();
        let mut snapshot = snapshot.clone();
        snapshot.evidence.values_mut().for_each(|piece| piece.content = Arc::default());
        Self {
            engine: RecordedEngine::of(plugin),
            contract: receipt.contract.clone(),
            plugin: RecordedPlugin {
                name: plugin.description().name.clone(),
                version: plugin.description().version.clone(),
                component: receipt.component,
                settings_digest: receipt.settings,
                settings: plugin.settings().clone(),
            },
            decision: None,
            model: model.cloned(),
            limits: plugin.limits().into(),
            log_granted: plugin.granted().log.is_some(),
            evidence_granted: plugin.evidence_granted().to_vec(),
            facts_granted: plugin.facts_granted().to_vec(),
            call,
            snapshot,
            evidence,
            exchanges: exchanges.clone(),
            outcome: outcome.clone().into(),
            used: ResourceUse::new(receipt, log, *log_dropped),
        }
    }
}

impl RecordedEngine {
    /// The engine of this process, as it runs `plugin`.
    fn of(plugin: &Plugin) -> Self {
        Self {
            name: "wasmtime".to_owned(),
            version: sandbox::ENGINE_VERSION.to_owned(),
            settings: sandbox::SETTINGS.iter().map(|setting| (*setting).to_owned()).collect(),
            frozen: *plugin.start_up() == StartUp::Frozen,
        }
    }

    /// The engine of this process in one line. Where the line differs, the same call may use other fuel.
    pub fn line() -> String {
        format!("wasmtime {} ({})", sandbox::ENGINE_VERSION, sandbox::SETTINGS.join(", "))
    }
}

impl Plugin {
    /// Runs a recording again with this plugin: the recorded one, or another version of it. Capabilities answer from the
    /// recording. A question that has no answer there ends the evaluation with [`FailureKind::NotRecorded`].
    ///
    /// # Errors
    /// If something in the recording or the result has no canonical JSON.
    pub fn replay(&self, recording: &Recording) -> Result<ReplayResult, RecordingError> {
        let snapshot = Arc::new(recording.whole_snapshot());
        let mut invocation = self.invocation(&snapshot).answered_by(&recording.exchanges);
        if let Some(model) = &recording.model {
            invocation = invocation.asked_by(Arc::new(model.clone()));
        }
        let Evaluation { outcome, receipt, log, log_dropped, .. } = invocation.ask(recording.call);
        let used = ResourceUse::new(&receipt, &log, log_dropped);
        let outcome = RecordedOutcome::from(outcome);
        let same = compared(&outcome, &used)? == compared(&recording.outcome, &recording.used)?;
        let same_fuel = self.is_recorded(recording, &receipt).then_some(used.fuel == recording.used.fuel);
        Ok(ReplayResult { outcome, used, same, same_fuel })
    }

    /// Whether this is the recorded plugin with its settings, on an engine that uses the same fuel.
    fn is_recorded(&self, recording: &Recording, receipt: &Receipt) -> bool {
        receipt.component == recording.plugin.component
            && receipt.settings == recording.plugin.settings_digest
            && RecordedEngine::of(self) == recording.engine
    }
}

impl From<Result<PluginOutput, Failure>> for RecordedOutcome {
    fn from(outcome: Result<PluginOutput, Failure>) -> Self {
        outcome.map_or_else(Self::Failed, Self::Answered)
    }
}

impl RecordedOutcome {
    /// Whether the machine caused the outcome, not the plugin: the wall clock, or a write that failed. A replay cannot
    /// reproduce such an outcome.
    pub fn is_of_the_machine(&self) -> bool {
        let kinds = [FailureKind::TimedOut, FailureKind::HostFailed];
        matches!(self, Self::Failed(failure) if kinds.contains(&failure.kind))
    }
}

fn compared(outcome: &RecordedOutcome, used: &ResourceUse) -> Result<Vec<u8>, RecordingError> {
    let ResourceUse { host_calls, log, log_dropped, .. } = used;
    Ok(canonical_json(&ComparedParts { outcome, host_calls, log, log_dropped: *log_dropped })?)
}

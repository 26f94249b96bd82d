//! Runs recordings and decisions again: unchanged, to prove that the result is the same, or with a candidate, to see
//! what it would change.
//!
//! A [`Replayer`] runs recordings of single calls again, with a candidate that replaces their plugin. [`Decisions`]
//! makes the decisions of a ledger again, with a candidate that replaces their model. Both use only what was kept, so
//! thousands can run side by side, before anything is changed.

mod compare;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use lockgate_domain::{Digest, FailureKind, Standing, Timestamp};
use lockgate_runtime::{
    Grants, Limits, LoadRequest, Plugin, PluginOutput, RecordedOutcome, Recording, ReplayResult, Runtime,
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use crate::gate::standing;

pub(crate) use compare::differences as first_differences;
pub use compare::{DecisionComparison, ReplayedDecision, of_the_machine};

/// A candidate that replaces a recorded plugin.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The name, in the recordings, of the plugin to replace. None: every plugin.
    pub plugin: Option<String>,
    /// The component. None: the recorded one.
    pub component: Option<Arc<[u8]>>,
    /// The settings. None: the recorded ones.
    pub settings: Option<Value>,
}

/// Runs recordings again. Threads may share it.
#[derive(Debug)]
pub struct Replayer {
    runtime: Runtime,
    components: BTreeMap<Digest, Arc<[u8]>>,
    candidate: Option<Replacement>,
    /// The candidate's component, with its digest.
    replacement: Option<(Digest, Arc<[u8]>)>,
    loaded: Mutex<HashMap<PluginUseKey, Loading>>,
}

/// A plugin, which the first thread that needs it loads; or the reason why it cannot be loaded.
type Loading = Arc<OnceLock<Result<Plugin, String>>>;

/// What makes two uses of a plugin the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PluginUseKey {
    component: Digest,
    settings: Digest,
    log: bool,
    evidence: Vec<String>,
    facts: Vec<String>,
    limits: Limits,
}

/// The result of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "ended")]
#[non_exhaustive]
pub enum ReplayOutcome {
    /// The result is the same, byte for byte, and used the same fuel where that can be compared.
    Same,
    /// The result is the same, but used other fuel on an engine that must use the same.
    FuelDiffers {
        /// The recorded fuel.
        was: u64,
        /// The fuel of the replay.
        is: u64,
    },
    /// The answer is the same, for other reasons.
    Changed(OutcomeChange),
    /// The answer and its reasons are the same, in other words, or with other requests or log lines on the way.
    Reworded(OutcomeChange),
    /// The answer differs.
    Flipped(OutcomeChange),
    /// The plugin asked for something that was not asked when the recording was made.
    NotRecorded {
        /// What it asked for.
        question: String,
    },
    /// The recorded result came from the machine, and not from the plugin: from its clock, or from values it could not
    /// keep.
    NotComparable {
        /// What happened then.
        why: String,
    },
    /// The recording is of another plugin or model than the candidate would replace.
    NotConcerned,
    /// The ledger no longer has what the decision was made on: nobody can tell.
    Deleted {
        /// What is gone, in words.
        what: String,
        digest: Digest,
        /// When retention deleted it.
        at: Timestamp,
    },
    /// The candidate does not apply to this deployment, so another model would decide, or none.
    NotChosen { why: String },
    /// The replay could not be run.
    NotRun { why: String },
}

/// The change of an answer, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OutcomeChange {
    /// The recorded standing.
    pub from: Standing,
    /// The standing of the replay.
    pub to: Standing,
    /// The recorded codes.
    pub was: Vec<String>,
    /// The codes of the replay.
    pub is: Vec<String>,
}

impl Replayer {
    /// Runs recordings with these components, or with a candidate.
    pub fn new(
        runtime: Runtime,
        components: impl IntoIterator<Item = Arc<[u8]>>,
        candidate: Option<Replacement>,
    ) -> Self {
        let components = components.into_iter().map(|component| (Digest::of(&component), component)).collect();
        let replacement = candidate.as_ref().and_then(|candidate| candidate.component.clone());
        let replacement = replacement.map(|component| (Digest::of(&component), component));
        Self { runtime, components, candidate, replacement, loaded: Mutex::default() }
    }

    /// Runs one recording again.
    pub fn replay(&self, recording: &Recording) -> ReplayOutcome {
        let candidate = match &self.candidate {
            Some(Replacement { plugin: Some(name), .. }) if *name != recording.plugin.name => {
                return ReplayOutcome::NotConcerned;
            }
            candidate => candidate.as_ref(),
        };
        if let RecordedOutcome::Failed(failure) = &recording.outcome
            && recording.outcome.is_of_the_machine()
        {
            return ReplayOutcome::NotComparable { why: failure.kind.as_str().to_owned() };
        }
        let plugin = match self.plugin(recording, candidate) {
            Ok(plugin) => plugin,
            Err(why) => return ReplayOutcome::NotRun { why },
        };
        match plugin.replay(recording) {
            Ok(replayed) => ended(recording, &replayed),
            Err(error) => ReplayOutcome::NotRun { why: error.to_string() },
        }
    }

    /// The plugin that runs a recording. The first thread that needs it loads it; others wait.
    fn plugin(&self, recording: &Recording, candidate: Option<&Replacement>) -> Result<Plugin, String> {
        let (digest, component) = match &self.replacement {
            Some((digest, component)) => (*digest, component),
            None => {
                let digest = recording.plugin.component;
                let found = self.components.get(&digest).ok_or_else(|| {
                    format!(
                        "the component of `{}`, {digest}, is not among those that were handed in",
                        recording.plugin.name
                    )
                })?;
                (digest, found)
            }
        };
        let other = candidate.and_then(|candidate| candidate.settings.as_ref());
        let settings = other.unwrap_or(&recording.plugin.settings);
        let key = PluginUseKey {
            component: digest,
            settings: match other {
                Some(settings) => Digest::of_canonical(settings).map_err(|error| error.to_string())?,
                None => recording.plugin.settings_digest,
            },
            log: recording.log_granted,
            evidence: recording.evidence_granted.clone(),
            facts: recording.facts_granted.clone(),
            limits: recording.limits(),
        };
        let place = {
            let mut loaded = self.loaded.lock();
            Arc::clone(loaded.entry(key).or_default())
        };
        place
            .get_or_init(|| {
                let (evidence, facts) = (recording.evidence_granted.clone(), recording.facts_granted.clone());
                let request = LoadRequest {
                    component: Arc::clone(component),
                    settings: settings.clone(),
                    grants: Grants { log: recording.log_granted, evidence, facts, recorded: true, ..Grants::default() },
                    limits: recording.limits(),
                };
                self.runtime.load(request).map_err(|error| error.to_string())
            })
            .clone()
    }
}

fn ended(recording: &Recording, replayed: &ReplayResult) -> ReplayOutcome {
    if let RecordedOutcome::Failed(failure) = &replayed.outcome
        && failure.kind == FailureKind::NotRecorded
    {
        return ReplayOutcome::NotRecorded { question: failure.message.clone() };
    }
    if let RecordedOutcome::Failed(failure) = &replayed.outcome
        && replayed.outcome.is_of_the_machine()
    {
        return ReplayOutcome::NotComparable { why: failure.kind.as_str().to_owned() };
    }
    match (replayed.same, replayed.same_fuel) {
        (true, Some(false)) => ReplayOutcome::FuelDiffers { was: recording.used.fuel, is: replayed.used.fuel },
        (true, _) => ReplayOutcome::Same,
        (false, _) => {
            let change = OutcomeChange {
                from: says(&recording.outcome),
                to: says(&replayed.outcome),
                was: codes(&recording.outcome),
                is: codes(&replayed.outcome),
            };
            match words::differ_alone(&recording.outcome, &replayed.outcome) {
                _ if change.from != change.to => ReplayOutcome::Flipped(change),
                true => ReplayOutcome::Reworded(change),
                false => ReplayOutcome::Changed(change),
            }
        }
    }
}

fn says(outcome: &RecordedOutcome) -> Standing {
    match outcome {
        RecordedOutcome::Answered(said) => standing(said),
        RecordedOutcome::Failed(_) => Standing::Error,
    }
}

/// The codes that explain an outcome, each once and in order.
fn codes(outcome: &RecordedOutcome) -> Vec<String> {
    let mut codes: Vec<String> = match outcome {
        RecordedOutcome::Answered(PluginOutput::Answer(answer)) => {
            answer.codes().into_iter().map(str::to_owned).collect()
        }
        RecordedOutcome::Answered(PluginOutput::Report(report)) => {
            report.findings.iter().map(|finding| finding.code.clone()).collect()
        }
        RecordedOutcome::Answered(PluginOutput::Rollout(_) | PluginOutput::Action(_)) => Vec::new(),
        RecordedOutcome::Failed(failure) => {
            std::iter::once(failure.kind.as_str().to_owned()).chain(failure.code.clone()).collect()
        }
    };
    codes.sort_unstable();
    codes.dedup();
    codes
}

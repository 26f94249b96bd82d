//! Running again what was run: as it was, to prove that it comes out the same; or with a candidate, to see what that
//! would turn.
//!
//! A [`Replayer`] runs recordings of single calls again, with a candidate in the place of their plugin; [`Decisions`] makes
//! the decisions of a ledger again, with a candidate in the place of their model. Nothing outside of what was kept is
//! reached, so thousands can run side by side, and before anything is changed.

mod compare;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use lockgate_domain::{Digest, FailureKind, Ruling, Standing, Timestamp};
use lockgate_runtime::{
    Grants, Limits, LoadRequest, Plugin, PluginOutput, RecordedOutcome, Recording, ReplayResult, Runtime,
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use crate::gate::standing;

pub use compare::{DecisionComparison, ReplayedDecision, of_the_machine};

/// Who takes the place of the plugin that was recorded.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// Whose place: the name of the plugin in the recordings. None: of every plugin.
    pub plugin: Option<String>,
    /// The component. None: the one that was recorded.
    pub component: Option<Arc<[u8]>>,
    /// The settings. None: those that were recorded.
    pub settings: Option<Value>,
}

/// Runs recordings again. To be shared by threads.
#[derive(Debug)]
pub struct Replayer {
    runtime: Runtime,
    components: BTreeMap<Digest, Arc<[u8]>>,
    candidate: Option<Replacement>,
    /// The candidate's component, with its digest.
    replacement: Option<(Digest, Arc<[u8]>)>,
    loaded: Mutex<HashMap<PluginUseKey, Loading>>,
}

/// A plugin that is loaded once, by whoever needs it first; or why it cannot be.
type Loading = Arc<OnceLock<Result<Plugin, String>>>;

/// What makes two uses of a plugin the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PluginUseKey {
    component: Digest,
    settings: Digest,
    log: bool,
    evidence: Vec<String>,
    limits: Limits,
}

/// How a recording or a decision came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "ended")]
#[non_exhaustive]
pub enum ReplayOutcome {
    /// As it was, byte for byte; and with the same fuel, where that can be compared.
    Same,
    /// As it was, but with other fuel on an engine on which it must be the same.
    FuelDiffers {
        /// When it was recorded.
        was: u64,
        /// Now.
        is: u64,
    },
    /// It says the same for other reasons.
    Changed(OutcomeChange),
    /// It says the same for the same reasons, in other words; or it asked or logged something else on the way.
    Reworded(OutcomeChange),
    /// It says something else.
    Flipped(OutcomeChange),
    /// It asked for something that was never asked when the recording was made.
    NotRecorded {
        /// What.
        question: String,
    },
    /// The machine decided what was recorded, and not the plugin: its clock, or what it could not keep.
    NotComparable {
        /// What happened then.
        why: String,
    },
    /// It is of another plugin, or by another model, than the candidate would replace.
    NotConcerned,
    /// The ledger no longer has what the decision was made on: nobody can tell.
    Deleted {
        /// What is gone, in words.
        what: String,
        /// The digest of what is gone.
        digest: Digest,
        /// When retention deleted it.
        at: Timestamp,
    },
    /// The candidate is not for that deployment, so another model would decide, or none.
    NotChosen {
        /// Why.
        why: String,
    },
    /// It could not be run.
    NotRun {
        /// Why.
        why: String,
    },
}

/// From what to what, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OutcomeChange {
    /// What it said.
    pub from: Standing,
    /// What it says now.
    pub to: Standing,
    /// The codes of what it said.
    pub was: Vec<String>,
    /// The codes of what it says now.
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

    /// Runs one.
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

    /// The plugin that runs a recording. Each is loaded once, by whoever needs it first; others wait.
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
            limits: recording.limits(),
        };
        let place = {
            let mut loaded = self.loaded.lock();
            Arc::clone(loaded.entry(key).or_default())
        };
        place
            .get_or_init(|| {
                let evidence = recording.evidence_granted.clone();
                let request = LoadRequest {
                    component: Arc::clone(component),
                    settings: settings.clone(),
                    grants: Grants { log: recording.log_granted, evidence, recorded: true, ..Grants::default() },
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

/// The codes by which an outcome explains itself, each once and in order.
fn codes(outcome: &RecordedOutcome) -> Vec<String> {
    let mut codes: Vec<String> = match outcome {
        RecordedOutcome::Answered(PluginOutput::Answer(answer)) => match &answer.ruling {
            Ruling::Deny(violations) => violations.iter().map(|violation| violation.code.clone()).collect(),
            Ruling::Require(requirements) => requirements.iter().map(|requirement| requirement.code.clone()).collect(),
            Ruling::Allow | Ruling::Abstain => answer.reasons.iter().map(|reason| reason.code.clone()).collect(),
        },
        RecordedOutcome::Answered(PluginOutput::Report(report)) => {
            report.findings.iter().map(|finding| finding.violation.code.clone()).collect()
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

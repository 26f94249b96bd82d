//! The host's record of every plugin call, and the ways in which a call can fail.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// The version of the plugin contract that this host speaks.
pub const CONTRACT_VERSION: &str = "0.2.0-rc.1";

/// What one call of a plugin was, and what it used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The digest of the component, as it was handed in.
    pub component: Digest,
    /// The digest of its settings' canonical JSON, in which marked ids of people have their normal form.
    pub settings: Digest,
    /// The version of the contract that it was called by.
    pub contract: String,
    /// The function that was called, for example `decide`.
    pub function: String,
    /// How much fuel it used itself: about one unit per instruction. The same call always uses the same.
    pub fuel: u64,
    /// How much the host did for it, in units of fuel: for each call of a host function, and for the texts that it passed. The
    /// limit on fuel holds for this by itself, too.
    pub host_effort: u64,
    /// The most linear memory that it held, in bytes.
    pub peak_memory: u64,
    /// How long it took, in microseconds. The one figure here that differs from run to run.
    pub wall_time_us: u64,
    /// How often it called each host function.
    pub host_calls: BTreeMap<String, u64>,
    /// Whether this is an earlier call, on the same snapshot but at an earlier moment, whose answer was used again: it had
    /// looked neither at the time nor outside, so another call would have come to the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
}

/// The ways in which a call can fail. None of them is a "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The call used up its fuel.
    OutOfFuel,
    /// It took longer than the wall clock allows.
    TimedOut,
    /// It asked for more memory than it was granted.
    MemoryExceeded,
    /// It trapped: a panic, a memory fault, a stack overflow.
    Trapped,
    /// The plugin's answer is larger than allowed.
    ResultTooLarge,
    /// It said itself that it could not answer.
    PluginError,
    /// It broke the contract: an answer that the contract rules out.
    ContractViolation,
    /// The host could not do what it had granted: keep what the plugin wanted to be kept.
    HostFailed,
    /// In a replay alone: it asked the host for something that the recording has no answer to.
    NotRecorded,
}

impl FailureKind {
    /// The code that decisions and files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfFuel => "out-of-fuel",
            Self::TimedOut => "timed-out",
            Self::MemoryExceeded => "memory-exceeded",
            Self::Trapped => "trapped",
            Self::ResultTooLarge => "result-too-large",
            Self::PluginError => "plugin-error",
            Self::ContractViolation => "contract-violation",
            Self::HostFailed => "host-failed",
            Self::NotRecorded => "not-recorded",
        }
    }
}

/// The failure of a call that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The kind of the failure.
    pub kind: FailureKind,
    /// The failure in words, with the limit and the used amount where there is a limit.
    pub message: String,
    /// The code of the plugin's own error, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The limit that was hit, in fuel, bytes or milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How much was used or asked for, in the unit of the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

impl std::error::Error for Failure {}

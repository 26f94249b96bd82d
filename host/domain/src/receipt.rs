//! The host's record of every plugin call, and the ways in which a call can fail.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// The version of the plugin contract that this host speaks.
pub const CONTRACT_VERSION: &str = "0.2.0-rc.2";

/// The receipt of one call of a plugin, with the resources that it used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The digest of the plugin's component.
    pub component: Digest,
    /// The digest of the plugin's settings as canonical JSON, with marked ids of people in their normal form.
    pub settings: Digest,
    /// The version of the contract under which the plugin was called.
    pub contract: String,
    /// The function that was called, for example `decide`.
    pub function: String,
    /// The fuel that the plugin used: about one unit per instruction. The same call always uses the same amount.
    pub fuel: u64,
    /// The work of the host for the plugin, in units of fuel: for each call of a host function, and for the texts that
    /// were passed. The limit on fuel applies to this amount separately, too.
    pub host_effort: u64,
    /// The largest linear memory that the plugin held, in bytes.
    pub peak_memory: u64,
    /// The duration of the call, in microseconds. It is the only figure here that differs from run to run.
    pub wall_time_us: u64,
    /// The number of calls of each host function, by name.
    pub host_calls: BTreeMap<String, u64>,
    /// Whether the answer of an earlier call on the same snapshot was used again. That call read neither the time nor
    /// anything outside, so a new call would have given the same answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
}

/// The ways in which a call can fail. None of them is a "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The call used up its fuel.
    OutOfFuel,
    /// The call took longer than the time limit.
    TimedOut,
    /// The plugin asked for more memory than allowed.
    MemoryExceeded,
    /// The plugin trapped: a panic, a memory fault or a stack overflow.
    Trapped,
    /// The plugin's answer is larger than allowed.
    ResultTooLarge,
    /// The plugin reported that it could not answer.
    PluginError,
    /// The plugin broke the contract, for example with an answer that the contract does not allow.
    ContractViolation,
    /// The host could not store the values that the plugin set.
    HostFailed,
    /// Only in a replay: the plugin asked the host for something that the recording does not have.
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
    /// Whether the same question may be answered later, as the plugin says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transient: bool,
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

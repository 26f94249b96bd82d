//! What an operator writes.

use lockgate_plugin::strategy::{OnInconclusive, PlannedTimes};
use lockgate_plugin::time::Duration;
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the new release is brought to its consumers, step by step.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The steps: the share of consumers, how long it lasts, and the checks. The shares must grow.
    #[schemars(length(min = 1))]
    pub(crate) steps: Vec<WeightStep>,
    /// The name of the slot in which the new release is tried.
    #[serde(default = "canary")]
    #[schemars(extend("format" = "lockgate-name"))]
    pub(crate) slot: String,
    /// The name of the slot that the consumers use before and after the rollout.
    #[serde(default = "stable")]
    #[schemars(extend("format" = "lockgate-name"))]
    pub(crate) stable_slot: String,
    /// The step after which the rollout cannot be rolled back.
    #[serde(default)]
    pub(crate) point_of_no_return: PointOfNoReturn,
    /// For a removal: how long the slot stays without consumers before its content is removed. If absent, until a
    /// person resumes.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "365d"))]
    pub(crate) retire_after: Option<Duration>,
    /// The reaction to a check that had not enough data.
    #[serde(default)]
    pub(crate) on_inconclusive: OnInconclusive,
    /// How often an inconclusive check runs at most before people decide.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) max_attempts: u32,
    /// The wait before an inconclusive check runs again.
    #[serde(default = "five_minutes")]
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "7d"))]
    pub(crate) retry_after: Duration,
    /// How long the steps are planned to take, by their kind.
    #[serde(default)]
    pub(crate) planned: PlannedTimes,
}

/// One step of the rollout: a share of the consumers for a time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct WeightStep {
    /// The share of the consumers that use the new release, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) weight: u8,
    /// How long the share stays before the checks run.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub(crate) hold: Option<Duration>,
    /// The checks that run at the end of the step, by their ids in the deployment model.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-analysis"}, "uniqueItems" = true))]
    pub(crate) analyze: Vec<String>,
    /// Whether a person must confirm the next step.
    #[serde(default)]
    pub(crate) confirm: bool,
}

/// The step after which the rollout cannot be rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PointOfNoReturn {
    /// The step that replaces the old release in the stable slot.
    #[default]
    ReplaceStable,
    /// The step that retires the canary slot. Choose it if the old release can still be installed until then.
    RetireCanary,
    /// No step: every step can be undone.
    None,
}

impl PointOfNoReturn {
    pub(crate) fn step(self) -> Option<String> {
        match self {
            Self::ReplaceStable => Some("replace-stable".to_owned()),
            Self::RetireCanary => Some("retire-canary".to_owned()),
            Self::None => None,
        }
    }
}

fn canary() -> String {
    "canary".to_owned()
}

fn stable() -> String {
    "stable".to_owned()
}

fn three() -> u32 {
    3
}

fn five_minutes() -> Duration {
    Duration::from_millis(300_000)
}

impl Settings {
    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        let mut findings = Vec::new();
        let weights = self.steps.iter().map(|step| step.weight);
        for (index, (lower, higher)) in weights.clone().zip(weights.skip(1)).enumerate() {
            if higher <= lower {
                let message =
                    format!("the weight {higher} is not more than the {lower} of the step before: weights grow");
                findings.push(SettingsFinding::new(root.key("steps").index(index + 1).key("weight"), message));
            }
        }
        let (slot, stable) = (&self.slot, &self.stable_slot);
        if slot == stable {
            let message = format!("`{slot}` is the stable slot too: the new release is tried in a slot of its own");
            findings.push(SettingsFinding::new(root.key("slot"), message));
        } else if slot.to_lowercase() == stable.to_lowercase() {
            let message = format!(
                "`{slot}` and the stable slot `{stable}` differ in case alone, so people could take one for the other: write \
                 names that differ in more"
            );
            findings.push(SettingsFinding::new(root.key("slot"), message));
        }
        findings
    }

    /// All checks of the way up, each once, in their order.
    pub(crate) fn checks(&self) -> Vec<String> {
        let mut checks: Vec<String> = Vec::new();
        for check in self.steps.iter().flat_map(|step| &step.analyze) {
            if !checks.contains(check) {
                checks.push(check.clone());
            }
        }
        checks
    }
}

//! What an operator writes.

use lockgate_plugin::strategy::{OnInconclusive, PlannedTimes};
use lockgate_plugin::time::Duration;
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How consumers are switched from the old release to the new one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The names of the two slots. The slot with a running instance (by the instance's location) is live; if neither
    /// has one, the first is.
    #[schemars(length(min = 2, max = 2), extend("items" = {"type": "string", "format": "lockgate-name"}))]
    pub(crate) slots: Vec<String>,
    /// The checks that run before consumers are switched, by their ids in the deployment model.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-analysis"}, "uniqueItems" = true))]
    pub(crate) analyze: Vec<String>,
    /// Whether a person must confirm the switch.
    pub(crate) confirm: bool,
    /// How long the new release runs before the checks after the switch.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "90d"))]
    pub(crate) soak: Option<Duration>,
    /// The checks that run after consumers were switched, by their ids in the deployment model.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-analysis"}, "uniqueItems" = true))]
    pub(crate) analyze_after: Vec<String>,
    /// How long the old release is kept after the switch, or, in a removal, after the consumers left.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "365d"))]
    pub(crate) retire_after: Duration,
    /// The step after which the rollout cannot be rolled back.
    pub(crate) point_of_no_return: PointOfNoReturn,
    /// The reaction to a check that had not enough data.
    pub(crate) on_inconclusive: OnInconclusive,
    /// How often an inconclusive check runs at most before people decide.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) max_attempts: u32,
    /// The wait before an inconclusive check runs again.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "7d"))]
    pub(crate) retry_after: Duration,
    /// How long the steps are planned to take, by their kind.
    pub(crate) planned: PlannedTimes,
}

/// The step after which the rollout cannot be rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PointOfNoReturn {
    /// The step that switches consumers. Choose it if what they do with the new release cannot be carried back.
    Switch,
    /// The step that removes the old release.
    #[default]
    Retire,
    /// No step: every step can be undone.
    None,
}

impl PointOfNoReturn {
    pub(crate) fn step(self) -> Option<String> {
        match self {
            Self::Switch => Some("switch".to_owned()),
            Self::Retire => Some("retire".to_owned()),
            Self::None => None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: vec!["blue".to_owned(), "green".to_owned()],
            analyze: Vec::new(),
            confirm: false,
            soak: None,
            analyze_after: Vec::new(),
            retire_after: Duration::from_millis(3_600_000),
            point_of_no_return: PointOfNoReturn::default(),
            on_inconclusive: OnInconclusive::default(),
            max_attempts: 3,
            retry_after: Duration::from_millis(300_000),
            planned: PlannedTimes::default(),
        }
    }
}

impl Settings {
    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        let mut findings = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let place = root.key("slots").index(index);
            match self.slots.iter().take(index).find(|other| other.to_lowercase() == slot.to_lowercase()) {
                Some(other) if other == slot => {
                    let message = format!("`{slot}` is listed twice: old and new release need different slots");
                    findings.push(SettingsFinding::new(place, message));
                }
                Some(other) => {
                    let message = format!(
                        "`{slot}` and `{other}` differ in case alone, so people could take one for the other: write names \
                         that differ in more"
                    );
                    findings.push(SettingsFinding::new(place, message));
                }
                None => {}
            }
        }
        findings
    }
}

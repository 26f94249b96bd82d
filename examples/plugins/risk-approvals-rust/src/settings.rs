//! What an operator writes, and what follows from it for one change.

use lockgate_plugin::types::{Change, ChangeCategory, Level};
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

/// How many people have to approve, and which approvals count.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// How many people have to approve, by the risk of the change.
    approvals: Approvals,
    /// The role in which they have to approve. Without it, an approval in any role counts.
    #[schemars(length(min = 1), extend("format" = "lockgate-role"))]
    pub(crate) role: Option<String>,
    /// For how many days an approval counts. Without it, for as long as it says itself.
    #[schemars(range(min = 1, max = 3650))]
    pub(crate) max_age_days: Option<u32>,
}

/// How many people have to approve, by risk.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Approvals {
    /// At a low risk.
    #[schemars(range(max = 20))]
    low: u32,
    /// At a medium risk.
    #[schemars(range(max = 20))]
    medium: u32,
    /// At a high risk.
    #[schemars(range(max = 20))]
    high: u32,
    /// At a critical risk. Without it, as many as at a high one.
    #[schemars(range(max = 20))]
    critical: Option<u32>,
}

const RISKS: [Level; 4] = [Level::Low, Level::Medium, Level::High, Level::Critical];

impl Settings {
    /// How many approvals a change of that risk needs if it is no emergency.
    pub(crate) fn normally(&self, risk: Level) -> usize {
        let Approvals { low, medium, high, critical } = self.approvals;
        let count = match risk {
            Level::Low => low,
            Level::Medium => medium,
            Level::High => high,
            Level::Critical => critical.unwrap_or(high),
        };
        count as usize
    }

    /// How many approvals a change needs. An emergency needs one less, and at least one.
    pub(crate) fn needed(&self, change: &Change) -> usize {
        let normally = self.normally(change.risk);
        match change.category {
            ChangeCategory::Emergency => normally.saturating_sub(1).max(1),
            ChangeCategory::Standard | ChangeCategory::Normal => normally,
        }
    }

    /// What no schema can say.
    pub(crate) fn contradictions(&self) -> Vec<SettingsFinding> {
        let place = Pointer::root().key("approvals");
        let mut findings = Vec::new();
        for (lower, higher) in RISKS.into_iter().zip(RISKS.into_iter().skip(1)) {
            let (fewer, more) = (self.normally(higher), self.normally(lower));
            if fewer < more {
                let message = format!(
                    "a {} risk needs {fewer}, a {} risk {more}: a higher risk never needs fewer approvals",
                    higher.word(),
                    lower.word()
                );
                findings.push(SettingsFinding::new(place.key(higher.word()), message));
            }
        }
        if RISKS.iter().all(|risk| self.normally(*risk) == 0) {
            let message = "nobody ever has to approve: ask for at least one approval at some risk";
            findings.push(SettingsFinding::new(place, message));
        }
        findings
    }
}

//! What an operator writes.

use lockgate_plugin::types::{ChangeCategory, Level, Stage};
use lockgate_plugin::{Pointer, SettingsFinding, listed};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for the change of a deployment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The categories of change that may be deployed.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub(crate) categories: Vec<ChangeCategory>,
    /// The greatest risk that a change may have, by category. If absent, any.
    pub(crate) greatest_risk: RiskLimits,
    /// The categories whose changes need no change window. A window that is there counts all the same.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) no_window_needed: Vec<ChangeCategory>,
    /// The stages at which the present moment must lie in the change window.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) window_open_at: Vec<Stage>,
    /// Whether the change must name the person who authorised it, and that person must not be involved in it or in the
    /// deployment.
    pub(crate) independent_approver: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            categories: vec![ChangeCategory::Emergency, ChangeCategory::Standard, ChangeCategory::Normal],
            greatest_risk: RiskLimits::default(),
            no_window_needed: Vec::new(),
            window_open_at: vec![Stage::Fulfill, Stage::Validate, Stage::Observe],
            independent_approver: false,
        }
    }
}

/// The greatest risk of a change, by category.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RiskLimits {
    /// The greatest risk of an emergency change.
    emergency: Option<Level>,
    /// The greatest risk of a standard change.
    standard: Option<Level>,
    /// The greatest risk of a normal change.
    normal: Option<Level>,
}

impl RiskLimits {
    /// The greatest risk of a change of that category. None for any risk.
    pub(crate) fn of(&self, category: ChangeCategory) -> Option<Level> {
        match category {
            ChangeCategory::Emergency => self.emergency,
            ChangeCategory::Standard => self.standard,
            ChangeCategory::Normal => self.normal,
        }
    }
}

impl Settings {
    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        let mut findings = Vec::new();
        let mut idle = |place: Pointer, category: ChangeCategory| {
            let allowed = listed(self.categories.iter().map(|category| category.word()), "and");
            let message = format!(
                "no {} change is ever allowed, because `categories` has only {allowed}: leave it out",
                category.word()
            );
            findings.push(SettingsFinding::new(place, message));
        };
        let is_allowed = |category: &ChangeCategory| self.categories.contains(category);
        for category in [ChangeCategory::Emergency, ChangeCategory::Standard, ChangeCategory::Normal] {
            if self.greatest_risk.of(category).is_some() && !is_allowed(&category) {
                idle(root.key("greatest-risk").key(category.word()), category);
            }
        }
        for (index, category) in self.no_window_needed.iter().enumerate().filter(|(_, category)| !is_allowed(category))
        {
            idle(root.key("no-window-needed").index(index), *category);
        }
        if let Some(index) = self.window_open_at.iter().position(|stage| *stage == Stage::PlanAndApprove) {
            let message = "nothing is deployed at plan-and-approve, when the change window has not begun: leave it out";
            findings.push(SettingsFinding::new(root.key("window-open-at").index(index), message));
        }
        findings
    }

    /// What is allowed in the settings and probably a mistake.
    pub(crate) fn warnings(&self) -> Vec<SettingsFinding> {
        let place = Pointer::root().key("greatest-risk");
        let all = self.categories.iter().filter(|category| self.greatest_risk.of(**category) == Some(Level::Critical));
        let message = "`critical` is the greatest risk that there is, so it limits nothing: leave it out";
        all.map(|category| SettingsFinding::new(place.key(category.word()), message)).collect()
    }
}

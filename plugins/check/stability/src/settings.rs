//! What an operator writes, and which registers it needs.

use lockgate_plugin::registers::{EmptyRegister, RegisterNeed};
use lockgate_plugin::roles::OPERATIONS_MANAGER;
use lockgate_plugin::time::Duration;
use lockgate_plugin::types::Severity;
use lockgate_plugin::{Capability, Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for a stable service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// How long the service has to be stable after the deployment.
    #[schemars(extend("formatMinimum" = "1m", "formatMaximum" = "3650d"))]
    pub(crate) stable_for: Duration,
    /// The objectives, each with its error budget.
    #[serde(default)]
    pub(crate) objectives: Vec<Objective>,
    /// The greatest time without a sample or a run of a monitor. If absent, five minutes.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "3650d"))]
    max_gap: Option<Duration>,
    /// The ids of the monitors that must run and find their instances healthy.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) monitors: Vec<String>,
    /// Whether the incidents of the change and of the instances are looked at.
    #[serde(default = "yes")]
    pub(crate) incidents: bool,
    /// The number of incidents that are allowed, by severity.
    allowed_incidents: Option<AllowedIncidents>,
    /// The least severity of an event that breaks the stability. If absent, events are not looked at.
    pub(crate) event_severity: Option<Severity>,
    /// The contacts of the help desk that are allowed. If absent, they are not looked at.
    pub(crate) contacts: Option<Contacts>,
    /// The way that the check advises if the service is not stable.
    pub(crate) advice: WayOn,
}

fn yes() -> bool {
    true
}

/// An objective: a key performance indicator with an error budget.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Objective {
    /// The id of the indicator.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    pub(crate) kpi: String,
    /// The share of bad samples that is allowed, from 0 to 1. If absent, that of the indicator.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) budget: Option<f64>,
}

/// The number of incidents that are allowed. A severity that is absent: `info` and `low` any number, the others none.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct AllowedIncidents {
    info: Option<u32>,
    low: Option<u32>,
    medium: Option<u32>,
    high: Option<u32>,
    critical: Option<u32>,
}

impl AllowedIncidents {
    /// The number of incidents of this severity that are allowed. None: any.
    pub(crate) fn of(self, severity: Severity) -> Option<u32> {
        match severity {
            Severity::Info => self.info,
            Severity::Low => self.low,
            Severity::Medium => Some(self.medium.unwrap_or(0)),
            Severity::High => Some(self.high.unwrap_or(0)),
            Severity::Critical => Some(self.critical.unwrap_or(0)),
        }
    }
}

/// The contacts of the help desk that are allowed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Contacts {
    /// The kinds of contact that count, for example `complaint`. Empty: all.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) kinds: Vec<String>,
    /// The greatest number of them.
    pub(crate) most: u32,
}

/// The way that the check advises if the service is not stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WayOn {
    /// Repair the service by a further release.
    Forward,
    /// Take the way back.
    Back,
}

/// The register of KPIs.
pub(crate) const KPIS: RegisterNeed = RegisterNeed {
    name: "kpis",
    question: "whether the service meets its objectives",
    nothing: "nobody can tell whether the service meets its objectives",
    keeper: OPERATIONS_MANAGER,
    not_kept: "kpis-not-kept",
    not_granted: "kpis-not-granted",
    empty: EmptyRegister::Unknown("kpis-empty"),
};

/// The register of monitors.
pub(crate) const MONITORS: RegisterNeed = RegisterNeed {
    name: "monitors",
    question: "whether the monitors run",
    nothing: "nobody can tell whether the monitors run",
    keeper: OPERATIONS_MANAGER,
    not_kept: "monitors-not-kept",
    not_granted: "monitors-not-granted",
    empty: EmptyRegister::Unknown("monitors-empty"),
};

/// The register of incidents.
pub(crate) const INCIDENTS: RegisterNeed = RegisterNeed {
    name: "incidents",
    question: "whether there were incidents",
    nothing: "there was no incident",
    keeper: OPERATIONS_MANAGER,
    not_kept: "incidents-not-kept",
    not_granted: "incidents-not-granted",
    empty: EmptyRegister::Noted("no-incidents"),
};

/// The register of events.
pub(crate) const EVENTS: RegisterNeed = RegisterNeed {
    name: "events",
    question: "whether there were severe events",
    nothing: "there was no event",
    keeper: OPERATIONS_MANAGER,
    not_kept: "events-not-kept",
    not_granted: "events-not-granted",
    empty: EmptyRegister::Noted("no-events"),
};

/// The register of contacts with the help desk.
pub(crate) const INTERACTIONS: RegisterNeed = RegisterNeed {
    name: "interactions",
    question: "whether consumers contacted the help desk",
    nothing: "nobody contacted the help desk",
    keeper: "service-desk",
    not_kept: "interactions-not-kept",
    not_granted: "interactions-not-granted",
    empty: EmptyRegister::Noted("no-contacts"),
};

impl Settings {
    /// The greatest time without a sample or a run of a monitor.
    pub(crate) fn max_gap(&self) -> Duration {
        self.max_gap.unwrap_or(Duration::from_millis(300_000))
    }

    /// The number of incidents that are allowed.
    pub(crate) fn allowed_incidents(&self) -> AllowedIncidents {
        self.allowed_incidents.unwrap_or_default()
    }

    /// The capabilities for the registers that these settings need, and for no other.
    pub(crate) fn needs(&self) -> Vec<Capability> {
        let asked = [
            (!self.objectives.is_empty(), KPIS),
            (!self.monitors.is_empty(), MONITORS),
            (self.incidents, INCIDENTS),
            (self.event_severity.is_some(), EVENTS),
            (self.contacts.is_some(), INTERACTIONS),
        ];
        asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, register)| register.capability()).collect()
    }

    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        let mut findings = Vec::new();
        if self.objectives.is_empty() && self.monitors.is_empty() {
            let message =
                "nothing tells that the service runs: name an objective in `objectives`, or a monitor in `monitors`";
            findings.push(SettingsFinding::new(&root, message));
        }
        if self.max_gap() >= self.stable_for {
            let message = format!(
                "a gap of {} is as long as the service has to be stable, so no data would be enough: make it shorter than {}",
                self.max_gap(),
                self.stable_for
            );
            findings.push(SettingsFinding::new(root.key("max-gap"), message));
        }
        for (index, objective) in self.objectives.iter().enumerate() {
            let place = root.key("objectives").index(index);
            if self.objectives.iter().take(index).any(|earlier| earlier.kpi == objective.kpi) {
                let message = format!("`{}` has an objective already: remove one", objective.kpi);
                findings.push(SettingsFinding::new(place.key("kpi"), message));
            }
            if objective.budget.is_some_and(|budget| !(0.0..=1.0).contains(&budget)) {
                findings.push(SettingsFinding::new(
                    place.key("budget"),
                    "a budget is a share from 0 to 1, for example 0.01",
                ));
            }
        }
        if !self.incidents && self.allowed_incidents.is_some() {
            let message = "`allowed-incidents` has no effect, because `incidents` is `false`: leave it out";
            findings.push(SettingsFinding::new(root.key("allowed-incidents"), message));
        }
        findings
    }
}

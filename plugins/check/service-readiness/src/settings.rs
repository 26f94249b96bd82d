//! What an operator writes, and which registers it needs.

use lockgate_plugin::registers::{EmptyRegister, RegisterNeed};
use lockgate_plugin::roles::{OPERATIONS_MANAGER, SERVICE_OWNER};
use lockgate_plugin::time::Duration;
use lockgate_plugin::types::Severity;
use lockgate_plugin::{Attester, Capability, EvidenceTerms, Pointer, SettingsFinding, check_evidence_name};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for the service around the instances of a deployment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Whether a service contract must be in force.
    pub(crate) contract: bool,
    /// The kinds of contract of which one must be in force. If absent, `sla` and `ola`.
    #[schemars(length(min = 1), extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    contract_kinds: Option<Vec<String>>,
    /// The ids of the contracts that must all be in force, whatever their kind. Empty: one of the kinds is enough.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) contracts: Vec<String>,
    /// Whether the slot of the plan must meet no blackout of a contract.
    pub(crate) blackouts: bool,
    /// Whether the slot of the plan must lie within a maintenance window of each contract that has some.
    pub(crate) maintenance: bool,
    /// Whether KPI data must flow, and be as good as it has to be.
    pub(crate) kpis: bool,
    /// The ids of the KPIs that are looked at. Empty: all that are about the instances in the target environment.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) kpi_ids: Vec<String>,
    /// The greatest age of a KPI's last value. If absent, one day.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "3650d"))]
    kpi_max_age: Option<Duration>,
    /// Whether each instance must have a monitor that ran lately and found it healthy.
    pub(crate) monitors: bool,
    /// The greatest time since the last run of a monitor. If absent, twice the interval of the monitor.
    #[schemars(extend("formatMinimum" = "1s", "formatMaximum" = "3650d"))]
    pub(crate) monitor_max_age: Option<Duration>,
    /// Whether no severe incident may be open.
    pub(crate) incidents: bool,
    /// The least severity of an open incident that stands in the way. If absent, high.
    incident_severity: Option<Severity>,
    /// Whether the incident that caused the change may be open until the release is deployed.
    pub(crate) except_trigger: bool,
    /// Whether the runbooks must be deployed.
    pub(crate) runbooks: bool,
    /// The kinds of runbook of which each must be there, for example `restart`.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) runbook_kinds: Vec<String>,
    /// Whether the knowledge items of the release must be validated and not expired.
    pub(crate) knowledge: bool,
    /// Whether the knowledge items must be published, too, so that their readers see them.
    pub(crate) knowledge_published: bool,
    /// The evidence that shows that the specialists are trained. If absent, nobody has to show it.
    pub(crate) training: Option<Training>,
}

/// The evidence of a training.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Training {
    /// The name of the evidence.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    pub(crate) evidence: String,
    /// Those who may attest it: roles, services, people, or suppliers who sign. Empty: everybody.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    attesters: Vec<Attester>,
    /// The greatest age of the evidence. If absent, any.
    #[schemars(extend("formatMinimum" = "1m", "formatMaximum" = "3650d"))]
    max_age: Option<Duration>,
    /// Whether a signature on the evidence must be verified.
    #[serde(default)]
    verified: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            contract: true,
            contract_kinds: None,
            contracts: Vec::new(),
            blackouts: true,
            maintenance: false,
            kpis: true,
            kpi_ids: Vec::new(),
            kpi_max_age: None,
            monitors: true,
            monitor_max_age: None,
            incidents: true,
            incident_severity: None,
            except_trigger: false,
            runbooks: true,
            runbook_kinds: Vec::new(),
            knowledge: true,
            knowledge_published: false,
            training: None,
        }
    }
}

/// The register of contracts, where one has to be in force.
const CONTRACTS: RegisterNeed = RegisterNeed {
    name: "service-contracts",
    question: "whether a service contract is in force",
    nothing: "no service contract is in force",
    keeper: SERVICE_OWNER,
    not_kept: "contracts-not-kept",
    not_granted: "contracts-not-granted",
    empty: EmptyRegister::Wrong("contracts-empty"),
};

/// The register of contracts, where only the times count at which they allow a deployment.
const CONTRACT_TIMES: RegisterNeed = RegisterNeed {
    question: "whether a service contract forbids the slot",
    nothing: "no service contract forbids the slot",
    empty: EmptyRegister::Noted("no-contracts"),
    ..CONTRACTS
};

/// The register of KPIs.
pub(crate) const KPIS: RegisterNeed = RegisterNeed {
    name: "kpis",
    question: "whether KPI data flows",
    nothing: "no KPI data flows",
    keeper: OPERATIONS_MANAGER,
    not_kept: "kpis-not-kept",
    not_granted: "kpis-not-granted",
    empty: EmptyRegister::Unknown("kpis-empty"),
};

/// The register of monitors.
pub(crate) const MONITORS: RegisterNeed = RegisterNeed {
    name: "monitors",
    question: "whether a monitor watches each instance",
    nothing: "no monitor watches an instance",
    keeper: OPERATIONS_MANAGER,
    not_kept: "monitors-not-kept",
    not_granted: "monitors-not-granted",
    empty: EmptyRegister::Wrong("monitors-empty"),
};

/// The register of incidents.
pub(crate) const INCIDENTS: RegisterNeed = RegisterNeed {
    name: "incidents",
    question: "whether an incident is open",
    nothing: "no incident is open",
    keeper: OPERATIONS_MANAGER,
    not_kept: "incidents-not-kept",
    not_granted: "incidents-not-granted",
    empty: EmptyRegister::Noted("no-incidents"),
};

/// The register of runbooks.
pub(crate) const RUNBOOKS: RegisterNeed = RegisterNeed {
    name: "runbooks",
    question: "whether the runbooks are deployed",
    nothing: "no runbook is deployed",
    keeper: OPERATIONS_MANAGER,
    not_kept: "runbooks-not-kept",
    not_granted: "runbooks-not-granted",
    empty: EmptyRegister::Wrong("runbooks-empty"),
};

impl Settings {
    /// The kinds of contract of which one has to be in force.
    pub(crate) fn contract_kinds(&self) -> Vec<&str> {
        match &self.contract_kinds {
            Some(kinds) => kinds.iter().map(String::as_str).collect(),
            None => vec!["sla", "ola"],
        }
    }

    /// The greatest age of a KPI's last value.
    pub(crate) fn kpi_max_age(&self) -> Duration {
        self.kpi_max_age.unwrap_or(Duration::from_millis(86_400_000))
    }

    /// The least severity of an open incident that stands in the way.
    pub(crate) fn incident_severity(&self) -> Severity {
        self.incident_severity.unwrap_or(Severity::High)
    }

    /// The register of contracts, if something in it counts.
    pub(crate) fn contract_register(&self) -> Option<RegisterNeed> {
        match (self.contract, self.blackouts || self.maintenance) {
            (true, _) => Some(CONTRACTS),
            (false, true) => Some(CONTRACT_TIMES),
            (false, false) => None,
        }
    }

    /// Whether something is looked at before the release is deployed.
    pub(crate) fn looks_before_deployment(&self) -> bool {
        self.contract_register().is_some() || self.incidents || self.knowledge || self.training.is_some()
    }

    /// The capabilities for the registers and the evidence that these settings need, and for no other.
    pub(crate) fn needs(&self) -> Vec<Capability> {
        let asked =
            [(self.kpis, KPIS), (self.monitors, MONITORS), (self.incidents, INCIDENTS), (self.runbooks, RUNBOOKS)];
        let asked = asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, register)| register);
        let registers = self.contract_register().into_iter().chain(asked).map(|register| register.capability());
        let training = self
            .training
            .iter()
            .map(|training| Capability::evidence([&training.evidence], "to tell whether the specialists are trained"));
        registers.chain(training).collect()
    }

    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        if !(self.looks_before_deployment() || self.kpis || self.monitors || self.runbooks) {
            let message = "nothing is asked for: set a key to `true`, or name the evidence of a `training`";
            return vec![SettingsFinding::new(root, message)];
        }
        let idle = [
            (self.contract, "contract", "contract-kinds", self.contract_kinds.is_some()),
            (self.contract, "contract", "contracts", !self.contracts.is_empty()),
            (self.kpis, "kpis", "kpi-ids", !self.kpi_ids.is_empty()),
            (self.kpis, "kpis", "kpi-max-age", self.kpi_max_age.is_some()),
            (self.monitors, "monitors", "monitor-max-age", self.monitor_max_age.is_some()),
            (self.incidents, "incidents", "incident-severity", self.incident_severity.is_some()),
            (self.incidents, "incidents", "except-trigger", self.except_trigger),
            (self.runbooks, "runbooks", "runbook-kinds", !self.runbook_kinds.is_empty()),
            (self.knowledge, "knowledge", "knowledge-published", self.knowledge_published),
        ];
        let idle = idle.into_iter().filter(|(is_asked, _, _, is_set)| !is_asked && *is_set);
        let mut findings: Vec<SettingsFinding> = idle
            .map(|(_, part, key, _)| {
                let message = format!("`{key}` has no effect, because `{part}` is `false`: leave it out");
                SettingsFinding::new(root.key(key), message)
            })
            .collect();
        if self.contract && self.contract_kinds.is_some() && !self.contracts.is_empty() {
            let message =
                "`contracts` names the contracts that must be in force, so their kinds do not count: leave it out";
            findings.push(SettingsFinding::new(root.key("contract-kinds"), message));
        }
        if let Some(Err(message)) = self.training.as_ref().map(|training| check_evidence_name(&training.evidence)) {
            findings.push(SettingsFinding::new(root.key("training").key("evidence"), message));
        }
        findings
    }
}

impl Training {
    /// The terms on which the evidence is accepted.
    pub(crate) fn terms(&self) -> EvidenceTerms {
        EvidenceTerms { attesters: self.attesters.clone(), max_age: self.max_age, verified: self.verified }
    }
}

//! What an operator writes, and which registers and evidence it needs.

use lockgate_plugin::registers::{EmptyRegister, RegisterNeed};
use lockgate_plugin::roles::SERVICE_OWNER;
use lockgate_plugin::time::Duration;
use lockgate_plugin::{Attester, Capability, EvidenceTerms, Pointer, SettingsFinding, check_evidence_name};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for the suppliers that are involved in a deployment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The suppliers of which something in particular is required.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) suppliers: Vec<SupplierRule>,
    /// The names of the evidence that the supplier of the release must attest.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) release_evidence: Vec<String>,
    /// The names of the evidence that its part is ready, which the third party of an environment with limited control must attest.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) readiness_evidence: Vec<String>,
    /// The names of the evidence of the result that the third party of an environment without control must attest.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) result_evidence: Vec<String>,
    /// Whether the suppliers of steps in the rollout are involved, too.
    pub(crate) rollout: bool,
    /// Whether each supplier must have a contract that is in force.
    pub(crate) contract: bool,
    /// The greatest age of evidence. If absent, any.
    #[schemars(extend("formatMinimum" = "1m", "formatMaximum" = "3650d"))]
    max_age: Option<Duration>,
    /// Whether a signature on the evidence must be verified.
    verified: bool,
}

/// The requirements for one supplier.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SupplierRule {
    /// The id of the supplier.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    pub(crate) id: String,
    /// Whether the supplier is involved in every deployment, or only in those that name it.
    #[serde(default = "yes")]
    pub(crate) always: bool,
    /// Those who attest for the supplier, besides its own key. Empty: the service with the supplier's id.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    attesters: Vec<Attester>,
    /// The names of the evidence that the supplier must attest.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    pub(crate) evidence: Vec<String>,
    /// The greatest age of the supplier's evidence. If absent, that of all evidence.
    #[schemars(extend("formatMinimum" = "1m", "formatMaximum" = "3650d"))]
    max_age: Option<Duration>,
    /// Whether a signature on the supplier's evidence must be verified. If absent, as for all evidence.
    verified: Option<bool>,
}

fn yes() -> bool {
    true
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            suppliers: Vec::new(),
            release_evidence: Vec::new(),
            readiness_evidence: vec!["third-party-readiness".to_owned()],
            result_evidence: vec!["third-party-result".to_owned()],
            rollout: true,
            contract: true,
            max_age: None,
            verified: false,
        }
    }
}

/// The register of suppliers.
pub(crate) const SUPPLIERS: RegisterNeed = RegisterNeed {
    name: "suppliers",
    question: "whether the suppliers involved are known",
    nothing: "no supplier is known",
    keeper: SERVICE_OWNER,
    not_kept: "suppliers-not-kept",
    not_granted: "suppliers-not-granted",
    empty: EmptyRegister::Wrong("supplier-unknown"),
};

/// The register of contracts.
pub(crate) const CONTRACTS: RegisterNeed = RegisterNeed {
    name: "service-contracts",
    question: "whether the contracts with the suppliers are in force",
    nothing: "no contract with a supplier is in force",
    keeper: SERVICE_OWNER,
    not_kept: "contracts-not-kept",
    not_granted: "contracts-not-granted",
    empty: EmptyRegister::Wrong("contracts-empty"),
};

impl Settings {
    /// The rule for the supplier with that id.
    pub(crate) fn rule(&self, supplier: &str) -> Option<&SupplierRule> {
        self.suppliers.iter().find(|rule| rule.id == supplier)
    }

    /// The terms on which evidence of the supplier is accepted: those of its rule, or else those of all. What it signed with its
    /// own key counts on all of them.
    pub(crate) fn terms(&self, supplier: &str) -> EvidenceTerms {
        let rule = self.rule(supplier);
        let mut attesters = vec![Attester::Supplier(supplier.to_owned())];
        match rule.map(|rule| rule.attesters.as_slice()) {
            // Ids of services are in lower case in a snapshot, and those of suppliers as they were written.
            None | Some([]) => attesters.push(Attester::Service(supplier.to_ascii_lowercase())),
            Some(named) => attesters.extend(named.iter().cloned()),
        }
        EvidenceTerms {
            attesters,
            max_age: rule.and_then(|rule| rule.max_age).or(self.max_age),
            verified: rule.and_then(|rule| rule.verified).unwrap_or(self.verified),
        }
    }

    /// All names of evidence, each with its place in the settings.
    fn evidence(&self) -> Vec<(Pointer, &String)> {
        let root = Pointer::root();
        let mut lists = vec![
            (root.key("release-evidence"), &self.release_evidence),
            (root.key("readiness-evidence"), &self.readiness_evidence),
            (root.key("result-evidence"), &self.result_evidence),
        ];
        for (index, rule) in self.suppliers.iter().enumerate() {
            lists.push((root.key("suppliers").index(index).key("evidence"), &rule.evidence));
        }
        let placed = lists
            .into_iter()
            .flat_map(|(place, names)| names.iter().enumerate().map(move |(index, name)| (place.index(index), name)));
        placed.collect()
    }

    /// The capabilities for the registers and the evidence that these settings need, and for no other.
    pub(crate) fn needs(&self) -> Vec<Capability> {
        let mut names: Vec<&String> = Vec::new();
        for (_, name) in self.evidence() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let evidence =
            (!names.is_empty()).then(|| Capability::evidence(names, "to tell what the suppliers have attested"));
        let contracts = self.contract.then(|| CONTRACTS.capability());
        std::iter::once(SUPPLIERS.capability()).chain(contracts).chain(evidence).collect()
    }

    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let patterns = self.evidence().into_iter().filter_map(|(place, name)| {
            let message = check_evidence_name(name).err()?;
            Some(SettingsFinding::new(place, message))
        });
        let mut findings: Vec<SettingsFinding> = patterns.collect();
        for (index, rule) in self.suppliers.iter().enumerate() {
            let place = Pointer::root().key("suppliers").index(index);
            let earlier = || self.suppliers.iter().take(index);
            if earlier().any(|other| other.id == rule.id) {
                let message = format!("the supplier `{}` is listed twice: merge both entries", rule.id);
                findings.push(SettingsFinding::new(place.key("id"), message));
                continue;
            }
            if !rule.always && !rule.says_something() {
                let message = format!("nothing in particular is required of the supplier `{}`: leave it out", rule.id);
                findings.push(SettingsFinding::new(&place, message));
            }
            for (index, name) in rule.evidence.iter().enumerate() {
                if let Some(other) = earlier().find(|other| other.evidence.contains(name)) {
                    let message = format!(
                        "`{name}` is asked of the supplier `{}`, too, and each attests evidence of its own: use another name",
                        other.id
                    );
                    findings.push(SettingsFinding::new(place.key("evidence").index(index), message));
                }
            }
        }
        findings
    }
}

impl SupplierRule {
    fn says_something(&self) -> bool {
        let Self { attesters, evidence, max_age, verified, .. } = self;
        !attesters.is_empty() || !evidence.is_empty() || max_age.is_some() || verified.is_some()
    }
}

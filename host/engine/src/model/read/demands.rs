//! Reads what a model demands of facts and evidence.

use std::collections::BTreeSet;

use lockgate_domain::{Attester, FactSource, Gate, RegisterKind};

use super::super::roles;
use super::super::{Demands, EvidenceDemand, FactDemand, FactName, USUAL_EVIDENCE_GATE};
use super::{Field, ModelFinding, Reader, Table};

/// The words for the source of a fact.
const SOURCES: [(&str, FactSource); 3] =
    [("register", FactSource::Register), ("evidence", FactSource::Evidence), ("told", FactSource::Told)];

impl Reader<'_> {
    /// Reads `[facts.…]` and `[evidence.…]`.
    pub(super) fn demands(&mut self, document: &Table<'_>) -> Demands {
        let mut demands = Demands::default();
        if let Some(table) = self.optional(document, "facts").and_then(|field| self.table(&field)) {
            let names: Vec<&str> = FactName::all().map(FactName::as_str).collect();
            self.known_keys(&table, &names);
            for fact in FactName::all() {
                let demand = self.optional(&table, fact.as_str()).and_then(|field| self.fact_demand(fact, &field));
                demands.facts.extend(demand.map(|demand| (fact, demand)));
            }
        }
        if let Some(table) = self.optional(document, "evidence").and_then(|field| self.table(&field)) {
            let names: Vec<String> = table.entries.keys().map(|key| key.get_ref().to_string()).collect();
            for name in names {
                let demand = self.optional(&table, &name).and_then(|field| self.evidence_demand(&field));
                demands.evidence.extend(demand.map(|demand| (name, demand)));
            }
        }
        demands
    }

    fn fact_demand(&mut self, fact: FactName, field: &Field<'_>) -> Option<FactDemand> {
        let table = self.table(field)?;
        self.known_keys(&table, &["from", "by", "max-age", "independent"]);
        let from = self
            .required(&table, "from", "from = \"register\"")
            .and_then(|field| self.word(&field, "unknown-source", &SOURCES))?;
        let by = self.attesters(&table);
        let max_age = self.optional(&table, "max-age").and_then(|field| self.duration(&field));
        let independent = self.optional(&table, "independent");
        let is_independent = independent.as_ref().and_then(|field| self.boolean(field));
        if from == FactSource::Told {
            let useless =
                [("by", !by.is_empty()), ("max-age", max_age.is_some()), ("independent", is_independent == Some(true))];
            for (key, _) in useless.iter().filter(|(_, is_stated)| *is_stated) {
                let message = format!("`{key}` says nothing of a fact that is told");
                let span = self.optional(&table, key).map_or(table.span.clone(), |field| field.key);
                let finding = ModelFinding::error("demand-of-told", span, message)
                    .note("the requester tells it, at the time of the request")
                    .help(format!("write `from = \"register\"`, or take `{key}` out"));
                self.findings.push(finding);
            }
        }
        if from == FactSource::Register
            && let Some(supplier) = by.iter().find(|attester| matches!(attester, Attester::Supplier(_)))
        {
            let span = self.optional(&table, "by").map_or(table.span.clone(), |field| field.span);
            let message = format!("`{supplier}` signs evidence, and writes no entries of registers");
            let finding = ModelFinding::error("supplier-in-register", span, message);
            self.findings.push(finding.help("name a role, a service or a person, or write `from = \"evidence\"`"));
        }
        if from == FactSource::Evidence && fact.is_list() {
            let span = self.optional(&table, "from").map_or(table.span.clone(), |field| field.span);
            let message =
                format!("no evidence tells `{}`: it is a list of entries, each with an attester", fact.as_str());
            let finding = ModelFinding::error("evidence-of-list", span, message)
                .note("evidence can tell one thing: the change, the environment, the product or the release");
            self.findings.push(finding.help("write `from = \"register\"`"));
        }
        let usual = from != FactSource::Told && fact.register() == RegisterKind::Changes;
        Some(FactDemand { from, by, max_age, independent: is_independent.unwrap_or(usual) })
    }

    fn evidence_demand(&mut self, field: &Field<'_>) -> Option<EvidenceDemand> {
        let table = self.table(field)?;
        self.known_keys(&table, &["by", "max-age", "signed", "from-gate"]);
        let by = self.attesters(&table);
        let max_age = self.optional(&table, "max-age").and_then(|field| self.duration(&field));
        let signed = self.optional(&table, "signed").and_then(|field| self.boolean(&field)).unwrap_or_default();
        let gates: Vec<(String, Gate)> =
            Gate::all().map(|gate| (format!("{}/{}", gate.stage.as_str(), gate.phase.as_str()), gate)).collect();
        let words: Vec<(&str, Gate)> = gates.iter().map(|(name, gate)| (name.as_str(), *gate)).collect();
        let from_gate = self.optional(&table, "from-gate").and_then(|field| self.word(&field, "unknown-gate", &words));
        Some(EvidenceDemand { by, max_age, signed, from_gate: from_gate.unwrap_or(USUAL_EVIDENCE_GATE) })
    }

    /// Reads `by`: roles, services after `service:`, persons after `person:`, and suppliers after `supplier:`.
    fn attesters(&mut self, table: &Table<'_>) -> BTreeSet<Attester> {
        let Some(field) = self.optional(table, "by") else { return BTreeSet::new() };
        let items = self.array(&field).unwrap_or_default();
        if items.is_empty() {
            let finding = ModelFinding::error("empty-list", field.span.clone(), "`by` names nobody");
            self.findings.push(finding.help("name a role or a service, for example `service:itsm`, or take `by` out"));
        }
        let mut attesters = BTreeSet::new();
        for item in items {
            let Some(text) = self.line(&item) else { continue };
            match text.parse::<Attester>() {
                Ok(attester) => {
                    if let Attester::Role(role) = &attester {
                        self.findings.extend(roles::unknown(role, &self.roles, item.span.clone()));
                    }
                    attesters.insert(attester);
                }
                Err(error) => {
                    let finding = ModelFinding::error("invalid-attester", item.span.clone(), error.to_string());
                    self.findings.push(finding.help("write a role, or `service:`, `person:` or `supplier:` and an id"));
                }
            }
        }
        attesters
    }
}

//! A snapshot made by hand.

#![expect(clippy::panic, reason = "a fixture is only used in tests, which fail by panicking")]

use std::collections::BTreeMap;

use serde_json::Value;

use super::granted::Granted;
use crate::registers::{
    AuditFinding, Capacity, Competence, Event, FulfillmentBook, Incident, Interaction, Kpi, Monitor, Order, Runbook,
    Sample, SampleInterval, ServiceContract, Supplier,
};
use crate::strategy::{Analysis, Progress, Rollout};
use crate::time::Timestamp;
use crate::types::{
    Approval, ApprovalAnswer, ApprovedPlan, Attribute, Change, ChangeApproval, ChangeCategory, Component,
    ComponentChange, Defect, DeploymentRecord, Difference, Document, Environment, EnvironmentControl, Evidence,
    Exemption, GatePassage, HandOver, Instance, InstanceStatus, KnowledgeItem, Level, Model, Overlap, Person, Phase,
    Plan, Product, Provenance, Release, ReleaseNotes, ReleaseStatus, Scenario, Section, Stage, Timing, Verification,
    environment_kind, fact_source, person_kind,
};
use crate::{Evaluation, EvidenceFile, Pointer, ReadError};

/// The components and the configuration of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is what the method of `Evaluation` of the same name answers")]
pub struct InstanceContent {
    pub components: Vec<Component>,
    pub configuration: Vec<Attribute>,
}

/// The registers. One that is `None` is kept by nobody, which is not the same as an empty one.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is what the method of `Evaluation` of the same name answers")]
pub struct Registers {
    pub orders: Option<Vec<Order>>,
    pub fulfillment_books: Option<Vec<FulfillmentBook>>,
    pub service_contracts: Option<Vec<ServiceContract>>,
    pub kpis: Option<Vec<Kpi>>,
    pub monitors: Option<Vec<Monitor>>,
    pub events: Option<Vec<Event>>,
    pub incidents: Option<Vec<Incident>>,
    pub interactions: Option<Vec<Interaction>>,
    pub runbooks: Option<Vec<Runbook>>,
    pub audit_findings: Option<Vec<AuditFinding>>,
    pub suppliers: Option<Vec<Supplier>>,
    pub capacities: Option<Vec<Capacity>>,
}

/// A snapshot made by hand.
///
/// [`new`](Self::new) is a plain deployment: release `shop-2.4.0` of the product `shop`, a new version in the live
/// environment, requested by `rita`, under a normal change of low risk, at the exit of plan-and-approve on
/// 2026-11-24T12:00:00Z (a Tuesday). Change the parts that your test is about.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is what the method of `Evaluation` of the same name answers")]
pub struct Fixture {
    pub id: String,
    pub now: Timestamp,
    pub stage: Stage,
    pub phase: Phase,
    pub model: Option<Model>,
    pub scenario: Scenario,
    pub subject: String,
    pub requester: Person,
    pub contributors: Vec<Person>,
    pub product: Product,
    pub release: Release,
    pub components: Vec<Component>,
    pub release_notes: Option<ReleaseNotes>,
    pub defects: Vec<Defect>,
    pub knowledge_items: Vec<KnowledgeItem>,
    pub environment: Environment,
    pub change: Change,
    pub plan: Option<Plan>,
    /// What the host would answer: a fixture does not compute it.
    pub timing: Option<Timing>,
    pub rollout: Option<Rollout>,
    pub progress: Option<Progress>,
    pub analysis: Option<Analysis>,
    pub desired_instances: Vec<Instance>,
    pub actual_instances: Vec<Instance>,
    /// The components and the configuration of the desired instances, by id.
    pub desired_content: BTreeMap<String, InstanceContent>,
    /// The components and the configuration of the actual instances, by id.
    pub actual_content: BTreeMap<String, InstanceContent>,
    /// What the host would answer: a fixture does not compute it. A plugin must not ask while it is `None`.
    pub differences: Option<Vec<Difference>>,
    /// What the host would answer: a fixture does not compute it. A plugin must not ask while it is `None`.
    pub component_changes: Option<Vec<ComponentChange>>,
    pub approvals: Vec<Approval>,
    pub approved: Option<ApprovedPlan>,
    pub approved_components: Vec<Component>,
    pub gates_passed: Vec<GatePassage>,
    pub hand_over: Option<HandOver>,
    pub evidence: BTreeMap<String, EvidenceFile>,
    pub history: Vec<DeploymentRecord>,
    pub labels: Vec<Attribute>,
    pub overlaps: Vec<Overlap>,
    pub exemptions: Vec<Exemption>,
    pub registers: Registers,
    /// The samples of the indicators, by the id of the indicator, newest first. None: nobody keeps indicators.
    pub samples: Option<BTreeMap<String, Vec<Sample>>>,
    /// The samples of the indicators since the release was deployed, summarized by intervals, by the id of the indicator, oldest first.
    /// None: nobody keeps indicators, or nothing is deployed yet.
    pub sample_intervals: Option<BTreeMap<String, Vec<SampleInterval>>>,
    /// The competences of the people that the register of people has, by the id of the person. None: nobody keeps people.
    pub competences: Option<BTreeMap<String, Vec<Competence>>>,
    /// Who says the facts, by JSON Pointer. The requester told what is not in it. Of a piece of evidence, as `/evidence/sbom`,
    /// the kind and the roles of its attester count; its head has the rest.
    pub provenance: BTreeMap<String, Provenance>,
    pub facts: BTreeMap<String, Document>,
    /// What `json` and `sections` read: an object with a member for each section. It is the document that the fixture was read
    /// from, as it is: changes of other fields do not show in it, ids are as they were written, and lists in the order of the
    /// document. It has no differences and no exemptions, and `model` and `timing` are empty unless the document has them.
    pub document: Value,
    /// The evidence, the registers and the facts that the operator did not grant: `sbom`, `incidents`, `fact:acme.cost`.
    pub withheld: Vec<String>,
    pub(super) granted: Granted,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// The plain deployment that is described above.
    pub fn new() -> Self {
        Self {
            id: "deployment-1".to_owned(),
            now: Timestamp::from_millis(1_795_521_600_000),
            stage: Stage::PlanAndApprove,
            phase: Phase::Exit,
            model: None,
            scenario: Scenario::NewVersion,
            subject: format!("sha256:{}", "5".repeat(64)),
            requester: Self::person("rita", &["developer"]),
            contributors: Vec::new(),
            product: Product {
                id: "shop".to_owned(),
                name: "Shop".to_owned(),
                owner: None,
                depends_on: Vec::new(),
                segments: Vec::new(),
                consumers: None,
                attributes: Vec::new(),
            },
            release: Release {
                id: "shop-2.4.0".to_owned(),
                name: "Shop 2.4".to_owned(),
                version: "2.4.0".to_owned(),
                status: ReleaseStatus::Published,
                digest: Some(format!("sha256:{}", "a".repeat(64))),
                sourcing: None,
                supplier: None,
                tags: Vec::new(),
                attributes: Vec::new(),
            },
            components: Vec::new(),
            release_notes: None,
            defects: Vec::new(),
            knowledge_items: Vec::new(),
            environment: Environment {
                name: "live".to_owned(),
                kind: environment_kind::LIVE.to_owned(),
                live: true,
                purpose: "where customers shop".to_owned(),
                control: EnvironmentControl::Full,
                owner: None,
                third_party: None,
                version: None,
                definition: None,
                applied: None,
                parameters: Vec::new(),
            },
            change: Change {
                id: "CHG-1".to_owned(),
                title: "Deploy Shop 2.4".to_owned(),
                category: ChangeCategory::Normal,
                approval: ChangeApproval::Approved,
                approved_by: None,
                approved_at: None,
                risk: Level::Low,
                urgency: None,
                impact: None,
                priority: None,
                trigger: None,
                trigger_reference: None,
                context: None,
                window: None,
                requested_by: None,
                assignee: None,
                releases: vec!["shop-2.4.0".to_owned()],
                planned_cost: None,
                system: None,
                address: None,
                status: None,
                attributes: Vec::new(),
            },
            plan: None,
            timing: None,
            rollout: None,
            progress: None,
            analysis: None,
            desired_instances: Vec::new(),
            actual_instances: Vec::new(),
            desired_content: BTreeMap::new(),
            actual_content: BTreeMap::new(),
            differences: Some(Vec::new()),
            component_changes: Some(Vec::new()),
            approvals: Vec::new(),
            approved: None,
            approved_components: Vec::new(),
            gates_passed: Vec::new(),
            hand_over: None,
            evidence: BTreeMap::new(),
            history: Vec::new(),
            labels: Vec::new(),
            overlaps: Vec::new(),
            exemptions: Vec::new(),
            registers: Registers::default(),
            samples: None,
            sample_intervals: None,
            competences: None,
            provenance: BTreeMap::new(),
            facts: BTreeMap::new(),
            document: serde_json::json!({}),
            withheld: Vec::new(),
            granted: Granted::default(),
        }
    }

    /// The evaluation to call a plugin with.
    pub fn evaluation(&self) -> Evaluation<'_> {
        Evaluation::new(self)
    }

    /// A person of no team.
    pub fn person(id: &str, roles: &[&str]) -> Person {
        Person {
            id: id.to_owned(),
            kind: person_kind::PERSON.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            team: None,
        }
    }

    /// An instance that runs in the live environment, monitored and documented, without a release. Its name is
    /// the id.
    pub fn instance(id: &str) -> Instance {
        Instance {
            id: id.to_owned(),
            name: id.to_owned(),
            environment: "live".to_owned(),
            release: None,
            status: InstanceStatus::Running,
            owner: None,
            location: None,
            consumers: None,
            monitored: true,
            documented: true,
            content: String::new(),
            created: None,
            modified: None,
        }
    }

    /// A moment.
    ///
    /// # Panics
    /// If the text is not RFC 3339.
    pub fn moment(text: &str) -> Timestamp {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sets the time.
    ///
    /// # Panics
    /// If the text is not RFC 3339.
    #[must_use]
    pub fn now(mut self, text: &str) -> Self {
        self.now = Self::moment(text);
        self
    }

    /// Sets the gate.
    #[must_use]
    pub fn gate(mut self, stage: Stage, phase: Phase) -> Self {
        (self.stage, self.phase) = (stage, phase);
        self
    }

    /// A plan with this id that decides nothing.
    pub fn plan(id: &str) -> Plan {
        Plan {
            id: id.to_owned(),
            slot: None,
            priority: None,
            point_of_no_return: None,
            way_back: None,
            suppression: None,
            office_hours_exception: false,
            notice: None,
            targets: Vec::new(),
            staying: Vec::new(),
            data_retention: None,
            criteria: Vec::new(),
            resources: Vec::new(),
        }
    }

    /// A component of which nothing else is known.
    pub fn component(name: &str, kind: &str, version: &str) -> Component {
        Component {
            name: name.to_owned(),
            kind: kind.to_owned(),
            version: version.to_owned(),
            digest: None,
            media_type: None,
            origin: None,
            serial: None,
            order: None,
            entitlement: None,
            migration: None,
            retention: None,
            reviewer: None,
        }
    }

    /// A fact from this source, of which nothing else is known.
    pub fn said_by(source: &str) -> Provenance {
        Provenance {
            source: source.to_owned(),
            attester: None,
            kind: None,
            roles: Vec::new(),
            credential: super::credential(),
            as_of: None,
            recorded: None,
            valid_until: None,
            entry: None,
            verification: Verification::Absent,
        }
    }

    /// Adds an approval of the subject, given an hour ago by a person who holds only this role. It does not expire.
    #[must_use]
    pub fn approved_by(self, person: &str, role: &str) -> Self {
        self.answered(Self::person(person, &[role]), role, ApprovalAnswer::Approved)
    }

    /// Adds an answer about the subject, given an hour ago. It does not expire.
    #[must_use]
    pub fn answered(mut self, person: Person, role: &str, answer: ApprovalAnswer) -> Self {
        self.approvals.push(Approval {
            id: format!("approval-{}", self.approvals.len() + 1),
            person,
            role: role.to_owned(),
            answer,
            at: self.now.as_millis() - 3_600_000,
            expires: None,
            subject: self.subject.clone(),
            on_behalf_of: None,
            credential: super::credential(),
            signature: Verification::Absent,
            comment: None,
        });
        self
    }

    /// Adds evidence. Its digest is a placeholder: a fixture hashes nothing.
    #[must_use]
    pub fn with_evidence(mut self, name: &str, media_type: &str, content: impl Into<Vec<u8>>) -> Self {
        let content: Vec<u8> = content.into();
        let head = Evidence {
            name: name.to_owned(),
            digest: format!("sha256:{}", "e".repeat(64)),
            media_type: media_type.to_owned(),
            size: u32::try_from(content.len()).unwrap_or(u32::MAX),
            made: None,
            attester: None,
            credential: super::credential(),
            attested: None,
            valid_until: None,
            verification: Verification::Absent,
            verified_by: None,
            subjects: Vec::new(),
            claimed_source: None,
        };
        self.evidence.insert(name.to_owned(), EvidenceFile { head, content });
        self
    }

    /// Lets somebody attach the evidence with this name: somebody with this id, this
    /// [kind](crate::types::person_kind) of credential, and these roles.
    #[must_use]
    pub fn attested_by(mut self, name: &str, id: &str, kind: &str, roles: &[&str]) -> Self {
        if let Some(file) = self.evidence.get_mut(name) {
            file.head.attester = Some(id.to_owned());
        }
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.attester_kind(name, Some(kind.to_owned()), roles);
        self
    }

    /// Sets the kind and the roles of the attester of the evidence with this name.
    pub(super) fn attester_kind(&mut self, name: &str, kind: Option<String>, roles: Vec<String>) {
        let said = Provenance { kind, roles, ..Self::said_by(fact_source::EVIDENCE) };
        self.provenance.insert(Pointer::root().key("evidence").key(name).into(), said);
    }

    /// Adds a desired instance with its components and its configuration.
    #[must_use]
    pub fn with_desired(mut self, instance: Instance, content: InstanceContent) -> Self {
        self.desired_content.insert(instance.id.clone(), content);
        self.desired_instances.push(instance);
        self
    }

    /// Adds an actual instance with its components and its configuration.
    #[must_use]
    pub fn with_actual(mut self, instance: Instance, content: InstanceContent) -> Self {
        self.actual_content.insert(instance.id.clone(), content);
        self.actual_instances.push(instance);
        self
    }

    pub(crate) fn evidence_list(&self) -> Vec<Evidence> {
        self.evidence
            .values()
            .map(|file| file.head.clone())
            .filter(|head| !self.withheld.contains(&head.name))
            .collect()
    }

    fn evidence_file(&self, name: &str) -> Result<&EvidenceFile, ReadError> {
        if self.withheld.iter().any(|withheld| withheld == name) {
            return Err(ReadError::NotGranted(name.to_owned()));
        }
        self.evidence.get(name).ok_or_else(|| ReadError::Unknown(name.to_owned()))
    }

    pub(crate) fn evidence(&self, name: &str) -> Result<Evidence, ReadError> {
        self.evidence_file(name).map(|file| file.head.clone())
    }

    /// As the host, at most 1 MiB.
    pub(crate) fn evidence_content(&self, name: &str, offset: u32, at_most: u32) -> Result<Vec<u8>, ReadError> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let at_most = usize::try_from(at_most.min(1 << 20)).unwrap_or(usize::MAX);
        let content = &self.evidence_file(name)?.content;
        Ok(content.iter().skip(from).take(at_most).copied().collect())
    }

    /// The heads, each with a digest of its content: equal content has equal digests, which are not those of the host.
    pub(crate) fn instances(&self, actual: bool) -> Vec<Instance> {
        let (heads, contents) = if actual {
            (&self.actual_instances, &self.actual_content)
        } else {
            (&self.desired_instances, &self.desired_content)
        };
        let none = InstanceContent::default();
        let whole = |head: &Instance| {
            let mut head = head.clone();
            if head.content.is_empty() {
                let content = contents.get(&head.id).unwrap_or(&none);
                let mut components: Vec<String> = content.components.iter().map(|item| format!("{item:?}")).collect();
                let mut configured: Vec<String> =
                    content.configuration.iter().map(|item| format!("{item:?}")).collect();
                components.sort();
                configured.sort();
                head.content = placeholder_digest(&(components, configured));
            }
            head
        };
        heads.iter().map(whole).collect()
    }

    fn content(&self, actual: bool, id: &str) -> Option<&InstanceContent> {
        if actual { self.actual_content.get(id) } else { self.desired_content.get(id) }
    }

    pub(crate) fn instance_components(&self, actual: bool, id: &str) -> Vec<Component> {
        self.content(actual, id).map(|content| content.components.clone()).unwrap_or_default()
    }

    pub(crate) fn instance_configuration(&self, actual: bool, id: &str) -> Vec<Attribute> {
        self.content(actual, id).map(|content| content.configuration.clone()).unwrap_or_default()
    }

    pub(crate) fn differences(&self) -> Vec<Difference> {
        self.differences.clone().unwrap_or_else(|| {
            panic!("the plugin asks for the differences of the instances, which a fixture does not compute: set `differences`")
        })
    }

    pub(crate) fn component_changes(&self) -> Vec<ComponentChange> {
        self.component_changes.clone().unwrap_or_else(|| {
            panic!("the plugin asks what the deployment does to components, which a fixture does not compute: set `component_changes`")
        })
    }

    pub(crate) fn samples(&self, kpi: &str) -> Result<Vec<Sample>, ReadError> {
        self.by_id("kpis", "samples", self.samples.as_ref(), kpi)
    }

    pub(crate) fn sample_intervals(&self, kpi: &str) -> Result<Vec<SampleInterval>, ReadError> {
        self.by_id("kpis", "sample-intervals", self.sample_intervals.as_ref(), kpi)
    }

    pub(crate) fn competences(&self, person: &str) -> Result<Vec<Competence>, ReadError> {
        self.by_id("people", "people", self.competences.as_ref(), person)
    }

    fn by_id<T: Clone>(
        &self,
        grant: &str,
        all: &str,
        lists: Option<&BTreeMap<String, Vec<T>>>,
        id: &str,
    ) -> Result<Vec<T>, ReadError> {
        if self.is_withheld(grant) {
            return Err(ReadError::NotGranted(grant.to_owned()));
        }
        let lists = lists.ok_or_else(|| ReadError::Unknown(all.to_owned()))?;
        lists.get(id).cloned().ok_or_else(|| ReadError::Unknown(id.to_owned()))
    }

    /// As the host, but for a place that does not exist: what stands there is told.
    pub(crate) fn provenance(&self, pointer: &str) -> Result<Option<Provenance>, ReadError> {
        let parts: Vec<String> =
            pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let withheld = match parts.as_slice() {
            [] => return Err(ReadError::Failed("name a section, for example `/change`".to_owned())),
            ["people", ..] => Some("people".to_owned()),
            ["samples" | "sample_intervals", ..] => Some("kpis".to_owned()),
            ["registers", name, ..] => Some(name.replace('_', "-")),
            ["facts", name, ..] => Some(format!("fact:{name}")),
            ["evidence", name, ..] => Some((*name).to_owned()),
            _ => None,
        };
        if let Some(name) = withheld.filter(|name| self.is_withheld(name)) {
            return Err(ReadError::NotGranted(name));
        }
        let mut place = pointer;
        while !place.is_empty() && !matches!(parts.as_slice(), ["evidence", ..]) {
            if let Some(known) = self.provenance.get(place) {
                return Ok(Some(known.clone()));
            }
            place = place.rsplit_once('/').map_or("", |(around, _)| around);
        }
        Ok(match parts.as_slice() {
            ["analysis" | "component_changes" | "differences" | "gate" | "model" | "now", ..]
            | ["phase" | "provenance" | "stage" | "subject" | "timing", ..] => None,
            ["approvals" | "approved" | "exemptions" | "gates_passed" | "hand_over" | "history", ..]
            | ["overlaps" | "progress" | "requester", ..] => Some(Self::said_by(fact_source::LEDGER)),
            ["evidence", name, ..] => {
                let head = self.evidence(name)?;
                let place = Pointer::root().key("evidence").key(name);
                let known = self.provenance.get(place.as_str()).cloned();
                let said = known.unwrap_or_else(|| Self::said_by(fact_source::EVIDENCE));
                let Evidence { attester, credential, attested, valid_until, verification, digest, made, .. } = head;
                let (as_of, entry) = (made.or(attested), Some(digest));
                Some(Provenance {
                    attester,
                    credential,
                    as_of,
                    recorded: attested,
                    valid_until,
                    entry,
                    verification,
                    ..said
                })
            }
            ["evidence"] => Some(Self::said_by(fact_source::EVIDENCE)),
            _ => Some(Self::said_by(fact_source::TOLD)),
        })
    }

    fn is_withheld(&self, name: &str) -> bool {
        self.withheld.iter().any(|withheld| withheld == name)
    }

    pub(crate) fn register<T: Clone>(&self, method: &str, items: Option<&Vec<T>>) -> Result<Vec<T>, ReadError> {
        let name = method.replace('_', "-");
        if self.is_withheld(&name) {
            return Err(ReadError::NotGranted(name));
        }
        items.cloned().ok_or(ReadError::Unknown(name))
    }

    pub(crate) fn fact_names(&self) -> Vec<String> {
        self.facts.keys().filter(|name| !self.is_withheld(&format!("fact:{name}"))).cloned().collect()
    }

    pub(crate) fn fact(&self, name: &str) -> Result<Document, ReadError> {
        if self.is_withheld(&format!("fact:{name}")) {
            return Err(ReadError::NotGranted(name.to_owned()));
        }
        self.facts.get(name).cloned().ok_or_else(|| ReadError::Unknown(name.to_owned()))
    }

    /// A section as the host has it, of what the document holds.
    fn section(&self, name: &str) -> Option<Value> {
        let granted = |prefix: &str| {
            let members = self.document.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
            let granted = members.into_iter().filter(|(name, _)| !self.is_withheld(&format!("{prefix}{name}")));
            Some(Value::Object(granted.collect()))
        };
        match name {
            // The registers are read one by one, and what is granted in a document of the host is no section.
            "registers" | "waivers" | "overrides" | "involved" => None,
            "stage" | "phase" => self.document.get("gate")?.get(name).cloned(),
            "evidence" => granted(""),
            "facts" => granted("fact:"),
            "analysis" | "approved" | "hand_over" | "model" | "plan" | "progress" | "rollout" | "timing" => {
                Some(self.document.get(name).cloned().unwrap_or_else(|| serde_json::json!({})))
            }
            _ => self.document.get(name).cloned(),
        }
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let section = |pointer: String, value: Option<Value>, granted: bool| {
            let json = value.map(|value| value.to_string()).filter(|_| granted);
            let size = json.as_ref().map_or(0, |json| u32::try_from(json.len()).unwrap_or(u32::MAX));
            Section { pointer, granted, size, digest: json.map(|json| placeholder_digest(&json)).unwrap_or_default() }
        };
        let members = self.document.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let absent = [
            "analysis",
            "approved",
            "evidence",
            "facts",
            "hand_over",
            "model",
            "phase",
            "plan",
            "progress",
            "rollout",
            "stage",
            "timing",
        ];
        let mut names: Vec<&str> = members.filter(|name| *name != "now").chain(absent).collect();
        names.sort_unstable();
        names.dedup();
        let plain = names.into_iter().filter_map(|name| Some((name, self.section(name)?)));
        let plain = plain.map(|(name, value)| {
            let granted = grant_of(name).is_none_or(|grant| !self.is_withheld(grant));
            section(format!("/{name}"), Some(value), granted)
        });
        let registers = self.document.get("registers").and_then(Value::as_object).into_iter().flatten();
        let registers = registers.map(|(name, value)| {
            let granted = !self.is_withheld(&name.replace('_', "-"));
            section(format!("/registers/{name}"), Some(value.clone()), granted)
        });
        let mut sections: Vec<Section> = plain.chain(registers).collect();
        sections.sort_by(|one, other| one.pointer.cmp(&other.pointer));
        sections
    }

    pub(crate) fn json(&self, pointer: &str) -> Result<String, ReadError> {
        let parts: Vec<&str> = pointer.split('/').skip(1).collect();
        let withheld = match parts.as_slice() {
            [] => return Err(ReadError::Failed("name a section, for example `/change`".to_owned())),
            ["registers"] => {
                return Err(ReadError::Failed("name a register, for example `/registers/incidents`".to_owned()));
            }
            ["registers", name, ..] => Some(name.replace('_', "-")),
            ["facts", name, ..] => Some(format!("fact:{name}")),
            ["evidence", name, ..] => Some((*name).to_owned()),
            [name, ..] => grant_of(name).map(str::to_owned),
        };
        if let Some(name) = withheld.filter(|name| self.is_withheld(name)) {
            return Err(ReadError::NotGranted(name));
        }
        let found = match parts.split_first() {
            Some((&"registers", _)) => self.document.pointer(pointer).cloned(),
            Some((name, rest)) => {
                let rest: String = rest.iter().flat_map(|part| ["/", part]).collect();
                self.section(name).and_then(|section| section.pointer(&rest).cloned())
            }
            None => None,
        };
        found.map(|found| found.to_string()).ok_or_else(|| ReadError::Unknown(pointer.to_owned()))
    }
}

/// The register whose grant a section beside the registers needs.
fn grant_of(section: &str) -> Option<&'static str> {
    match section {
        "people" => Some("people"),
        "samples" | "sample_intervals" => Some("kpis"),
        _ => None,
    }
}

/// Equal for equal values, and of the form of a digest: a fixture hashes nothing.
fn placeholder_digest(value: &impl std::hash::Hash) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    value.hash(&mut hasher);
    format!("sha256:{:064x}", std::hash::Hasher::finish(&hasher))
}

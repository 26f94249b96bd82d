//! A snapshot made by hand.

#![expect(clippy::panic, reason = "a fixture is only used in tests, which fail by panicking")]

use std::collections::BTreeMap;

use super::granted::Granted;
use crate::strategy::{Analysis, Progress, Rollout};
use crate::time::Timestamp;
use crate::types::environment_kind;
use crate::types::{
    Approval, ApprovalAnswer, ApprovedPlan, Attribute, Change, ChangeApproval, ChangeCategory, Component, Defect,
    Document, Environment, EnvironmentControl, Evidence, Instance, InstanceStatus, KnowledgeItem, Level,
    PastDeployment, Person, Phase, Plan, Product, Release, ReleaseNotes, ReleaseStatus, Scenario, Stage,
};
use crate::{Evaluation, EvidenceFile, ReadError};

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
    pub rollout: Option<Rollout>,
    pub progress: Option<Progress>,
    pub analysis: Option<Analysis>,
    pub desired_instances: Vec<Instance>,
    pub actual_instances: Vec<Instance>,
    pub approvals: Vec<Approval>,
    pub approved: Option<ApprovedPlan>,
    pub evidence: BTreeMap<String, EvidenceFile>,
    pub history: Vec<PastDeployment>,
    pub labels: Vec<Attribute>,
    pub facts: BTreeMap<String, Document>,
    /// The evidence and the facts that the operator did not grant, by name.
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
            scenario: Scenario::NewVersion,
            subject: format!("sha256:{}", "5".repeat(64)),
            requester: Self::person("rita", &["developer"]),
            contributors: Vec::new(),
            product: Product { id: "shop".to_owned(), name: "Shop".to_owned(), depends_on: Vec::new() },
            release: Release {
                id: "shop-2.4.0".to_owned(),
                name: "Shop 2.4".to_owned(),
                version: "2.4.0".to_owned(),
                description: String::new(),
                status: ReleaseStatus::Published,
                digest: Some(format!("sha256:{}", "a".repeat(64))),
                tags: Vec::new(),
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
            },
            change: Change {
                id: "CHG-1".to_owned(),
                title: "Deploy Shop 2.4".to_owned(),
                description: String::new(),
                category: ChangeCategory::Normal,
                approval: ChangeApproval::Approved,
                risk: Level::Low,
                window: None,
                assignee: None,
                releases: vec!["shop-2.4.0".to_owned()],
            },
            plan: None,
            rollout: None,
            progress: None,
            analysis: None,
            desired_instances: Vec::new(),
            actual_instances: Vec::new(),
            approvals: Vec::new(),
            approved: None,
            evidence: BTreeMap::new(),
            history: Vec::new(),
            labels: Vec::new(),
            facts: BTreeMap::new(),
            withheld: Vec::new(),
            granted: Granted::default(),
        }
    }

    /// The evaluation to call a plugin with.
    pub fn evaluation(&self) -> Evaluation<'_> {
        Evaluation::new(self)
    }

    /// A person whose name is the id.
    pub fn person(id: &str, roles: &[&str]) -> Person {
        Person { id: id.to_owned(), name: id.to_owned(), roles: roles.iter().map(|role| (*role).to_owned()).collect() }
    }

    /// An instance that runs in the live environment, monitored and documented, without a release, components or
    /// configuration. Its name is the id.
    pub fn instance(id: &str) -> Instance {
        Instance {
            id: id.to_owned(),
            name: id.to_owned(),
            environment: "live".to_owned(),
            release: None,
            status: InstanceStatus::Running,
            components: Vec::new(),
            configuration: Vec::new(),
            owner: None,
            location: None,
            consumers: None,
            monitored: true,
            documented: true,
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
            priority: String::new(),
            point_of_no_return: None,
            way_back: None,
            suppression: None,
            office_hours_exception: false,
            targets: Vec::new(),
            data_retention: None,
            criteria: Vec::new(),
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
            claimed_source: None,
        };
        self.evidence.insert(name.to_owned(), EvidenceFile { head, content });
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

    pub(crate) fn fact_names(&self) -> Vec<String> {
        self.facts.keys().filter(|name| !self.withheld.contains(name)).cloned().collect()
    }

    pub(crate) fn fact(&self, name: &str) -> Result<Document, ReadError> {
        if self.withheld.iter().any(|withheld| withheld == name) {
            return Err(ReadError::NotGranted(name.to_owned()));
        }
        self.facts.get(name).cloned().ok_or_else(|| ReadError::Unknown(name.to_owned()))
    }
}

//! Reads a snapshot document of the host, so that a plugin can be tested on a real case.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::fixture::{Fixture, InstanceContent, Registers};
use super::granted::Granted;
use crate::registers::{Competence, Sample, SampleInterval};
use crate::settings::pointer_of;
use crate::time::{Duration, Timestamp};
use crate::types::{
    Approval, ApprovedPlan, Attribute, Change, Component, Defect, DeploymentRecord, Document, Environment, Evidence,
    Exemption, GatePassage, HandOver, Instance, KnowledgeItem, Overlap, Person, Phase, Plan, Product, Provenance,
    Release, ReleaseNotes, Scenario, Stage, Verification, environment_kind,
};
use crate::{EvidenceFile, Pointer};

/// Why a text is not a snapshot document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableSnapshot {
    /// The place of the mistake.
    pub pointer: Pointer,
    /// What is wrong at this place.
    pub message: String,
}

impl fmt::Display for UnreadableSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot at `{}`: {}", self.pointer, self.message)
    }
}

impl std::error::Error for UnreadableSnapshot {}

impl Fixture {
    /// Reads a snapshot document (JSON) of the host. It names evidence only by digest: its content is empty until
    /// [`with_evidence`](Self::with_evidence) sets it. Nor does it hold the differences of the instances and what
    /// the deployment does to components: set [`differences`](field@Self::differences) and
    /// [`component_changes`](field@Self::component_changes) if the plugin reads them. A rollout, its
    /// progress and timing, an analysis and the model are not read: set the fields. Parts that plugins do not see are ignored.
    ///
    /// # Errors
    /// If it is not JSON, or a part that plugins see is missing or has another shape. The error names the first place.
    pub fn from_json(text: &str) -> Result<Self, UnreadableSnapshot> {
        let mut json = serde_json::Deserializer::from_str(text);
        let snapshot: Snapshot = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let pointer = pointer_of(error.path());
            UnreadableSnapshot { pointer, message: error.into_inner().to_string() }
        })?;
        let unreadable =
            |error: serde_json::Error| UnreadableSnapshot { pointer: Pointer::root(), message: error.to_string() };
        json.end().map_err(unreadable)?;
        Ok(snapshot.fixture(serde_json::from_str(text).map_err(unreadable)?))
    }
}

#[derive(Deserialize)]
struct Snapshot {
    id: String,
    #[serde(deserialize_with = "moment")]
    now: i64,
    gate: Gate,
    scenario: Scenario,
    subject: String,
    requester: Person,
    #[serde(default)]
    contributors: Vec<Person>,
    product: Product,
    release: WholeRelease,
    environment: Environment,
    change: Change,
    plan: Option<Plan>,
    #[serde(default)]
    desired_instances: Vec<WholeInstance>,
    #[serde(default)]
    actual_instances: Vec<WholeInstance>,
    #[serde(default)]
    approvals: Vec<Approval>,
    approved: Option<WholeApproved>,
    #[serde(default)]
    gates_passed: Vec<GatePassage>,
    hand_over: Option<HandOver>,
    #[serde(default)]
    overlaps: Vec<Overlap>,
    #[serde(default)]
    waivers: Vec<Waiver>,
    #[serde(default)]
    overrides: Vec<Override>,
    #[serde(default)]
    evidence: BTreeMap<String, WholeEvidence>,
    #[serde(default)]
    history: Vec<DeploymentRecord>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    facts: BTreeMap<String, Fact>,
    #[serde(default)]
    registers: Registers,
    people: Option<BTreeMap<String, NamedPerson>>,
    samples: Option<BTreeMap<String, Vec<Sample>>>,
    sample_intervals: Option<BTreeMap<String, Vec<SampleInterval>>>,
    #[serde(default)]
    provenance: BTreeMap<String, Provenance>,
}

/// A piece of evidence with all that is known of its attester. The contract has that as its provenance.
#[derive(Deserialize)]
struct WholeEvidence {
    #[serde(flatten)]
    head: Evidence,
    attester_kind: Option<String>,
    #[serde(default)]
    attester_roles: Vec<String>,
}

/// A person that the register of people has. The contract reads the competences.
#[derive(Deserialize)]
struct NamedPerson {
    #[serde(default)]
    competences: Vec<Competence>,
}

#[derive(Deserialize)]
struct Gate {
    stage: Stage,
    phase: Phase,
}

/// The release in one part of the document. The contract reads its parts with separate methods.
#[derive(Deserialize)]
struct WholeRelease {
    #[serde(flatten)]
    release: Release,
    #[serde(default)]
    components: Vec<Component>,
    notes: Option<ReleaseNotes>,
    #[serde(default)]
    defects: Vec<Defect>,
    #[serde(default)]
    knowledge_items: Vec<KnowledgeItem>,
}

/// An instance in one part of the document.
#[derive(Deserialize)]
struct WholeInstance {
    #[serde(flatten)]
    head: Instance,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    configuration: Vec<Attribute>,
}

/// What was approved, in one part of the document.
#[derive(Deserialize)]
struct WholeApproved {
    #[serde(flatten)]
    approved: ApprovedPlan,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Waiver {
    id: String,
    scope: WaiverScope,
    owner: String,
    reason: String,
    #[serde(deserialize_with = "moment")]
    expires: i64,
}

#[derive(Deserialize)]
struct WaiverScope {
    bindings: Vec<String>,
    #[serde(default)]
    codes: Vec<String>,
}

#[derive(Deserialize)]
struct Override {
    id: String,
    binding: String,
    by: String,
    reason: String,
}

#[derive(Deserialize)]
struct Fact {
    schema: String,
    json: Value,
}

impl Snapshot {
    fn fixture(self, document: Value) -> Fixture {
        let WholeRelease { release, components, notes, defects, knowledge_items } = self.release;
        let facts =
            self.facts.into_iter().map(|(name, Fact { schema, json })| (name, Document::new(schema, json.to_string())));
        let mut history = self.history;
        history.sort_by_key(|record| std::cmp::Reverse(record.ended.unwrap_or(record.requested)));
        // The host writes whether it is live; a document made by hand may leave it to the kind.
        let written = document.pointer("/environment/live").and_then(Value::as_bool);
        let live = written.unwrap_or(self.environment.kind == environment_kind::LIVE);
        let (desired_instances, desired_content) = in_two(self.desired_instances);
        let (actual_instances, actual_content) = in_two(self.actual_instances);
        let (approved, approved_components) = match self.approved {
            Some(WholeApproved { approved, components }) => (Some(approved), components),
            None => (None, Vec::new()),
        };
        let mut fixture = Fixture {
            id: self.id,
            now: Timestamp::from(self.now),
            stage: self.gate.stage,
            phase: self.gate.phase,
            model: None,
            scenario: self.scenario,
            subject: self.subject,
            requester: self.requester,
            contributors: self.contributors,
            product: self.product,
            release,
            components,
            release_notes: notes,
            defects,
            knowledge_items,
            environment: Environment { live, ..self.environment },
            change: self.change,
            plan: self.plan,
            // Strategies are rehearsed with a rollout that they laid out: see `Rehearsal`.
            timing: None,
            rollout: None,
            progress: None,
            analysis: None,
            desired_instances,
            actual_instances,
            desired_content,
            actual_content,
            differences: None,
            component_changes: None,
            approvals: self.approvals,
            approved,
            approved_components,
            gates_passed: self.gates_passed,
            hand_over: self.hand_over,
            evidence: BTreeMap::new(),
            history,
            labels: self.labels.into_iter().map(|(name, value)| Attribute { name, value }).collect(),
            overlaps: self.overlaps,
            exemptions: exemptions(self.waivers, self.overrides),
            registers: self.registers,
            samples: self.samples,
            sample_intervals: self.sample_intervals,
            competences: self
                .people
                .map(|people| people.into_iter().map(|(id, person)| (id, person.competences)).collect()),
            provenance: self.provenance,
            facts: facts.collect(),
            document,
            withheld: Vec::new(),
            granted: Granted::default(),
        };
        for (name, WholeEvidence { head, attester_kind, attester_roles }) in self.evidence {
            fixture.attester_kind(&name, attester_kind, attester_roles);
            let file = EvidenceFile { head: Evidence { name: name.clone(), ..head }, content: Vec::new() };
            fixture.evidence.insert(name, file);
        }
        fixture
    }
}

fn in_two(instances: Vec<WholeInstance>) -> (Vec<Instance>, BTreeMap<String, InstanceContent>) {
    let each = instances.into_iter().map(|WholeInstance { head, components, configuration }| {
        let content = (head.id.clone(), InstanceContent { components, configuration });
        (head, content)
    });
    each.unzip()
}

/// Each waiver for each of its bindings, then the overrides, as the host does.
fn exemptions(waivers: Vec<Waiver>, overrides: Vec<Override>) -> Vec<Exemption> {
    let waived = waivers.into_iter().flat_map(|Waiver { id, scope, owner, reason, expires }| {
        let WaiverScope { bindings, codes } = scope;
        bindings.into_iter().map(move |binding| Exemption {
            id: id.clone(),
            kind: "waiver".to_owned(),
            binding,
            codes: codes.clone(),
            owner: owner.clone(),
            reason: reason.clone(),
            expires: Some(expires),
        })
    });
    let overridden = overrides.into_iter().map(|Override { id, binding, by, reason }| Exemption {
        id,
        kind: "override".to_owned(),
        binding,
        codes: Vec::new(),
        owner: by,
        reason,
        expires: None,
    });
    waived.chain(overridden).collect()
}

/// A moment written as RFC 3339, as the contract's milliseconds.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Timestamp::deserialize(deserializer).map(Timestamp::as_millis)
}

/// The same, for an optional moment.
pub(crate) fn optional_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<Timestamp>::deserialize(deserializer)?.map(Timestamp::as_millis))
}

/// A duration written as text, as the contract's milliseconds.
pub(crate) fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Duration::deserialize(deserializer).map(Duration::as_millis)
}

/// The same, for an optional duration.
pub(crate) fn optional_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<Duration>::deserialize(deserializer)?.map(Duration::as_millis))
}

/// An object of texts, sorted by name.
pub(crate) fn attributes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Attribute>, D::Error> {
    let values = BTreeMap::<String, String>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|(name, value)| Attribute { name, value }).collect())
}

/// The kind of a person, where the document does not say it.
pub(crate) fn person_kind() -> String {
    crate::types::person_kind::PERSON.to_owned()
}

/// The kind of a knowledge item of which the document does not say it.
pub(crate) fn knowledge_kind() -> String {
    "other".to_owned()
}

/// The credential of what nobody can tell.
pub(crate) fn credential() -> String {
    "unknown".to_owned()
}

/// The result of verifying what nobody signed.
pub(crate) fn absent() -> Verification {
    Verification::Absent
}

/// The number of the first deployment.
pub(crate) fn first() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;
    use crate::ReadError;
    use crate::types::{ApprovalAnswer, KnowledgeStatus, Level};

    const SNAPSHOT: &str = r#"{
        "id": "d-1",
        "now": "2026-11-24T20:00:00Z",
        "gate": { "stage": "fulfill", "phase": "entrance" },
        "scenario": "new-version",
        "subject": "sha256:55",
        "requester": { "id": "rita" },
        "product": { "id": "shop" },
        "release": {
            "id": "shop-2", "name": "Shop 2", "version": "2", "status": "published",
            "components": [{ "name": "app", "kind": "software", "version": "2", "digest": "sha256:aa" }],
            "knowledge_items": [
                { "id": "k", "title": "How", "status": "in-review", "author": "ann", "expires": "2027-01-01T00:00:00Z" }
            ]
        },
        "environment": { "name": "live", "kind": "live", "control": "full" },
        "change": {
            "id": "c", "title": "t", "category": "normal", "approval": "approved", "risk": "high",
            "window": { "start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z" }, "releases": ["shop-2"]
        },
        "plan": {
            "id": "p", "way_back": { "kind": "last-known-good", "release": "shop-1", "rehearsed_by": "staging-1" },
            "data_retention": { "keep": "90d", "viewable_by_customer": true, "decided_by": "ann" }
        },
        "approvals": [{
            "id": "a", "person": { "id": "ann", "roles": ["authority"] }, "role": "authority", "answer": "rejected",
            "at": "2026-11-24T19:00:00Z", "subject": "sha256:55"
        }],
        "evidence": { "sbom": {
            "digest": "sha256:bb", "size": 2, "media_type": "application/json", "attester": "ci", "attester_kind": "service",
            "attester_roles": ["builder"], "attested": "2026-11-24T10:00:00Z"
        } },
        "history": [
            { "id": "h1", "product": "shop", "requested": "2024-12-31T00:00:00Z", "release": "shop-0", "environment": "live", "scenario": "first-release", "risk": "low",
              "ended": "2025-01-01T00:00:00Z", "outcome": "operational" },
            { "id": "h2", "product": "shop", "requested": "2025-12-31T00:00:00Z", "release": "shop-1", "environment": "live", "scenario": "new-version", "risk": "low",
              "ended": "2026-01-01T00:00:00Z", "outcome": "rolled-back" }
        ],
        "labels": { "area": "web" },
        "facts": { "acme.cost": { "schema": "cost", "json": [1, 2] } },
        "desired_instances": [{
            "id": "shop-eu", "environment": "live", "status": "running",
            "components": [{ "name": "app", "kind": "software", "version": "2" }],
            "configuration": [{ "name": "replicas", "value": "3" }]
        }],
        "waivers": [{
            "id": "w", "scope": { "bindings": ["readiness"], "codes": ["no-notes"] }, "owner": "ann", "reason": "r",
            "expires": "2026-12-01T00:00:00Z"
        }],
        "people": { "rita": { "competences": [{ "name": "db", "level": "expert", "valid_until": "2027-01-01T00:00:00Z" }] } },
        "samples": { "p99": [{ "at": "2026-11-24T19:00:00Z", "value": 250.5 }], "new": [] },
        "sample_intervals": { "p99": [{
            "start": "2026-11-24T19:00:00Z", "length": "60s", "count": 2, "good": 1, "least": 1, "greatest": 2.5,
            "first": "2026-11-24T19:00:00Z", "last": "2026-11-24T19:00:30Z", "longest_gap": "30s"
        }] },
        "hand_over": {
            "receiver": { "team": "operations" }, "runbooks": ["R-1"], "proposed_by": "rita",
            "proposed": "2026-11-24T19:00:00Z", "accepted_by": "otto", "accepted": "2026-11-24T19:30:00Z"
        },
        "provenance": {
            "/change": { "source": "register", "attester": "itsm", "kind": "service", "recorded": "2026-11-24T09:00:00Z" }
        },
        "registers": { "orders": [], "monitors": [
            { "id": "m", "kind": "http", "instance": "shop-eu", "interval": "30s", "last_run": "2026-11-24T19:00:00Z" }
        ] }
    }"#;

    #[test]
    fn a_snapshot_of_the_host_is_read() {
        let fixture = Fixture::from_json(SNAPSHOT).unwrap();
        assert_eq!(fixture.now.to_string(), "2026-11-24T20:00:00Z");
        assert_eq!(fixture.change.risk, Level::High);
        assert_eq!(fixture.change.window.map(|window| window.end - window.start), Some(7_200_000));
        assert_eq!(fixture.components[0].digest.as_deref(), Some("sha256:aa"));
        assert_eq!(fixture.knowledge_items[0].status, KnowledgeStatus::InReview);
        assert_eq!(fixture.approvals[0].answer, ApprovalAnswer::Rejected);
        let plan = fixture.plan.as_ref().unwrap();
        assert!(
            matches!(&plan.way_back, Some(good) if good.release.as_deref() == Some("shop-1") && good.rehearsed_by.is_some())
        );
        assert_eq!(plan.data_retention.as_ref().map(|retention| retention.keep), Some(7_776_000_000));
        assert_eq!(fixture.history[0].id, "h2");
        assert_eq!((fixture.requester.kind.as_str(), fixture.environment.live), ("person", true));
        let evaluation = fixture.evaluation();
        assert_eq!(evaluation.fact("acme.cost").unwrap().json, "[1,2]");
        let sbom = evaluation.evidence("sbom").unwrap();
        assert_eq!((sbom.name.as_str(), sbom.digest.as_str()), ("sbom", "sha256:bb"));
        assert_eq!(evaluation.instance_configuration(false, "shop-eu"), [Attribute::new("replicas", "3")]);
        assert_eq!(evaluation.instance_components(true, "shop-eu"), []);
        assert_eq!(evaluation.exemptions()[0].codes, ["no-notes"]);
        assert_eq!(evaluation.orders(), Ok(Vec::new()));
        assert_eq!(evaluation.monitors().unwrap()[0].interval, Some(30_000));
        assert_eq!(evaluation.kpis(), Err(ReadError::Unknown("kpis".to_owned())));
        assert_eq!(evaluation.samples("p99").unwrap()[0].value, 250.5);
        assert_eq!(evaluation.samples("new"), Ok(Vec::new()));
        assert_eq!(evaluation.samples("other"), Err(ReadError::Unknown("other".to_owned())));
        let interval = &evaluation.sample_intervals("p99").unwrap()[0];
        assert_eq!(
            (interval.length, interval.count, interval.good, interval.longest_gap),
            (60_000, 2, Some(1), 30_000)
        );
        assert_eq!(evaluation.sample_intervals("new"), Err(ReadError::Unknown("new".to_owned())));
        let hand_over = evaluation.hand_over().unwrap();
        assert_eq!(
            (hand_over.receiver.team.as_deref(), hand_over.runbooks.as_slice()),
            (Some("operations"), &["R-1".to_owned()][..])
        );
        assert_eq!(hand_over.accepted.map(Timestamp::from_millis), Some(Fixture::moment("2026-11-24T19:30:00Z")));
        assert_eq!(evaluation.provenance("/hand_over").unwrap().unwrap().source, "ledger");
        let competences = evaluation.competences("rita").unwrap();
        assert_eq!((competences[0].name.as_str(), competences[0].valid_until.is_some()), ("db", true));
        assert_eq!(evaluation.competences("zoe"), Err(ReadError::Unknown("zoe".to_owned())));
        let source = |pointer: &str| evaluation.provenance(pointer).map(|said| said.map(|said| said.source));
        assert_eq!(source("/change/risk"), Ok(Some("register".to_owned())));
        assert_eq!(source("/environment"), Ok(Some("told".to_owned())));
        assert_eq!(source("/history"), Ok(Some("ledger".to_owned())));
        assert_eq!(source("/evidence/sbom"), Ok(Some("evidence".to_owned())));
        let sbom = evaluation.provenance("/evidence/sbom").unwrap().unwrap();
        assert_eq!(
            (sbom.attester.as_deref(), sbom.kind.as_deref(), sbom.roles),
            (Some("ci"), Some("service"), vec!["builder".to_owned()])
        );
        assert_eq!(sbom.recorded, Some(Fixture::moment("2026-11-24T10:00:00Z").as_millis()));
        assert_eq!(source("/differences"), Ok(None));
        assert_eq!(evaluation.json("/change/risk").unwrap(), "\"high\"");
        assert_eq!(evaluation.json("/stage").unwrap(), "\"fulfill\"");
        assert_eq!(evaluation.json("/rollout").unwrap(), "{}");
        assert_eq!(evaluation.json("/waivers"), Err(ReadError::Unknown("/waivers".to_owned())));
        assert!(
            evaluation.sections().iter().any(|section| section.pointer == "/registers/monitors" && section.granted)
        );
        assert!(
            evaluation.sections().iter().all(|section| section.pointer != "/now" && section.pointer != "/registers")
        );

        let mut withheld = fixture.clone();
        withheld.withheld = ["fact:acme.cost", "monitors", "kpis", "people"].map(str::to_owned).to_vec();
        let evaluation = withheld.evaluation();
        assert_eq!(evaluation.samples("p99"), Err(ReadError::NotGranted("kpis".to_owned())));
        assert_eq!(evaluation.sample_intervals("p99"), Err(ReadError::NotGranted("kpis".to_owned())));
        assert_eq!(evaluation.json("/sample_intervals/p99"), Err(ReadError::NotGranted("kpis".to_owned())));
        assert_eq!(evaluation.competences("rita"), Err(ReadError::NotGranted("people".to_owned())));
        assert_eq!(evaluation.json("/people/rita"), Err(ReadError::NotGranted("people".to_owned())));
        assert_eq!(evaluation.provenance("/samples/p99"), Err(ReadError::NotGranted("kpis".to_owned())));
        assert_eq!(evaluation.json("/facts").unwrap(), "{}");
        assert_eq!(evaluation.json("/facts/acme.cost"), Err(ReadError::NotGranted("fact:acme.cost".to_owned())));
        assert_eq!(evaluation.json("/registers/monitors/0"), Err(ReadError::NotGranted("monitors".to_owned())));
        let monitors = evaluation.sections().into_iter().find(|section| section.pointer == "/registers/monitors");
        assert!(monitors.is_some_and(|section| !section.granted && section.size == 0 && section.digest.is_empty()));
    }

    #[test]
    fn what_is_no_snapshot_is_refused_with_its_place() {
        let error = Fixture::from_json(&SNAPSHOT.replace("fulfill", "fulfil")).unwrap_err();
        assert_eq!(error.pointer.as_str(), "/gate/stage");
        let error = Fixture::from_json(&SNAPSHOT.replace("2026-11-24T19:00:00Z", "seven")).unwrap_err();
        assert_eq!(error.pointer.as_str(), "/approvals/0/at");
        assert!(error.message.starts_with("`seven` is not a time"));
        assert_eq!(Fixture::from_json("{").unwrap_err().pointer, Pointer::root());
    }
}

//! Reads a snapshot document of the host, so that a plugin can be tested on a real case.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Fixture;
use super::granted::Granted;
use crate::settings::pointer_of;
use crate::time::{Duration, Timestamp};
use crate::types::environment_kind;
use crate::types::{
    Approval, ApprovedPlan, Attribute, Change, Component, Defect, Document, Environment, Evidence, Instance,
    KnowledgeItem, PastDeployment, Person, Phase, Plan, Product, Release, ReleaseNotes, Scenario, Stage,
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
    /// [`with_evidence`](Self::with_evidence) sets it. Parts of the document that plugins do not see are ignored.
    ///
    /// # Errors
    /// If it is not JSON, or a part that plugins see is missing or has another shape. The error names the first place.
    pub fn from_json(text: &str) -> Result<Self, UnreadableSnapshot> {
        let mut json = serde_json::Deserializer::from_str(text);
        let snapshot: Snapshot = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let pointer = pointer_of(error.path());
            UnreadableSnapshot { pointer, message: error.into_inner().to_string() }
        })?;
        json.end().map_err(|error| UnreadableSnapshot { pointer: Pointer::root(), message: error.to_string() })?;
        Ok(snapshot.into())
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
    desired_instances: Vec<Instance>,
    #[serde(default)]
    actual_instances: Vec<Instance>,
    #[serde(default)]
    approvals: Vec<Approval>,
    approved: Option<ApprovedPlan>,
    #[serde(default)]
    evidence: BTreeMap<String, EvidenceEntry>,
    #[serde(default)]
    history: Vec<PastDeployment>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    facts: BTreeMap<String, Fact>,
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

#[derive(Deserialize)]
struct EvidenceEntry {
    digest: String,
    media_type: String,
    size: u32,
    source: Option<String>,
    #[serde(default, deserialize_with = "optional_moment")]
    made: Option<i64>,
}

#[derive(Deserialize)]
struct Fact {
    schema: String,
    json: Value,
}

impl From<Snapshot> for Fixture {
    fn from(snapshot: Snapshot) -> Self {
        let WholeRelease { release, components, notes, defects, knowledge_items } = snapshot.release;
        let evidence = snapshot.evidence.into_iter().map(|(name, entry)| {
            let EvidenceEntry { digest, media_type, size, source, made } = entry;
            let head = Evidence { name: name.clone(), digest, media_type, size, made, claimed_source: source };
            (name, EvidenceFile { head, content: Vec::new() })
        });
        let facts = snapshot
            .facts
            .into_iter()
            .map(|(name, Fact { schema, json })| (name, Document::new(schema, json.to_string())));
        let mut history = snapshot.history;
        history.sort_by_key(|past| std::cmp::Reverse(past.finished));
        Self {
            id: snapshot.id,
            now: Timestamp::from(snapshot.now),
            stage: snapshot.gate.stage,
            phase: snapshot.gate.phase,
            scenario: snapshot.scenario,
            subject: snapshot.subject,
            requester: snapshot.requester,
            contributors: snapshot.contributors,
            product: snapshot.product,
            release,
            components,
            release_notes: notes,
            defects,
            knowledge_items,
            environment: Environment {
                live: snapshot.environment.kind == environment_kind::LIVE,
                ..snapshot.environment
            },
            change: snapshot.change,
            plan: snapshot.plan,
            // Strategies are rehearsed with a rollout that they laid out: see `Rehearsal`.
            rollout: None,
            progress: None,
            analysis: None,
            desired_instances: snapshot.desired_instances,
            actual_instances: snapshot.actual_instances,
            approvals: snapshot.approvals,
            approved: snapshot.approved,
            evidence: evidence.collect(),
            history,
            labels: snapshot.labels.into_iter().map(|(name, value)| Attribute { name, value }).collect(),
            facts: facts.collect(),
            withheld: Vec::new(),
            granted: Granted::default(),
        }
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;
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
        "evidence": { "sbom": { "digest": "sha256:bb", "size": 2, "media_type": "application/json" } },
        "history": [
            { "id": "h1", "release": "shop-0", "environment": "live", "scenario": "first-release", "risk": "low",
              "finished": "2025-01-01T00:00:00Z", "outcome": "operational" },
            { "id": "h2", "release": "shop-1", "environment": "live", "scenario": "new-version", "risk": "low",
              "finished": "2026-01-01T00:00:00Z", "outcome": "rolled-back" }
        ],
        "labels": { "area": "web" },
        "facts": { "it4it.orders": { "schema": "orders", "json": [1, 2] } },
        "records": { "orders": [] }
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
        assert_eq!(fixture.evaluation().fact("it4it.orders").unwrap().json, "[1,2]");
        assert_eq!(fixture.evaluation().evidence("sbom").unwrap().digest, "sha256:bb");
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

//! The immutable snapshot that one decision uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    Component, Deployment, Digest, DigestError, Environment, Evidence, FactSource, Gate, Instance, Provenance,
    RegisterKind, Registers, Scenario, Timestamp, WaiverScope, canonical_json, escaped_token, with_canonical_json,
};

/// The snapshot of a decision: everything that the decision depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The deployment at the time of the snapshot.
    #[serde(flatten)]
    pub deployment: Arc<Deployment>,
    /// The gate that is evaluated.
    pub gate: Gate,
    /// The time of the snapshot (RFC 3339), which is the only time that plugins know.
    pub now: Timestamp,
    /// The digest over everything that is approved. An approval must name it.
    pub subject: Digest,
    /// The attached evidence, by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, Evidence>,
}

/// The parts of a snapshot that the host records.
pub const RECORDED_PARTS: [&str; 9] = [
    "approvals",
    "approved",
    "exemptions",
    "gates_passed",
    "hand_over",
    "history",
    "overlaps",
    "progress",
    "requester",
];

/// The parts of a snapshot that the requester tells, unless somebody attests them.
const TOLD_PARTS: [&str; 13] = [
    "actual_instances",
    "change",
    "contributors",
    "desired_instances",
    "environment",
    "facts",
    "id",
    "labels",
    "plan",
    "product",
    "release",
    "rollout",
    "scenario",
];

impl Snapshot {
    /// Who says each part of the snapshot, each register, each attested entry of a list, and each piece of evidence, by JSON Pointer.
    /// What the host computes is left out: nobody says it.
    pub fn provenances(&self) -> BTreeMap<String, Provenance> {
        let of = |source| move |pointer| (pointer, Provenance::from_source(source));
        let part = |name: &str| format!("/{name}");
        let told = TOLD_PARTS.iter().map(|name| part(name));
        let kept = Registers::NAMES.iter().filter(|name| self.deployment.registers.entries(name).is_some());
        let registers = kept.filter_map(|name| name.parse::<RegisterKind>().ok()).map(RegisterKind::pointer);
        let recorded = RECORDED_PARTS.iter().map(|name| part(name));
        let evidence = self.evidence.iter();
        let evidence = evidence.map(|(name, piece)| (format!("/evidence/{}", escaped_token(name)), piece.provenance()));
        let known = self.deployment.provenance.iter().map(|(pointer, said)| (pointer.clone(), said.clone()));
        let by_source = told.chain(registers).map(of(FactSource::Told)).chain(recorded.map(of(FactSource::Ledger)));
        by_source.chain(evidence).chain(known).collect()
    }

    /// The digest that an approval must name. It covers the [approved parts](Self::subject_parts) of the deployment and
    /// the deployment model, and changes when one of them changes.
    ///
    /// # Errors
    /// If one of them has no canonical JSON form.
    pub fn subject_of(
        deployment: &Deployment,
        evidence: &BTreeMap<String, Evidence>,
        model: Digest,
    ) -> Result<Digest, DigestError> {
        #[derive(Serialize)]
        struct Subject {
            parts: BTreeMap<String, Digest>,
            model: Digest,
        }
        Digest::of_canonical(&Subject { parts: Self::subject_parts(deployment, evidence)?, model })
    }

    /// The digests of the approved parts, by name: `release`, `plan`, `environment`, `product`, `change`, `deployment`,
    /// `people`, and `evidence`, `rollout`, `blueprint` and `desired-instances`, if there are any. Desired instances that follow from
    /// the blueprint are approved with it. After an approval, only the evidence that was approved counts: people
    /// may hand in more, but must not replace approved evidence.
    ///
    /// The order of names in lists does not matter. Fields that only show progress are not covered (the status of
    /// release, change, defects and knowledge items, who approved the change, who works on it, and the definition that the
    /// environment was last built from): they may change without a new approval, and each gate judges
    /// their present value.
    ///
    /// # Errors
    /// If one of them has no canonical JSON form.
    pub fn subject_parts(
        deployment: &Deployment,
        evidence: &BTreeMap<String, Evidence>,
    ) -> Result<BTreeMap<String, Digest>, DigestError> {
        let Deployment { release, change, .. } = deployment;
        let mut contributors: Vec<&str> = deployment.contributors.iter().map(|person| person.id.normal()).collect();
        contributors.sort_unstable();
        let mut components: Vec<&Component> = release.components.iter().collect();
        components.sort_by_key(|component| (&component.name, component.digest));
        let parts = [
            (
                "change",
                json!([
                    [change.id, change.category, change.risk, change.window, change.releases],
                    [change.urgency, change.impact, change.priority, change.trigger, change.trigger_reference],
                    [change.context, change.planned_cost, change.system, change.address, change.attributes],
                ]),
            ),
            ("deployment", json!([deployment.id, deployment.scenario])),
            ("environment", json!(Environment { applied: None, ..deployment.environment.clone() })),
            ("people", json!([deployment.requester.id.normal(), contributors])),
            ("plan", json!(deployment.plan)),
            ("product", json!(deployment.product)),
            (
                "release",
                json!([
                    [release.id, release.name, release.version, release.digest],
                    [components, release.notes],
                    [release.sourcing, release.supplier, release.attributes],
                ]),
            ),
        ];
        let evidence = Self::subject_evidence(deployment, evidence);
        let evidence = (!evidence.is_empty()).then(|| ("evidence", json!(evidence)));
        let rollout = deployment.rollout.as_ref().map(|rollout| ("rollout", json!(rollout)));
        let blueprint = (!release.blueprint.is_empty()).then(|| ("blueprint", json!(release.blueprint)));
        let follows = deployment.scenario != Scenario::Removal
            && release.desired_instances(&deployment.environment.name).as_ref() == Some(&deployment.desired_instances);
        let mut desired: Vec<&Instance> = deployment.desired_instances.iter().filter(|_| !follows).collect();
        desired.sort_by_key(|instance| &instance.id);
        let desired = (!desired.is_empty()).then(|| ("desired-instances", json!(desired)));
        let parts = parts.into_iter().chain(evidence).chain(rollout).chain(blueprint).chain(desired);
        parts.map(|(name, part)| Ok((name.to_owned(), Digest::of_canonical(&part)?))).collect()
    }

    /// The approved evidence, by name. Before an approval, this is all evidence. After an approval, it is the evidence
    /// that was approved with it, in its present form. Evidence that is not handed in again has not changed.
    pub fn subject_evidence(
        deployment: &Deployment,
        evidence: &BTreeMap<String, Evidence>,
    ) -> BTreeMap<String, Digest> {
        let Some(approved) = &deployment.approved else {
            return evidence.iter().map(|(name, evidence)| (name.clone(), evidence.statement())).collect();
        };
        let as_it_is = |(name, digest): (&String, &Digest)| {
            (name.clone(), evidence.get(name).map_or(*digest, Evidence::statement))
        };
        approved.evidence.iter().map(as_it_is).collect()
    }

    /// The digest of the snapshot. Evidence counts by its digest.
    ///
    /// # Errors
    /// If the snapshot has no canonical JSON form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_canonical(self)
    }

    /// Whether the snapshot is within a waiver's scope, under the model with this id. The waiver may have expired.
    pub fn is_within(&self, scope: &WaiverScope, model: &str) -> bool {
        let is = |border: &Option<String>, found: &str| border.as_deref().is_none_or(|border| border == found);
        scope.gate.is_none_or(|gate| gate == self.gate)
            && is(&scope.deployment, &self.deployment.id)
            && is(&scope.product, &self.deployment.product.id)
            && is(&scope.environment, &self.deployment.environment.name)
            && is(&scope.model, model)
    }
}

/// The canonical form of snapshots that differ only in time and gate. Their common part is written and hashed once, for
/// repeated decisions on one deployment.
#[derive(Clone, Debug)]
pub struct SnapshotForm {
    /// The hash of everything before the first part that differs, which is most of the form.
    begun: Sha256,
    /// The parts after that.
    parts: Vec<SnapshotPart>,
}

/// A part of the canonical form.
#[derive(Clone, Debug)]
enum SnapshotPart {
    Same(Vec<u8>),
    Gate,
    Now,
}

impl SnapshotForm {
    /// The form of a snapshot, and of those that differ from it only in gate and time.
    ///
    /// # Errors
    /// If the snapshot has no canonical JSON form.
    pub fn of(snapshot: &Snapshot) -> Result<Self, DigestError> {
        let members = match json!(snapshot) {
            serde_json::Value::Object(members) => members,
            _ => serde_json::Map::new(),
        };
        // The names are plain ASCII, so their order is that of RFC 8785, and they need no escapes.
        let members: BTreeMap<_, _> = members.iter().collect();
        let (mut parts, mut text) = (Vec::new(), Vec::new());
        for (place, (name, value)) in members.into_iter().enumerate() {
            text.extend_from_slice(if place == 0 { b"{\"" } else { b",\"" });
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b"\":");
            match name.as_str() {
                "gate" => parts.extend([SnapshotPart::Same(std::mem::take(&mut text)), SnapshotPart::Gate]),
                "now" => parts.extend([SnapshotPart::Same(std::mem::take(&mut text)), SnapshotPart::Now]),
                _ => text.extend(canonical_json(value)?),
            }
        }
        text.push(b'}');
        parts.push(SnapshotPart::Same(text));
        let mut begun = Sha256::new();
        if let Some(SnapshotPart::Same(first)) = parts.first() {
            begun.update(first);
            parts.remove(0);
        }
        Ok(Self { begun, parts })
    }

    /// The digest of the snapshot at this gate and time, equal to [`Snapshot::digest`].
    ///
    /// # Errors
    /// If the gate or the time has no canonical JSON form.
    pub fn digest(&self, gate: Gate, now: Timestamp) -> Result<Digest, DigestError> {
        let mut hash = self.begun.clone();
        for part in &self.parts {
            match part {
                SnapshotPart::Same(text) => hash.update(text),
                SnapshotPart::Gate => with_canonical_json(&gate, |json, _| hash.update(json))?,
                SnapshotPart::Now => with_canonical_json(&now, |json, _| hash.update(json))?,
            }
        }
        Ok(Digest::of_hash(hash))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{Phase, Stage};

    #[test]
    fn the_form_of_a_picture_gives_every_snapshot_of_it_its_own_digest() {
        let deployment = json!({
            "id": "dep-\u{e9}\"1", "scenario": "new-version", "requester": {"id": "ana"}, "product": {"id": "shop"},
            "release": {"id": "shop-2", "name": "Shop", "version": "2.0.0", "status": "published", "components": []},
            "environment": {"name": "live", "kind": "live", "control": "full"},
            "change": {"id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
                       "releases": ["shop-2"]},
            "labels": {"b": "2", "a": "1"}
        });
        let gates = [(Stage::PlanAndApprove, Phase::Exit), (Stage::Fulfill, Phase::Entrance)];
        let mut snapshot = Snapshot {
            deployment: Arc::new(serde_json::from_value(deployment).unwrap()),
            gate: Gate { stage: Stage::Observe, phase: Phase::Exit },
            now: Timestamp::from_millis(1),
            subject: Digest::of(b"subject"),
            evidence: BTreeMap::from([("sbom".to_owned(), Evidence::new(b"{}".to_vec(), "application/json"))]),
        };
        let form = SnapshotForm::of(&snapshot).unwrap();
        for (place, (stage, phase)) in gates.into_iter().enumerate() {
            snapshot.gate = Gate { stage, phase };
            snapshot.now = Timestamp::from_millis(1_700_000_000_000 + place as i64);
            assert_eq!(form.digest(snapshot.gate, snapshot.now).unwrap(), snapshot.digest().unwrap());
        }
    }
}

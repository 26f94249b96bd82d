//! The snapshot as JSON, section by section, for policy languages and for what has no typed method.
//!
//! The document has the names of the typed methods and their fields, and a test compares the two. A section is written when it
//! is asked for, so a plugin pays for those that it reads.

use lockgate_domain::{
    Approval, AskingModel, Component, Deployment, Digest, Evidence, PersonId, Registers, Snapshot, unescaped_token,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::generated::lockgate::host::snapshot::ReadError;
use super::generated::lockgate::types::types::Section;
use super::{facts, provenance};
use crate::capability::ReadGrants;

/// The work of the host for each byte of JSON, in units of fuel: it converts, sorts and writes the section.
pub(super) const EFFORT: u64 = 20;

/// The most bytes of JSON that one call returns.
const LARGEST: u32 = 1 << 20;

/// The sections beside the registers, sorted.
pub(super) const SECTIONS: [&str; 38] = [
    "actual_instances",
    "analysis",
    "approvals",
    "approved",
    "change",
    "component_changes",
    "contributors",
    "desired_instances",
    "differences",
    "environment",
    "evidence",
    "exemptions",
    "facts",
    "gate",
    "gates_passed",
    "hand_over",
    "history",
    "id",
    "labels",
    "model",
    "now",
    "overlaps",
    "people",
    "phase",
    "plan",
    "product",
    "progress",
    "provenance",
    "registers",
    "release",
    "requester",
    "rollout",
    "sample_intervals",
    "samples",
    "scenario",
    "stage",
    "subject",
    "timing",
];

/// What a plugin may not read, or what is wrong with its question.
enum Refusal {
    NotGranted(String),
    Unknown,
    Failed(serde_json::Error),
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error)
    }
}

/// The JSON at a pointer, and how many bytes of JSON were written to find it.
pub(super) fn json_at(
    snapshot: &Snapshot,
    model: Option<&AskingModel>,
    grants: &ReadGrants,
    pointer: &str,
) -> (Result<String, ReadError>, u64) {
    let Some(path) = pointer.strip_prefix('/') else {
        let message = "name a section, for example `/change`: the whole is never read at once";
        return (Err(ReadError::Failed(message.to_owned())), 0);
    };
    let unknown = || ReadError::Unknown(pointer.to_owned());
    // An empty part is the name of a member, too.
    let in_two = |path: &str| -> (String, Option<String>) {
        match path.split_once('/') {
            Some((name, rest)) => (name.to_owned(), Some(rest.to_owned())),
            None => (path.to_owned(), None),
        }
    };
    let (value, rest) = match in_two(path) {
        (name, None) if name == "registers" => {
            let message = "name a register, for example `/registers/incidents`";
            return (Err(ReadError::Failed(message.to_owned())), 0);
        }
        (name, Some(rest)) if name == "registers" => {
            let (register, rest) = in_two(&rest);
            (register_of(snapshot, grants, &register), rest)
        }
        (name, Some(rest)) if name == "evidence" || name == "facts" => {
            let (key, rest) = in_two(&rest);
            let key = unescaped_token(&key);
            (named(snapshot, grants, &name, &key), rest)
        }
        (name, rest) => (section(snapshot, model, grants, &name), rest),
    };
    let value = match value {
        Ok(Some(value)) => value,
        Ok(None) | Err(Refusal::Unknown) => return (Err(unknown()), 0),
        Err(Refusal::NotGranted(name)) => return (Err(ReadError::NotGranted(name)), 0),
        Err(Refusal::Failed(error)) => return (Err(ReadError::Failed(error.to_string())), 0),
    };
    let whole = match facts::json(&value) {
        Ok(whole) => whole,
        Err(error) => return (Err(ReadError::Failed(error.to_string())), 0),
    };
    let effort = whole.len() as u64;
    let found = match &rest {
        None => Ok(whole),
        Some(rest) => value
            .pointer(&format!("/{rest}"))
            .ok_or_else(unknown)
            .and_then(|found| facts::json(found).map_err(|error| ReadError::Failed(error.to_string()))),
    };
    let fits =
        found.and_then(|text| if text.len() > LARGEST as usize { Err(ReadError::TooLarge(LARGEST)) } else { Ok(text) });
    (fits, effort)
}

/// Whether the pointer leads to the present moment, or would.
pub(super) fn is_moment(pointer: &str) -> bool {
    pointer.strip_prefix("/now").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// All sections but the present moment, sorted by pointer. A section that cannot be written is an error, and never left out.
pub(super) fn list(
    snapshot: &Snapshot,
    model: Option<&AskingModel>,
    grants: &ReadGrants,
) -> serde_json::Result<Vec<Section>> {
    let plain = SECTIONS.into_iter().filter(|name| !matches!(*name, "now" | "registers"));
    let plain = plain.map(|name| (format!("/{name}"), section(snapshot, model, grants, name)));
    let registers = Registers::NAMES.iter().map(|name| {
        let member = name.replace('-', "_");
        (format!("/registers/{member}"), register_of(snapshot, grants, &member))
    });
    let mut sections = Vec::new();
    for (pointer, value) in plain.chain(registers) {
        match value {
            Ok(Some(value)) => {
                let text = facts::json(&value)?;
                let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
                let granted = match pointer.as_str() {
                    "/evidence" => snapshot.evidence.keys().all(|name| grants.evidence(name)),
                    "/facts" => snapshot.deployment.facts.keys().all(|name| grants.fact(name)),
                    "/provenance" => provenance::all(snapshot, grants).1,
                    _ => true,
                };
                sections.push(Section { pointer, granted, size, digest: Digest::of(text.as_bytes()).text() });
            }
            Err(Refusal::NotGranted(_)) => {
                sections.push(Section { pointer, granted: false, size: 0, digest: String::new() });
            }
            Err(Refusal::Failed(error)) => return Err(error),
            // Nobody keeps that register.
            Ok(None) | Err(Refusal::Unknown) => {}
        }
    }
    sections.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    Ok(sections)
}

/// A section; none if there is no section with that name. What is not there is an object without members.
fn section(
    snapshot: &Snapshot,
    model: Option<&AskingModel>,
    grants: &ReadGrants,
    name: &str,
) -> Result<Option<Value>, Refusal> {
    let deployment: &Deployment = &snapshot.deployment;
    let found = match name {
        "actual_instances" => instances(&deployment.actual_instances)?,
        "analysis" => optional(deployment.analysis.as_ref())?,
        "approvals" => {
            let mut approvals: Vec<Approval> = deployment.independent_approvals().cloned().collect();
            approvals
                .iter_mut()
                .flat_map(|approval| [Some(&mut approval.person.id), approval.on_behalf_of.as_mut()])
                .for_each(normalize);
            value(&approvals)?
        }
        "approved" => {
            let mut approved = optional(deployment.approved.as_ref())?;
            let components = deployment.approved.iter().flat_map(|approved| &approved.components);
            normalize_reviewers(&mut approved, components);
            approved
        }
        "change" => {
            let mut change = deployment.change.clone();
            let ids = [&mut change.approved_by, &mut change.requested_by, &mut change.assignee];
            ids.into_iter().map(Option::as_mut).for_each(normalize);
            value(&change)?
        }
        "component_changes" => component_changes(deployment),
        "contributors" => {
            let mut contributors = deployment.everybody_else();
            contributors.iter_mut().map(|person| Some(&mut person.id)).for_each(normalize);
            value(&contributors)?
        }
        "desired_instances" => instances(&deployment.desired_instances)?,
        "differences" => value(&deployment.differences())?,
        "environment" => value(&deployment.environment)?,
        "evidence" => {
            let granted = snapshot.evidence.iter().filter(|(name, _)| grants.evidence(name));
            Value::Object(
                granted.map(|(name, piece)| Ok((name.clone(), head(name, piece)?))).collect::<Result<_, Refusal>>()?,
            )
        }
        "exemptions" => value(&deployment.exemptions())?,
        "facts" => {
            let granted = deployment.facts.iter().filter(|(name, _)| grants.fact(name));
            Value::Object(granted.map(|(name, fact)| Ok((name.clone(), value(fact)?))).collect::<Result<_, Refusal>>()?)
        }
        "gate" => value(&snapshot.gate)?,
        "gates_passed" => value(&deployment.gates_passed)?,
        "hand_over" => {
            let mut hand_over = deployment.hand_over.clone();
            if let Some(hand_over) = &mut hand_over {
                normalize(Some(&mut hand_over.proposed_by));
                normalize(hand_over.accepted_by.as_mut());
                normalize(hand_over.receiver.person.as_mut());
            }
            optional(hand_over.as_ref())?
        }
        "history" => value(&deployment.newest_first())?,
        "id" => value(&deployment.id)?,
        "labels" => value(&deployment.labels)?,
        "model" => optional(model)?,
        "now" => value(&snapshot.now)?,
        "overlaps" => value(&deployment.overlaps)?,
        "people" => {
            if !grants.register("people") {
                return Err(Refusal::NotGranted("people".to_owned()));
            }
            return deployment.people.as_ref().map(value).transpose();
        }
        "phase" => value(&snapshot.gate.phase)?,
        "plan" => {
            let mut plan = deployment.plan.clone();
            let retention = plan.as_mut().and_then(|plan| plan.data_retention.as_mut());
            normalize(retention.map(|retention| &mut retention.decided_by));
            optional(plan.as_ref())?
        }
        "product" => value(&deployment.product)?,
        "progress" => {
            let mut progress = optional(deployment.progress.as_ref())?;
            // The rollout is a section of its own.
            progress.as_object_mut().and_then(|members| members.remove("rollout"));
            progress
        }
        "provenance" => {
            let (mut all, _) = provenance::all(snapshot, grants);
            all.values_mut().for_each(|provenance| normalize(provenance.attester.as_mut()));
            value(&all)?
        }
        "release" => {
            let mut release = value(&deployment.release)?;
            normalize_reviewers(&mut release, &deployment.release.components);
            release
        }
        "requester" => {
            let mut requester = deployment.requester.clone();
            normalize(Some(&mut requester.id));
            value(&requester)?
        }
        "rollout" => optional(deployment.laid_out())?,
        "samples" | "sample_intervals" if !grants.register("kpis") => {
            return Err(Refusal::NotGranted("kpis".to_owned()));
        }
        "samples" => return deployment.samples.as_ref().map(value).transpose(),
        "sample_intervals" => return deployment.sample_intervals.as_ref().map(value).transpose(),
        "scenario" => value(&deployment.scenario)?,
        "stage" => value(&snapshot.gate.stage)?,
        "subject" => value(&snapshot.subject)?,
        "timing" => optional(deployment.timing().as_ref())?,
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// The name of the register that a member of `/registers` holds. None if no register has that member.
pub(super) fn register_name(member: &str) -> Option<String> {
    let name = member.replace('_', "-");
    (Registers::NAMES.contains(&name.as_str()) && !member.contains('-')).then_some(name)
}

/// A register by the name of its member.
fn register_of(snapshot: &Snapshot, grants: &ReadGrants, member: &str) -> Result<Option<Value>, Refusal> {
    let Some(name) = register_name(member) else { return Err(Refusal::Unknown) };
    if !grants.register(&name) {
        return Err(Refusal::NotGranted(name));
    }
    Ok(snapshot.deployment.registers.json(&name)?)
}

/// A piece of evidence, or a fact.
fn named(snapshot: &Snapshot, grants: &ReadGrants, section: &str, name: &str) -> Result<Option<Value>, Refusal> {
    let granted = if section == "evidence" { grants.evidence(name) } else { grants.fact(name) };
    if !granted {
        return Err(Refusal::NotGranted(name.to_owned()));
    }
    match section {
        "evidence" => snapshot.evidence.get(name).map(|piece| head(name, piece)).transpose(),
        _ => Ok(snapshot.deployment.facts.get(name).map(serde_json::to_value).transpose()?),
    }
}

/// What the deployment does to each component.
fn component_changes(deployment: &Deployment) -> Value {
    let each = deployment.component_changes().into_iter().map(|change| {
        let mut members = Map::new();
        members.insert("name".to_owned(), json!(change.name));
        members.insert("change".to_owned(), json!(change.change));
        for (side, identity) in [("before", change.before), ("after", change.after)] {
            let Some(identity) = identity else { continue };
            members.insert(format!("{side}_version"), json!(identity.version));
            if let Some(digest) = identity.digest {
                members.insert(format!("{side}_digest"), json!(digest));
            }
        }
        Value::Object(members)
    });
    Value::Array(each.collect())
}

fn value<T: Serialize>(part: &T) -> Result<Value, Refusal> {
    Ok(serde_json::to_value(part)?)
}

fn optional<T: Serialize>(part: Option<&T>) -> Result<Value, Refusal> {
    part.map_or(Ok(Value::Object(Map::new())), value)
}

/// The id as the typed methods return it, so that two ids are the same person if they are equal.
fn normalize(id: Option<&mut PersonId>) {
    if let Some(id) = id {
        *id = id.in_normal_form();
    }
}

/// The same for the reviewers of the components of something.
fn normalize_reviewers<'a>(whole: &mut Value, components: impl IntoIterator<Item = &'a Component>) {
    for (index, component) in components.into_iter().enumerate() {
        let place = whole.pointer_mut(&format!("/components/{index}/reviewer"));
        if let (Some(place), Some(reviewer)) = (place, &component.reviewer) {
            *place = json!(reviewer.normal());
        }
    }
}

/// The head of a piece of evidence, with its name.
fn head(name: &str, piece: &Evidence) -> Result<Value, Refusal> {
    let attester = piece.attester.as_ref().map(|attester| attester.normal().to_owned());
    let mut head = value(piece)?;
    if let Some(members) = head.as_object_mut() {
        members.insert("name".to_owned(), json!(name));
        if let Some(attester) = attester {
            members.insert("attester".to_owned(), json!(attester));
        }
    }
    Ok(head)
}

/// Instances, each with the digest of its content.
fn instances(instances: &[lockgate_domain::Instance]) -> Result<Value, Refusal> {
    let each = instances.iter().map(|instance| {
        let mut whole = value(instance)?;
        normalize_reviewers(&mut whole, &instance.components);
        if let Some(members) = whole.as_object_mut() {
            members.insert("content".to_owned(), json!(instance.content()));
        }
        Ok(whole)
    });
    Ok(Value::Array(each.collect::<Result<_, Refusal>>()?))
}

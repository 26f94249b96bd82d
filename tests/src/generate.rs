//! Snapshots that nobody thought of: the examples' deployments, and one that has everything, changed at random wherever the result still is a
//! deployment.
//!
//! A change takes something away, repeats it, or puts what stands under the same name somewhere else in its place, so
//! what comes out has the right shape and an odd content; and it shrinks to few changes when a test fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lockgate_domain::{Digest, Evidence, Gate, Snapshot};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{everything, repository};

/// What generated snapshots are made of.
struct Stock {
    deployments: Vec<Value>,
    sboms: Vec<Vec<u8>>,
    /// All values in the deployments, by the name that they stand under.
    values: BTreeMap<String, Vec<Value>>,
}

/// One change.
#[derive(Clone, Debug)]
struct Twist {
    place: usize,
    what: What,
    pick: usize,
}

#[derive(Clone, Debug)]
enum What {
    Remove,
    Repeat,
    Exchange,
    Text(String),
    Number(i64),
}

fn stock() -> &'static Stock {
    static STOCK: OnceLock<Stock> = OnceLock::new();
    STOCK.get_or_init(|| {
        let examples = ["new-version", "first-release", "removal"].map(|name| repository("examples").join(name));
        let files = |ending: &str| -> Vec<PathBuf> {
            let all = examples.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
            let mut files: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
            files.retain(|file| file.to_string_lossy().ends_with(ending));
            files.sort();
            files
        };
        let sboms = files(".cdx.json");
        let read = |file: &PathBuf| serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap();
        let others = files(".json").into_iter().filter(|file| !sboms.contains(file));
        let mut deployments: Vec<Value> = others
            .map(|file| (read(&file), file.parent().unwrap().join("registers")))
            .filter(|(document, _)| document.get("release").is_some())
            .map(|(document, registers)| in_full(document, &registers))
            .collect();
        let mut everything = serde_json::to_value(everything()).unwrap();
        // Its evidence has no content.
        everything.as_object_mut().unwrap().remove("evidence");
        for answers in [vec![], vec!["approved"; 4], vec!["approved", "rejected", "approved"]] {
            let mut answered = everything.clone();
            let approvals = answered.get_mut("approvals").and_then(Value::as_array_mut).unwrap();
            let of_everything = approvals.first().cloned().unwrap();
            approvals
                .extend(answers.iter().enumerate().map(|(person, answer)| approval(&of_everything, person, answer)));
            deployments.push(answered);
        }
        let mut values = BTreeMap::new();
        deployments.iter().for_each(|deployment| collect("", deployment, &mut values));
        Stock { sboms: sboms.iter().map(|file| fs::read(file).unwrap()).collect(), deployments, values }
    })
}

/// The deployment with the entries that it names by their ids, and the inventory, from the registers of its example.
#[expect(clippy::indexing_slicing, reason = "a member that is not there is null")]
fn in_full(mut deployment: Value, registers: &Path) -> Value {
    let entries = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(registers.join(format!("{name}.ndjson"))).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|mut entry| entry["value"].take()).collect()
    };
    for (member, name, key) in [
        ("change", "changes", "id"),
        ("environment", "environments", "name"),
        ("product", "products", "id"),
        ("release", "releases", "id"),
    ] {
        if let Some(id) = deployment[member].as_str() {
            let found = entries(name).into_iter().find(|value| value[key] == id);
            deployment[member] = found.unwrap();
        }
    }
    if deployment.get("actual_instances").is_none() {
        deployment["actual_instances"] = entries("instances").into();
    }
    deployment
}

/// As another approval, in the role that policies of the tests ask for, by somebody who is not involved.
fn approval(like: &Value, person: usize, answer: &str) -> Value {
    let mut approval = like.as_object().unwrap().clone();
    approval.retain(|name, _| !["on_behalf_of", "expires"].contains(&name.as_str()));
    let role = "release-manager";
    approval.insert("id".to_owned(), format!("A-{role}-{person}").into());
    approval.insert("person".to_owned(), json!({ "id": format!("manager-{person}@example.org"), "roles": [role] }));
    approval.insert("role".to_owned(), role.into());
    approval.insert("answer".to_owned(), answer.into());
    approval.into()
}

fn collect(name: &str, value: &Value, found: &mut BTreeMap<String, Vec<Value>>) {
    let known = found.entry(name.to_owned()).or_default();
    if !known.contains(value) {
        known.push(value.clone());
    }
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(name, value, found)),
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, found)),
        _ => {}
    }
}

/// Any snapshot.
pub fn snapshots() -> impl Strategy<Value = Snapshot> {
    let twist = (any::<usize>(), what(), any::<usize>()).prop_map(|(place, what, pick)| Twist { place, what, pick });
    let evidence = proptest::option::of(any::<usize>());
    (any::<usize>(), proptest::collection::vec(twist, 0..24), any::<usize>(), 0..1_000_000_i64, evidence).prop_map(
        |(base, twists, gate, minutes, sbom)| {
            let stock = stock();
            let mut deployment = picked(&stock.deployments, base).clone();
            for twist in &twists {
                let mut twisted = deployment.clone();
                apply(twist, &mut twisted);
                if snapshot(&twisted, gate, minutes, sbom).is_some() {
                    deployment = twisted;
                }
            }
            snapshot(&deployment, gate, minutes, sbom).unwrap()
        },
    )
}

/// One of them.
fn picked<T>(some: &[T], pick: usize) -> &T {
    some.get(pick % some.len()).unwrap()
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        1 => Just(What::Remove),
        1 => Just(What::Repeat),
        4 => Just(What::Exchange),
        1 => ".{0,12}".prop_map(What::Text),
        1 => any::<i64>().prop_map(What::Number),
    ]
}

/// The snapshot of a deployment; none if it is none.
fn snapshot(deployment: &Value, gate: usize, minutes: i64, sbom: Option<usize>) -> Option<Snapshot> {
    let stock = stock();
    let gates: Vec<Gate> = Gate::all().collect();
    let mut document: Map<String, Value> = deployment.as_object()?.clone();
    let now = 1_795_000_000_000 + minutes * 60_000;
    document.insert("gate".to_owned(), serde_json::to_value(picked(&gates, gate)).ok()?);
    document.insert("now".to_owned(), serde_json::to_value(lockgate_domain::Timestamp::from_millis(now)).ok()?);
    // What the first approval names, or something that nobody approved.
    let approved = deployment.pointer("/approvals/0/subject").filter(|_| !gate.is_multiple_of(3)).cloned();
    let subject = approved.map_or_else(|| serde_json::to_value(Digest::of(b"a subject")), Ok).ok()?;
    document.insert("subject".to_owned(), subject);
    let mut snapshot: Snapshot = serde_json::from_value(Value::Object(document)).ok()?;
    if let Some(pick) = sbom {
        let content = picked(&stock.sboms, pick).clone();
        snapshot.evidence.insert("sbom".to_owned(), Evidence::new(content, "application/vnd.cyclonedx+json"));
    }
    snapshot.digest().ok()?;
    Some(snapshot)
}

fn apply(twist: &Twist, document: &mut Value) {
    let mut places = Vec::new();
    pointers(document, String::new(), &mut places);
    let Some(place) = places.get(twist.place % places.len().max(1)) else { return };
    let (parent, name) = place.rsplit_once('/').unwrap();
    // What stands in a list stands under the name of the list.
    let named = place.split('/').rfind(|part| part.parse::<usize>().is_err()).unwrap_or_default();
    let others = stock().values.get(named);
    let other = others.and_then(|others| others.get(twist.pick % others.len().max(1))).cloned();
    match (&twist.what, document.pointer_mut(parent)) {
        (What::Remove, Some(Value::Object(fields))) => drop(fields.remove(name)),
        (What::Remove, Some(Value::Array(items))) => drop(items.remove(name.parse().unwrap())),
        (What::Repeat, Some(Value::Array(items))) => items.extend(items.get(name.parse::<usize>().unwrap()).cloned()),
        (What::Repeat, _) => {}
        _ => {
            let value = match &twist.what {
                What::Text(text) => Some(Value::String(text.clone())),
                What::Number(number) => Some((*number).into()),
                _ => other,
            };
            if let (Some(place), Some(value)) = (document.pointer_mut(place), value) {
                *place = value;
            }
        }
    }
}

fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(place.clone());
        pointers(value, place, found);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(place, item)| below(&place.to_string(), item)),
        _ => {}
    }
}

//! Joins the entries of registers to a deployment: what their owners attest takes the place of what the requester
//! told.
//!
//! The same code joins on a server, in `lockgate eval` and in a replay, so equal entries give equal snapshots.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    Deployment, Digest, DigestError, EntryConcerns, FactSource, JoinRule, LapsedEntry, Provenance, RegisterEntry,
    RegisterKind, Registers, Release, Scenario, Timestamp, ValueError, canonical_json, escaped_token, read_value,
};

/// An entry that is joined to a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisteredFact {
    /// The register.
    pub register: RegisterKind,
    /// The id of the entry.
    pub id: String,
    /// The value, in its normal form.
    pub value: Value,
    /// The products and environments that the entry concerns.
    pub concerns: EntryConcerns,
    /// Who attested it.
    pub provenance: Provenance,
}

impl RegisteredFact {
    /// The fact that an entry holds. None if the entry was withdrawn, or its value was deleted.
    pub fn of(entry: RegisterEntry) -> Option<Self> {
        let provenance = Provenance::of_entry(&entry);
        let RegisterEntry { register, id, value, concerns, .. } = entry;
        Some(Self { register, id, value: value?, concerns, provenance })
    }
}

/// The registers that a deployment is joined with.
pub trait RegisterSource {
    /// Why the registers cannot be read.
    type Error;

    /// Whether somebody keeps the register: it has, or had, an entry.
    ///
    /// # Errors
    /// If the registers cannot be read.
    fn is_kept(&mut self, register: RegisterKind) -> Result<bool, Self::Error>;

    /// The entry with this id, if there is one.
    ///
    /// # Errors
    /// If the registers cannot be read.
    fn entry(&mut self, register: RegisterKind, id: &str) -> Result<Option<RegisteredFact>, Self::Error>;

    /// The entries that concern a product in an environment, in the order of registers and ids.
    ///
    /// # Errors
    /// If the registers cannot be read.
    fn concerning(&mut self, product: &str, environment: &str) -> Result<Vec<RegisteredFact>, Self::Error>;

    /// The entries that concerned a product in an environment, and that somebody else than those who had attested them
    /// withdrew, or attested to concern something else.
    ///
    /// # Errors
    /// If the registers cannot be read.
    fn withdrawn(&mut self, product: &str, environment: &str) -> Result<Vec<LapsedEntry>, Self::Error>;
}

/// Why a deployment cannot be joined with the registers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError<E> {
    /// The registers cannot be read.
    #[error(transparent)]
    Source(E),
    /// An entry is no value of its register.
    #[error("the entry `{id}` of the register `{register}` cannot be read: {error}")]
    Value {
        /// The register.
        register: RegisterKind,
        /// The id of the entry.
        id: String,
        /// What is wrong with the value.
        error: ValueError,
    },
}

pub(crate) fn typed<T: for<'de> Deserialize<'de>, E>(fact: &RegisteredFact) -> Result<T, JoinError<E>> {
    read_value(&fact.value).map_err(|error| JoinError::Value { register: fact.register, id: fact.id.clone(), error })
}

/// Joins a deployment with the registers at a moment. Returns the moment from which on the result is out of date,
/// because an entry of a list expires then.
///
/// # Errors
/// If the registers cannot be read.
pub fn join<S: RegisterSource>(
    deployment: &mut Deployment,
    source: &mut S,
    now: Timestamp,
) -> Result<Option<Timestamp>, JoinError<S::Error>> {
    let mut known = BTreeMap::new();
    let found = source.entry(RegisterKind::Changes, &deployment.change.id).map_err(JoinError::Source)?;
    if let Some(fact) = found {
        deployment.change = typed(&fact)?;
        known.insert("/change".to_owned(), fact.provenance);
    }
    let found = source.entry(RegisterKind::Products, &deployment.product.id).map_err(JoinError::Source)?;
    if let Some(fact) = found {
        deployment.product = typed(&fact)?;
        known.insert("/product".to_owned(), fact.provenance);
    }
    let found = source.entry(RegisterKind::Environments, &deployment.environment.name).map_err(JoinError::Source)?;
    if let Some(fact) = found {
        deployment.environment = typed(&fact)?;
        known.insert("/environment".to_owned(), fact.provenance);
    } else if source.is_kept(RegisterKind::Environments).map_err(JoinError::Source)? {
        // What it is like is the requester's word alone, although somebody keeps the register: say so.
        known.insert("/environment".to_owned(), Provenance::from_source(FactSource::Told));
    }
    let found = source.entry(RegisterKind::Releases, &deployment.release.id).map_err(JoinError::Source)?;
    if let Some(fact) = found {
        deployment.release = typed(&fact)?;
        known.insert("/release".to_owned(), fact.provenance);
    }
    deployment.release.protect();
    for (index, item) in deployment.release.knowledge_items.iter_mut().enumerate() {
        let found = source.entry(RegisterKind::KnowledgeItems, &item.id).map_err(JoinError::Source)?;
        if let Some(fact) = found {
            *item = typed(&fact)?;
            known.insert(format!("/release/knowledge_items/{index}"), fact.provenance);
        }
    }
    lay_down_instances(deployment, &mut known);
    let until = join_lists(deployment, source, now, &mut known)?;
    lay_down_books(deployment, &mut known);
    deployment.provenance = known;
    Ok(until)
}

/// The provenance of what follows from the release: that of the release, which is no entry of its own.
fn following_from_release(known: &BTreeMap<String, Provenance>) -> Provenance {
    Provenance { entry: None, ..Provenance::at(known, "/release") }
}

/// Derives the desired instances from the release's blueprint for the environment. A removal states its own. What the
/// requester of a release that no register has states as well stays: a host rule compares both.
fn lay_down_instances(deployment: &mut Deployment, known: &mut BTreeMap<String, Provenance>) {
    let is_attested = known.contains_key("/release");
    if deployment.scenario == Scenario::Removal || (!is_attested && !deployment.desired_instances.is_empty()) {
        return;
    }
    if let Some(desired) = deployment.release.desired_instances(&deployment.environment.name) {
        deployment.desired_instances = desired;
        known.insert("/desired_instances".to_owned(), following_from_release(known));
    }
}

/// Adds the fulfillment books that the release brings for the environment, and that the register does not have.
fn lay_down_books(deployment: &mut Deployment, known: &mut BTreeMap<String, Provenance>) {
    let brought = deployment.release.blueprint_for(&deployment.environment.name);
    let Some(brought) = brought.filter(|laid_down| !laid_down.fulfillment_books.is_empty()) else { return };
    let books = deployment.registers.fulfillment_books.get_or_insert_default();
    let (from_release, place) = (following_from_release(known), RegisterKind::FulfillmentBooks.pointer());
    for book in &brought.fulfillment_books {
        if books.iter().all(|there| there.id != book.id) {
            known.insert(format!("{place}/{}", books.len()), from_release.clone());
            books.push(book.clone());
        }
    }
}

/// Joins the entries that concern the product in the environment, and the suppliers that the deployment names.
fn join_lists<S: RegisterSource>(
    deployment: &mut Deployment,
    source: &mut S,
    now: Timestamp,
    known: &mut BTreeMap<String, Provenance>,
) -> Result<Option<Timestamp>, JoinError<S::Error>> {
    let (product, environment) = (&deployment.product, &deployment.environment.name);
    let mut found = source.concerning(&product.id, environment).map_err(JoinError::Source)?;
    let mut withdrawn = source.withdrawn(&product.id, environment).map_err(JoinError::Source)?;
    for other in &product.depends_on {
        let facts = source.concerning(other, environment).map_err(JoinError::Source)?;
        found.extend(facts.into_iter().filter(|fact| fact.register == RegisterKind::Capacities));
        let of_other = source.withdrawn(other, environment).map_err(JoinError::Source)?;
        withdrawn.extend(of_other.into_iter().filter(|entry| entry.register == RegisterKind::Capacities));
    }
    found.retain(|fact| {
        fact.register != RegisterKind::Instances
            || fact.value.get("environment").and_then(Value::as_str) == Some(environment)
    });
    let mut by_register: BTreeMap<RegisterKind, BTreeMap<String, RegisteredFact>> = BTreeMap::new();
    let mut until: Option<Timestamp> = None;
    let mut lapsed = BTreeMap::new();
    for fact in found {
        if let Some(end) = fact.provenance.valid_until {
            if end <= now {
                let RegisteredFact { register, id, provenance, .. } = fact;
                let said = Provenance { entry: None, ..provenance };
                let key = (register, id.clone());
                let entry = LapsedEntry { register, id, said, withdrawn: false, before: Vec::new() };
                lapsed.entry(key).or_insert(entry);
                continue;
            }
            until = Some(until.map_or(end, |until| until.min(end)));
        }
        by_register.entry(fact.register).or_default().entry(fact.id.clone()).or_insert(fact);
    }
    for entry in withdrawn {
        lapsed.entry((entry.register, entry.id.clone())).or_insert(entry);
    }
    let is_there =
        |(register, id): &(RegisterKind, String)| by_register.get(register).is_some_and(|facts| facts.contains_key(id));
    lapsed.retain(|key, _| !is_there(key));
    deployment.lapsed = lapsed.into_values().collect();
    if source.is_kept(RegisterKind::Instances).map_err(JoinError::Source)? {
        let facts = by_register.remove(&RegisterKind::Instances).unwrap_or_default();
        deployment.actual_instances = facts.values().map(typed).collect::<Result<_, _>>()?;
        note_list(known, &RegisterKind::Instances.pointer(), facts);
    }
    for name in Registers::NAMES {
        let Ok(register) = name.parse::<RegisterKind>() else { continue };
        if register == RegisterKind::Suppliers || !source.is_kept(register).map_err(JoinError::Source)? {
            continue;
        }
        let facts = by_register.remove(&register).unwrap_or_default();
        put(&mut deployment.registers, register, &facts)?;
        note_list(known, &register.pointer(), facts);
    }
    if source.is_kept(RegisterKind::Suppliers).map_err(JoinError::Source)? {
        let named = [&deployment.release.supplier, &deployment.environment.third_party];
        let ordered = deployment.registers.orders.iter().flatten().map(|order| &order.supplier);
        let mut ids: Vec<String> = named.into_iter().chain(ordered).flatten().cloned().collect();
        let provided =
            deployment.registers.service_contracts.iter().flatten().map(|contract| contract.provider.clone());
        ids.extend(provided);
        ids.sort_unstable();
        ids.dedup();
        let mut facts = BTreeMap::new();
        for id in ids {
            let found = source.entry(RegisterKind::Suppliers, &id).map_err(JoinError::Source)?;
            facts.extend(found.map(|fact| (id, fact)));
        }
        put(&mut deployment.registers, RegisterKind::Suppliers, &facts)?;
        note_list(known, &RegisterKind::Suppliers.pointer(), facts);
    }
    Ok(until)
}

/// Makes the entries the register of the snapshot.
fn put<E>(
    registers: &mut Registers,
    register: RegisterKind,
    facts: &BTreeMap<String, RegisteredFact>,
) -> Result<(), JoinError<E>> {
    registers.begin(register.as_str());
    for fact in facts.values() {
        registers.add(register.as_str(), &fact.value).map_err(|error| JoinError::Value {
            register,
            id: fact.id.clone(),
            error,
        })?;
    }
    Ok(())
}

/// Notes that a list is that of its register, and who attested each of its entries.
fn note_list(known: &mut BTreeMap<String, Provenance>, pointer: &str, facts: BTreeMap<String, RegisteredFact>) {
    known.insert(pointer.to_owned(), Provenance::from_source(FactSource::Register));
    for (index, fact) in facts.into_values().enumerate() {
        known.insert(format!("{pointer}/{index}"), fact.provenance);
    }
}

/// A value that a request tells, and that is not what its owner attested.
#[derive(Clone, Debug, PartialEq)]
pub struct Contradiction {
    /// The place in the deployment, as a JSON Pointer.
    pub pointer: String,
    /// The register that holds the entry.
    pub register: RegisterKind,
    /// The id of the entry.
    pub id: String,
    /// The value that the request tells. None if it tells none.
    pub told: Option<Value>,
    /// The value that the owner attested. None if there is none.
    pub attested: Option<Value>,
}

/// The members of a deployment that name an entry by its id.
pub const NAMED: [(&str, RegisterKind); 4] = [
    ("change", RegisterKind::Changes),
    ("environment", RegisterKind::Environments),
    ("product", RegisterKind::Products),
    ("release", RegisterKind::Releases),
];

/// Completes a deployment as it was written: its change, environment, product and release may be the id of an entry, or an object
/// with some of its members, and so may each instance and each entry of its registers be an object with its id and some members.
/// Returns what contradicts the entries; the deployment is not completed there.
///
/// # Errors
/// If the registers cannot be read.
pub fn complete<S: RegisterSource>(written: &mut Value, source: &mut S) -> Result<Vec<Contradiction>, S::Error> {
    let mut contradictions = Vec::new();
    for (member, register) in NAMED {
        let Some(stated) = written.get_mut(member) else { continue };
        let id = match &*stated {
            Value::String(id) => id.clone(),
            Value::Object(members) => match members.get(register.key()).and_then(Value::as_str) {
                Some(id) => id.to_owned(),
                None => continue,
            },
            _ => continue,
        };
        let Some(fact) = source.entry(register, &id)? else { continue };
        let found = match &*stated {
            Value::Object(members) => differing(register, members, &fact.value),
            _ => Vec::new(),
        };
        if found.is_empty() {
            *stated = fact.value;
            continue;
        }
        contradictions.extend(found.into_iter().map(|(name, told, attested)| Contradiction {
            pointer: format!("/{member}/{}", escaped_token(&name)),
            register,
            id: id.clone(),
            told,
            attested,
        }));
    }
    contradictions.extend(complete_desired(written, source)?);
    contradictions.extend(complete_entries(written, source)?);
    Ok(contradictions)
}

/// Completes the told desired instances by those that the release of the register lays down for the environment. Returns the
/// contradiction, if it lays down others.
fn complete_desired<S: RegisterSource>(written: &mut Value, source: &mut S) -> Result<Option<Contradiction>, S::Error> {
    let text = |pointer: &str| written.pointer(pointer).and_then(Value::as_str);
    let told = written.get("desired_instances").and_then(Value::as_array).filter(|list| !list.is_empty());
    let environment = text("/environment/name").or_else(|| text("/environment"));
    let is_removal = text("/scenario") == Some("removal");
    let (Some(told), Some(environment), Some(id), false) = (told, environment, text("/release/id"), is_removal) else {
        return Ok(None);
    };
    let (told, id) = (told.clone(), id.to_owned());
    let Some(fact) = source.entry(RegisterKind::Releases, &id)? else { return Ok(None) };
    let laid_down = read_value::<Release>(&fact.value).ok().and_then(|release| release.desired_instances(environment));
    let Some(Value::Array(laid_down)) = laid_down.map(|laid_down| json!(laid_down)) else { return Ok(None) };
    let register = RegisterKind::Instances;
    let is_told = |instance: &Value| {
        let same = told.iter().find(|told| register.id_of(told) == register.id_of(instance)).and_then(Value::as_object);
        same.is_some_and(|told| differing(register, told, instance).is_empty())
    };
    if told.len() == laid_down.len() && laid_down.iter().all(is_told) {
        if let Some(place) = written.get_mut("desired_instances") {
            *place = Value::Array(laid_down);
        }
        return Ok(None);
    }
    let normal = |instance: Value| register.normalized(&instance).unwrap_or(instance);
    Ok(Some(Contradiction {
        pointer: "/desired_instances".to_owned(),
        register: RegisterKind::Releases,
        id,
        told: Some(told.into_iter().map(normal).collect()),
        attested: Some(Value::Array(laid_down)),
    }))
}

/// A member that differs: its name, the told value and the attested one.
type DifferingMember = (String, Option<Value>, Option<Value>);

/// The stated members that are not those of the entry. Empty too if the members are no value of the register: reading
/// the deployment tells that better.
fn differing(register: RegisterKind, stated: &Map<String, Value>, entry: &Value) -> Vec<DifferingMember> {
    let mut merged = entry.as_object().cloned().unwrap_or_default();
    if register == RegisterKind::Environments && stated.contains_key("kind") && !stated.contains_key("live") {
        // Whether it is live follows from the kind that is stated.
        merged.remove("live");
    }
    merged.extend(stated.iter().map(|(name, value)| (name.clone(), value.clone())));
    let told = match register.normalized(&Value::Object(merged)) {
        Ok(told) => told,
        // The whole may contradict itself, as a live environment without consumers does: then tell each difference.
        Err(_) => Value::Object(stated.clone()),
    };
    let names = stated.keys().filter(|name| told.get(*name) != entry.get(*name));
    names.map(|name| (name.clone(), told.get(name).cloned(), entry.get(name).cloned())).collect()
}

/// Completes the told instances and entries of registers that somebody keeps, each by the entry with its id. Returns what
/// contradicts the entries.
fn complete_entries<S: RegisterSource>(written: &mut Value, source: &mut S) -> Result<Vec<Contradiction>, S::Error> {
    let text = |pointer: &str| written.pointer(pointer).and_then(Value::as_str);
    let has_some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    let mut lists: Vec<(String, RegisterKind)> = Vec::new();
    if written.get("actual_instances").is_some_and(has_some) {
        lists.push(("/actual_instances".to_owned(), RegisterKind::Instances));
    }
    for (name, list) in written.get("registers").and_then(Value::as_object).into_iter().flatten() {
        if let (Ok(register), true) = (name.replace('_', "-").parse(), has_some(list)) {
            lists.push((format!("/registers/{name}"), register));
        }
    }
    let name_of = |member: &str, key: &str| text(&format!("/{member}/{key}")).or_else(|| text(&format!("/{member}")));
    let (Some(product), Some(environment), false) =
        (name_of("product", "id"), name_of("environment", "name"), lists.is_empty())
    else {
        return Ok(Vec::new());
    };
    let attested = source.concerning(product, environment)?;
    let mut contradictions = Vec::new();
    for (pointer, register) in lists {
        if !source.is_kept(register)? {
            continue;
        }
        let list = written.pointer_mut(&pointer).and_then(Value::as_array_mut);
        for (index, told) in list.into_iter().flatten().enumerate() {
            let Some(id) = register.id_of(told).map(str::to_owned) else { continue };
            let found = match register.rule() {
                JoinRule::ById => source.entry(register, &id)?.map(|fact| fact.value),
                JoinRule::ByConcern => attested
                    .iter()
                    .find(|fact| fact.register == register && fact.id == id)
                    .map(|fact| fact.value.clone()),
            };
            let place = format!("{pointer}/{index}");
            let Some(entry) = found else {
                let told = Some(register.normalized(told).unwrap_or_else(|_| told.clone()));
                contradictions.push(Contradiction { pointer: place, register, id, told, attested: None });
                continue;
            };
            let found = told.as_object().map(|told| differing(register, told, &entry)).unwrap_or_default();
            if found.is_empty() {
                *told = entry;
            }
            contradictions.extend(found.into_iter().map(|(name, told, attested)| Contradiction {
                pointer: format!("{place}/{}", escaped_token(&name)),
                register,
                id: id.clone(),
                told,
                attested,
            }));
        }
    }
    Ok(contradictions)
}

/// The form in which a deployment is kept: the values of registers are left out, because the ledger keeps them by
/// their digests. [`with_entries`] puts them back.
///
/// # Errors
/// If the deployment has no canonical JSON form.
pub fn without_entries(deployment: &Deployment) -> Result<Vec<u8>, DigestError> {
    if deployment.provenance.values().all(|provenance| provenance.entry.is_none()) {
        return canonical_json(deployment);
    }
    let mut form = serde_json::to_value(deployment).map_err(|error| DigestError::NotCanonical(error.to_string()))?;
    for (pointer, provenance) in &deployment.provenance {
        let (Some(digest), Some(value)) = (provenance.entry, form.pointer_mut(pointer)) else { continue };
        // A value that was completed, as an indicator is by its samples, is kept as it is.
        if Digest::of_canonical(value)? == digest {
            *value = Value::Null;
        }
    }
    canonical_json(&form)
}

/// Puts the values of registers into the kept form of a deployment, by their digests.
///
/// # Errors
/// If a value cannot be read.
pub fn with_entries<E>(form: &mut Value, mut value: impl FnMut(Digest) -> Result<Value, E>) -> Result<(), E> {
    let left_out = |form: &Value, pointer: &str| form.pointer(pointer).is_some_and(Value::is_null);
    let entries: Vec<(String, Digest)> = form
        .get("provenance")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(pointer, _)| left_out(form, pointer))
        .filter_map(|(pointer, provenance)| {
            let digest = provenance.get("entry")?.as_str()?.parse().ok()?;
            Some((pointer.clone(), digest))
        })
        .collect();
    for (pointer, digest) in entries {
        let found = value(digest)?;
        if let Some(place) = form.pointer_mut(&pointer) {
            *place = found;
        }
    }
    Ok(())
}

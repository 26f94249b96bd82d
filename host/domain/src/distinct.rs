//! Lists with unique keys: if two entries had one key, nobody would know which one counts.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An entry of a list that has a key.
pub(crate) trait Keyed {
    /// The key. It is unique in the list.
    fn key(&self) -> &str;
}

/// Makes the key of a type one of its fields.
macro_rules! keyed {
    ($($type:ty: $field:ident),* $(,)?) => {
        $(impl $crate::distinct::Keyed for $type {
            fn key(&self) -> &str {
                &self.$field
            }
        })*
    };
}

pub(crate) use keyed;

/// Reads a list in which every key is unique: for `serde`'s `deserialize_with`. The error names the second entry.
pub(crate) fn distinct<'de, D, T, L>(deserializer: D) -> Result<L, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Keyed,
    L: FromIterator<T> + IntoIterator<Item = T>,
{
    let entries: Vec<T> = deserializer.deserialize_seq(DistinctList(PhantomData))?;
    Ok(entries.into_iter().collect())
}

struct DistinctList<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Keyed> Visitor<'de> for DistinctList<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let (mut keys, mut entries) = (BTreeSet::new(), Vec::new());
        while let Some(entry) = list.next_element_seed(NewEntry { keys: &mut keys, of: PhantomData })? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Reads an entry whose key is not in `keys`.
struct NewEntry<'k, T> {
    keys: &'k mut BTreeSet<String>,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de> + Keyed> DeserializeSeed<'de> for NewEntry<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let entry = T::deserialize(deserializer)?;
        match self.keys.insert(entry.key().to_owned()) {
            true => Ok(entry),
            false => Err(D::Error::custom(format_args!("`{}` is in the list twice: remove one", entry.key()))),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use crate::{Deployment, read_value};

    fn deployment() -> Value {
        let mut document: Value =
            serde_json::from_str(include_str!("../../../examples/new-version/deployment.json")).unwrap();
        let time = "2026-11-24T20:00:00Z";
        let subject = format!("sha256:{}", "0".repeat(64));
        let more = json!({
            "contributors": [{"id": "cleo@example.org"}],
            "involved": ["eve@example.org"],
            "release": {
                "tags": ["web"],
                "defects": [{"id": "D-1", "title": "t", "severity": "low", "status": "open"}],
                "notes": {"uri": "https://example.org/notes", "defects": ["D-1"]},
                "knowledge_items": [{"id": "K-1", "title": "t", "status": "draft", "author": "ada"}],
            },
            "plan": {"targets": ["shop-live"], "criteria": ["it runs"]},
            "product": {"depends_on": ["pay"]},
            "desired_instances": [{
                "id": "shop-live", "environment": "live", "status": "running",
                "components": [{"name": "web", "kind": "software", "version": "1"}],
                "configuration": [{"name": "replicas", "value": "2"}],
            }],
            "actual_instances": [{"id": "shop-live", "environment": "live", "status": "running"}],
            "approvals": [{
                "id": "a-1", "person": {"id": "bo", "roles": ["change-authority"]}, "role": "change-authority",
                "answer": "approved", "at": time, "subject": subject,
            }],
            "waivers": [{
                "id": "w-1", "owner": "bo", "reason": "r", "ticket": "T-1", "granted": time, "expires": time,
                "scope": {"bindings": ["sbom"], "codes": ["too-old"], "product": "shop"},
            }],
            "overrides": [{
                "id": "o-1", "gate": {"stage": "validate", "phase": "exit"}, "binding": "sbom", "subject": subject, "by": "bo", "reason": "r",
                "at": time,
            }],
            "history": [{
                "id": "d-1", "product": "shop", "requested": time, "release": "shop-1", "environment": "live", "scenario": "first-release", "risk": "low",
                "ended": time, "outcome": "operational", "components": [{"name": "web", "version": "1"}],
            }],
            "registers": {
                "orders": [{"id": "1", "status": "open"}],
                "fulfillment_books": [{"id": "1", "fulfills": "db", "automated": true}],
                "service_contracts": [{
                    "id": "1", "kind": "sla", "provider": "a", "consumer": "b", "active": true, "objectives": ["fast"],
                }],
                "kpis": [{"id": "1", "metric": "latency", "unit": "ms"}],
                "monitors": [{"id": "1", "kind": "http", "instance": "shop-live"}],
                "events": [{"id": "1", "category": "warning", "kind": "load", "severity": "low", "open": true, "at": time}],
                "incidents": [{"id": "1", "title": "t", "status": "open", "open": true, "severity": "low", "changes": ["CHG-1"]}],
                "runbooks": [{"id": "1", "title": "t", "kind": "script", "deployed": true}],
                "interactions": [{"id": "1", "kind": "call", "at": time, "title": "t"}],
                "audit_findings": [{
                    "id": "1", "title": "t", "kind": "audit", "severity": "low", "open": true, "raised": time,
                }],
                "suppliers": [{"id": "1", "name": "a"}],
                "capacities": [{"id": "1", "product": "shop", "kind": "cpu", "unit": "1", "total": 1.0, "used": 0.5}],
            },
        });
        merge(&mut document, more);
        document
    }

    fn merge(into: &mut Value, more: Value) {
        match (into, more) {
            (Value::Object(into), Value::Object(more)) => {
                for (name, value) in more {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
            (into, more) => *into = more,
        }
    }

    /// The pointers of all lists that are not empty.
    fn lists(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => {
                if !items.is_empty() {
                    found.push(at.to_owned());
                }
                for (index, item) in items.iter().enumerate() {
                    lists(&format!("{at}/{index}"), item, found);
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    lists(&format!("{at}/{name}"), value, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn what_stands_twice_in_a_list_is_refused_at_the_second_place() {
        let deployment = deployment();
        read_value::<Deployment>(&deployment).unwrap();
        let mut found = Vec::new();
        lists("", &deployment, &mut found);
        assert!(found.len() > 30, "{found:?}");
        for list in &found {
            let mut twice = deployment.clone();
            let items = twice.pointer_mut(list).unwrap().as_array_mut().unwrap();
            let second = items.len();
            items.push(items.first().unwrap().clone());
            let error = read_value::<Deployment>(&twice).unwrap_err();
            assert_eq!(error.pointer, format!("{list}/{second}"), "{}", error.fault);
            assert!(error.fault.to_string().ends_with("` is in the list twice: remove one"), "{}", error.fault);
        }
    }

    #[test]
    fn two_spellings_of_one_person_are_one_contributor() {
        let mut twice = deployment();
        let people = json!([{"id": "cleo@example.org"}, {"id": "Cleo@Example.org"}]);
        *twice.pointer_mut("/contributors").unwrap() = people;
        let error = read_value::<Deployment>(&twice).unwrap_err();
        assert_eq!(error.to_string(), "at `/contributors/1`: `cleo@example.org` is in the list twice: remove one");
    }
}

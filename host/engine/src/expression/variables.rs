//! The parts of a snapshot as CEL values.

use std::collections::HashMap;
use std::sync::OnceLock;

use cel::common::types::{
    CelBool, CelDouble, CelDuration, CelInt, CelList, CelMap, CelNull, CelString, CelTimestamp, CelUInt,
};
use cel::common::value::Val;
use lockgate_domain::{Approval, Duration, PersonId, Snapshot, Timestamp, canonical_number};
use serde::Serialize;
use serde_json::Value;

use super::Member;
use super::shape::{self, Shape};

type Part = Box<dyn Val>;

/// The variables that expressions read from one snapshot. A part becomes a CEL value when the first expression reads
/// it, and is kept: one `Variables` serves all expressions of a decision, on any number of threads.
pub struct Variables<'a> {
    snapshot: &'a Snapshot,
    parts: HashMap<&'static str, OnceLock<Part>>,
}

impl<'a> Variables<'a> {
    /// The variables of a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, parts: shape::snapshot().keys().map(|name| (name.as_str(), OnceLock::new())).collect() }
    }

    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Converts a part to a CEL value, unless that has been done. The error says why that is impossible.
    pub(super) fn prepare(&self, name: &str) -> Result<(), String> {
        let (Some(part), Some(field)) = (self.parts.get(name), shape::snapshot().get(name)) else {
            return Ok(());
        };
        if part.get().is_none() {
            let json = self.json(name).map_err(|error| format!("`{name}` has no JSON form: {error}"))?;
            let value = match json {
                // A missing plan or approval becomes an object without fields: `has(plan.slot)` is false.
                Value::Null if field.optional => value(Value::Object(serde_json::Map::new()), &field.shape),
                json => value(json, &field.shape),
            };
            // Another thread may have been faster: the two values are equal.
            let _ = part.set(value);
        }
        Ok(())
    }

    /// A part that [`Self::prepare`] has converted.
    pub(super) fn get(&self, name: &str) -> Option<&dyn Val> {
        self.parts.get(name)?.get().map(AsRef::as_ref)
    }

    fn json(&self, name: &str) -> Result<Value, serde_json::Error> {
        fn json(part: &impl Serialize) -> Result<Value, serde_json::Error> {
            serde_json::to_value(part)
        }
        let (snapshot, deployment) = (self.snapshot, &self.snapshot.deployment);
        // `approvals` has those that count, so that a condition which counts them is right. The others have their own
        // variable.
        let counts = |approval: &&Approval| approval.counts_for(&snapshot.subject, snapshot.now);
        match name {
            "actual_instances" => json(&deployment.actual_instances),
            "approvals" => json(&deployment.independent_approvals().filter(counts).collect::<Vec<_>>()),
            "approved" => json(&deployment.approved),
            "change" => json(&deployment.change),
            "contributors" => json(&deployment.everybody_else()),
            "desired_instances" => json(&deployment.desired_instances),
            "differences" => json(&deployment.differences()),
            "environment" => json(&deployment.environment),
            "evidence" => json(&snapshot.evidence),
            "exemptions" => json(&deployment.exemptions()),
            "facts" => json(&deployment.facts),
            "gate" => json(&snapshot.gate),
            "history" => json(&deployment.newest_first()),
            "id" => json(&deployment.id),
            "involved" => json(&deployment.involved),
            "labels" => json(&deployment.labels),
            "now" => json(&snapshot.now),
            "phase" => json(&snapshot.gate.phase),
            "plan" => json(&deployment.plan),
            "product" => json(&deployment.product),
            "progress" => {
                let mut progress = json(&deployment.progress)?;
                // The rollout is a variable of its own.
                progress.as_object_mut().and_then(|members| members.remove("rollout"));
                Ok(progress)
            }
            "provenance" => json(&snapshot.provenances()),
            "registers" => json(&deployment.registers),
            "release" => json(&deployment.release),
            "requester" => json(&deployment.requester),
            "rollout" => json(&deployment.laid_out()),
            "scenario" => json(&deployment.scenario),
            "stage" => json(&snapshot.gate.stage),
            "subject" => json(&snapshot.subject),
            "timing" => json(&deployment.timing()),
            shape::VOID_APPROVALS => {
                json(&deployment.independent_approvals().filter(|approval| !counts(approval)).collect::<Vec<_>>())
            }
            // A part that the domain got later: slower, but never wrong.
            _ => Ok(json(snapshot)?.get_mut(name).map(Value::take).unwrap_or_default()),
        }
    }
}

/// The members of a group as a CEL list.
pub(super) fn members(members: &[Member<'_>]) -> Part {
    let members: Vec<Part> = members
        .iter()
        .map(|member| {
            object([
                ("id".to_owned(), text(member.id.to_owned())),
                ("plugin".to_owned(), text(member.plugin.to_owned())),
                ("standing".to_owned(), text(member.standing.as_str().to_owned())),
            ])
        })
        .collect();
    Box::new(CelList::from(members))
}

fn text(text: String) -> Part {
    Box::new(CelString::from(text))
}

fn object(fields: impl IntoIterator<Item = (String, Part)>) -> Part {
    let fields: HashMap<_, _> = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Box::new(CelMap::from(fields))
}

fn value(json: Value, shape: &Shape) -> Part {
    match (json, shape) {
        (Value::Null, _) => Box::new(CelNull),
        (Value::Bool(bool), _) => Box::new(CelBool::from(bool)),
        (Value::Number(number), shape) => self::number(&number, shape),
        (Value::String(string), Shape::Time) => match string.parse::<Timestamp>().ok().and_then(time) {
            Some(time) => Box::new(CelTimestamp::from(time)),
            None => text(string),
        },
        (Value::String(string), Shape::Length) => match string.parse::<Duration>().ok().and_then(length) {
            Some(length) => Box::new(CelDuration::from(length)),
            None => text(string),
        },
        (Value::String(string), Shape::Person) => match PersonId::new(&string) {
            Ok(id) => text(id.normal().to_owned()),
            Err(_) => text(string),
        },
        (Value::String(string), _) => text(string),
        (Value::Array(items), shape) => {
            let item = match shape {
                Shape::List(item) => item,
                _ => &Shape::Any,
            };
            Box::new(CelList::from(items.into_iter().map(|json| value(json, item)).collect::<Vec<_>>()))
        }
        (Value::Object(members), shape) => object(members.into_iter().map(|(name, json)| {
            let member = match shape {
                Shape::Map(member) => member,
                Shape::Object(fields) => fields.get(&name).map_or(&Shape::Any, |field| &field.shape),
                _ => &Shape::Any,
            };
            let value = value(json, member);
            (name, value)
        })),
    }
}

/// Whole numbers are CEL's `int`, so that `evidence["sbom"].size > 100` can be written without a suffix. `1000.0` is a
/// whole number, as in canonical JSON.
fn number(number: &serde_json::Number, shape: &Shape) -> Part {
    let whole = canonical_number(number).as_ref().and_then(serde_json::Number::as_i64);
    match (whole.or(number.as_i64()), number.as_u64(), number.as_f64()) {
        (_, _, Some(double)) if *shape == Shape::Double => Box::new(CelDouble::from(double)),
        (Some(int), _, _) => Box::new(CelInt::from(int)),
        (_, Some(uint), _) => Box::new(CelUInt::from(uint)),
        (_, _, Some(double)) => Box::new(CelDouble::from(double)),
        (None, None, None) => text(number.to_string()),
    }
}

fn time(time: Timestamp) -> Option<chrono::DateTime<chrono::FixedOffset>> {
    chrono::DateTime::from_timestamp_millis(time.as_millis()).map(|time| time.fixed_offset())
}

fn length(length: Duration) -> Option<chrono::TimeDelta> {
    i64::try_from(length.as_millis()).ok().and_then(chrono::TimeDelta::try_milliseconds)
}

//! Compares a decision that was made again with the recorded one: byte for byte, in canonical JSON.

use std::collections::VecDeque;

use lockgate_domain::{
    BindingAnswer, Decision, DigestError, FailureKind, Standing, Verdict, canonical_json, escaped_token,
};
use lockgate_runtime::RecordedOutcome;
use serde_json::{Value, json};

use super::{OutcomeChange, ReplayOutcome, words};

/// The most places that are named at which two decisions differ.
const NAMED: usize = 8;

/// A decision that was made again.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayedDecision {
    /// The result of the replay.
    pub ended: ReplayOutcome,
    /// The first few places that differ, as JSON Pointers into the decision. Empty if nothing differs.
    pub differs: Vec<String>,
}

impl From<ReplayOutcome> for ReplayedDecision {
    fn from(ended: ReplayOutcome) -> Self {
        Self { ended, differs: Vec::new() }
    }
}

/// Two decisions about the same input.
#[derive(Debug)]
pub struct DecisionComparison<'a> {
    /// The recorded decision.
    pub was: &'a Decision,
    /// The decision that was made again.
    pub is: &'a Decision,
    /// Whether the second decision is a candidate's. Then the names of model and plugins are not compared.
    pub candidate: bool,
    /// Whether both used the same engine, so that they must use the same fuel.
    pub same_engine: bool,
}

/// The failure of a plugin that came from the machine, and not from the plugin.
pub fn of_the_machine(decision: &Decision) -> Option<String> {
    let mut failures = decision.bindings.iter().filter_map(|binding| match &binding.answer {
        BindingAnswer::Failed(failure) => Some(failure),
        _ => None,
    });
    let failure = failures.find(|failure| RecordedOutcome::Failed((*failure).clone()).is_of_the_machine())?;
    Some(failure.kind.as_str().to_owned())
}

impl DecisionComparison<'_> {
    /// Compares the two decisions.
    ///
    /// # Errors
    /// If one of them has no canonical JSON form.
    pub fn ended(&self) -> Result<ReplayedDecision, DigestError> {
        if let Some(question) = not_recorded(self.is) {
            return Ok(ReplayOutcome::NotRecorded { question }.into());
        }
        if let Some(why) = of_the_machine(self.is) {
            return Ok(ReplayOutcome::NotComparable { why }.into());
        }
        let (was, is) = match self.candidate {
            true => (said(self.was, self.is)?, said(self.is, self.is)?),
            false => (whole(self.was)?, whole(self.is)?),
        };
        if canonical_json(&was)? == canonical_json(&is)? {
            let (was, is) = (fuel(self.was), fuel(self.is));
            let differs = self.same_engine && !self.candidate && was != is;
            let total = |fuel: Vec<u64>| fuel.into_iter().fold(0, u64::saturating_add);
            let ended = if differs {
                ReplayOutcome::FuelDiffers { was: total(was), is: total(is) }
            } else {
                ReplayOutcome::Same
            };
            return Ok(ended.into());
        }
        let change = OutcomeChange {
            from: standing(self.was.verdict),
            to: standing(self.is.verdict),
            was: codes(self.was),
            is: codes(self.is),
        };
        let differs = differences(&was, &is);
        let ended = match words::differ_alone(&without_way(&was), &without_way(&is)) {
            _ if change.from != change.to => ReplayOutcome::Flipped(change),
            true => ReplayOutcome::Reworded(change),
            false => ReplayOutcome::Changed(change),
        };
        Ok(ReplayedDecision { ended, differs })
    }
}

/// The whole decision, without what differs from run to run or from engine to engine: clock, memory, fuel, and whether
/// a plugin was called or an earlier answer used again.
fn whole(decision: &Decision) -> Result<Value, DigestError> {
    let mut decision = decision.clone();
    for receipt in decision.bindings.iter_mut().filter_map(|binding| binding.receipt.as_mut()) {
        (receipt.wall_time_us, receipt.peak_memory, receipt.fuel, receipt.host_effort) = (0, 0, 0, 0);
        receipt.reused = false;
    }
    value(&decision)
}

/// What a decision says, with the requests and log lines on the way, but without the names of model and plugins. Its
/// subject and model are renamed to those of the other decision.
fn said(decision: &Decision, other: &Decision) -> Result<Value, DigestError> {
    let mut said = whole(decision)?;
    if let Some(fields) = said.as_object_mut() {
        for name in ["id", "model", "snapshot", "subject", "approved"] {
            fields.remove(name);
        }
        let bindings = fields.get_mut("bindings").and_then(Value::as_array_mut).into_iter().flatten();
        for binding in bindings.filter_map(Value::as_object_mut) {
            binding.remove("plugin");
            if let Some(receipt) = binding.remove("receipt") {
                binding.insert("host_calls".to_owned(), receipt.get("host_calls").cloned().unwrap_or(json!({})));
            }
        }
    }
    let names = [(decision.subject, other.subject), (decision.model.digest, other.model.digest)];
    rename(&mut said, &names.map(|(from, to)| (from.to_string(), to.to_string())));
    Ok(said)
}

/// The same, without the requests and log lines of its plugins.
fn without_way(decision: &Value) -> Value {
    let mut decision = decision.clone();
    words::remove(&mut decision, &["host_calls", "log", "log_dropped"]);
    decision
}

/// Renames things in all texts of a value.
fn rename(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (from, to) in names.iter().filter(|(from, to)| from != to) {
                if text.contains(from.as_str()) {
                    *text = text.replace(from.as_str(), to);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn value(decision: &Decision) -> Result<Value, DigestError> {
    serde_json::to_value(decision).map_err(|error| DigestError::NotCanonical(error.to_string()))
}

fn fuel(decision: &Decision) -> Vec<u64> {
    decision.bindings.iter().map(|binding| binding.receipt.as_ref().map_or(0, |receipt| receipt.fuel)).collect()
}

/// The request of a plugin that was not made in the recorded decision.
fn not_recorded(decision: &Decision) -> Option<String> {
    decision.bindings.iter().find_map(|binding| match &binding.answer {
        BindingAnswer::Failed(failure) if failure.kind == FailureKind::NotRecorded => {
            Some(format!("`{}`: {}", binding.id, failure.message))
        }
        _ => None,
    })
}

fn standing(verdict: Verdict) -> Standing {
    match verdict {
        Verdict::Allow => Standing::Allow,
        Verdict::Deny => Standing::Deny,
        Verdict::Pending => Standing::Pending,
        Verdict::Error => Standing::Error,
    }
}

/// The codes that explain a decision, each once and in order: those of blocking reasons, if there are any.
fn codes(decision: &Decision) -> Vec<String> {
    let allows = decision.verdict == Verdict::Allow;
    let reasons = decision.reasons.iter().filter(|reason| allows || reason.blocking);
    let mut codes: Vec<String> = reasons.map(|reason| reason.code.clone()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// The first places at which two values differ, as JSON Pointers. Places near the root come first: they say most.
pub(crate) fn differences(was: &Value, is: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([(Some(was), Some(is), String::new())]);
    while let Some((was, is, at)) = open.pop_front() {
        if was == is {
            continue;
        }
        let names: Vec<String> = match (was, is) {
            (Some(Value::Object(was)), Some(Value::Object(is))) => {
                let added = is.keys().filter(|name| !was.contains_key(*name));
                was.keys().chain(added).cloned().collect()
            }
            (Some(Value::Array(was)), Some(Value::Array(is))) if was.len() == is.len() => {
                (0..was.len()).map(|place| place.to_string()).collect()
            }
            _ => {
                found.push(at);
                if found.len() == NAMED {
                    break;
                }
                continue;
            }
        };
        for name in names {
            let place = format!("{at}/{}", escaped_token(&name));
            open.push_back((member(was, &name), member(is, &name), place));
        }
    }
    found
}

/// A member of an object or an entry of a list.
fn member<'a>(value: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    match value? {
        Value::Array(items) => name.parse::<usize>().ok().and_then(|place| items.get(place)),
        value => value.get(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(was: &Value, is: &Value) -> Vec<String> {
        differences(was, is)
    }

    #[test]
    fn two_values_differ_where_they_do_and_nowhere_else() {
        let was = json!({ "a": 1, "b": [{ "c/d": true }, 2], "gone": null, "list": [1] });
        assert_eq!(differ(&was, &was), Vec::<String>::new());
        let is = json!({ "a": 1, "b": [{ "c/d": false }, 2], "list": [1, 2], "new": 0 });
        assert_eq!(differ(&was, &is), ["/gone", "/list", "/new", "/b/0/c~1d"]);
    }

    #[test]
    fn only_the_first_places_are_named() {
        let (was, is) = (json!(vec![0; 20]), json!(vec![1; 20]));
        assert_eq!(differ(&was, &is).len(), NAMED);
    }
}

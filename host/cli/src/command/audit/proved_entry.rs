//! Prints an entry that was proven to be in the log: the decision, the person, the time.

use lockgate_domain::ExceptionCode;
use lockgate_ledger::Entry;
use lockgate_ledger::verify::ProvenInclusion;
use serde_json::Value;

use crate::layout::fields;
use crate::print;
use crate::terminal::{GOOD, STRONG, styled};

/// The entry as text for people.
pub(super) fn entry_report(included: &ProvenInclusion) -> String {
    let ProvenInclusion { entry, checkpoint, key } = included;
    let decision = entry.body.get("decision").unwrap_or(&entry.body);
    let DecisionReasons { blocking, exceptions, not_counted } = DecisionReasons::of(decision);
    let one = |value: Option<String>| value.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>();
    let body = if entry.kind == "decision" { None } else { print::json(&entry.body).ok() };
    let said = [
        ("by", one(who(&entry.body).or_else(|| who(decision)))),
        ("when", one(Some(entry.at.to_string()))),
        ("blocked by", blocking),
        ("exceptions", exceptions),
        ("not counted", not_counted),
        ("gate", one(entry.body.get("passed").and_then(Value::as_bool).map(passed))),
        ("model", one(decision.get("model").and_then(named))),
        ("stream", one(Some(format!("{}, number {}", entry.stream, entry.sequence)))),
        ("id", one(entry.id.clone())),
        ("team", one(entry.team.clone())),
        ("body", one(body)),
    ];
    let mut rows = vec![("what", styled(STRONG, print::plain(&what(entry))))];
    rows.extend(said.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(name, lines)| {
        let lines: Vec<_> = lines.iter().map(|line| print::plain(line)).collect();
        (name, lines.join("\n"))
    }));
    let log = format!("entry {} of {} in `{}`", entry.index, checkpoint.size, print::plain(&checkpoint.origin));
    rows.push(("log", log));
    rows.push(("signed by", key.to_string()));
    format!("{}\n\n{}", styled(GOOD, "proven"), fields(rows))
}

/// The kind of the entry; of a decision, its verdict, gate and deployment.
fn what(entry: &Entry) -> String {
    let decision = entry.body.get("decision").unwrap_or(&entry.body);
    let text = |name: &str| decision.get(name).and_then(Value::as_str).unwrap_or_default();
    match (entry.kind.as_str(), text("verdict")) {
        ("decision", verdict) if !verdict.is_empty() => {
            let gate = decision.get("gate").map(gate).unwrap_or_default();
            format!("{verdict} at {gate} for the deployment {}", text("deployment"))
        }
        (kind, _) => kind.to_owned(),
    }
}

fn gate(gate: &Value) -> String {
    let text = |name: &str| gate.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("stage"), text("phase"))
}

fn passed(passed: bool) -> String {
    if passed { "passed" } else { "not passed" }.to_owned()
}

/// The person of an entry, with their credential.
fn who(body: &Value) -> Option<String> {
    let by = ["by", "actor"].into_iter().find_map(|name| body.get(name))?;
    let person = by.get("person").unwrap_or(by);
    let text = |name: &str| by.get(name).and_then(Value::as_str);
    let kind = text("kind").map(|kind| format!(" ({kind})")).unwrap_or_default();
    let credential = text("credential").map(|with| format!(", with {with}{kind}"));
    let id = person.as_str().map(str::to_owned).or_else(|| named(person))?;
    Some(format!("{id}{}", credential.unwrap_or_default()))
}

/// An id, with its name or version.
fn named(value: &Value) -> Option<String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id")?;
    Some(match text("name").or_else(|| text("version")) {
        Some(more) if more != id => format!("{id} ({more})"),
        _ => id.to_owned(),
    })
}

/// The reasons of a decision, as text.
#[derive(Default)]
struct DecisionReasons {
    /// The blocking reasons, with their codes.
    blocking: Vec<String>,
    /// The waivers and overrides that applied: who is responsible, why, and until when.
    exceptions: Vec<String>,
    /// The waivers, overrides and approvals that did not count, and why.
    not_counted: Vec<String>,
}

impl DecisionReasons {
    fn of(decision: &Value) -> Self {
        let mut reasons = Self::default();
        for reason in decision.get("reasons").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| reason.get(name).and_then(Value::as_str).unwrap_or_default();
            let (code, message) = (text("code"), text("message"));
            let source = reason.get("source").and_then(source_id);
            let (lines, line) = match (reason.get("blocking"), ExceptionCode::of(code), source) {
                (Some(Value::Bool(true)), _, _) => (&mut reasons.blocking, format!("{code}: {message}")),
                (_, Some(known), Some(id)) if known.counts() => (&mut reasons.exceptions, format!("`{id}`: {message}")),
                (_, Some(known), None) if known.counts() => (&mut reasons.exceptions, message.to_owned()),
                (_, Some(_), _) => (&mut reasons.not_counted, message.to_owned()),
                (_, None, _) => continue,
            };
            // A binding and its group have the same reason.
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        reasons
    }
}

/// The id of the binding or group that a reason is about; none for the host's own reasons.
fn source_id(source: &Value) -> Option<&str> {
    ["binding", "group"].into_iter().find_map(|kind| source.get(kind)?.as_str())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use lockgate_ledger::note;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_exception_that_applied_is_shown_with_owner_ticket_and_end() {
        let waived = "waived by `zoe@example.org` until 2027-01-01T00:00:00Z: agreed (waiver `w-1`, CHG-7)";
        let reasons = json!([
            { "source": { "binding": "people" }, "blocking": true, "code": "approval/missing", "message": "Wait for Bo" },
            { "source": { "group": "review" }, "blocking": true, "code": "approval/missing", "message": "Wait for Bo" },
            { "source": { "binding": "sbom" }, "blocking": false, "code": "waived", "message": waived },
            { "source": { "binding": "sbom" }, "blocking": false, "code": "waiver-expired", "message": "waiver `w-0` does not count" },
            { "source": { "binding": "window" }, "blocking": false, "code": "window/open", "message": "It is open" },
        ]);
        let body = json!({ "passed": false, "decision": {
            "verdict": "pending", "deployment": "d-42", "gate": { "stage": "plan-and-approve", "phase": "exit" }, "reasons": reasons,
        } });
        let entry = json!({
            "at": "2025-03-04T09:03:00Z", "body": body, "index": 3, "kind": "decision", "references": [], "sequence": 1,
            "stream": "decisions/d-42",
        });
        let key = lockgate_ledger::note::SigningKey::generate("deploy.example.com/ledger").unwrap();
        let text = entry_report(&ProvenInclusion {
            entry: serde_json::from_value(entry).unwrap(),
            checkpoint: note::Checkpoint {
                origin: "log".to_owned(),
                size: 8,
                root: lockgate_ledger::tree::Hash::from_bytes([0; 32]),
            },
            key: key.verifying_key().clone(),
        });
        for (name, value) in [
            ("blocked by", "approval/missing: Wait for Bo"),
            ("exceptions", &format!("`sbom`: {waived}")),
            ("not counted", "waiver `w-0` does not count"),
            ("gate", "not passed"),
        ] {
            let is_it = |line: &&str| line.contains(name) && line.trim_end().ends_with(value);
            assert_eq!(text.lines().filter(is_it).count(), 1, "{name}: {value}\n{text}");
        }
        assert!(!text.contains("It is open"), "{text}");
    }
}

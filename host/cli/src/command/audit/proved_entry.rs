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
        let mut blocking: Vec<(Vec<String>, String)> = Vec::new();
        let (mut exceptions, mut not_counted) = (Vec::new(), Vec::new());
        for reason in decision.get("reasons").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| reason.get(name).and_then(Value::as_str).unwrap_or_default();
            let (code, message) = (text("code"), text("message"));
            let (lines, line) = match (reason.get("blocking"), ExceptionCode::of(code)) {
                (Some(Value::Bool(true)), _) => (&mut blocking, format!("{code}: {message}")),
                (_, Some(known)) if known.counts() => (&mut exceptions, message.to_owned()),
                (_, Some(_)) => (&mut not_counted, message.to_owned()),
                (_, None) => continue,
            };
            let source = source_of(reason);
            match lines.iter_mut().find(|(_, known)| *known == line) {
                // A binding and its group have the same reason.
                Some((sources, _)) => sources.push(source),
                None => lines.push((vec![source], line)),
            }
        }
        let [blocking, exceptions, not_counted] = [blocking, exceptions, not_counted].map(shown);
        Self { blocking, exceptions, not_counted }
    }
}

/// Reasons as lines, each behind those who give it.
fn shown(reasons: Vec<(Vec<String>, String)>) -> Vec<String> {
    reasons.into_iter().map(|(sources, line)| format!("{}: {line}", sources.join(", "))).collect()
}

/// The binding or group that gives a reason; `lockgate` for those of the host.
fn source_of(reason: &Value) -> String {
    let id = |kind: &str| reason.get("source")?.get(kind)?.as_str();
    let found = ["binding", "group"].into_iter().find_map(id);
    found.map_or_else(|| "lockgate".to_owned(), |id| format!("`{id}`"))
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
            { "source": "host", "blocking": true, "code": "plan-missing", "message": "There is no plan" },
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
            ("blocked by", "`people`, `review`: approval/missing: Wait for Bo"),
            ("", "lockgate: plan-missing: There is no plan"),
            ("exceptions", &format!("`sbom`: {waived}")),
            ("not counted", "`sbom`: waiver `w-0` does not count"),
            ("gate", "not passed"),
        ] {
            let is_it = |line: &&str| line.contains(name) && line.trim_end().ends_with(value);
            assert_eq!(text.lines().filter(is_it).count(), 1, "{name}: {value}\n{text}");
        }
        assert!(!text.contains("It is open"), "{text}");
    }
}

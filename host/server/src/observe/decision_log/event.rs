//! One decision as an event of OPA's decision log.
//!
//! Every reader of OPA's decision logs can read these events: the fields have the same names and the same meaning.
//! Models and plugins take the place of OPA's bundles, because the policy comes from them. Fields that OPA lacks are
//! under `lockgate`, above all the decision's index in the ledger, with which a receiver checks that it has all
//! decisions.

use std::collections::BTreeMap;

use lockgate_domain::{Digest, Gate};
use lockgate_ledger::{ContentState, Entry, LogSource, StoredEntry};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{DecisionLogConfig, InputKind, MaskRule};

/// The parts of a `decision` entry that an event needs. All are optional: an entry cannot be rewritten, so the event
/// uses the parts that are there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DecisionEntryBody {
    decision: Value,
    actor: EntryActor,
    path: Option<String>,
    input: Option<Value>,
    request: EntryRequest,
    team: Option<String>,
    passed: Option<bool>,
    deployment: Option<Digest>,
    evidence: Map<String, Value>,
    phases: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntryActor {
    person: Option<String>,
    credential: Option<String>,
    kind: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntryRequest {
    id: Option<String>,
    trace: Option<String>,
    span: Option<String>,
    peer: Option<String>,
}

/// Makes events from entries.
#[derive(Debug)]
pub(super) struct EventWriter {
    labels: BTreeMap<String, String>,
    input: InputKind,
    mask: Vec<MaskRule>,
}

impl EventWriter {
    pub(super) fn new(config: &DecisionLogConfig, server: &str) -> Self {
        let mut labels: BTreeMap<String, String> =
            [("app", "lockgate"), ("id", server), ("version", env!("CARGO_PKG_VERSION"))]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        labels.extend(config.labels.clone());
        Self { labels, input: config.input, mask: config.mask.clone() }
    }

    /// The event of an entry, masked, as one line of JSON.
    ///
    /// # Errors
    /// If the snapshot that the event needs cannot be read.
    pub(super) fn line(&self, stored: &StoredEntry, source: &dyn LogSource) -> Result<String, lockgate_ledger::Error> {
        let mut event = Map::new();
        event.insert("labels".to_owned(), json!(self.labels));
        match stored.read() {
            Ok(entry) => self.fill(&mut event, entry, source)?,
            // Never left out: the receiver must know that the entry cannot be read.
            Err(error) => {
                event.insert("decision_id".to_owned(), json!(stored.id));
                event.insert("timestamp".to_owned(), json!(stored.at));
                event.insert("error".to_owned(), json!({ "code": "unreadable", "message": error }));
            }
        }
        let place = json!({ "index": stored.index, "stream": stored.stream, "hash": stored.hash.to_string() });
        match (event.get_mut("lockgate"), place) {
            (Some(Value::Object(own)), Value::Object(place)) => own.extend(place),
            (_, place) => drop(event.insert("lockgate".to_owned(), place)),
        }
        for rule in &self.mask {
            rule.apply(&mut event);
        }
        Ok(Value::Object(event).to_string())
    }

    fn fill(
        &self,
        event: &mut Map<String, Value>,
        entry: Entry,
        source: &dyn LogSource,
    ) -> Result<(), lockgate_ledger::Error> {
        let body = entry.body;
        // The entry has another form, and is handed on as it is.
        let read = DecisionEntryBody::deserialize(&body).ok().filter(|read| read.decision.is_object());
        let DecisionEntryBody { decision, actor, path, input, request, team, passed, deployment, evidence, phases } =
            read.unwrap_or_else(|| DecisionEntryBody { decision: body, ..DecisionEntryBody::default() });
        let id = decision.get("id").and_then(Value::as_str).map(str::to_owned).or(entry.id);
        let input = match self.input {
            InputKind::Request => input,
            InputKind::Snapshot => snapshot(&decision, deployment, evidence, source)?,
            InputKind::None => None,
        };
        let bundles = bundles(&decision);
        let mut set = |key: &str, value: Option<Value>| drop(value.map(|value| event.insert(key.to_owned(), value)));
        set("decision_id", id.map(Value::from));
        set("trace_id", request.trace.map(Value::from));
        set("span_id", request.span.map(Value::from));
        set(
            "bundles",
            Some(Value::Object(bundles)).filter(|bundles| bundles.as_object().is_some_and(|b| !b.is_empty())),
        );
        set("path", gate(&decision).map(Value::from));
        set("input", input);
        set("requested_by", actor.person.or_else(|| request.peer.clone()).map(Value::from));
        set("timestamp", Some(json!(entry.at)));
        set("metrics", Some(metrics(&phases)).filter(|_| !phases.is_empty()));
        set("result", Some(decision));
        let own = [
            ("api", path.map(Value::from)),
            ("credential", actor.credential.map(Value::from)),
            ("credential_kind", actor.kind.map(Value::from)),
            ("passed", passed.map(Value::from)),
            ("peer", request.peer.map(Value::from)),
            ("request", request.id.map(Value::from)),
            ("team", team.map(Value::from)),
        ];
        let own: Map<String, Value> =
            own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        set("lockgate", Some(Value::Object(own)));
        Ok(())
    }
}

/// The gate's path in the data API, which a query of OPA would use.
fn gate(decision: &Value) -> Option<String> {
    let gate = Gate::deserialize(decision.get("gate")?).ok()?;
    Some(format!("lockgate/{}/{}", gate.stage.as_str(), gate.phase.as_str()))
}

/// The model and the plugins, with their revisions.
fn bundles(decision: &Value) -> Map<String, Value> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let named = |what: &str, name: &str, of: &Value| {
        let revision = format!("{}@{}", text(of, "version")?, text(of, "digest")?);
        Some((format!("{what}/{}", text(of, name)?), json!({ "revision": revision })))
    };
    let model = decision.get("model").and_then(|model| named("model", "id", model));
    let bindings = decision.get("bindings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let plugins = bindings.iter().filter_map(|binding| named("plugin", "name", binding.get("plugin")?));
    model.into_iter().chain(plugins).collect()
}

/// Timers in nanoseconds, under the same names as in the data API; the total is named as in OPA.
fn metrics(phases: &BTreeMap<String, u64>) -> Value {
    let timer = |phase: &String| match phase.as_str() {
        "total_ns" => "timer_server_handler_ns".to_owned(),
        "read_ns" => "timer_lockgate_read_state_ns".to_owned(),
        phase => format!("timer_lockgate_{phase}"),
    };
    phases.iter().map(|(phase, time)| (timer(phase), Value::from(*time))).collect::<Map<_, _>>().into()
}

/// The snapshot of the decision, put together from the stored deployment and the other fields of the entry. None if
/// retention has deleted the deployment.
fn snapshot(
    decision: &Value,
    deployment: Option<Digest>,
    evidence: Map<String, Value>,
    source: &dyn LogSource,
) -> Result<Option<Value>, lockgate_ledger::Error> {
    let Some(digest) = deployment else { return Ok(None) };
    let bytes = match source.content(&digest)?.map(|content| content.state) {
        Some(ContentState::Present(bytes)) => bytes,
        Some(ContentState::Deleted(_)) | None => return Ok(None),
    };
    let Ok(mut snapshot) = serde_json::from_slice::<Map<String, Value>>(&bytes) else { return Ok(None) };
    for (key, of_decision) in [("gate", "gate"), ("now", "at"), ("subject", "subject")] {
        if let Some(value) = decision.get(of_decision) {
            snapshot.insert(key.to_owned(), value.clone());
        }
    }
    snapshot.insert("evidence".to_owned(), evidence.into());
    Ok(Some(snapshot.into()))
}

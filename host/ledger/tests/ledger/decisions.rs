//! Decisions as a gate with one `four-eyes` makes them: what a ledger holds most of.

use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::{Append, ContentBlob, EntryDraft, ExpectedVersion};
use serde_json::{Value, json};

/// How many deployments are decided about in turns.
pub(crate) const DEPLOYMENTS: u64 = 64;

/// The decision of that number, with all that an engine writes with it. The number of decisions that came before about the same
/// deployment is the version that its stream has to have.
pub(crate) fn decision(number: u64) -> Append {
    let id = format!("shop-{}", number % DEPLOYMENTS);
    let stream = format!("decisions/checkout/{id}");
    let picture = ContentBlob::new("snapshot", "application/json", std::sync::Arc::new(picture(&id)));
    let at = Timestamp::from_millis(1_764_424_437_000 + i64::try_from(number).unwrap_or(0));
    let digest = |of: &str| Digest::of(format!("{of} {number}").as_bytes());
    let decision = format!("dec-{:012x}-{}", at.as_millis(), &digest("decision").hex()[..32]);
    let subject = Digest::of(format!("subject {id}").as_bytes());
    let body =
        body(&id, &decision, at, [digest("snapshot"), subject, picture.digest()], &digest("request").hex()[..32]);
    let entry = EntryDraft::new(&stream, "decision", at, &body).unwrap();
    let entry = entry.with_id(&decision).unwrap().of_team("checkout").unwrap().referring_to(picture.digest());
    let content = if number < DEPLOYMENTS { vec![picture] } else { Vec::new() };
    let expect = vec![ExpectedVersion { stream: format!("deployment/checkout/{id}"), version: 0 }];
    Append { entries: vec![entry], content, expect, ..Append::default() }
}

fn picture(id: &str) -> Vec<u8> {
    json!({ "id": id, "product": { "id": "shop" }, "scenario": "new-version" }).to_string().into_bytes()
}

fn body(id: &str, decision: &str, at: Timestamp, digests: [Digest; 3], request: &str) -> Value {
    let [snapshot, subject, picture] = digests;
    // The same in every decision of one release of Lockgate by one model.
    let [plugin, settings, model] = ["plugin", "settings", "model"].map(|of| Digest::of(of.as_bytes()));
    let message = "1 more person has to approve as `change-authority`; approvals of `rita`, who asked for the deployment, do \
                   not count";
    let need = json!({ "approvals": { "excluded": ["rita"], "missing": 1, "roles": ["change-authority"], "subject": subject } });
    let reason = |more: Value| {
        let mut reason = json!({ "code": "approvals-missing", "message": message });
        reason.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        reason
    };
    let of_binding = json!({ "blocking": true, "source": { "binding": "people" } });
    json!({
        "actor": { "credential": "token:404c01c96dc0", "kind": "service", "person": "pipeline" },
        "decision": {
            "at": at,
            "bindings": [{
                "answer": { "policy": {
                    "obligations": [], "reasons": [], "requirements": [reason(json!({ "need": need }))], "verdict": "require",
                } },
                "enforcement": "soft-mandatory",
                "id": "people",
                "kind": "approval-policy",
                "log": [],
                "log_dropped": 0,
                "plugin": { "digest": plugin, "name": "four-eyes", "version": "0.1.0" },
                "receipt": {
                    "component": plugin, "contract": "0.1.0", "fuel": 20_576, "function": "decide",
                    "host_calls": { "approvals": 1, "change": 1, "contributors": 1, "requester": 1, "subject": 1 },
                    "host_effort": 500, "peak_memory": 262_144, "settings": settings, "wall_time_us": 22,
                },
                "standing": "pending",
            }],
            "deployment": id,
            "gate": { "phase": "exit", "stage": "plan-and-approve" },
            "groups": [],
            "id": decision,
            "model": {
                "chosen_because": "applies, because `scenario == \"new-version\"`", "digest": model, "id": "shop",
                "version": "1.0.0",
            },
            "obligations": {},
            "reasons": [reason(of_binding.clone())],
            "requirements": [reason({
                let mut requirement = of_binding;
                requirement["need"] = need.clone();
                requirement
            })],
            "snapshot": snapshot,
            "subject": subject,
            "verdict": "pending",
        },
        "passed": false,
        "path": "authzen",
        "phases": { "evaluate_ns": 61_669, "read_ns": 7139, "snapshot_ns": 2570 },
        "picture": picture,
        "request": { "id": request, "peer": "127.0.0.1" },
        "team": "checkout",
    })
}

//! A snapshot to look at: release 4.2.0 of a shop, on its way to live.

use lockgate_domain::Snapshot;
use serde_json::{Value, json};

/// The snapshot as JSON, to be changed by a test.
pub(crate) fn snapshot_json() -> Value {
    json!({
        "id": "dep-1",
        "scenario": "new-version",
        "requester": {"id": "rita", "roles": ["developer"]},
        "contributors": [{"id": "carl"}],
        "product": {"id": "shop", "name": "Shop", "depends_on": ["stock"]},
        "release": {
            "id": "shop-4.2.0",
            "name": "Shop 4.2",
            "version": "4.2.0",
            "status": "published",
            "components": [
                {"name": "api", "kind": "software", "version": "4.2.0", "origin": "https://repo.example/api"},
                {"name": "größe", "kind": "data", "version": "7"}
            ],
            "defects": [{"id": "d-1", "title": "slow search", "severity": "low", "status": "accepted"}]
        },
        "environment": {"name": "live-eu", "kind": "live", "control": "full"},
        "change": {
            "id": "chg-7",
            "title": "Release 4.2",
            "category": "normal",
            "approval": "requested",
            "risk": "high",
            "window": {"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z"},
            "releases": ["shop-4.2.0"]
        },
        "actual_instances": [
            {"id": "shop-eu", "environment": "live-eu", "status": "running", "consumers": 1200}
        ],
        "labels": {"team": "checkout"},
        "facts": {"acme.cost": {"schema": "https://acme.example/cost", "json": {"eur": 12.5, "approved": true}}},
        "registers": {
            "kpis": [{"id": "k", "metric": "errors", "unit": "%", "at_most": 1.0, "latest": 2.0}],
            "fulfillment_books": [
                {"id": "f", "fulfills": "db", "automated": true, "execution_time": "1h 30m"}
            ]
        },
        "gate": {"stage": "plan-and-approve", "phase": "exit"},
        "now": "2026-11-24T19:30:00Z",
        "subject": format!("sha256:{}", "0".repeat(64)),
        "evidence": {
            "sbom": {
                "digest": format!("sha256:{}", "1".repeat(64)),
                "size": 2048,
                "media_type": "application/vnd.cyclonedx+json"
            }
        }
    })
}

/// The snapshot.
pub(crate) fn snapshot() -> Snapshot {
    read(snapshot_json())
}

/// A snapshot from JSON.
pub(crate) fn read(json: Value) -> Snapshot {
    serde_json::from_value(json).unwrap()
}

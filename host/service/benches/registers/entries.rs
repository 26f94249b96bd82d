//! The entries of the bench: what an organization with 1,000 products keeps, and the deployments that they are joined
//! to.

use lockgate_domain::{NewRegisterEntry, RegisterKind, TeamName, Timestamp};
use serde_json::{Value, json};

/// How many products there are, and how many teams own them.
pub(crate) const PRODUCTS: usize = 1_000;
const TEAMS: usize = 20;
/// How many indicators a product has.
pub(crate) const KPIS: usize = 10;

/// How many entries of each register a product has, and whether all teams share them. With some environments, suppliers
/// and entries about environments they make 100,000.
const OF_PRODUCT: [(RegisterKind, usize, bool); 13] = [
    (RegisterKind::Products, 1, true),
    (RegisterKind::Changes, 12, true),
    (RegisterKind::Releases, 5, false),
    (RegisterKind::Instances, 6, true),
    (RegisterKind::Kpis, KPIS, false),
    (RegisterKind::Monitors, 8, false),
    (RegisterKind::Events, 24, false),
    (RegisterKind::Incidents, 12, false),
    (RegisterKind::Orders, 8, false),
    (RegisterKind::ServiceContracts, 3, false),
    (RegisterKind::Runbooks, 4, false),
    (RegisterKind::Interactions, 4, false),
    (RegisterKind::Capacities, 3, true),
];

pub(crate) fn team_of(product: usize) -> TeamName {
    format!("team-{}", product % TEAMS).parse().unwrap()
}

pub(crate) fn deployment_id(product: usize) -> String {
    format!("deploy-{product}")
}

pub(crate) fn kpi_id(product: usize, number: usize) -> String {
    format!("product-{product}-kpis-{number}")
}

/// The deployment of a product, as the requester tells all of it: that of `examples/new-version`.
pub(crate) fn told(product: usize) -> Value {
    let text = include_str!("../../../../examples/new-version/deployment.json")
        .replace("deploy-lockgate-0.2.0-live", &deployment_id(product))
        .replace("\"lockgate-0.2.0\"", &format!("\"product-{product}-releases-0\""))
        .replace("\"CHG-1042\"", &format!("\"product-{product}-changes-0\""))
        .replace("\"live-", &format!("\"product-{product}-live-"))
        .replace("\"id\": \"lockgate\"", &format!("\"id\": \"product-{product}\""));
    let mut told: Value = serde_json::from_str(&text).unwrap();
    told["approvals"] = json!([]);
    told["history"] = json!([]);
    told
}

/// The same deployment, which only names what the registers hold.
pub(crate) fn named(product: usize) -> Value {
    let mut named = told(product);
    for (member, key) in [("product", "id"), ("release", "id"), ("environment", "name"), ("change", "id")] {
        named[member] = named[member][key].clone();
    }
    named.as_object_mut().unwrap().remove("actual_instances");
    named
}

/// The entries to import: for each register and team those that belong together. No team: all teams share them.
pub(crate) fn all(now: Timestamp) -> impl Iterator<Item = (RegisterKind, Option<TeamName>, Vec<NewRegisterEntry>)> {
    let entry = move |value: Value, concerns: Value| -> NewRegisterEntry {
        serde_json::from_value(json!({"value": value, "concerns": concerns, "as_of": now})).unwrap()
    };
    let environments: Vec<_> = ["development", "test", "staging", "live"]
        .map(|name| {
            let value = match name {
                "live" => told(0)["environment"].clone(),
                _ => json!({"name": name, "kind": name, "control": "full"}),
            };
            entry(value, json!({}))
        })
        .into();
    let suppliers = (0..16).map(|n| entry(json!({"id": format!("supplier-{n}"), "name": "A supplier"}), json!({})));
    let contracts =
        (0..10).map(|n| entry(service_contract(&format!("hosting-{n}")), json!({"environments": ["live"]})));
    let of_all = [
        (RegisterKind::Environments, None, environments),
        (RegisterKind::Suppliers, None, suppliers.collect()),
        (RegisterKind::ServiceContracts, None, contracts.collect()),
    ];
    let of_products = OF_PRODUCT.into_iter().flat_map(move |(register, count, shared)| {
        let owners = if shared { 1 } else { TEAMS };
        (0..owners).map(move |owner| {
            let products = (owner..PRODUCTS).step_by(owners);
            let entries = products.flat_map(|product| {
                let told = told(product);
                (0..count).map(move |number| {
                    entry(value(register, product, number, &told), concerns(register, product, number))
                })
            });
            (register, (!shared).then(|| team_of(owner)), entries.collect())
        })
    });
    of_all.into_iter().chain(of_products)
}

/// What an entry of a product concerns. Every fourth is about one environment.
fn concerns(register: RegisterKind, product: usize, number: usize) -> Value {
    use RegisterKind as R;
    let products = [format!("product-{product}")];
    match register {
        R::Products | R::Changes | R::Releases => json!({}),
        R::Instances | R::Kpis | R::Capacities => json!({ "products": products }),
        _ if number % 4 == 3 => json!({ "products": products, "environments": ["staging"] }),
        _ if number % 4 == 2 => json!({ "products": products, "environments": ["live"] }),
        _ => json!({ "products": products }),
    }
}

/// The value of an entry of a product. The first of those that a deployment names are those that the requester tells.
fn value(register: RegisterKind, product: usize, number: usize, told: &Value) -> Value {
    use RegisterKind as R;
    let id = format!("product-{product}-{register}-{number}");
    let instance = format!("product-{product}-live-{}", number % 3 + 1);
    let minute = number % 60;
    match register {
        R::Products => told["product"].clone(),
        R::Changes | R::Releases => {
            let mut value = told[if register == R::Changes { "change" } else { "release" }].clone();
            value["id"] = json!(id);
            value
        }
        R::Instances => {
            let mut value = told["actual_instances"][number % 3].clone();
            if number >= 3 {
                (value["id"], value["environment"]) = (json!(id), json!("staging"));
            }
            value
        }
        R::Kpis => json!({
            "id": kpi_id(product, number), "contract": format!("product-{product}-service-contracts-0"), "instance": instance,
            "metric": format!("latency of call {number}"), "unit": "ms", "at_most": 300.0, "budget": 0.01,
            "objective": "Calls are answered within the time that the contract promises"
        }),
        R::Monitors => json!({
            "id": id, "kind": "http", "instance": instance, "healthy": true, "last_status": "200 OK", "interval": "30s",
            "last_run": format!("2026-01-01T12:{minute:02}:00Z")
        }),
        R::Events => json!({
            "id": id, "category": "warning", "kind": "alert", "severity": "low", "open": number.is_multiple_of(8),
            "at": format!("2026-01-01T12:{minute:02}:00Z"), "instance": instance,
            "message": format!("The queue of worker {number} was longer than 100 for a minute")
        }),
        R::Incidents => json!({
            "id": id, "title": format!("The answers of call {number} were slow"), "status": "resolved", "open": false,
            "severity": "medium", "priority": "P3", "outage_start": format!("2026-01-01T10:{minute:02}:00Z"),
            "outage_end": format!("2026-01-01T11:{minute:02}:00Z"), "changes": [format!("product-{product}-changes-{number}")],
            "instances": [instance]
        }),
        R::Orders => json!({
            "id": id, "status": "fulfilled", "fulfilled": true, "placed": "2026-01-01T08:00:00Z",
            "supplier": format!("supplier-{}", product % 16), "required": {"size": "large", "location": "north"}
        }),
        R::ServiceContracts => service_contract(&id),
        R::Runbooks => json!({
            "id": id, "title": format!("Restart worker {number}"), "kind": "restart", "instance": instance, "deployed": true
        }),
        R::Interactions => json!({
            "id": id, "kind": "question", "at": "2026-01-01T09:00:00Z", "about": format!("product-{product}"),
            "title": "How do I change my address?"
        }),
        R::Capacities => json!({
            "id": id, "product": format!("product-{product}"), "kind": "memory", "unit": "GB", "total": 64.0, "used": 23.5
        }),
        other => panic!("no product has entries of `{other}` here"),
    }
}

fn service_contract(id: &str) -> Value {
    json!({
        "id": id, "kind": "sla", "provider": "supplier-1", "consumer": "The shop", "active": true,
        "objectives": ["99.9 % of calls are answered", "99 % of calls are answered within 300 ms"]
    })
}

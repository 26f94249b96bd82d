//! Deployments as teams would ask for them, drawn from a generator of random numbers.

use fastrand::Rng;
use lockgate_domain::Digest;
use serde_json::{Value, json};

use super::client::Account;
use super::models::Organisation;

/// A deployment, and the people around it.
pub(crate) struct Drawn {
    pub(crate) id: String,
    pub(crate) team: &'static str,
    pub(crate) requester: Account,
    pub(crate) document: Value,
}

pub(crate) const TEAMS: [&str; 5] = ["checkout", "shop", "payments", "identity-and-access", "search"];
const GIVEN: [&str; 12] = ["ada", "bo", "cy", "di", "edda", "farid", "grace", "hiro", "ines", "jonas", "kim", "lupe"];
const FAMILY: [&str; 8] = ["park", "lindqvist", "moreau", "castellanos", "osei", "haddad", "tanaka", "weber"];
const NOUNS: [&str; 12] = [
    "cart",
    "ledger",
    "mailer",
    "gateway",
    "catalogue",
    "reports",
    "invoices",
    "sessions",
    "search",
    "labels",
    "stock",
    "tickets",
];
const WORDS: [&str; 16] = [
    "faster",
    "start",
    "of",
    "the",
    "fix",
    "for",
    "time",
    "zones",
    "report",
    "customers",
    "see",
    "prices",
    "on",
    "Sundays",
    "again",
    "without",
];

pub(crate) fn one<'a, T: ?Sized>(random: &mut Rng, of: &[&'a T]) -> &'a T {
    of[random.usize(..of.len())]
}

/// Somebody of a team, in a role: one of four people.
pub(crate) fn somebody(random: &mut Rng, team: &'static str, role: &'static str) -> Account {
    let number = random.usize(..4);
    let (given, family) = (GIVEN[(role.len() + number) % GIVEN.len()], FAMILY[(team.len() + number) % FAMILY.len()]);
    let domain = if team.len().is_multiple_of(2) { "example.org" } else { "mail.example.com" };
    let person = match role {
        "pipeline" => format!("ci-{team}-{}", random.u8(1..4)),
        _ => format!("{given}.{family}@{domain}"),
    };
    Account { person, role, team }
}

pub(crate) fn sentence(random: &mut Rng) -> String {
    let words: Vec<&str> = (0..random.usize(3..9)).map(|_| one(random, &WORDS)).collect();
    words.join(" ")
}

fn digest(random: &mut Rng) -> String {
    Digest::of(&random.u128(..).to_be_bytes()).to_string()
}

pub(crate) fn version(random: &mut Rng) -> String {
    format!("{}.{}.{}", random.u8(0..12), random.u8(0..40), random.u8(0..10))
}

/// A deployment of some kind, with that number.
pub(crate) fn draw(random: &mut Rng, organisation: &Organisation, number: usize) -> Drawn {
    let team = one(random, &TEAMS);
    let requester = somebody(random, team, "pipeline");
    let (noun, more) = (one(random, &NOUNS), random.u8(1..30));
    let (product, scenario) = match random.u8(0..10) {
        7..10 if !organisation.has_examples => (format!("{}{noun}-{more}", organisation.service), "new-version"),
        0..4 => (format!("{}{noun}-{more}", organisation.service), "new-version"),
        4..7 => (format!("{}{noun}-{more}", organisation.platform), "new-version"),
        7 => ("hello".to_owned(), "new-version"),
        8 => (format!("{noun}-{more}"), "first-release"),
        _ => (format!("{noun}-{more}"), "removal"),
    };
    let (old, new) = (version(random), version(random));
    let release = format!("{product}-{new}");
    let last = format!("{product}-{old}");
    let origin = format!("{}/{team}/{product}@{}", organisation.origin, &digest(random)[7..14]);
    let kind = if random.bool() || scenario == "first-release" { "staging" } else { "live" };
    let environment = match kind {
        "live" => format!("live-{}", one(random, &["eu", "us", "apac"])),
        _ => kind.to_owned(),
    };
    let components: Vec<Value> = (0..random.usize(1..4))
        .map(|n| {
            json!({
                "name": if n == 0 { product.clone() } else { format!("{product}-{n}") },
                "kind": "software", "version": new, "digest": digest(random), "origin": origin,
                "media_type": one(random, &["application/octet-stream", "application/vnd.oci.image.manifest.v1+json"]),
            })
        })
        .collect();
    let instances = |release: &str, components: &[Value]| -> Vec<Value> {
        (1..=1 + number % 3)
            .map(|n| {
                json!({
                    "id": format!("{product}-{environment}-{n}"), "environment": environment, "release": release,
                    "status": "running", "components": components, "monitored": true, "documented": true,
                })
            })
            .collect()
    };
    let before = [json!({"name": product, "kind": "software", "version": old, "digest": digest(random)})];
    let id = format!("{product}-{}-{number}", new.replace('.', "-"));
    let way_back = match scenario {
        "new-version" => {
            json!({"kind": "last-known-good", "release": last, "digest": digest(random), "rehearsed_by": "deploy-staging"})
        }
        "first-release" => "removal".into(),
        _ => Value::Null,
    };
    let risk = one(random, &["low", "low", "medium", "high"]);
    let open = if random.u8(0..4) == 0 { "open" } else { "fixed" };
    let ticket = format!("{}-{}", team[..2].to_uppercase(), random.u16(1..4000));
    let mut document = json!({
        "id": id,
        "scenario": scenario,
        "requester": {"id": requester.person},
        "contributors": [{"id": format!("{}@example.org", one(random, &FAMILY))}],
        "product": {"id": product, "name": sentence(random)},
        "release": {
            "id": release, "name": format!("{product} {new}"), "version": new, "status": "published",
            "description": sentence(random), "digest": digest(random), "components": components,
            "notes": {"uri": format!("https://{team}.example.org/{product}/{new}"), "defects": [ticket]},
            "defects": [{
                "id": ticket, "title": sentence(random), "severity": one(random, &["low", "high"]), "status": open,
            }],
            "knowledge_items": [{
                "id": "ki-operating", "title": format!("Operating {product}"), "status": "published",
                "author": somebody(random, team, "developer").person,
            }],
        },
        "environment": {"name": environment, "kind": kind, "control": "full"},
        "change": {
            "id": format!("CHG-{}", random.u16(100..)), "title": format!("{product} {new} to {environment}"),
            "category": "normal", "approval": "approved", "risk": risk, "releases": [release],
        },
        "plan": {
            "id": format!("plan-{number}"), "priority": "normal", "criteria": [sentence(random)],
            "targets": instances(&release, &[]).iter().map(|instance| instance["id"].clone()).collect::<Vec<_>>(),
        },
    });
    if !way_back.is_null() {
        document["plan"]["way_back"] = way_back;
    }
    match scenario {
        "new-version" => {
            document["plan"]["point_of_no_return"] =
                if product.starts_with(&organisation.platform) { "retire".into() } else { "replace-stable".into() };
            document["desired_instances"] = instances(&release, &components).into();
            document["actual_instances"] = instances(&last, &before).into();
        }
        "first-release" => document["desired_instances"] = instances(&release, &components).into(),
        _ => {
            let by = somebody(random, team, "business-stakeholder").person;
            document["plan"]["data_retention"] =
                json!({"keep": "180d", "viewable_by_customer": true, "decided_by": by});
            document["plan"]["point_of_no_return"] = "retire-stable".into();
            document["actual_instances"] = instances(&last, &before).into();
        }
    }
    Drawn { id, team, requester, document }
}

//! Waivers: what they have to say, and what they are about.
use lockgate_domain::{InvalidWaiver, Snapshot, Waiver, read_value};
use serde_json::{Value, json};

fn waiver(edit: impl FnOnce(&mut Value)) -> Waiver {
    let mut value = json!({
        "id": "w-1", "owner": "ben", "reason": "the scanner is being replaced", "ticket": "RISK-7",
        "scope": {"bindings": ["licences"], "product": "shop"},
        "granted": "2026-11-24T08:00:00Z", "expires": "2026-11-25T08:00:00Z"
    });
    edit(&mut value);
    serde_json::from_value(value).unwrap()
}

fn snapshot() -> Snapshot {
    serde_json::from_value(json!({
        "id": "dep-1", "scenario": "first-release", "requester": {"id": "ana"}, "product": {"id": "shop"},
        "release": {"id": "shop-1", "name": "Shop", "version": "1.0.0", "status": "published", "components": []},
        "environment": {"name": "live", "kind": "live", "control": "full"},
        "change": {"id": "CHG-1", "title": "Shop", "category": "normal", "approval": "approved", "risk": "low",
                   "releases": ["shop-1"]},
        "gate": {"stage": "fulfill", "phase": "entrance"}, "now": "2026-11-24T20:30:00Z",
        "subject": lockgate_domain::Digest::of(b"subject")
    }))
    .unwrap()
}

#[test]
fn a_waiver_says_everything_that_it_has_to_say() {
    assert_eq!(waiver(|_| {}).check(), Ok(()));
    let without_ticket = Waiver { ticket: " ".to_owned(), ..waiver(|_| {}) };
    assert_eq!(without_ticket.check(), Err(InvalidWaiver::Empty("ticket")));
    assert_eq!(waiver(|value| value["scope"]["bindings"] = json!([])).check(), Err(InvalidWaiver::NoBinding));
    let boundless = waiver(|value| value["scope"] = json!({"bindings": ["licences"], "codes": ["denied-licence"]}));
    assert_eq!(boundless.check(), Err(InvalidWaiver::NoBorder));
    let ended = waiver(|value| value["expires"] = value["granted"].clone());
    assert!(matches!(ended.check(), Err(InvalidWaiver::Ended { .. })));
}

#[test]
fn a_waiver_without_an_expiry_is_not_read() {
    let mut value = json!(waiver(|_| {}));
    value.as_object_mut().unwrap().remove("expires");
    assert!(serde_json::from_value::<Waiver>(value).is_err());
}

#[test]
fn a_scope_that_can_never_fit_is_refused_with_its_place() {
    let refused = |pointer: &str, wrong: &str| {
        let mut value = json!(waiver(|_| {}));
        value["scope"]["codes"] = json!(["too-old"]);
        let (of, name) = pointer.rsplit_once('/').unwrap();
        match value.pointer_mut(of).unwrap() {
            Value::Array(items) => items[0] = json!(wrong),
            object => object[name] = json!(wrong),
        }
        let error = read_value::<Waiver>(&value).unwrap_err();
        assert_eq!(error.pointer, pointer);
        error.fault.to_string()
    };
    let borders = ["/scope/deployment", "/scope/product", "/scope/environment", "/scope/model", "/scope/bindings/0"];
    for pointer in borders {
        assert_eq!(refused(pointer, ""), "the id is empty: write one");
        assert_eq!(refused(pointer, "shop "), "the id begins or ends with a blank in `shop `: remove it");
        for pattern in ["*", " * "] {
            assert_eq!(
                refused(pointer, pattern),
                "the id is `*`, and patterns are not supported: write one id, or leave the field out"
            );
        }
    }
    for (pointer, what) in
        [("/reason", "the text"), ("/ticket", "the text"), ("/id", "the id"), ("/scope/codes/0", "the id")]
    {
        assert_eq!(refused(pointer, " "), format!("{what} is empty: write one"));
    }
}

#[test]
fn all_borders_of_a_scope_have_to_hold() {
    let snapshot = snapshot();
    assert!(snapshot.is_within(&waiver(|_| {}).scope, "m"));
    for (border, value) in [
        ("product", json!("till")),
        ("environment", json!("staging")),
        ("deployment", json!("dep-2")),
        ("model", json!("other")),
        ("gate", json!({"stage": "fulfill", "phase": "exit"})),
    ] {
        assert!(!snapshot.is_within(&waiver(|waiver| waiver["scope"][border] = value).scope, "m"), "{border}");
    }
}

#[test]
fn a_waiver_counts_from_when_it_is_granted_until_just_before_it_expires() {
    let waiver = waiver(|_| {});
    let counts = |text: &str| waiver.counts_at(text.parse().unwrap());
    assert!(!counts("2026-11-24T07:59:59.999Z"));
    assert!(counts("2026-11-24T08:00:00Z"));
    assert!(counts("2026-11-25T07:59:59.999Z"));
    assert!(!counts("2026-11-25T08:00:00Z"));
}

//! Waivers and overrides that stand in a deployment document: they count by the same rules as those that a server granted.

use lockgate_domain::{Digest, Verdict};
use lockgate_engine::LoadedModel;
use serde_json::{Value, json};

use crate::gate_support::{EXIT, FULFILL, approve, decide, deployment, load, snapshot};
use crate::service::stand::MODEL;

fn model() -> LoadedModel {
    load(&["four-eyes"], MODEL)
}

/// The verdict on a deployment of `rita` with the contributor `kim`, and with more in its document.
fn with(name: &str, value: Value) -> (Verdict, Vec<String>) {
    let mut document = deployment();
    document["contributors"] = json!([{"id": "kim"}]);
    document["involved"] = json!(["pam"]);
    document[name] = json!([value]);
    let decision = decide(&model(), EXIT, document);
    (decision.verdict, decision.reasons.into_iter().map(|reason| reason.code).collect())
}

fn waiver(owner: &str) -> (Verdict, Vec<String>) {
    with(
        "waivers",
        json!({
            "id": "w-1", "owner": owner, "reason": "r", "ticket": "T-1",
            "scope": {"bindings": ["people"], "deployment": "dep-1"},
            "granted": "2026-11-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"
        }),
    )
}

fn overridden(by: &str, confirmed_by: Option<&str>) -> (Verdict, Vec<String>) {
    let mut document = deployment();
    document["contributors"] = json!([{"id": "kim"}]);
    let subject = snapshot(&model(), EXIT, document).subject;
    with(
        "overrides",
        json!({
            "id": "o-1", "gate": EXIT, "binding": "people", "subject": subject, "by": by, "reason": "r",
            "at": "2026-11-24T20:00:00Z", "confirmed_by": confirmed_by
        }),
    )
}

#[test]
fn a_waiver_counts_unless_its_owner_is_involved() {
    let (verdict, codes) = waiver("bo");
    assert!(verdict == Verdict::Allow && codes.contains(&"waived".to_owned()), "{codes:?}");
    for owner in ["rita", "Rita", " RITA", "kim", "KIM", "pam", "Pam"] {
        let (verdict, codes) = waiver(owner);
        assert_eq!(verdict, Verdict::Pending, "{owner}");
        assert!(codes.contains(&"waiver-not-applicable".to_owned()), "{owner}: {codes:?}");
    }
}

#[test]
fn a_waiver_that_no_server_would_grant_does_not_count() {
    let good = json!({
        "id": "w-1", "owner": "bo", "reason": "r", "ticket": "T-1", "scope": {"bindings": ["people"], "deployment": "dep-1"},
        "granted": "2026-11-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"
    });
    let mut waiver = good.clone();
    waiver["scope"] = json!({"bindings": ["people"]});
    let mut document = deployment();
    document["waivers"] = json!([waiver]);
    let decision = decide(&model(), EXIT, document);
    assert_eq!(decision.verdict, Verdict::Pending);
    let said = decision.reasons.iter().find(|reason| reason.code == "waiver-not-applicable").unwrap();
    assert!(said.message.contains("has no border"), "{}", said.message);
    let mut all = good;
    all["scope"]["codes"] = json!([]);
    let refused = serde_json::from_value::<lockgate_domain::Waiver>(all).unwrap_err().to_string();
    assert!(refused.contains("name at least one code"), "{refused}");
}

#[test]
fn an_override_of_the_future_does_not_count() {
    let mut document = deployment();
    document["contributors"] = json!([{"id": "kim"}]);
    let subject = snapshot(&model(), EXIT, document).subject;
    let (verdict, codes) = with(
        "overrides",
        json!({
            "id": "o-1", "gate": EXIT, "binding": "people", "subject": subject, "by": "bo", "reason": "r",
            "at": "2027-01-01T00:00:00Z", "confirmed_by": "ann"
        }),
    );
    assert_eq!(verdict, Verdict::Pending);
    assert!(codes.contains(&"override-not-applicable".to_owned()), "{codes:?}");
}

#[test]
fn an_exception_without_a_reason_is_not_read() {
    for (what, exception) in [
        (
            "waivers",
            json!({
                "id": "w-1", "owner": "bo", "reason": " ", "ticket": "T-1",
                "scope": {"bindings": ["people"], "deployment": "dep-1"},
                "granted": "2026-11-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"
            }),
        ),
        (
            "overrides",
            json!({
                "id": "o-1", "gate": EXIT, "binding": "people", "subject": Digest::of(b""), "by": "bo", "reason": " ",
                "at": "2026-11-24T20:00:00Z", "confirmed_by": "ann"
            }),
        ),
    ] {
        let mut document = deployment();
        document[what] = json!([exception]);
        let refused = lockgate_domain::read_value::<lockgate_domain::Deployment>(&document).unwrap_err();
        assert_eq!(refused.pointer, format!("/{what}/0/reason"));
    }
}

#[test]
fn an_override_counts_with_two_people_of_whom_none_is_involved() {
    let (verdict, codes) = overridden("bo", Some("ann"));
    assert!(verdict == Verdict::Allow && codes.contains(&"overridden".to_owned()), "{codes:?}");
    for (by, confirmed_by, code) in [
        ("bo", None, "override-unconfirmed"),
        ("bo", Some("bo"), "override-unconfirmed"),
        ("bo", Some("BO"), "override-unconfirmed"),
        ("rita", Some("rita"), "override-not-applicable"),
        ("Rita", Some("ann"), "override-not-applicable"),
        ("bo", Some("kim"), "override-not-applicable"),
        ("bo", Some("KIM"), "override-not-applicable"),
        ("Pam", Some("ann"), "override-not-applicable"),
        ("bo", Some("rita"), "override-not-applicable"),
    ] {
        let (verdict, codes) = overridden(by, confirmed_by);
        assert_eq!(verdict, Verdict::Pending, "{by} {confirmed_by:?}");
        assert!(codes.contains(&code.to_owned()), "{by} {confirmed_by:?}: {codes:?}");
    }
}

/// Whatever the policy is set to: it does not see them.
#[test]
fn an_approval_of_somebody_involved_does_not_count_and_the_decision_says_so() {
    let lax = MODEL.replace("settings.required", "settings.exclude-contributors = false\n    settings.required");
    let model = load(&["four-eyes"], &lax);
    for name in ["rita", "Rita", "KIM", "Pam"] {
        let mut document = deployment();
        document["contributors"] = json!([{"id": "kim"}]);
        document["involved"] = json!(["pam"]);
        approve(&model, &mut document, name, "change-authority");
        let decision = decide(&model, EXIT, document);
        assert_eq!(decision.verdict, Verdict::Pending, "{name}");
        assert!(decision.reasons.iter().any(|reason| reason.code == "approval-not-independent"), "{name}");
    }
}

/// The host shows plugins everybody who was ever involved, so a policy that knows nothing of it excludes them.
#[test]
fn an_approval_of_somebody_who_was_ever_involved_does_not_count() {
    let model = model();
    for name in ["pam", "PAM", "kim", "Kim", "Rita"] {
        let mut document = deployment();
        document["contributors"] = json!([{"id": "kim"}]);
        document["involved"] = json!(["pam"]);
        approve(&model, &mut document, name, "change-authority");
        assert_eq!(decide(&model, EXIT, document).verdict, Verdict::Pending, "{name}");
    }
}

/// A window on Tuesday evening, closed at the snapshot's time, and a blackout that holds then.
const WINDOW: &str = r#"
    [[gates]]
    stage = "fulfill"
    phase = "entrance"
    [[gates.bindings]]
    id = "window"
    plugin = "change-window"
    enforcement = "soft-mandatory"
    settings.time-zone = "UTC"
    settings.planned-window = false
    settings.weekly = [{ days = ["mon"], from = "20:00", until = "22:00" }]
    settings.blackouts = [{ name = "Sale", from = "11-20", until = "11-30" }]
"#;

/// An answer has all of its reasons, so a waiver of one code lets nothing else through.
#[test]
fn a_waiver_of_a_closed_window_does_not_open_a_blackout() {
    let model = load(&["change-window"], WINDOW);
    let verdict = |codes: Value| {
        let mut document = deployment();
        document["waivers"] = json!([{
            "id": "w-1", "owner": "bo", "reason": "r", "ticket": "T-1",
            "scope": {"bindings": ["window"], "codes": codes, "deployment": "dep-1"},
            "granted": "2026-11-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"
        }]);
        let decision = decide(&model, FULFILL, document);
        let window = decision.bindings.iter().find(|binding| binding.id == "window");
        let waived = window.is_some_and(|binding| binding.exemption.is_some());
        let codes: Vec<String> = decision.reasons.into_iter().map(|reason| reason.code).collect();
        assert!(["blackout", "window-closed"].iter().all(|code| codes.contains(&(*code).to_owned())), "{codes:?}");
        waived
    };
    assert!(!verdict(json!(["window-closed"])));
    assert!(!verdict(json!(["blackout"])));
    assert!(verdict(json!(["blackout", "window-closed"])));
}

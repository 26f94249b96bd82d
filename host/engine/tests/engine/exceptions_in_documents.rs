//! Waivers and overrides that stand in a deployment document: they count by the same rules as those that a server granted.

use lockgate_domain::Verdict;
use lockgate_engine::LoadedModel;
use serde_json::{Value, json};

use crate::gate_support::{EXIT, approve, decide, deployment, load, snapshot};
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

//! Signatures of evidence: verified with the keys of the registers of suppliers and people, when it is handed in and at each
//! gate.

use lockgate_domain::{
    Decision, DetachedSignature, NewRegisterEntry, Phase, RegisterKind, Stage, Teams, Timestamp, Verdict, Verification,
};
use lockgate_service::authority::Actor;
use lockgate_service::signature::DSSE_ENVELOPE;
use lockgate_service::{AttachedEvidence, NewEvidence, RegisterRef, RegisterScope, ServiceError};
use lockgate_tests::signing::{EvidenceKey, envelope};
use serde_json::{Value, json};

use crate::service::stand::{Stand, ask_gate, gate, person, rita};

/// A model that demands evidence which the supplier acme signed.
const MODEL: &str = r#"
    unguarded = "allow"
    facts = { change.from = "told", environment.from = "told", instances.from = "told" }
    [evidence.scan]
    by = ["supplier:acme"]
    signed = true
    from-gate = "plan-and-approve/entrance"
"#;

const REPORT: &[u8] = b"the scan found nothing\n";
const IN_TOTO: &str = "application/vnd.in-toto+json";

fn owner() -> Actor {
    Actor { teams: Teams::All, ..person("sue", &["service-owner", "governance"]) }
}

fn supplier(id: &str, keys: &Value) -> Value {
    json!({"id": id, "name": id, "keys": keys})
}

fn key(id: &str, key: &EvidenceKey) -> Value {
    json!({"id": id, "public_key": key.pem()})
}

fn team() -> lockgate_domain::TeamName {
    "checkout".parse().unwrap()
}

impl Stand {
    fn signed() -> Self {
        let stand = Self::with(MODEL);
        stand.request(|_| ()).unwrap();
        stand
    }

    fn keep(&self, register: RegisterKind, scope: RegisterScope<'_>, entry: &Value) {
        let entry: NewRegisterEntry = serde_json::from_value(entry.clone()).unwrap();
        let id = entry.value["id"].as_str().unwrap().to_owned();
        self.engine.attest_entry(&self.by(&owner()), register, &id, scope, &entry).unwrap();
    }

    /// Writes a supplier of the team.
    fn supplier(&self, id: &str, keys: &Value) {
        let entry = json!({ "value": supplier(id, keys) });
        self.keep(RegisterKind::Suppliers, RegisterScope::Team(&team()), &entry);
    }

    fn attach_as(
        &self,
        media_type: &str,
        bytes: &[u8],
        signature: Option<(&str, Option<&str>)>,
    ) -> Result<AttachedEvidence, ServiceError> {
        let signature = signature
            .map(|(signature, key)| DetachedSignature { signature: signature.to_owned(), key: key.map(str::to_owned) });
        let new = NewEvidence { signature, ..NewEvidence::new("scan", media_type, bytes) };
        self.engine.attach(&self.by(&rita()), "dep-1".into(), new).map(|done| done.value)
    }

    /// Attaches bytes with the signature that a key made of the report.
    fn attach(&self, bytes: &[u8], by: &EvidenceKey, key: Option<&str>) -> AttachedEvidence {
        self.attach_as("text/plain", bytes, Some((&by.sign_base64(REPORT), key))).unwrap()
    }

    fn attach_envelope(&self, envelope: &Value) -> Result<AttachedEvidence, ServiceError> {
        self.attach_as(DSSE_ENVELOPE, &serde_json::to_vec(envelope).unwrap(), None)
    }

    fn decision(&self) -> Decision {
        let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
        Decision::clone(&ask_gate(&self.engine, &rita(), "dep-1", entrance, self.now()).unwrap())
    }

    /// The codes of what stands in the way at the gate; none if it allows.
    fn codes(&self) -> Vec<String> {
        let decision = self.decision();
        let blocking = decision.reasons.iter().filter(|reason| reason.blocking);
        let codes: Vec<String> = blocking.map(|reason| reason.code.clone()).collect();
        assert_eq!(decision.verdict == Verdict::Allow, codes.is_empty(), "{:?}", decision.reasons);
        codes
    }
}

fn told(attached: &AttachedEvidence) -> (Verification, Option<&str>, &str) {
    let AttachedEvidence { evidence, signature } = attached;
    (evidence.verification, evidence.verified_by.as_deref(), signature.as_deref().unwrap_or_default())
}

const DENIED: [&str; 2] = ["evidence-attester-not-allowed", "evidence-not-verified"];

#[test]
fn a_signature_of_the_supplier_s_key_lets_through_and_nothing_else_does() {
    for acme in [EvidenceKey::ed25519(), EvidenceKey::p256()] {
        let (stand, beta) = (Stand::signed(), EvidenceKey::p256());
        assert_eq!(stand.codes(), ["evidence-missing"]);
        // Unsigned.
        let unsigned = stand.attach_as("text/plain", REPORT, None).unwrap();
        assert_eq!(told(&unsigned), (Verification::Absent, None, ""));
        assert_eq!(stand.codes(), DENIED);
        // Nobody has a key.
        let attached = stand.attach(REPORT, &acme, None);
        let why = "no entry of the registers `suppliers` and `people` has a key: put the signer's into theirs";
        assert_eq!(told(&attached), (Verification::Unchecked, None, why));
        assert_eq!(stand.codes(), DENIED);
        // The same evidence, without being attached again.
        stand.supplier("beta", &json!([key("build", &beta)]));
        stand.supplier("acme", &json!([key("old", &EvidenceKey::ed25519()), key("build", &acme)]));
        assert_eq!(stand.codes(), [""; 0]);
        let verified = (Verification::Verified, Some("supplier:acme#build"), "verified with `supplier:acme#build`");
        assert_eq!(told(&stand.attach(REPORT, &acme, None)), verified);
        for name in ["build", "supplier:acme#build"] {
            assert_eq!(told(&stand.attach(REPORT, &acme, Some(name))), verified);
            assert_eq!(stand.codes(), [""; 0]);
        }
        // Other content.
        let attached = stand.attach(b"the scan found something\n", &acme, None);
        let why = "the signature is wrong, or its key is unknown: of 3 keys of the registers `suppliers` and `people` that may \
                   have made it, none did";
        assert_eq!(told(&attached), (Verification::Failed, None, why));
        assert_eq!(stand.codes(), DENIED);
        // A key that is in no register; and one of another id.
        assert_eq!(stand.attach(REPORT, &EvidenceKey::ed25519(), None).evidence.verification, Verification::Failed);
        assert_eq!(stand.attach(REPORT, &acme, Some("old")).evidence.verification, Verification::Failed);
        let attached = stand.attach(REPORT, &acme, Some("supplier:beta#build"));
        assert_eq!(attached.evidence.verification, Verification::Failed);
        let attached = stand.attach(REPORT, &acme, Some("next"));
        assert_eq!(attached.evidence.verification, Verification::Unchecked);
        assert!(attached.signature.unwrap().contains("has a key `next`"));
        // The key of another supplier.
        let attached = stand.attach(REPORT, &beta, None);
        assert_eq!(attached.evidence.verified_by.as_deref(), Some("supplier:beta#build"));
        assert_eq!(stand.codes(), ["evidence-attester-not-allowed"]);
        let message = "`rita` attached the evidence `scan`, signed by `supplier:beta`, and it counts if `supplier:acme` attests it";
        assert_eq!(stand.decision().reasons[0].message, message);
    }
}

#[test]
fn a_key_that_was_withdrawn_or_is_over_no_longer_counts_at_the_next_gate() {
    let (stand, acme) = (Stand::signed(), EvidenceKey::p256());
    let now: Timestamp = stand.now();
    let at = |minutes: i64| Timestamp::from_millis(now.as_millis() + minutes * 60_000);
    let valid = json!([{
        "id": "build", "public_key": acme.pem(), "valid_from": at(10), "valid_until": at(20),
    }]);
    stand.supplier("acme", &valid);
    let attached = stand.attach(REPORT, &acme, None);
    let why = format!(
        "`supplier:acme#build` made the signature, and this key is valid from {} on: it does not count",
        at(10)
    );
    assert_eq!(told(&attached), (Verification::Unchecked, None, &*why));
    assert_eq!(stand.codes(), DENIED);
    stand.later(10);
    assert_eq!(stand.codes(), [""; 0]);
    stand.later(10);
    assert_eq!(stand.codes(), DENIED);
    let reasons = stand.decision().reasons;
    assert_eq!(
        reasons[1].message,
        "the evidence `scan` needs a verified signature: the registers have no valid key for its signature"
    );
    // The entry as a whole may end as well.
    let entry = json!({"value": supplier("acme", &json!([key("build", &acme)])), "valid_until": at(30)});
    stand.keep(RegisterKind::Suppliers, RegisterScope::Team(&team()), &entry);
    assert_eq!(stand.codes(), [""; 0]);
    stand.later(10);
    assert_eq!(stand.codes(), DENIED);
    // Taken out of the entry, put back, and withdrawn with the entry.
    stand.supplier("acme", &json!([key("build", &acme)]));
    assert_eq!(stand.codes(), [""; 0]);
    stand.supplier("acme", &json!([]));
    assert_eq!(stand.codes(), DENIED);
    stand.supplier("acme", &json!([key("build", &acme)]));
    assert_eq!(stand.codes(), [""; 0]);
    let at = RegisterRef { register: RegisterKind::Suppliers, id: "acme", team: None, shared: false };
    stand.engine.withdraw_entry(&stand.by(&owner()), &at).unwrap();
    assert_eq!(stand.codes(), DENIED);
}

#[test]
fn a_shared_entry_takes_precedence_over_that_of_the_team_and_other_teams_have_no_say() {
    let (stand, acme, other) = (Stand::signed(), EvidenceKey::ed25519(), EvidenceKey::ed25519());
    let elsewhere = "billing".parse().unwrap();
    let entry = json!({ "value": supplier("acme", &json!([key("build", &acme)])) });
    stand.keep(RegisterKind::Suppliers, RegisterScope::Team(&elsewhere), &entry);
    assert_eq!(stand.attach(REPORT, &acme, None).evidence.verification, Verification::Unchecked);
    assert_eq!(stand.codes(), DENIED);
    stand.supplier("acme", &json!([key("build", &acme)]));
    assert_eq!(stand.codes(), [""; 0]);
    // Without any key, and with another one.
    for keys in [json!([]), json!([key("build", &other)])] {
        let entry = json!({ "value": supplier("acme", &keys) });
        stand.keep(RegisterKind::Suppliers, RegisterScope::Shared, &entry);
        assert_eq!(stand.codes(), DENIED, "{keys}");
    }
    stand.attach(REPORT, &other, None);
    assert_eq!(stand.codes(), [""; 0]);
}

#[test]
fn the_key_of_a_person_counts_as_that_person_and_gives_no_role() {
    let stand = Stand::with(&MODEL.replace("supplier:acme", "person:sid\", \"security"));
    stand.request(|_| ()).unwrap();
    let (sid, eve) = (EvidenceKey::ed25519(), EvidenceKey::p256());
    for (id, of) in [("Sid", &sid), ("eve", &eve)] {
        let entry = json!({"value": {"id": id, "roles": ["security"], "keys": [key("card", of)]}});
        stand.keep(RegisterKind::People, RegisterScope::Team(&team()), &entry);
    }
    let attached = stand.attach(REPORT, &sid, None);
    assert_eq!(attached.evidence.verified_by.as_deref(), Some("person:sid#card"));
    assert_eq!(stand.codes(), [""; 0]);
    stand.attach(REPORT, &eve, None);
    assert_eq!(stand.codes(), ["evidence-attester-not-allowed"]);
}

#[test]
fn an_envelope_holds_its_signatures_and_its_statement_says_what_it_is_about() {
    let (stand, acme, beta) = (Stand::signed(), EvidenceKey::p256(), EvidenceKey::ed25519());
    stand.supplier("acme", &json!([key("build", &acme)]));
    let digest = lockgate_domain::Digest::of(b"shop 2");
    let subject = json!([
        {"name": "shop", "digest": {"sha256": digest.hex().to_uppercase(), "sha512": "00"}},
        {"name": "commit", "digest": {"gitCommit": "abc"}},
    ]);
    let statement =
        json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "x", "predicate": {}});
    let payload = serde_json::to_vec(&statement).unwrap();

    let attached = stand.attach_envelope(&envelope(IN_TOTO, &payload, &[("", &acme)])).unwrap();
    assert_eq!(told(&attached).1, Some("supplier:acme#build"));
    assert_eq!(attached.evidence.subjects, [digest]);
    assert_eq!(stand.codes(), [""; 0]);
    // Two signatures, one of which is of a key that nobody knows; later both are known.
    let two = envelope(IN_TOTO, &payload, &[("3f1c", &beta), ("build", &acme)]);
    assert_eq!(told(&stand.attach_envelope(&two).unwrap()).1, Some("supplier:acme#build"));
    assert_eq!(stand.codes(), [""; 0]);
    stand.supplier("beta", &json!([key("release", &beta)]));
    let both = told(&stand.attach_envelope(&two).unwrap()).1.map(str::to_owned);
    assert_eq!(both.as_deref(), Some("supplier:acme#build\nsupplier:beta#release"));
    assert_eq!(stand.codes(), [""; 0]);
    // The signature covers the type of the payload and the payload.
    let good = envelope(IN_TOTO, &payload, &[("build", &acme)]);
    let mut other_type = good.clone();
    other_type["payloadType"] = "application/json".into();
    assert_eq!(stand.attach_envelope(&other_type).unwrap().evidence.verification, Verification::Failed);
    assert_eq!(stand.codes(), DENIED);
    let mut other = good.clone();
    other["payload"] = envelope(IN_TOTO, &[&payload[..], b" "].concat(), &[])["payload"].clone();
    assert_eq!(stand.attach_envelope(&other).unwrap().evidence.verification, Verification::Failed);
    // The bytes alone, signed without the envelope's encoding.
    let mut bare = good;
    bare["signatures"][0]["sig"] = acme.sign_base64(&payload).into();
    assert_eq!(stand.attach_envelope(&bare).unwrap().evidence.verification, Verification::Failed);
}

#[test]
fn what_is_no_envelope_or_no_signature_is_refused_with_its_place() {
    let (stand, acme) = (Stand::signed(), EvidenceKey::p256());
    let good = envelope(IN_TOTO, br#"{"_type": "https://in-toto.io/Statement/v1", "subject": []}"#, &[("", &acme)]);
    stand.attach_envelope(&good).unwrap();
    let no_statement = |payload: &[u8]| envelope(IN_TOTO, payload, &[("", &acme)]);
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let cases = [
        (json!([]), "", "expected"),
        (with("/payload", "%%".into()), "/payload", "the text is not base64"),
        (with("/payload", 7.into()), "/payload", "expected a"),
        (with("/payloadType", Value::Null), "/payloadType", "expected a"),
        (with("/signatures", json!([])), "/signatures", "an envelope has 1 to 16 signatures, and this one 0"),
        (with("/signatures/0/sig", "".into()), "/signatures/0/sig", "the text is empty"),
        (with("/signatures/0", json!({"keyid": "a"})), "/signatures/0/sig", "`sig` is required"),
        (no_statement(b"[]"), "/payload", "the payload is no in-toto statement"),
        (
            no_statement(br#"{"_type": "x", "subject": []}"#),
            "/payload",
            "at `/_type`: expected a type that begins with",
        ),
        (
            no_statement(br#"{"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": "7"}}]}"#),
            "/payload",
            "at `/subject/0/digest/sha256`",
        ),
    ];
    for (envelope, pointer, said) in cases {
        let error = stand.attach_envelope(&envelope).unwrap_err();
        let ServiceError::Invalid(errors) = &error else { panic!("{error:?}") };
        assert_eq!(errors[0].pointer, pointer, "{envelope}: {error}");
        assert!(errors[0].message.contains(said), "{envelope}: {error}");
    }
    let refused = |media_type: &str, signature: &str| {
        let error = stand.attach_as(media_type, REPORT, Some((signature, None))).unwrap_err();
        let ServiceError::Invalid(errors) = error else { panic!("{error:?}") };
        assert_eq!(errors[0].pointer, "/signature");
        errors[0].message.clone()
    };
    assert!(refused("text/plain", "-----BEGIN").contains("is not base64"));
    assert!(refused(&format!("{DSSE_ENVELOPE}; charset=utf-8"), "AAAA").contains("leave this one out"));
    assert!(refused(&DSSE_ENVELOPE.to_uppercase(), "AAAA").contains("leave this one out"));
}

//! Knowledge items, and the training of specialists.

use lockgate_plugin::types::{Evidence, Verification, person_kind};
use lockgate_plugin::{EvidenceNeeded, Need};

use super::*;

fn look(settings: &str, items: Vec<KnowledgeItem>) -> Report {
    let mut fixture = fixture();
    fixture.knowledge_items = items;
    run_with(&only("knowledge", settings), &fixture)
}

#[test]
fn each_item_is_validated_or_published_and_archived_ones_do_not_count() {
    let published = r#""knowledge-published": true"#;
    for (status, code, code_if_published) in [
        (KnowledgeStatus::Draft, Some("knowledge-not-validated"), Some("knowledge-not-validated")),
        (KnowledgeStatus::InReview, Some("knowledge-not-validated"), Some("knowledge-not-validated")),
        (KnowledgeStatus::Validated, None, Some("knowledge-not-published")),
        (KnowledgeStatus::Published, None, None),
        (KnowledgeStatus::Archived, None, None),
    ] {
        for (settings, code) in [("", code), (published, code_if_published)] {
            let report = look(settings, vec![item("K-1", KnowledgeStatus::Published), item("K-2", status)]);
            let expected: Vec<(&str, &str)> =
                code.into_iter().map(|code| (code, "/release/knowledge_items/1/status")).collect();
            assert_eq!(found(&report).1, expected, "{status:?} {settings}");
        }
    }
}

#[test]
fn a_release_without_items_or_with_archived_ones_alone_fails() {
    for items in [vec![], vec![item("K-1", KnowledgeStatus::Archived)]] {
        let report = look("", items);
        assert_eq!(found(&report), (Outcome::Failed, vec![("knowledge-missing", "/release/knowledge_items")]));
    }
}

#[test]
fn an_item_is_valid_until_the_moment_at_which_it_expires() {
    let expiring = |time: &str| {
        let expires = Some(Fixture::moment(time).as_millis());
        look("", vec![KnowledgeItem { expires, ..item("K-1", KnowledgeStatus::Validated) }])
    };
    assert_eq!(expiring("2026-11-24T12:00:01Z").outcome, Outcome::Passed);
    let report = expiring("2026-11-24T12:00:00Z");
    assert_eq!(found(&report), (Outcome::Failed, vec![("knowledge-expired", "/release/knowledge_items/0/expires")]));
    assert_eq!(report.findings[0].message, "the knowledge item `K-1` (How to run it) expired at 2026-11-24T12:00:00Z");
    let archived = KnowledgeItem { expires: Some(0), ..item("K-0", KnowledgeStatus::Archived) };
    assert_eq!(look("", vec![archived, item("K-1", KnowledgeStatus::Validated)]).outcome, Outcome::Passed);
}

const TRAINING: &str = r#""training": { "evidence": "training", "attesters": ["service:academy", "supplier:school"], "max-age": "1d", "verified": true }"#;

/// Evidence of a training that the academy attested an hour before noon, after a change.
fn trained(change: impl FnOnce(&mut Evidence)) -> Report {
    let fixture = fixture().with_evidence("training", "text/plain", "all of them");
    let mut fixture = fixture.attested_by("training", "academy", person_kind::SERVICE, &[]);
    let head = &mut fixture.evidence.get_mut("training").expect("evidence").head;
    head.attested = Some(Fixture::moment("2026-11-24T11:00:00Z").as_millis());
    head.verification = Verification::Verified;
    change(head);
    run_with(&only("", TRAINING), &fixture)
}

#[test]
fn a_training_that_is_shown_on_its_terms_passes() {
    assert_eq!(found(&trained(|_| {})), (Outcome::Passed, vec![]));
}

#[test]
fn a_training_that_a_supplier_signed_passes_whoever_attached_it() {
    let by = |key: &str| {
        trained(|head| {
            head.attester = Some("rita".to_owned());
            head.verified_by = Some(key.to_owned());
        })
    };
    assert_eq!(found(&by("supplier:school#k")), (Outcome::Passed, vec![]));
    let refused = (Outcome::Failed, vec![("training-attester-not-accepted", "/evidence/training")]);
    assert_eq!(found(&by("supplier:academy#k")), refused);
}

#[test]
fn each_flaw_of_the_evidence_has_its_own_code() {
    let at = |time: &str| Some(Fixture::moment(time).as_millis());
    type Change = Box<dyn FnOnce(&mut Evidence)>;
    let cases: [(Change, Outcome, &str); 7] = [
        (Box::new(|head| head.attester = None), Outcome::Inconclusive, "training-attester-unknown"),
        (Box::new(|head| head.attester = Some("rita".to_owned())), Outcome::Failed, "training-attester-not-accepted"),
        (Box::new(|head| head.attested = None), Outcome::Inconclusive, "training-age-unknown"),
        (Box::new(move |head| head.made = at("2026-11-23T11:59:59Z")), Outcome::Failed, "training-too-old"),
        (Box::new(move |head| head.valid_until = at("2026-11-24T12:00:00Z")), Outcome::Failed, "training-expired"),
        (Box::new(|head| head.verification = Verification::Unchecked), Outcome::Failed, "training-not-verified"),
        (Box::new(|head| head.verification = Verification::Failed), Outcome::Failed, "training-signature-wrong"),
    ];
    for (change, outcome, code) in cases {
        assert_eq!(found(&trained(change)), (outcome, vec![(code, "/evidence/training")]));
    }
}

#[test]
fn a_source_that_the_evidence_claims_does_not_count() {
    let report = trained(|head| {
        head.attester = Some("rita".to_owned());
        head.claimed_source = Some("academy".to_owned());
    });
    assert_eq!(
        report.findings[0].message,
        "the evidence `training`, which shows that the specialists are trained, was attached by `service:rita`, who may not \
         attest it"
    );
}

#[test]
fn missing_evidence_is_told_apart_from_evidence_that_is_not_granted() {
    let mut fixture = fixture();
    let report = run_with(&only("", TRAINING), &fixture);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("training-missing", "/evidence/training")]));
    let Need::Evidence(need) = &report.findings[0].remedies[0].need else { panic!("{report:?}") };
    let expected = EvidenceNeeded::named("training").attested_by(["service:academy", "supplier:school"]).verified();
    assert_eq!(*need, EvidenceNeeded { max_age: Some(86_400_000), ..expected });
    fixture.withheld = vec!["training".to_owned()];
    let report = run_with(&only("", TRAINING), &fixture);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("training-not-granted", "/evidence/training")]));
}

#[test]
fn nobody_has_to_show_a_training_that_the_settings_do_not_name() {
    assert_eq!(run(&fixture()).outcome, Outcome::Passed);
}

//! Who may do what at the gates: the people in each role that a gate needs, and where there is nobody.

use lockgate_domain::{AttestRules, Teams, Timestamp};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::Source;
use lockgate_server::auth::access::{self, AccessSources};
use lockgate_server::auth::token::{Tokens, revoke};
use lockgate_service::lifecycle::EventActor;
use lockgate_tests::Guest;
use serde_json::{Value, json};

use crate::api::stand::Stand;
use crate::decision_support::{TEAM, person, token};

/// The people of a row, as `id: roles`.
fn people(review: &Value, action: &str) -> Vec<String> {
    let row = review["items"].as_array().unwrap().iter().find(|row| row["action"] == action).unwrap();
    let person = |person: &Value| format!("{}: {}", person["id"].as_str().unwrap(), person["roles"]);
    row["people"].as_array().unwrap().iter().map(person).collect()
}

async fn revoke_token_of(stand: &Stand, who: &'static str) {
    let (storage, id) = (stand.storage(), stand.token_id(who));
    let by = EventActor::from(&person("ada", &["administrator"]));
    tokio::task::spawn_blocking(move || revoke(&*storage, &id, &by, None, Timestamp::now()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn each_gate_names_what_is_done_there_and_who_may() {
    let stand = Stand::new().await;
    let review = stand.get("ada", "/access").await.json();
    let items = review["items"].as_array().unwrap();
    let actions: Vec<&str> = items.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["pass", "approve", "waive", "override", "confirm-override", "review"]);
    for row in items {
        assert_eq!(row["gate"], json!({ "stage": "plan-and-approve", "phase": "exit" }));
        assert_eq!(row["rules"], json!([]), "no rule is configured");
    }
    assert_eq!(people(&review, "approve"), [r#"ben: ["change-authority"]"#]);
    assert_eq!(people(&review, "pass")[..2], [r#"mia: ["release-manager"]"#, r#"olga: ["operations-manager"]"#]);
    assert_eq!(people(&review, "review").len(), 3, "ben, gus and olga: {review:#}");
    let ben = &items[1]["people"][0];
    assert_eq!((&ben["token"], &ben["kind"]), (&json!(stand.token_id("ben")), &json!("person")));
    assert_eq!(ben["teams"], json!({ "named": [TEAM] }));
    assert_eq!(review["warnings"], json!([]));
    stand.shutdown().await;
}

#[tokio::test]
async fn a_role_that_a_gate_needs_and_nobody_holds_is_warned_of() {
    let stand = Stand::new().await;
    for who in ["ben", "olga"] {
        revoke_token_of(&stand, who).await;
    }
    let review = stand.get("ada", "/access").await.json();
    assert_eq!(people(&review, "approve"), [""; 0]);
    let warnings = review["warnings"].as_array().unwrap();
    let told: Vec<(&str, &str)> =
        warnings.iter().map(|told| (told["code"].as_str().unwrap(), told["action"].as_str().unwrap())).collect();
    assert_eq!(told, [("role-without-people", "approve"), ("no-second-person", "confirm-override")]);
    let message = warnings[0]["message"].as_str().unwrap();
    assert!(message.contains("at plan-and-approve exit nobody can approve"), "{message}");
    assert!(message.contains("`change-authority`"), "{message}");

    // A token that is narrowed to other rights is none for it, nor is one for another team.
    let mut narrowed = person("kim", &["change-authority"]);
    narrowed.scopes = Some([lockgate_domain::Right::Read].into());
    token(&*stand.storage(), &narrowed);
    let review = stand.get("ada", "/access").await.json();
    assert_eq!(people(&review, "approve"), [""; 0]);
    token(&*stand.storage(), &person("kim", &["change-authority"]));
    let review = stand.get("ada", "/access").await.json();
    assert_eq!(people(&review, "approve"), [r#"kim: ["change-authority"]"#]);
    let review = stand.get("ada", "/access?team=another").await.json();
    assert_eq!(people(&review, "approve"), [""; 0]);
    stand.shutdown().await;
}

/// The schema of a policy that asks for people in whatever role.
const PEOPLE: &str = r#"{"properties": {"people": {"type": "integer", "format": "lockgate-people"}}}"#;

#[tokio::test]
async fn whoever_may_approve_is_listed_where_people_of_any_role_are_needed_and_too_few_are_warned_of() {
    let stand = Stand::new().await;
    let storage = stand.storage();
    let review = move |wanted: u64| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("guest.wasm"), Guest { schema: PEOPLE, ..Guest::default() }.component())
            .unwrap();
        let text = format!(
            "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n[plugins.guest]\ncomponent = \"guest.wasm\"\n\
             [[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n[[gates.bindings]]\nid = \"people\"\nplugin = \"guest\"\n\
             enforcement = \"hard-mandatory\"\nsettings.people = {wanted}\n"
        );
        let component = std::fs::read(folder.path().join("guest.wasm")).unwrap();
        let digests = [("guest".to_owned(), lockgate_domain::Digest::of(&component))].into();
        let source = Source::new("model.toml", lockgate_engine::model::pin(&text, &digests).unwrap());
        let model = LoadedModel::load(&lockgate_tests::runtime(), &source, folder.path()).unwrap().model;
        let tokens = Tokens::read(&*storage).unwrap();
        let attest = &AttestRules::default();
        let sources =
            AccessSources { tokens: &tokens, rules: Some(&[]), attest, teams: &Teams::All, now: Timestamp::now() };
        serde_json::to_value(access::review([&model], sources)).unwrap()
    };
    let (enough, too_few, none) = tokio::task::spawn_blocking(move || (review(2), review(7), review(0))).await.unwrap();
    let row =
        |review: &Value| review["items"].as_array().unwrap().iter().find(|row| row["action"] == "approve").cloned();
    let any = row(&enough).unwrap();
    assert_eq!((&any["roles"], &any["needed"]), (&json!([]), &json!(2)), "{any:#}");
    let approvers = ["ben: [\"change-authority\"]", "mia: [\"release-manager\"]", "olga: [\"operations-manager\"]"];
    assert_eq!(people(&enough, "approve"), approvers);
    assert_eq!(enough["warnings"], json!([]));
    let warning = &too_few["warnings"][0];
    assert_eq!(warning["code"], "too-few-people");
    let message = warning["message"].as_str().unwrap();
    assert!(
        message.contains("at plan-and-approve exit 7 different people have to approve, and only `ben` and"),
        "{message}"
    );
    assert!(message.contains("a role that has the right `approve`"), "{message}");
    assert_eq!(row(&none), None);
    stand.shutdown().await;
}

#[tokio::test]
async fn those_who_may_attest_the_demanded_facts_and_attach_the_demanded_evidence_are_listed() {
    let stand = Stand::new().await;
    let storage = stand.storage();
    token(&*storage, &person("itsm", &["pipeline"]));
    token(&*storage, &person("sec", &["security-officer"]));
    let review = move |attest: Value| {
        let text = "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\nroles = [\"security-officer\"]\n\
                    [facts]\nchange = { from = \"register\", by = [\"service:itsm\", \"change-authority\"] }\n\
                    environment.from = \"told\"\n[evidence.pentest]\nby = [\"security-officer\"]\n\
                    [evidence.scan]\nby = [\"supplier:acme\"]\n[evidence.review]\nby = [\"auditor\"]\n";
        let folder = tempfile::tempdir().unwrap();
        let source = Source::new("model.toml", text);
        let model = LoadedModel::load(&lockgate_tests::runtime(), &source, folder.path()).unwrap().model;
        let (tokens, rules) = (Tokens::read(&*storage).unwrap(), serde_json::from_value(attest).unwrap());
        let attest = &AttestRules::new(rules);
        let sources =
            AccessSources { tokens: &tokens, rules: Some(&[]), attest, teams: &Teams::All, now: Timestamp::now() };
        serde_json::to_value(access::review([&model], sources)).unwrap()
    };
    let (usual, configured) = tokio::task::spawn_blocking(move || {
        (review(json!([])), review(json!([{"registers": ["changes"], "by": ["service:itsm"]}])))
    })
    .await
    .unwrap();
    let of = |review: &Value, action: &str, about: &str| {
        let mut rows = review["items"].as_array().unwrap().iter();
        let row = rows.find(|row| row["action"] == action && row["about"] == about).unwrap();
        let ids = row["people"].as_array().unwrap().iter().map(|person| person["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(of(&usual, "attest-fact", "changes"), ["ben"]);
    assert_eq!(of(&configured, "attest-fact", "changes"), ["itsm"], "the rules of the server, and those of the model");
    assert_eq!(of(&usual, "attest-fact", "instances"), ["olga"], "what a live environment demands by itself");
    assert_eq!(of(&usual, "attach-evidence", "pentest"), ["sec"]);
    assert!(of(&usual, "attach-evidence", "scan").contains(&"rita".to_owned()), "anybody may attach what acme signs");
    let told = usual["items"].as_array().unwrap().iter().any(|row| row["about"] == "environments");
    assert!(!told, "{usual:#}");
    let warnings = usual["warnings"].as_array().unwrap();
    let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
    let message = warning["message"].as_str().unwrap();
    assert!(message.contains("nobody can attach the evidence `review`") && message.contains("`auditor`"), "{message}");
}

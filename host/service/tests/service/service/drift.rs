//! What went round the gates, and the way of a change.

use lockgate_domain::drift::DriftCode;
use lockgate_domain::{Digest, EnvironmentHop, Phase, RegisterKind, Stage};
use lockgate_service::{EntriesFilter, PageRequest, RegisterRef, RegisterScope, ServiceError};
use serde_json::{Value, json};

use crate::service::environment_flow::finish;
use crate::service::stand::{MODEL, Stand, ben, person, rita};

const PAGE: PageRequest = PageRequest { before: None, limit: 50 };

impl Stand {
    /// Attests an instance in live that has this component.
    fn running(&self, component: &Value) {
        let olga = person("olga", &["operations-manager"]);
        let value = json!({"id": "shop-live", "environment": "live", "status": "running", "components": component});
        let entry = serde_json::from_value(json!({"value": value, "concerns": {"products": ["shop"]}})).unwrap();
        let write = self.by(&olga);
        let scope = RegisterScope::OwnTeam;
        self.engine.attest_entry(&write, RegisterKind::Instances, "shop-live", scope, &entry).unwrap();
    }

    fn withdraw_instance(&self) {
        let olga = person("olga", &["operations-manager"]);
        let at = RegisterRef { register: RegisterKind::Instances, id: "shop-live", team: None, shared: false };
        self.engine.withdraw_entry(&self.by(&olga), &at).unwrap();
    }

    fn drift(&self) -> Vec<(DriftCode, Option<String>)> {
        let found = self.engine.drift(&rita(), &EntriesFilter::default(), PAGE).unwrap();
        found.items.into_iter().map(|finding| (finding.drift.code, finding.drift.deployed_by)).collect()
    }
}

fn component(version: &str) -> Value {
    let digest = Digest::of(format!("shop {version}").as_bytes());
    json!([{"name": "shop", "kind": "software", "version": version, "digest": digest}])
}

fn release(document: &mut Value, id: &str, version: &str) {
    document["id"] = json!(id);
    document["release"]["components"] = component(version);
}

#[test]
fn what_no_decision_allowed_is_drift_until_a_deployment_of_it_is_operational() {
    let stand = Stand::new();
    assert_eq!(stand.drift(), []);
    stand.running(&component("1"));
    assert_eq!(stand.drift(), [(DriftCode::NotAllowed, None)]);
    stand.request(|document| release(document, "dep-1", "1")).unwrap();
    finish(&stand, "dep-1");
    assert_eq!(stand.drift(), []);

    // The next one is under way, and its instance runs already.
    stand.request(|document| release(document, "dep-2", "2")).unwrap();
    stand.approved("dep-2");
    assert!(stand.pass("dep-2", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    assert_eq!(stand.drift(), []);
    stand.running(&component("2"));
    assert_eq!(stand.drift(), [(DriftCode::DeploymentNotEnded, Some("dep-2".to_owned()))]);
    stand.activities("dep-2", Stage::Fulfill);
    for (stage, phase) in [
        (Stage::Fulfill, Phase::Exit),
        (Stage::Validate, Phase::Entrance),
        (Stage::Validate, Phase::Exit),
        (Stage::Observe, Phase::Entrance),
    ] {
        assert!(stand.pass("dep-2", stage, phase).unwrap().passed);
    }
    stand.activities("dep-2", Stage::Observe);
    stand.hand_over("dep-2");
    assert!(stand.pass("dep-2", Stage::Observe, Phase::Exit).unwrap().passed);
    assert_eq!(stand.drift(), []);

    // Somebody went back without a deployment.
    stand.running(&component("1"));
    assert_eq!(stand.drift(), [(DriftCode::Superseded, Some("dep-1".to_owned()))]);
    let filter = EntriesFilter { environment: Some("test".to_owned()), ..EntriesFilter::default() };
    assert_eq!(stand.engine.drift(&rita(), &filter, PAGE).unwrap().items, []);

    stand.running(&json!([{"name": "shop", "kind": "software", "version": "1"}]));
    assert_eq!(stand.drift(), [(DriftCode::ContentUnknown, None)]);
}

#[test]
fn a_change_shows_its_deployments_from_environment_to_environment() {
    let stand = Stand::with(&format!("environments = [\"staging\", \"live\"]\n{MODEL}"));
    let into = |id: &'static str, environment: &'static str| {
        stand.request(|document| {
            document["id"] = json!(id);
            document["environment"]["name"] = json!(environment);
        })
    };
    assert!(matches!(
        stand.engine.change(&rita(), "CHG-1", stand.now()),
        Err(ServiceError::NotFound { what: "change", .. })
    ));
    into("staged", "staging").unwrap();
    finish(&stand, "staged");
    into("again", "staging").unwrap();
    finish(&stand, "again");
    into("released", "live").unwrap();
    let view = stand.engine.change(&rita(), "CHG-1", stand.now()).unwrap();
    assert_eq!(view.environments, ["staging", "live"].map(|name| EnvironmentHop::One(name.to_owned())));
    let hops: Vec<(&str, &str, &str, u32)> = view
        .deployments
        .iter()
        .map(|hop| {
            let summary = &hop.summary;
            (&*summary.id, &*summary.environment, summary.position.status(), hop.iteration)
        })
        .collect();
    assert_eq!(
        hops,
        [
            ("staged", "staging", "operational", 1),
            ("again", "staging", "operational", 2),
            ("released", "live", "awaiting-entrance", 1),
        ]
    );
    assert_eq!(view.entry, None);

    // A deployment that gets another change leaves this one.
    stand.engine.revise(&stand.by(&rita()), "released".into(), &json!({"change": {"id": "CHG-2"}})).unwrap();
    let ids = |change: &str| {
        let view = stand.engine.change(&rita(), change, stand.now()).unwrap();
        view.deployments.into_iter().map(|hop| hop.summary.id).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("CHG-1"), ids("CHG-2")),
        (vec!["staged".to_owned(), "again".to_owned()], vec!["released".to_owned()])
    );

    let change = json!({
        "id": "CHG-2", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low", "releases": ["shop-2"]
    });
    let entry = serde_json::from_value(json!({ "value": change })).unwrap();
    let ben = ben();
    let write = stand.by(&ben);
    stand.engine.attest_entry(&write, RegisterKind::Changes, "CHG-2", RegisterScope::OwnTeam, &entry).unwrap();
    assert_eq!(stand.engine.change(&rita(), "CHG-2", stand.now()).unwrap().entry.unwrap().version, 1);
}

/// Four eyes are asked for where something went round the gates.
const ASKS_FOR_DRIFT: &str = r#"
    [[gates]]
    stage = "plan-and-approve"
    phase = "entrance"
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "hard-mandatory"
    settings.required = [{ role = "change-authority" }]
    when = 'facts["lockgate.drift"].json.findings.exists(f, f.code == "not-allowed" && f.instance == "shop-live")'
"#;

#[test]
fn a_policy_sees_the_drift_in_the_target_environment_as_a_fact() {
    let stand = Stand::with(ASKS_FOR_DRIFT);
    stand.running(&component("1"));
    stand.request(|document| release(document, "dep-1", "2")).unwrap();
    let is_asked = || {
        let passed = stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
        passed.decision.reasons.iter().all(|reason| reason.code != "not-asked")
    };
    assert!(is_asked());
    stand.withdraw_instance();
    assert!(!is_asked(), "nothing runs, so nothing went round the gates");
}

#[test]
fn a_request_cannot_state_the_facts_of_the_host() {
    let stand = Stand::new();
    let forged = stand.request(|document| {
        document["facts"] = json!({"lockgate.drift": {"schema": "lockgate:drift@1", "json": {"findings": []}}});
    });
    let Err(ServiceError::Invalid(mistakes)) = forged else { panic!("{forged:?}") };
    assert_eq!(mistakes[0].pointer, "/deployment/facts/lockgate.drift");
}

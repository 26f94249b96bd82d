//! What is judged is known, not told: a gate that demands registers denies what their owners say is wrong, names who can turn
//! it, and no word of the requester turns it.

use lockgate_domain::{Decision, Digest, Phase, RegisterKind, Release, Stage, Verdict};
use lockgate_repeat::Repeat;
use lockgate_service::RegisterScope;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::service::stand::{Stand, ask_gate, gate, person, rita};

/// A model that demands every fact of its checks from the registers, and looks at all of them at the exit of fulfill.
const MODEL: &str = r#"
    unguarded = "allow"
    [facts]
    change.from = "register"
    environment.from = "register"
    product.from = "register"
    release.from = "register"
    instances.from = "register"
    kpis.from = "register"
    monitors.from = "register"
    incidents.from = "register"
    service-contracts.from = "register"
    orders.from = "register"
    fulfillment-books.from = "register"
    capacities.from = "register"
    runbooks.from = "register"
    suppliers.from = "register"
    [[gates]]
    stage = "fulfill"
    phase = "exit"
    [[gates.bindings]]
    id = "change"
    plugin = "change-authorized"
    enforcement = "hard-mandatory"
    [[gates.bindings]]
    id = "fulfillment"
    plugin = "fulfillment-ready"
    enforcement = "hard-mandatory"
    grants.facts = ["fulfillment-books", "orders", "capacities"]
    [[gates.bindings]]
    id = "readiness"
    plugin = "release-readiness"
    enforcement = "hard-mandatory"
    [[gates.bindings]]
    id = "service"
    plugin = "service-readiness"
    enforcement = "hard-mandatory"
    grants.facts = ["service-contracts", "kpis", "monitors", "incidents", "runbooks"]
    [[gates.bindings]]
    id = "suppliers"
    plugin = "supplier-evidence"
    enforcement = "hard-mandatory"
    grants.facts = ["suppliers", "service-contracts"]
    grants.evidence = ["third-party-readiness", "third-party-result"]
"#;

/// An entry that its owner attests: the register, and the value.
type Attested = (RegisterKind, Value);

/// Everything as it should be.
fn good() -> Vec<Attested> {
    use RegisterKind as R;
    let digest = Digest::of(b"shop 2");
    let release = json!({
        "id": "shop-2", "name": "Shop 2", "version": "2.0.0", "status": "published",
        "components": [{"name": "shop", "kind": "software", "version": "2.0.0", "digest": digest}],
        "notes": {"uri": "https://example.org/notes", "digest": digest},
        "knowledge_items": [{"id": "K-1", "title": "t", "status": "published", "author": "ada"}],
    });
    let whole = serde_json::from_value::<Release>(release.clone()).unwrap().computed_digest();
    let window = json!({"start": "2026-11-24T19:00:00Z", "end": "2026-11-25T20:00:00Z"});
    vec![
        (
            R::Changes,
            json!({
                "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
                "releases": ["shop-2"], "window": window,
            }),
        ),
        (R::Environments, json!({"name": "live", "kind": "live", "control": "full"})),
        (R::Products, json!({"id": "shop"})),
        (R::Releases, with(&release, &json!({"digest": whole}))),
        (R::Instances, json!({"id": "shop-live", "environment": "live", "status": "running", "release": "shop-2"})),
        (
            R::ServiceContracts,
            json!({"id": "SLA-1", "kind": "sla", "provider": "ops", "consumer": "shops", "active": true}),
        ),
        (
            R::Kpis,
            json!({
                "id": "p99", "metric": "latency", "unit": "ms", "at_most": 300.0, "latest": 120.0,
                "measured": "2026-11-24T19:59:00Z",
            }),
        ),
        (
            R::Monitors,
            json!({
                "id": "M-1", "kind": "http", "instance": "shop-live", "healthy": true,
                "last_run": "2026-11-24T20:00:00Z", "interval": "1h",
            }),
        ),
        (R::Incidents, json!({"id": "INC-1", "title": "t", "status": "done", "open": false, "severity": "critical"})),
        (R::Runbooks, json!({"id": "RB-1", "title": "t", "kind": "restart", "deployed": true})),
        (R::Orders, json!({"id": "O-1", "status": "done", "fulfilled": true})),
        (R::FulfillmentBooks, json!({"id": "B-1", "fulfills": "db", "automated": true, "verified": true})),
        (
            R::Capacities,
            json!({"id": "C-1", "product": "shop", "kind": "memory", "unit": "GiBy", "total": 100.0, "used": 10.0}),
        ),
        (R::Suppliers, json!({"id": "hoster", "name": "Hoster"})),
    ]
}

/// What can be wrong: the register, how its value differs, the code of the reason, and who can turn it.
fn bad() -> Vec<(&'static str, RegisterKind, Value, &'static str, &'static str)> {
    use RegisterKind as R;
    vec![
        ("rejected change", R::Changes, json!({"approval": "rejected"}), "change-rejected", "change-authority"),
        (
            "change of another release",
            R::Changes,
            json!({"releases": ["shop-3"]}),
            "change-of-another-release",
            "change-authority",
        ),
        (
            "closed window",
            R::Changes,
            json!({"window": {"start": "2026-11-20T19:00:00Z", "end": "2026-11-20T20:00:00Z"}}),
            "change-window-over",
            "change-authority",
        ),
        ("control of nobody", R::Environments, json!({"control": "none"}), "third-party-missing", "operations-manager"),
        ("contract not active", R::ServiceContracts, json!({"active": false}), "contract-not-active", "service-owner"),
        ("KPI far over its bound", R::Kpis, json!({"latest": 150000.0}), "kpi-out-of-bounds", "operations-manager"),
        ("stale KPI", R::Kpis, json!({"measured": "2026-11-01T00:00:00Z"}), "kpi-stale", "operations-manager"),
        ("failed monitor", R::Monitors, json!({"healthy": false}), "monitor-unhealthy", "operations-manager"),
        ("critical incident", R::Incidents, json!({"open": true}), "incident-open", "operations-manager"),
        ("runbook not deployed", R::Runbooks, json!({"deployed": false}), "runbook-not-deployed", "operations-manager"),
        (
            "overdue order",
            R::Orders,
            json!({"fulfilled": false, "due": "2026-11-01T00:00:00Z"}),
            "order-overdue",
            "service-owner",
        ),
        ("unverified book", R::FulfillmentBooks, json!({"verified": false}), "book-not-verified", "operations-manager"),
        ("no capacity", R::Capacities, json!({"used": 99.0}), "capacity-too-little", "operations-manager"),
    ]
}

/// Names the change, the environment, the product and the release by their ids.
fn name_entries(document: &mut Value) {
    for (member, id) in [("change", "CHG-1"), ("environment", "live"), ("product", "shop"), ("release", "shop-2")] {
        document[member] = json!(id);
    }
}

impl Stand {
    fn attest_as_owner(&self, register: RegisterKind, value: &Value) {
        let roles = lockgate_domain::usual_attesters(register);
        let owner = person("owner", roles);
        let about = json!({"products": ["shop"]});
        let entry = match register.rule() {
            lockgate_domain::JoinRule::ById => json!({ "value": value }),
            lockgate_domain::JoinRule::ByConcern => json!({ "value": value, "concerns": about }),
        };
        let entry = serde_json::from_value(entry).unwrap();
        let id = value[register.key()].as_str().unwrap();
        let write = self.by(&owner);
        self.engine.attest_entry(&write, register, id, RegisterScope::OwnTeam, &entry).unwrap();
    }

    /// With registers in which all is well.
    fn with_attested(plugins: &[&str], model: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = crate::gate_support::load(plugins, model);
        let stand = Self::of(crate::service::stand::open(&folder, vec![model]), folder);
        for (register, value) in good() {
            stand.attest_as_owner(register, &value);
        }
        stand
    }

    /// A deployment in fulfill, about which the owners of all facts say that all is well.
    fn with_owners() -> Self {
        let plugins =
            ["change-authorized", "fulfillment-ready", "release-readiness", "service-readiness", "supplier-evidence"];
        let stand = Self::with_attested(&plugins, MODEL);
        stand
            .request(|document| {
                name_entries(document);
                document["plan"]["slot"] = json!({"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z"});
            })
            .unwrap();
        for (stage, phase) in [
            (Stage::PlanAndApprove, Phase::Entrance),
            (Stage::PlanAndApprove, Phase::Exit),
            (Stage::Fulfill, Phase::Entrance),
        ] {
            let passed = stand.pass("dep-1", stage, phase).unwrap();
            assert!(passed.passed, "{:?}", passed.decision.reasons);
        }
        stand
    }

    fn asked(&self) -> Decision {
        let exit = gate(Stage::Fulfill, Phase::Exit);
        Decision::clone(&*ask_gate(&self.engine, &rita(), "dep-1", exit, self.now()).unwrap())
    }
}

/// The value with these members.
fn with(value: &Value, members: &Value) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    value
}

/// The good value of a register, with these members.
fn changed(register: RegisterKind, change: &Value) -> Value {
    let (_, value) = good().into_iter().find(|(kind, _)| *kind == register).unwrap();
    let mut value = with(&value, change);
    if register == RegisterKind::Releases {
        value["digest"] = Value::Null;
        value["digest"] = json!(serde_json::from_value::<Release>(value.clone()).unwrap().computed_digest());
    }
    value
}

#[test]
fn each_fact_that_its_owner_says_is_wrong_denies_and_names_the_owner() {
    let stand = Stand::with_owners();
    let fine = stand.asked();
    assert_eq!(fine.verdict, Verdict::Allow, "{:#?}", fine.reasons);
    for (what, register, change, code, owner) in bad() {
        stand.attest_as_owner(register, &changed(register, &change));
        let denied = stand.asked();
        assert_ne!(denied.verdict, Verdict::Allow, "{what}");
        let codes: Vec<&str> =
            denied.reasons.iter().filter(|reason| reason.blocking).map(|reason| &*reason.code).collect();
        assert!(codes.contains(&code), "{what}: {codes:?}");
        let owners: Vec<&str> =
            denied.requirements.iter().filter_map(|needed| needed.requirement.owner.as_deref()).collect();
        assert!(owners.iter().any(|named| named.contains(owner)), "{what}: {owners:?}");
        stand.attest_as_owner(register, &changed(register, &json!({})));
        let fine = stand.asked();
        assert_eq!(fine.verdict, Verdict::Allow, "{what}, mended: {:#?}", fine.reasons);
    }
}

/// A model whose criteria the host checks itself.
const CRITERIA: &str = r#"
    criteria = "deploy-value-stream"
    [facts]
    change.from = "register"
    environment.from = "register"
    release.from = "register"
    instances.from = "register"
"#;

/// A fact that a criterion does not let pass: the gate, the register, how the value differs, the code, and the owner.
type UnmetFact = ((Stage, Phase), RegisterKind, Value, &'static str, &'static str);

/// What the owners of a release, a change and an environment can say that no criterion lets pass.
fn unmet() -> Vec<UnmetFact> {
    use RegisterKind as R;
    let entrance = (Stage::PlanAndApprove, Phase::Entrance);
    let components = |component: Value| {
        let shop = json!({"name": "shop", "kind": "software", "version": "2.0.0", "digest": Digest::of(b"shop 2")});
        json!({"components": [shop, component]})
    };
    let of_kind = |kind: &str| json!({"name": "more", "kind": kind, "version": "1", "digest": Digest::of(b"more")});
    let one =
        |kind: &str| (entrance, R::Releases, components(of_kind(kind)), "component-facts-missing", "release-manager");
    vec![
        (entrance, R::Releases, json!({"status": "accepted"}), "release-not-published", "release-manager"),
        one("hardware"),
        one("licence"),
        one("data"),
        one("documentation"),
        (entrance, R::Changes, json!({"trigger": "release"}), "trigger-without-reference", "change-authority"),
        (
            (Stage::Fulfill, Phase::Entrance),
            R::Environments,
            json!({"version": Digest::of(b"v2"), "applied": Digest::of(b"v1")}),
            "environment-differs-from-definition",
            "operations-manager",
        ),
        (
            (Stage::Fulfill, Phase::Entrance),
            R::Changes,
            json!({"window": {"start": "2026-11-20T19:00:00Z", "end": "2026-11-20T20:00:00Z"}}),
            "change-window-not-open",
            "change-authority",
        ),
        (
            (Stage::Observe, Phase::Exit),
            R::Instances,
            json!({"status": "stopped"}),
            "instance-not-running",
            "operations-manager",
        ),
        (
            (Stage::Observe, Phase::Exit),
            R::Instances,
            json!({"status": "removed"}),
            "instance-not-running",
            "operations-manager",
        ),
    ]
}

#[test]
fn each_criterion_that_its_owner_says_is_not_met_denies_and_names_the_owner() {
    for ((stage, phase), register, change, code, owner) in unmet() {
        let stand = Stand::with_attested(&[], CRITERIA);
        stand.request(name_entries).unwrap();
        let codes = |asked: Decision| -> Vec<(String, Option<String>)> {
            let of = |needed: &lockgate_domain::DecisionRequirement| {
                (needed.requirement.code.clone(), needed.requirement.owner.clone())
            };
            asked.requirements.iter().map(of).collect()
        };
        let ask = || {
            let asked = ask_gate(&stand.engine, &rita(), "dep-1", gate(stage, phase), stand.now()).unwrap();
            codes(Decision::clone(&*asked))
        };
        let unmet = (code.to_owned(), Some(owner.to_owned()));
        assert!(!ask().contains(&unmet), "{code}");
        stand.attest_as_owner(register, &changed(register, &change));
        assert!(ask().contains(&unmet), "{code} {change}: {:?}", ask());
        stand.attest_as_owner(register, &changed(register, &json!({})));
        assert!(!ask().contains(&unmet), "{code}, mended");
    }
}

#[test]
fn what_is_taken_back_after_the_approval_is_noticed_at_every_gate_that_follows() {
    use RegisterKind as R;
    let defect = json!({"id": "D-1", "title": "loses orders", "severity": "critical", "status": "open"});
    let stand = Stand::with_attested(&[], CRITERIA);
    stand.request(name_entries).unwrap();
    let unmet_at = |stage, phase| -> Vec<String> {
        let asked = ask_gate(&stand.engine, &rita(), "dep-1", gate(stage, phase), stand.now()).unwrap();
        asked.reasons.iter().map(|reason| reason.code.clone()).collect()
    };
    let gates: Vec<(Stage, Phase)> =
        Stage::ALL.into_iter().flat_map(|stage| Phase::ALL.map(|phase| (stage, phase))).collect();
    for (register, change, code, from, to) in [
        (R::Releases, json!({"status": "withdrawn"}), "release-not-published", 0, 7),
        (R::Releases, json!({"status": "draft"}), "release-not-published", 0, 7),
        (R::Releases, json!({"defects": [defect]}), "release-notes-incomplete", 0, 2),
        (R::Changes, json!({"approval": "requested"}), "change-not-authorized", 1, 7),
        (R::Changes, json!({"approval": "closed"}), "change-not-authorized", 1, 4),
    ] {
        for (index, (stage, phase)) in gates.iter().enumerate() {
            stand.attest_as_owner(register, &changed(register, &change));
            let is_noticed = unmet_at(*stage, *phase).iter().any(|unmet| unmet == code);
            assert_eq!(is_noticed, (from..=to).contains(&index), "{change} at {stage:?} {phase:?}");
            stand.attest_as_owner(register, &changed(register, &json!({})));
            assert!(!unmet_at(*stage, *phase).iter().any(|unmet| unmet == code), "{change} mended");
        }
    }
}

#[test]
fn a_release_that_its_owner_withdrew_is_denied() {
    let stand = Stand::with_owners();
    stand.attest_as_owner(RegisterKind::Releases, &changed(RegisterKind::Releases, &json!({"status": "withdrawn"})));
    let denied = stand.asked();
    let codes: Vec<&str> = denied.reasons.iter().filter(|reason| reason.blocking).map(|reason| &*reason.code).collect();
    assert_eq!((denied.verdict, codes), (Verdict::Deny, vec!["release-refused", "release-withdrawn"]));
}

#[test]
fn each_fact_that_nobody_attests_denies() {
    let stand = Stand::with_owners();
    for (register, value) in good() {
        let id = value[register.key()].as_str().unwrap();
        let at = lockgate_service::RegisterRef { register, id, team: None, shared: false };
        let owner = person("owner", lockgate_domain::usual_attesters(register));
        stand.engine.withdraw_entry(&stand.by(&owner), &at).unwrap();
        let denied = stand.asked();
        // The checks need no incident, no order and no supplier.
        let may_be_empty = [RegisterKind::Incidents, RegisterKind::Orders, RegisterKind::Suppliers];
        assert_eq!(
            denied.verdict == Verdict::Allow,
            may_be_empty.contains(&register),
            "{register}: {:#?}",
            denied.reasons
        );
        stand.attest_as_owner(register, &value);
    }
}

/// A patch by the requester: one member of the deployment, or of one of its parts, gets another value.
fn patch() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(json!("approved")),
        Just(json!("published")),
        Just(json!("full")),
        Just(json!("test")),
        Just(json!("low")),
        Just(json!("other")),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!(0)),
        Just(json!([])),
        Just(json!(["shop-2"])),
        Just(json!({})),
        Just(json!({"start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"})),
        Just(Value::Null),
    ];
    let member = prop_oneof![
        Just("approval"),
        Just("approved_by"),
        Just("category"),
        Just("window"),
        Just("releases"),
        Just("risk"),
        Just("status"),
        Just("control"),
        Just("third_party"),
        Just("kind"),
        Just("live"),
        Just("version"),
        Just("applied"),
        Just("trigger"),
        Just("trigger_reference"),
        Just("blueprint"),
        Just("id"),
        Just("name"),
        Just("components"),
        Just("digest"),
        Just("supplier"),
        Just("sourcing"),
        Just("knowledge_items"),
        Just("notes"),
        Just("depends_on"),
        Just("consumers"),
        Just("attributes"),
        Just("incidents"),
        Just("kpis"),
        Just("monitors"),
        Just("service_contracts"),
        Just("orders"),
        Just("fulfillment_books"),
        Just("capacities"),
        Just("runbooks"),
        Just("suppliers"),
    ];
    let part = prop_oneof![
        Just("change"),
        Just("environment"),
        Just("product"),
        Just("release"),
        Just("registers"),
        Just("facts"),
        Just("provenance"),
        Just("people"),
        Just("samples"),
        Just("requester"),
    ];
    let whole = prop_oneof![
        Just("scenario"),
        Just("actual_instances"),
        Just("desired_instances"),
        Just("contributors"),
        Just("labels"),
        Just("registers"),
        Just("history"),
        Just("gates_passed"),
        Just("approved"),
        Just("rollout"),
        Just("change"),
        Just("release"),
        Just("environment"),
    ];
    let good_part = prop_oneof![Just(0_usize), Just(1), Just(3)].prop_map(|index| {
        // The whole entry as it should be, told by the requester.
        let (register, value) = good().swap_remove(index);
        let member = ["change", "environment", "product", "release"][[
            RegisterKind::Changes,
            RegisterKind::Environments,
            RegisterKind::Products,
            RegisterKind::Releases,
        ]
        .iter()
        .position(|kind| *kind == register)
        .unwrap()];
        json!({ member: value })
    });
    let good_list = (5_usize..14).prop_map(|index| {
        let (register, value) = good().swap_remove(index);
        json!({ "registers": { register.as_str().replace('-', "_"): [value] } })
    });
    prop_oneof![
        (part, member, value.clone()).prop_map(|(part, member, value)| json!({ part: { member: value } })),
        (whole, value).prop_map(|(member, value)| json!({ member: value })),
        good_part,
        good_list,
    ]
}

proptest! {
    #![proptest_config(Repeat::new(6, 400).property())]

    #[test]
    fn no_word_of_the_requester_turns_what_an_owner_says(
        which in 0..bad().len(),
        patches in prop::collection::vec(patch(), 20..40),
    ) {
        let stand = Stand::with_owners();
        let (what, register, change, ..) = bad().swap_remove(which);
        stand.attest_as_owner(register, &changed(register, &change));
        prop_assert_ne!(stand.asked().verdict, Verdict::Allow, "{}", what);
        for patch in patches {
            // Whether it is refused or written makes no difference to the gate.
            let written = stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch);
            let verdict = stand.asked().verdict;
            prop_assert_ne!(verdict, Verdict::Allow, "{}: {} ({:?})", what, patch, written.is_ok());
        }
    }
}

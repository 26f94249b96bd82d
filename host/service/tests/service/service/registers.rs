//! Registers: who may attest, what is joined to a deployment, and what a request must not contradict.

mod joined_later;

use lockgate_domain::{
    AttestRules, CredentialKind, FactSource, NewRegisterEntry, NewSamples, Phase, RegisterEntry, RegisterKind, Stage,
    TeamName, Teams,
};
use lockgate_ledger::RetentionRule;
use lockgate_service::authority::{Actor, Forbidden};
use lockgate_service::lifecycle::ApprovalInvalid;
use lockgate_service::{
    EntriesFilter, IfMatch, ImportLine, NewDeployment, NewEvidence, PageRequest, RegisterRef, RegisterScope,
    RuleRefusal, ServiceError, WriteContext, register_content,
};
use serde_json::{Value, json};

use crate::gate_support::load;
use crate::service::stand::{MODEL, Stand, ask_gate, attested_by, ben, gate, open, person, rita};

const PAGE: PageRequest = PageRequest { before: None, limit: 50 };

pub(crate) fn olga() -> Actor {
    person("olga", &["operations-manager"])
}

fn of_all_teams(mut actor: Actor) -> Actor {
    actor.teams = Teams::All;
    actor
}

fn change(approval: &str, risk: &str) -> Value {
    json!({
        "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": approval, "risk": risk, "releases": ["shop-2"]
    })
}

fn new(value: Value) -> NewRegisterEntry {
    serde_json::from_value(json!({ "value": value })).unwrap()
}

pub(crate) fn about_shop(value: Value) -> NewRegisterEntry {
    serde_json::from_value(json!({ "value": value, "concerns": {"products": ["shop"]} })).unwrap()
}

impl Stand {
    pub(crate) fn attest(
        &self,
        by: &Actor,
        register: RegisterKind,
        entry: &NewRegisterEntry,
    ) -> Result<RegisterEntry, ServiceError> {
        let id = entry.value[register.key()].as_str().unwrap().to_owned();
        let write = self.by(by);
        self.engine.attest_entry(&write, register, &id, RegisterScope::OwnTeam, entry).map(|done| done.value)
    }
}

pub(crate) fn at<'a>(register: RegisterKind, id: &'a str) -> RegisterRef<'a> {
    RegisterRef { register, id, team: None, shared: false }
}

#[test]
fn an_entry_has_versions_and_says_who_attested_each() {
    let stand = Stand::new();
    let first = stand.attest(&ben(), RegisterKind::Changes, &new(change("requested", "low"))).unwrap();
    assert_eq!((first.version, first.supersedes, first.attested.by.written()), (1, None, "ben"));
    assert_eq!(first.attested.credential, "token:test");
    let second = stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    assert_eq!((second.version, second.supersedes), (2, Some(1)));
    let found = stand.engine.entry(&rita(), &at(RegisterKind::Changes, "CHG-1")).unwrap();
    assert_eq!(found, second);
    assert_eq!(found.value.unwrap()["description"], json!(""), "a value has all members that have a default");
    let history = stand.engine.entry_history(&rita(), &at(RegisterKind::Changes, "CHG-1"), PAGE).unwrap();
    assert_eq!(history.items.iter().map(|entry| entry.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(history.next, None);

    let withdrawn = stand.engine.withdraw_entry(&stand.by(&ben()), &at(RegisterKind::Changes, "CHG-1")).unwrap().value;
    assert_eq!((withdrawn.version, withdrawn.value, withdrawn.digest), (3, None, None));
    let gone = stand.engine.entry(&rita(), &at(RegisterKind::Changes, "CHG-1"));
    assert!(matches!(gone, Err(ServiceError::NotFound { .. })), "{gone:?}");
    let again = stand.engine.withdraw_entry(&stand.by(&ben()), &at(RegisterKind::Changes, "CHG-1"));
    assert!(matches!(again, Err(ServiceError::Refused(RuleRefusal::Over { .. }))), "{again:?}");
}

#[test]
fn only_those_whom_the_rules_name_attest() {
    let stand = Stand::new();
    let developer = person("dan", &["developer"]);
    let refused = stand.attest(&developer, RegisterKind::Changes, &new(change("approved", "low"))).unwrap_err();
    assert!(matches!(refused, ServiceError::Forbidden(Forbidden::Role { .. })), "{refused:?}");
    let refused = stand.attest(&rita(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap_err();
    assert!(matches!(refused, ServiceError::Forbidden(Forbidden::Attest { .. })), "{refused:?}");
    assert_eq!(refused.to_string(), "`rita` does not hold `attest:changes`: `change-authority` may attest there");
    // A credential that is limited to other rights cannot attest.
    let limited = Actor { scopes: Some([lockgate_domain::Right::Read].into()), ..ben() };
    let refused = stand.attest(&limited, RegisterKind::Changes, &new(change("approved", "low"))).unwrap_err();
    assert!(matches!(refused, ServiceError::Forbidden(Forbidden::Scope { .. })), "{refused:?}");
    // An entry of another team, and one of all teams.
    let actor = ben();
    let write = stand.by(&actor);
    let billing: TeamName = "billing".parse().unwrap();
    let entry = new(change("approved", "low"));
    let other =
        stand.engine.attest_entry(&write, RegisterKind::Changes, "CHG-1", RegisterScope::Team(&billing), &entry);
    assert!(matches!(other, Err(ServiceError::Invalid(_))), "{other:?}");
    let shared = stand.engine.attest_entry(&write, RegisterKind::Changes, "CHG-1", RegisterScope::Shared, &entry);
    assert!(matches!(shared, Err(ServiceError::Refused(RuleRefusal::SharedByAllTeams { .. }))), "{shared:?}");
}

#[test]
fn wrong_entries_name_the_place() {
    let stand = Stand::new();
    let mistake = |actor: &Actor, register: RegisterKind, entry: Value| {
        let entry: NewRegisterEntry = serde_json::from_value(entry).unwrap();
        let id = entry.value["id"].as_str().unwrap_or("x").to_owned();
        let write = stand.by(actor);
        match stand.engine.attest_entry(&write, register, &id, RegisterScope::OwnTeam, &entry) {
            Err(ServiceError::Invalid(mistakes)) => mistakes[0].pointer.clone(),
            other => panic!("{other:?}"),
        }
    };
    let mut wrong = change("approved", "low");
    wrong["risk"] = json!("huge");
    assert_eq!(mistake(&ben(), RegisterKind::Changes, json!({ "value": wrong })), "/value/risk");
    let late = json!({ "value": change("approved", "low"), "as_of": "2027-01-01T00:00:00Z" });
    assert_eq!(mistake(&ben(), RegisterKind::Changes, late), "/as_of");
    let over = json!({ "value": change("approved", "low"), "valid_until": "2026-01-01T00:00:00Z" });
    assert_eq!(mistake(&ben(), RegisterKind::Changes, over), "/valid_until");
    let concerns = json!({ "value": change("approved", "low"), "concerns": {"products": ["shop"]} });
    assert_eq!(mistake(&ben(), RegisterKind::Changes, concerns), "/concerns");
    let incident = json!({"id": "INC-1", "title": "t", "status": "new", "open": true, "severity": "high"});
    assert_eq!(mistake(&olga(), RegisterKind::Incidents, json!({ "value": incident })), "/concerns");
    let instance = json!({"id": "shop-live", "environment": "live", "status": "running"});
    let entry = json!({ "value": instance, "concerns": {"environments": ["live"]} });
    assert_eq!(mistake(&olga(), RegisterKind::Instances, entry), "/concerns");
    // The id of the path is another one.
    let entry = new(change("approved", "low"));
    let other =
        stand.engine.attest_entry(&stand.by(&ben()), RegisterKind::Changes, "CHG-2", RegisterScope::OwnTeam, &entry);
    let Err(ServiceError::Invalid(mistakes)) = other else { panic!("{other:?}") };
    assert_eq!(mistakes[0].pointer, "/value/id");
}

#[test]
fn a_write_may_depend_on_a_version() {
    let stand = Stand::new();
    let entry = new(change("requested", "low"));
    let actor = ben();
    let put = |version| {
        let write = WriteContext { if_match: Some(IfMatch::Version(version)), ..stand.by(&actor) };
        stand.engine.attest_entry(&write, RegisterKind::Changes, "CHG-1", RegisterScope::OwnTeam, &entry)
    };
    assert!(matches!(put(1), Err(ServiceError::VersionDiffers { expected: 1, actual: 0, .. })));
    assert_eq!(put(0).unwrap().version, 1);
    assert_eq!(put(1).unwrap().version, 2);
    assert!(matches!(put(1), Err(ServiceError::VersionDiffers { expected: 1, actual: 2, .. })));
}

#[test]
fn a_write_may_depend_on_the_existence_of_an_entry() {
    let stand = Stand::new();
    let entry = new(change("requested", "low"));
    let actor = ben();
    let put = |if_match| {
        let write = WriteContext { if_match, ..stand.by(&actor) };
        let done = stand.engine.attest_entry(&write, RegisterKind::Changes, "CHG-1", RegisterScope::OwnTeam, &entry);
        done.map(|done| done.version).map_err(|error| error.to_string())
    };
    let withdraw = || {
        let write = WriteContext { if_match: Some(IfMatch::Exists), ..stand.by(&actor) };
        let done = stand.engine.withdraw_entry(&write, &at(RegisterKind::Changes, "CHG-1"));
        done.map(|done| done.version)
    };
    let nothing =
        "there is no entry `CHG-1`, and `If-Match: *` asks for one: leave the header out to write the first version";
    assert_eq!(put(Some(IfMatch::Exists)), Err(nothing.to_owned()));
    // Without the condition, too, there is nothing to withdraw.
    assert!(matches!(withdraw(), Err(ServiceError::NotFound { .. })));
    assert_eq!(put(None), Ok(1));
    assert_eq!(put(Some(IfMatch::Exists)), Ok(2));
    assert_eq!(withdraw().unwrap(), 3);
    assert_eq!(put(Some(IfMatch::Exists)), Err(nothing.to_owned()), "a withdrawn entry is none");
    assert!(matches!(withdraw(), Err(ServiceError::Refused(RuleRefusal::Over { .. }))));
    assert_eq!(put(None), Ok(4));
}

#[test]
fn two_samples_of_one_moment_with_different_values_are_refused_with_the_place() {
    let stand = Stand::new();
    let kpi = about_shop(json!({"id": "latency", "metric": "p99", "unit": "ms"}));
    stand.attest(&olga(), RegisterKind::Kpis, &kpi).unwrap();
    let record = |values: [f64; 2]| {
        let samples = values.map(|value| json!({"at": "2026-11-24T19:00:00Z", "value": value}));
        let new: NewSamples = serde_json::from_value(json!({ "samples": samples })).unwrap();
        stand
            .engine
            .record_samples(&stand.by(&olga()), &at(RegisterKind::Kpis, "latency"), &new)
            .map(|done| done.value.total)
    };
    let refused = record([1.0, 2.0]);
    let Err(ServiceError::Invalid(mistakes)) = &refused else { panic!("{refused:?}") };
    assert_eq!(mistakes[0].pointer, "/samples/1/value");
    assert_eq!(record([1.0, 1.0]).unwrap(), 2);
}

#[test]
fn an_entry_takes_the_place_of_what_the_requester_told() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    assert!(stand.view("dep-1").deployment.provenance.is_empty(), "all of it was told");
    stand.attest(&ben(), RegisterKind::Changes, &new(change("rejected", "high"))).unwrap();
    let deployment = stand.view("dep-1").deployment;
    assert_eq!(json!(deployment.change)["approval"], json!("rejected"));
    let provenance = &deployment.provenance["/change"];
    assert_eq!(provenance.source, FactSource::Register);
    assert_eq!(provenance.attester.as_ref().unwrap().written(), "ben");
    assert_eq!(provenance.roles, ["change-authority"]);
    assert!(provenance.entry.is_some() && provenance.recorded.is_some() && provenance.as_of.is_some());
    // Without the entry, what was told counts again, as told.
    stand.engine.withdraw_entry(&stand.by(&ben()), &at(RegisterKind::Changes, "CHG-1")).unwrap();
    let deployment = stand.view("dep-1").deployment;
    assert_eq!((json!(deployment.change)["approval"].clone(), deployment.provenance.len()), (json!("approved"), 0));
}

#[test]
fn a_deployment_may_name_its_change_by_id_alone() {
    let stand = Stand::new();
    let unknown = stand.request(|document| document["change"] = json!("CHG-1"));
    let Err(ServiceError::Invalid(mistakes)) = unknown else { panic!("{unknown:?}") };
    assert_eq!(mistakes[0].pointer, "/deployment/change");
    assert!(mistakes[0].message.contains("`changes` has no entry `CHG-1`"), "{}", mistakes[0].message);
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    let view = stand.request(|document| document["change"] = json!("CHG-1")).unwrap().value;
    assert_eq!(view.deployment.change.title, "Shop 2");
    let view = stand
        .request(|document| {
            document["id"] = json!("dep-2");
            document["change"] = json!({"id": "CHG-1", "risk": "low"});
        })
        .unwrap()
        .value;
    assert_eq!(view.deployment.change.title, "Shop 2");
}

#[test]
fn a_request_that_contradicts_an_entry_is_refused_with_both_values() {
    let stand = Stand::new();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("rejected", "low"))).unwrap();
    let refused = stand.request(|_| {});
    let Err(ServiceError::Contradicts(found)) = &refused else { panic!("{refused:?}") };
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(one.pointer, "/deployment/change/approval");
    assert_eq!((&one.told, &one.attested), (&Some(json!("approved")), &Some(json!("rejected"))));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "at `/deployment/change/approval` the deployment tells \"approved\", and the register `changes` has \"rejected\" in \
         `CHG-1`: leave it out, or have the entry corrected"
    );
    // So is a revision.
    stand.request(|document| document["change"] = json!("CHG-1")).unwrap();
    let revise = |patch: Value| stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch);
    let refused = revise(json!({"change": {"approval": "approved"}}));
    let Err(ServiceError::Contradicts(found)) = &refused else { panic!("{refused:?}") };
    assert_eq!(found[0].pointer, "/change/approval");
    // What the revision does not state is not compared, although the entry has changed since.
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "medium"))).unwrap();
    let view = revise(json!({"plan": {"priority": "high"}, "change": {"risk": "medium"}})).unwrap().value;
    assert_eq!(json!(view.deployment.change)["approval"], json!("approved"));
    // The requester cannot add what the owner left out.
    let refused =
        revise(json!({"change": {"window": {"start": "2026-11-24T20:00:00Z", "end": "2026-11-25T20:00:00Z"}}}));
    let Err(ServiceError::Contradicts(found)) = &refused else { panic!("{refused:?}") };
    assert_eq!((found[0].pointer.as_str(), &found[0].attested), ("/change/window", &None));
}

#[test]
fn an_entry_that_changes_later_voids_the_approvals_and_wins_at_the_next_gate() {
    let stand = Stand::new();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    stand.request(|document| document["change"] = json!("CHG-1")).unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    let approval = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &approval).unwrap();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "critical"))).unwrap();
    let view = stand.view("dep-1");
    assert_eq!(view.approvals[0].void, Some(ApprovalInvalid::Changed { parts: vec!["change".to_owned()] }));
    assert!(!stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    let approval = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &approval).unwrap();
    assert!(stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    // After the approval, too.
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    let denied = stand.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap();
    assert!(!denied.passed);
    let codes: Vec<&str> = denied.decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert!(codes.contains(&"subject-differs-from-approved"), "{codes:?}");
}

#[test]
fn the_inventory_and_the_lists_are_those_of_the_registers() {
    let stand = Stand::new();
    let instance =
        |id: &str, environment: &str| about_shop(json!({"id": id, "environment": environment, "status": "running"}));
    for (id, environment) in [("shop-live", "live"), ("shop-test", "test")] {
        stand.attest(&olga(), RegisterKind::Instances, &instance(id, environment)).unwrap();
    }
    let incident = json!({"id": "INC-1", "title": "t", "status": "new", "open": true, "severity": "critical"});
    stand.attest(&olga(), RegisterKind::Incidents, &about_shop(incident.clone())).unwrap();
    let mut other = incident.clone();
    other["id"] = json!("INC-2");
    let entry = serde_json::from_value(json!({"value": other, "concerns": {"products": ["billing"]}})).unwrap();
    stand.attest(&olga(), RegisterKind::Incidents, &entry).unwrap();
    stand.request(|_| {}).unwrap();
    let deployment = stand.view("dep-1").deployment;
    let ids: Vec<&str> = deployment.actual_instances.iter().map(|instance| instance.id.as_str()).collect();
    assert_eq!(ids, ["shop-live"]);
    let incidents = deployment.registers.incidents.as_ref().unwrap();
    assert_eq!(incidents.iter().map(|incident| incident.id.as_str()).collect::<Vec<_>>(), ["INC-1"]);
    assert!(deployment.registers.monitors.is_none(), "nobody keeps the monitors");
    assert_eq!(deployment.provenance["/registers/incidents/0"].attester.as_ref().unwrap().written(), "olga");
    assert_eq!(deployment.provenance["/actual_instances"].source, FactSource::Register);
    // A withdrawn entry is gone, and the register is empty, which is not the same as absent.
    stand.engine.withdraw_entry(&stand.by(&olga()), &at(RegisterKind::Incidents, "INC-1")).unwrap();
    assert_eq!(stand.view("dep-1").deployment.registers.incidents, Some(Vec::new()));
    // An entry that concerns another product from now on is not joined any more.
    let moved = json!({
        "value": {"id": "shop-live", "environment": "live", "status": "running"}, "concerns": {"products": ["billing"]}
    });
    stand.attest(&olga(), RegisterKind::Instances, &serde_json::from_value(moved).unwrap()).unwrap();
    assert!(stand.view("dep-1").deployment.actual_instances.is_empty());
}

#[test]
fn an_instance_that_the_inventory_lacks_is_a_contradiction() {
    let stand = Stand::new();
    stand
        .attest(
            &olga(),
            RegisterKind::Instances,
            &about_shop(json!({"id": "a", "environment": "live", "status": "running"})),
        )
        .unwrap();
    let refused = stand.request(|document| {
        document["actual_instances"] = json!([
            {"id": "a", "environment": "live", "status": "running"},
            {"id": "b", "environment": "live", "status": "running"},
        ]);
    });
    let Err(ServiceError::Contradicts(found)) = &refused else { panic!("{refused:?}") };
    assert_eq!(found.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(), ["/deployment/actual_instances/1"]);
}

#[test]
fn an_entry_of_which_a_request_tells_a_part_is_completed_and_the_part_is_compared() {
    let stand = Stand::new();
    let instance = json!({"id": "a", "environment": "live", "status": "running", "consumers": 3});
    stand.attest(&olga(), RegisterKind::Instances, &about_shop(instance)).unwrap();
    let incident = json!({"id": "INC-1", "title": "t", "status": "new", "open": true, "severity": "low"});
    stand.attest(&olga(), RegisterKind::Incidents, &about_shop(incident)).unwrap();
    let told = |instance: Value, incident: Value| {
        stand.request(|document| {
            document["actual_instances"] = json!([instance]);
            document["registers"] = json!({"incidents": [incident]});
        })
    };
    let refused = told(json!({"id": "a", "status": "stopped"}), json!({"id": "INC-1", "open": false}));
    let Err(ServiceError::Contradicts(found)) = &refused else { panic!("{refused:?}") };
    let found: Vec<_> =
        found.iter().map(|one| (one.pointer.as_str(), one.told.clone(), one.attested.clone())).collect();
    assert_eq!(
        found,
        [
            ("/deployment/actual_instances/0/status", Some(json!("stopped")), Some(json!("running"))),
            ("/deployment/registers/incidents/0/open", Some(json!(false)), Some(json!(true))),
        ]
    );
    let view = told(json!({"id": "a", "status": "running"}), json!({"id": "INC-1"})).unwrap().value;
    assert_eq!(view.deployment.actual_instances[0].consumers, Some(3));
    assert_eq!(view.deployment.registers.incidents.as_ref().unwrap()[0].title, "t");
    // So are the entries of a revision.
    let revise = |patch: Value| stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch);
    let refused = revise(json!({"actual_instances": [{"id": "a", "consumers": 0}]}));
    let Err(ServiceError::Contradicts(found)) = &refused else { panic!("{refused:?}") };
    assert_eq!(found[0].pointer, "/actual_instances/0/consumers");
    let patch = json!({"actual_instances": [{"id": "a"}], "plan": {"priority": "high"}});
    assert_eq!(revise(patch).unwrap().value.deployment.actual_instances[0].consumers, Some(3));
}

#[test]
fn an_entry_of_a_list_that_expires_leaves_the_list_and_denies_where_its_register_is_demanded() {
    let folder = tempfile::tempdir().unwrap();
    let facts = "facts = { change.from = \"told\", environment.from = \"told\", instances.from = \"told\", incidents.from = \"register\" }";
    let model = crate::gate_support::load(&[], &format!("unguarded = \"allow\"\n{facts}\n"));
    let stand = Stand::of(open(&folder, vec![model]), folder);
    let incident = json!({"id": "INC-1", "title": "t", "status": "new", "open": true, "severity": "critical"});
    let entry = json!({
        "value": incident, "concerns": {"products": ["shop"]}, "valid_until": "2026-11-24T20:30:00Z"
    });
    stand.attest(&olga(), RegisterKind::Incidents, &serde_json::from_value(entry).unwrap()).unwrap();
    stand.request(|_| {}).unwrap();
    assert_eq!(stand.view("dep-1").deployment.registers.incidents.as_ref().unwrap().len(), 1);
    let asked = || ask_gate(&stand.engine, &rita(), "dep-1", gate(Stage::Observe, Phase::Exit), stand.now()).unwrap();
    let said = || {
        let of = |reason: &lockgate_domain::DecisionReason| (reason.code.clone(), reason.message.clone());
        asked().reasons.iter().map(of).filter(|(code, _)| code.starts_with("fact-")).collect::<Vec<_>>()
    };
    assert_eq!(said(), []);
    stand.later(60);
    assert_eq!(stand.view("dep-1").deployment.registers.incidents.as_ref().unwrap().len(), 0);
    let message = "what `olga` attested as `incidents` `INC-1` was valid until 2026-11-24T20:30:00Z".to_owned();
    assert_eq!(said(), [("fact-expired".to_owned(), message)]);
    let remedy = "`operations-manager` or `service-desk` has to attest `INC-1` in the register `incidents` again, or withdraw it";
    let needed = asked().requirements.iter().map(|needed| needed.requirement.message.clone()).collect::<Vec<_>>();
    assert!(needed.iter().any(|message| message == remedy), "{needed:?}");
    stand.engine.withdraw_entry(&stand.by(&olga()), &at(RegisterKind::Incidents, "INC-1")).unwrap();
    assert_eq!(said(), []);
}

#[test]
fn nobody_gets_round_an_attester_by_withdrawing_or_redirecting_what_they_attested() {
    let folder = tempfile::tempdir().unwrap();
    let told = "change.from = \"told\", environment.from = \"told\", instances.from = \"told\"";
    let demanded = "fulfillment-books = { from = \"register\", by = [\"operations-manager\"], independent = true }";
    let model = load(&[], &format!("unguarded = \"allow\"\nfacts = {{ {told}, {demanded} }}\n"));
    let stand = Stand::of(open(&folder, vec![model]), folder);
    let book = json!({"id": "FB-1", "fulfills": "db", "automated": true, "verified": false});
    let concerning = |concerns: Value| serde_json::from_value(json!({ "value": book, "concerns": concerns })).unwrap();
    let attested = |by: &Actor, concerns: Value| {
        stand.attest(by, RegisterKind::FulfillmentBooks, &concerning(concerns)).unwrap();
    };
    let withdrawn = |by: &Actor| {
        stand.engine.withdraw_entry(&stand.by(by), &at(RegisterKind::FulfillmentBooks, "FB-1")).unwrap();
    };
    let here = || json!({"products": ["shop"], "environments": ["live"]});
    stand.request(|_| {}).unwrap();
    let said = || {
        let exit = gate(Stage::PlanAndApprove, Phase::Exit);
        let asked = ask_gate(&stand.engine, &rita(), "dep-1", exit, stand.now()).unwrap();
        let codes = asked.reasons.iter().map(|reason| reason.code.clone());
        codes.filter(|code| code.starts_with("fact-")).collect::<Vec<_>>()
    };
    // They may attest and withdraw books, and their word does not count: one by their role, and one as the requester.
    let stranger = person("rosa", &["release-manager"]);
    let requester = person("rita", &["operations-manager"]);
    for (by, code) in [(&stranger, "fact-attester-not-allowed"), (&requester, "fact-attester-involved")] {
        attested(&olga(), here());
        assert_eq!(said(), [""; 0]);
        for elsewhere in [json!({"products": ["other"]}), json!({"products": ["shop"], "environments": ["test"]})] {
            attested(by, elsewhere.clone());
            assert_eq!(said(), [code], "{elsewhere}");
            attested(&olga(), here());
            assert_eq!(said(), [""; 0]);
        }
        withdrawn(by);
        assert_eq!(said(), [code]);
        // Not in two steps either.
        attested(by, here());
        assert_eq!(said(), [code]);
        withdrawn(by);
        assert_eq!(said(), [code]);
        // Those whose word counts can.
        attested(&olga(), here());
        assert_eq!(said(), [""; 0]);
        withdrawn(&olga());
        assert_eq!(said(), [""; 0]);
        // What nobody of them attested is withdrawn by anybody.
        attested(by, here());
        assert_eq!(said(), [code]);
        withdrawn(by);
        assert_eq!(said(), [""; 0]);
    }
}

#[test]
fn a_shared_entry_is_seen_by_all_teams_and_takes_precedence() {
    let stand = Stand::new();
    let all = of_all_teams(olga());
    let environment = json!({"name": "live", "kind": "live", "control": "limited"});
    let share = |value: &Value| {
        let (write, entry) = (stand.by(&all), new(value.clone()));
        stand.engine.attest_entry(&write, RegisterKind::Environments, "live", RegisterScope::Shared, &entry)
    };
    share(&environment).unwrap();
    let found = stand.engine.entry(&rita(), &at(RegisterKind::Environments, "live")).unwrap();
    assert_eq!(found.team, None);
    let own = stand.attest(&olga(), RegisterKind::Environments, &new(environment));
    assert!(matches!(own, Err(ServiceError::Refused(RuleRefusal::SharedEntry { .. }))), "{own:?}");
    let refused = stand.request(|_| {});
    assert!(
        matches!(&refused, Err(ServiceError::Contradicts(found)) if found[0].pointer == "/deployment/environment/control")
    );
    let view = stand.request(|document| document["environment"] = json!("live")).unwrap().value;
    assert_eq!(json!(view.deployment.environment)["control"], json!("limited"));
    let listed = |filter: &EntriesFilter| {
        let page = stand.engine.entries(&rita(), RegisterKind::Environments, filter, PAGE).unwrap();
        page.items.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&EntriesFilter::default()), ["live"]);
    assert_eq!(listed(&EntriesFilter { team: Some("checkout".parse().unwrap()), ..EntriesFilter::default() }), [""; 0]);
}

#[test]
fn an_import_is_written_as_a_whole_and_can_be_sent_again() {
    let stand = Stand::new();
    let lines = |count: usize, risk: &str| -> Vec<ImportLine> {
        let line = |n| {
            let mut value = change("approved", risk);
            value["id"] = json!(format!("CHG-{n}"));
            serde_json::from_value(json!({"value": value, "as_of": "2026-11-24T19:00:00Z"})).unwrap()
        };
        ImportLine::numbered((0..count).map(line))
    };
    let import = |lines: &[ImportLine]| {
        stand.engine.import_entries(&stand.by(&ben()), RegisterKind::Changes, RegisterScope::OwnTeam, lines)
    };
    let report = import(&lines(1_100, "low")).unwrap().value;
    assert_eq!((report.written, report.unchanged, report.batches), (1_100, 0, 3));
    let report = import(&lines(1_101, "low")).unwrap().value;
    assert_eq!((report.written, report.unchanged), (1, 1_100));
    let mut wrong = lines(3, "high");
    wrong[2].entry.value["risk"] = json!("huge");
    wrong[2].line = 5;
    wrong.push(ImportLine { line: 9, ..wrong[0].clone() });
    let Err(ServiceError::Invalid(mistakes)) = import(&wrong) else { panic!() };
    let places: Vec<&str> = mistakes.iter().map(|mistake| mistake.pointer.as_str()).collect();
    assert_eq!(places, ["/5/value/risk", "/9/value/id"], "the lines between them are blank");
    let unchanged = stand.engine.entry(&rita(), &at(RegisterKind::Changes, "CHG-0")).unwrap();
    assert_eq!(unchanged.value.unwrap()["risk"], json!("low"), "nothing of a wrong import is written");
    let mut page = PAGE;
    let mut count = 0;
    loop {
        let found = stand.engine.entries(&rita(), RegisterKind::Changes, &EntriesFilter::default(), page).unwrap();
        count += found.items.len();
        match found.next {
            Some(next) => page.before = Some(next),
            None => break,
        }
    }
    assert_eq!(count, 1_101);
}

#[test]
fn samples_complete_an_indicator() {
    let stand = Stand::new();
    let kpi = json!({"id": "p99", "metric": "latency", "unit": "ms", "at_most": 300.0});
    stand.attest(&olga(), RegisterKind::Kpis, &about_shop(kpi)).unwrap();
    stand.request(|_| {}).unwrap();
    let record = |actor: &Actor, samples: Value| {
        let new: NewSamples = serde_json::from_value(json!({ "samples": samples })).unwrap();
        stand.engine.record_samples(&stand.by(actor), &at(RegisterKind::Kpis, "p99"), &new)
    };
    let samples =
        json!([{"at": "2026-11-24T19:59:00Z", "value": 250.5}, {"at": "2026-11-24T19:58:00Z", "value": 240.0}]);
    assert!(matches!(record(&rita(), samples.clone()), Err(ServiceError::Forbidden(Forbidden::Attest { .. }))));
    assert_eq!(record(&olga(), samples).unwrap().value.total, 2);
    record(&olga(), json!([{"at": "2026-11-24T19:57:00Z", "value": 1.0}])).unwrap();
    let late = record(&olga(), json!([{"at": "2027-11-24T19:57:00Z", "value": 1.0}]));
    assert!(matches!(&late, Err(ServiceError::Invalid(found)) if found[0].pointer == "/samples/0/at"), "{late:?}");
    let kpi = stand.view("dep-1").deployment.registers.kpis.as_ref().unwrap()[0].clone();
    assert_eq!((kpi.latest, kpi.samples), (Some(250.5), 3));
    assert_eq!(kpi.measured.unwrap().to_string(), "2026-11-24T19:59:00Z");
    let samples = stand.engine.samples(&rita(), &at(RegisterKind::Kpis, "p99"), 2).unwrap();
    assert_eq!(samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [240.0, 250.5]);
}

#[test]
fn samples_are_recorded_by_those_who_attested_the_indicator() {
    let rules = json!([{"registers": ["kpis"], "by": ["operations-manager", "release-manager", "service:mon"]}]);
    let (engine, folder) = attested_by(AttestRules::new(serde_json::from_value(rules).unwrap()));
    let stand = Stand::of(engine, folder);
    let record = |actor: &Actor| {
        let sample = json!({"samples": [{"at": "2026-11-24T19:59:00Z", "value": 5.0}]});
        let new: NewSamples = serde_json::from_value(sample).unwrap();
        let recorded = stand.engine.record_samples(&stand.by(actor), &at(RegisterKind::Kpis, "p99"), &new);
        recorded.map(drop).map_err(|error| error.to_string())
    };
    let kpi = about_shop(json!({"id": "p99", "metric": "latency", "unit": "ms", "at_most": 300.0}));
    let (monitoring, releasing) = (person("mon", &["pipeline"]), person("ro", &["release-manager", "pipeline"]));
    assert_eq!(monitoring.kind, CredentialKind::Service);
    stand.attest(&monitoring, RegisterKind::Kpis, &kpi).unwrap();
    assert_eq!(record(&monitoring), Ok(()));
    let refused = "does not hold `attest:kpis/p99`: `service:mon` may attest there";
    for other in [&releasing, &olga()] {
        assert_eq!(record(other), Err(format!("`{}` {refused}", other.person.id)));
    }
    // What a person attested is measured by those who hold the same role.
    stand.attest(&olga(), RegisterKind::Kpis, &kpi).unwrap();
    assert_eq!(record(&person("otto", &["operations-manager"])), Ok(()));
    let refused = "`ro` does not hold `attest:kpis/p99`: `person:olga` or `operations-manager` may attest there";
    assert_eq!(record(&releasing), Err(refused.to_owned()));
}

#[test]
fn a_decision_after_a_sample_is_the_one_of_a_server_that_has_just_started() {
    let stand = Stand::new();
    for (id, product) in [("p99", "shop"), ("of-another", "billing")] {
        let kpi = json!({"id": id, "metric": "latency", "unit": "ms", "at_most": 300.0, "latest": 5.0,
                         "measured": "2026-11-24T19:58:30Z"});
        let entry = json!({"value": kpi, "concerns": {"products": [product]}});
        stand.attest(&olga(), RegisterKind::Kpis, &serde_json::from_value(entry).unwrap()).unwrap();
    }
    stand.request(|document| document["product"] = json!({"id": "shop", "depends_on": ["billing"]})).unwrap();
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    let mut snapshots = std::collections::BTreeSet::new();
    // One that is older than the value of the entry, two newer ones, and one of an indicator that is not joined.
    for (id, minute) in [("p99", "58:00"), ("p99", "59:00"), ("p99", "59:30"), ("of-another", "59:40")] {
        let samples = json!({"samples": [{"at": format!("2026-11-24T19:{minute}Z"), "value": 250.5}]});
        let new: NewSamples = serde_json::from_value(samples).unwrap();
        stand.engine.record_samples(&stand.by(&olga()), &at(RegisterKind::Kpis, id), &new).unwrap();
        let now = stand.now();
        let decided = ask_gate(&stand.engine, &rita(), "dep-1", exit, now).unwrap();
        let started = open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]);
        let again = ask_gate(&started, &rita(), "dep-1", exit, now).unwrap();
        assert_eq!((decided.snapshot, decided.subject), (again.snapshot, again.subject), "after {id} {minute}");
        let record = stand.engine.decision(&rita(), &decided.id).unwrap();
        let deployment = &stand.engine.snapshot(&record).unwrap().deployment;
        snapshots.insert(json!(deployment.registers.kpis).to_string());
    }
    assert_eq!(snapshots.len(), 3, "{snapshots:?}");
}

#[test]
fn a_service_is_named_by_its_id() {
    let mut itsm = person("itsm", &[]);
    itsm.kind = CredentialKind::Service;
    itsm.person.roles = vec!["pipeline".to_owned()];
    let rules = lockgate_domain::AttestRules::new(vec![
        serde_json::from_value(json!({"registers": ["changes"], "by": ["service:itsm"]})).unwrap(),
    ]);
    let (engine, folder) = crate::service::stand::attested_by(rules);
    let stand = Stand::of(engine, folder);
    let entry = new(change("approved", "low"));
    assert!(stand.attest(&ben(), RegisterKind::Changes, &entry).is_err(), "the rule replaces the usual roles");
    stand.attest(&itsm, RegisterKind::Changes, &entry).unwrap();
}

#[test]
fn a_decision_rests_on_the_entries_that_it_joined() {
    let stand = Stand::new();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    stand.request(|document| document["change"] = json!("CHG-1")).unwrap();
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    let one = ask_gate(&stand.engine, &rita(), "dep-1", exit, stand.now()).unwrap();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("rejected", "low"))).unwrap();
    let two = ask_gate(&stand.engine, &rita(), "dep-1", exit, stand.now()).unwrap();
    let snapshot = |id: &str| {
        let record = stand.engine.decision(&rita(), id).unwrap();
        stand.engine.snapshot(&record).unwrap()
    };
    let approval = |id: &str| json!(snapshot(id).deployment.change)["approval"].clone();
    assert_eq!(approval(&one.id), json!("approved"));
    assert_eq!(approval(&two.id), json!("rejected"));
}

#[test]
fn the_roles_of_the_requester_are_those_of_the_credential() {
    let stand = Stand::new();
    let view = stand
        .request(|document| {
            document["requester"]["roles"] = json!(["change-authority"]);
            document["requester"]["kind"] = json!("agent");
        })
        .unwrap()
        .value;
    assert_eq!(view.deployment.requester.roles, ["developer", "pipeline"]);
    assert_eq!(view.deployment.requester.kind.as_str(), "service");
    let patch = json!({"requester": {"roles": ["change-authority"]}});
    let refused = stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &patch);
    let Err(ServiceError::Invalid(mistakes)) = &refused else { panic!("{refused:?}") };
    assert_eq!(mistakes[0].pointer, "/requester/roles");
}

#[test]
fn a_document_names_no_provenance() {
    let stand = Stand::new();
    let mut document = crate::gate_support::deployment();
    document["provenance"] = json!({"/change": {"source": "register"}});
    let new = NewDeployment { team: None, deployment: document };
    let refused = stand.engine.request(&stand.by(&rita()), &new);
    let Err(ServiceError::Invalid(mistakes)) = &refused else { panic!("{refused:?}") };
    assert_eq!(mistakes[0].pointer, "/deployment/provenance");
}

#[test]
fn retention_keeps_the_present_value_of_an_entry_and_deletes_what_it_replaced() {
    let stand = Stand::new();
    let forget = || {
        let kind = register_content(RegisterKind::Changes);
        let before = lockgate_domain::Timestamp::from_millis(i64::MAX / 1000);
        stand.engine.storage().forget(&RetentionRule::Content { kind, before }).unwrap().count
    };
    stand.attest(&ben(), RegisterKind::Changes, &new(change("requested", "low"))).unwrap();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    assert_eq!(forget(), 1);
    let values = |stand: &Stand| {
        let history = stand.engine.entry_history(&ben(), &at(RegisterKind::Changes, "CHG-1"), PAGE).unwrap().items;
        history.iter().map(|entry| entry.value.as_ref().map(|value| value["approval"].clone())).collect::<Vec<_>>()
    };
    // Another process has nothing in memory.
    let again =
        Stand::of(open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]), tempfile::tempdir().unwrap());
    assert_eq!(values(&again), [Some(json!("approved")), None]);
    stand.request(|document| document["change"] = json!("CHG-1")).unwrap();
    let withdrawn = stand.engine.withdraw_entry(&stand.by(&ben()), &at(RegisterKind::Changes, "CHG-1"));
    withdrawn.unwrap();
    assert_eq!(forget(), 1);
    assert_eq!(forget(), 0);
}

#[test]
fn what_retention_deleted_leaves_the_memory_of_every_server_at_once() {
    let stand = Stand::new();
    let other =
        Stand::of(open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]), tempfile::tempdir().unwrap());
    stand.request(|_| {}).unwrap();
    let report = NewEvidence::new("report", "text/plain", b"all tests passed");
    stand.engine.attach(&stand.by(&rita()), "dep-1".into(), report).unwrap();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("requested", "low"))).unwrap();
    stand.attest(&ben(), RegisterKind::Changes, &new(change("approved", "low"))).unwrap();
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    let evidence_of_decision = |stand: &Stand| {
        let decision = ask_gate(&stand.engine, &rita(), "dep-1", exit, stand.now()).unwrap();
        stand.engine.decision(&rita(), &decision.id).unwrap().evidence.len()
    };
    let first_value = |stand: &Stand| {
        let history = stand.engine.entry_history(&ben(), &at(RegisterKind::Changes, "CHG-1"), PAGE).unwrap();
        history.items.last().unwrap().value.clone()
    };
    for server in [&stand, &other] {
        server.later(120);
        assert_eq!(evidence_of_decision(server), 1);
        assert!(server.engine.evidence(&rita(), "dep-1".into(), "report").is_ok());
        assert!(first_value(server).is_some());
    }
    // One of the two deletes it.
    for kind in ["evidence".to_owned(), register_content(RegisterKind::Changes)] {
        let before = lockgate_domain::Timestamp::from_millis(i64::MAX / 1000);
        assert_eq!(stand.engine.storage().forget(&RetentionRule::Content { kind, before }).unwrap().count, 1);
    }
    for server in [&other, &stand] {
        assert_eq!(evidence_of_decision(server), 0);
        let gone = server.engine.evidence(&rita(), "dep-1".into(), "report");
        assert!(matches!(gone, Err(ServiceError::NotFound { .. })), "{gone:?}");
        assert_eq!(first_value(server), None);
        // The deployment still says what was attached.
        assert_eq!(server.view("dep-1").evidence.len(), 1);
    }
}

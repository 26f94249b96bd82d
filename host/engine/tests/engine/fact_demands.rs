//! What a model demands of facts and evidence.

use std::sync::Arc;

use lockgate_domain::{
    CRITERIA, Criterion, Decision, Evidence, FactSource, Gate, Need, Phase, Provenance, Snapshot, Stage, Verdict,
};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::FactName;
use serde_json::{Value, json};

use crate::gate_support::{EXIT, deployment, load, model_text, snapshot, wrong};

const ENTRANCE: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance };

/// A model with these demands.
fn model(demands: &str) -> LoadedModel {
    load(&[], &format!("unguarded = \"allow\"\n{demands}\n"))
}

/// The told facts, but for those that the demands name.
const OTHERS_TOLD: &str = "[facts]\nenvironment.from = \"told\"\ninstances.from = \"told\"\n";

fn decide(model: &LoadedModel, gate: Gate, document: Value, evidence: &[(&str, Evidence)]) -> Decision {
    let mut snapshot = Snapshot::clone(&snapshot(model, gate, document));
    snapshot.evidence = evidence.iter().map(|(name, piece)| ((*name).to_owned(), piece.clone())).collect();
    model.evaluate(&Arc::new(snapshot), "it is the only one").unwrap()
}

/// The codes of the host's own reasons that block.
fn codes(decision: &Decision) -> Vec<&str> {
    decision.reasons.iter().filter(|reason| reason.blocking).map(|reason| reason.code.as_str()).collect()
}

/// The deployment with a change that somebody attested.
fn attested(edit: impl FnOnce(&mut Provenance)) -> Value {
    let mut provenance = Provenance {
        attester: Some("ines".parse().unwrap()),
        kind: Some(lockgate_domain::CredentialKind::Person),
        roles: vec!["change-authority".to_owned()],
        credential: "token:1".to_owned(),
        as_of: Some("2026-11-24T12:00:00Z".parse().unwrap()),
        ..Provenance::from_source(FactSource::Register)
    };
    edit(&mut provenance);
    let mut document = deployment();
    document["provenance"] = json!({ "/change": provenance });
    document
}

#[test]
fn a_live_environment_demands_its_change_environment_and_inventory_from_registers() {
    let silent = model("[facts]\nproduct.from = \"told\"");
    let denied = decide(&silent, ENTRANCE, deployment(), &[]);
    assert_eq!(denied.verdict, Verdict::Deny);
    assert_eq!(codes(&denied), ["fact-missing"; 3]);
    let facts: Vec<(Option<String>, Option<&str>)> = denied
        .requirements
        .iter()
        .map(|needed| match &needed.requirement.need {
            Need::Fact(fact) => (fact.kind.clone(), needed.requirement.owner.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    let owned = |kind: &str, owner| (Some(kind.to_owned()), Some(owner));
    assert_eq!(
        facts,
        [
            owned("changes", "change-authority"),
            owned("environments", "operations-manager"),
            owned("instances", "operations-manager"),
        ]
    );
    assert_eq!(
        denied.reasons[0].message,
        "`change` is not attested: the register `changes` does not have it, and only the requester tells it"
    );
    assert_eq!(
        denied.requirements[0].requirement.message,
        "`change-authority` has to attest `CHG-1` in the register `changes`"
    );
    // Another environment demands nothing by itself.
    let mut test = deployment();
    test["environment"] = json!({"name": "test", "kind": "test", "control": "full"});
    assert_eq!(codes(&decide(&silent, ENTRANCE, test.clone(), &[])), [""; 0]);
    // Unless somebody keeps the environments, and does not know it: it may be any.
    test["provenance"] = json!({"/environment": {"source": "told"}});
    assert_eq!(codes(&decide(&silent, ENTRANCE, test, &[])), ["fact-missing"; 3]);
}

#[test]
fn what_the_requester_says_meets_no_criterion_of_a_live_environment() {
    let told = "facts = { change.from = \"told\", environment.from = \"told\", instances.from = \"told\" }\n";
    let criteria = |more: &str| load(&[], &format!("criteria = \"deploy-value-stream\"\n{told}{more}"));
    let missing = |model: &LoadedModel, gate: Gate, document: Value| -> Vec<String> {
        let decision = decide(model, gate, document, &[]);
        let missing = decision.reasons.iter().filter(|reason| reason.code == "fact-missing");
        missing.flat_map(|reason| reason.pointers.clone()).collect()
    };
    let observe = Gate { stage: Stage::Observe, phase: Phase::Exit };
    let mut stable = deployment();
    stable["registers"] = json!({"incidents": []});
    assert_eq!(missing(&criteria(""), ENTRANCE, stable.clone()), ["/release"]);
    assert_eq!(missing(&criteria(""), observe, stable.clone()), ["/release", "/registers/incidents"]);
    let mut attested = stable.clone();
    attested["provenance"] =
        json!({"/release": {"source": "register"}, "/registers/incidents": {"source": "register"}});
    assert_eq!(missing(&criteria(""), observe, attested), [""; 0]);
    // Another environment, or a model that takes the requester's word, demands nothing.
    let mut test = stable.clone();
    test["environment"] = json!({"name": "test", "kind": "test", "control": "full"});
    assert_eq!(missing(&criteria(""), observe, test), [""; 0]);
    let told = told.replace(" }", ", release.from = \"told\", incidents.from = \"told\" }");
    let model = load(&[], &format!("criteria = \"deploy-value-stream\"\n{told}"));
    assert_eq!(missing(&model, observe, stable), [""; 0]);
}

#[test]
fn a_fact_is_attested_by_those_whom_the_model_names() {
    let by = model(&format!(
        "{OTHERS_TOLD}[facts.change]\nfrom = \"register\"\nby = [\"change-authority\", \"service:itsm\"]"
    ));
    assert_eq!(codes(&decide(&by, ENTRANCE, attested(|_| {}), &[])), [""; 0]);
    let other = attested(|provenance| provenance.roles = vec!["developer".to_owned()]);
    let denied = decide(&by, ENTRANCE, other, &[]);
    assert_eq!(codes(&denied), ["fact-attester-not-allowed"]);
    assert_eq!(
        denied.reasons[0].message,
        "`ines` attested `change`, and it counts if `change-authority` or `service:itsm` attests it"
    );
    let service = attested(|provenance| {
        provenance.attester = Some("itsm".parse().unwrap());
        provenance.kind = Some(lockgate_domain::CredentialKind::Service);
        provenance.roles = Vec::new();
    });
    assert_eq!(codes(&decide(&by, ENTRANCE, service, &[])), [""; 0]);
    let nobody = attested(|provenance| provenance.attester = None);
    assert_eq!(codes(&decide(&by, ENTRANCE, nobody, &[])), ["fact-attester-not-allowed"]);
}

#[test]
fn a_knowledge_item_that_somebody_attested_by_itself_is_said_by_those_whose_word_counts() {
    let told = "facts.change.from = \"told\"\nfacts.environment.from = \"told\"\nfacts.instances.from = \"told\"\n";
    let said = |who: &str, role: &str| {
        json!({"source": "register", "attester": who, "kind": "person", "roles": [role], "credential": "token:1",
               "as_of": "2026-11-24T12:00:00Z"})
    };
    let found = |demands: &str, item: Value| -> Vec<(String, String)> {
        let mut document = deployment();
        let one = json!({"id": "K-1", "title": "t", "status": "validated", "author": "ada"});
        document["release"]["knowledge_items"] = json!([one]);
        document["provenance"] = json!({"/release": said("rob", "release-manager")});
        if !item.is_null() {
            document["provenance"]["/release/knowledge_items/0"] = item;
        }
        let model = load(&[], &format!("unguarded = \"allow\"\n{told}{demands}"));
        let denied = decide(&model, EXIT, document, &[]);
        let blocking = denied.reasons.iter().filter(|reason| reason.blocking);
        blocking.map(|reason| (reason.code.clone(), reason.pointers[0].clone())).collect()
    };
    let release = "facts.release = { from = \"register\", by = [\"release-manager\"], independent = true }\n";
    let breach = |code: &str| [(code.to_owned(), "/release/knowledge_items/0".to_owned())];
    assert_eq!(found(release, Value::Null), []);
    assert_eq!(found(release, said("rob", "release-manager")), []);
    assert_eq!(found(release, said("dev", "developer")), breach("fact-attester-not-allowed"));
    assert_eq!(found(release, said("rita", "release-manager")), breach("fact-attester-involved"));
    // A model can demand something else of them than of the release.
    let items = format!("{release}facts.knowledge-items = {{ from = \"register\", by = [\"developer\"] }}\n");
    assert_eq!(found(&items, said("dev", "developer")), []);
    assert_eq!(found(&items, said("rob", "release-manager")), breach("fact-attester-not-allowed"));
}

#[test]
fn nobody_attests_the_change_that_they_request() {
    let demand = |more: &str| model(&format!("{OTHERS_TOLD}[facts.change]\nfrom = \"register\"\n{more}"));
    let own = || attested(|provenance| provenance.attester = Some("rita".parse().unwrap()));
    assert_eq!(codes(&decide(&demand(""), ENTRANCE, own(), &[])), ["fact-attester-involved"]);
    assert_eq!(codes(&decide(&demand("independent = false"), ENTRANCE, own(), &[])), [""; 0]);
    // Nor the one that they asked for, although somebody else requested the deployment.
    let mut asked_for = attested(|_| {});
    asked_for["change"]["requested_by"] = json!("ines");
    let denied = decide(&demand(""), ENTRANCE, asked_for.clone(), &[]);
    assert_eq!(codes(&denied), ["fact-attester-involved"]);
    let message = "`ines` attested `change`, and also asked for the change: somebody else has to attest it";
    assert_eq!(denied.reasons[0].message, message);
    assert_eq!(codes(&decide(&demand("independent = false"), ENTRANCE, asked_for, &[])), [""; 0]);
}

#[test]
fn a_fact_is_fresh_and_valid() {
    let fresh = model(&format!("{OTHERS_TOLD}[facts.change]\nfrom = \"register\"\nmax-age = \"24h\""));
    let as_of = |at: &str| attested(|provenance| provenance.as_of = Some(at.parse().unwrap()));
    let now = snapshot(&fresh, ENTRANCE, deployment()).now;
    let day_ago = now.saturating_sub(lockgate_domain::Duration::from_millis(86_400_000));
    assert_eq!(codes(&decide(&fresh, ENTRANCE, as_of(&day_ago.to_string()), &[])), [""; 0]);
    let older = day_ago.saturating_sub(lockgate_domain::Duration::from_millis(1000));
    assert_eq!(codes(&decide(&fresh, ENTRANCE, as_of(&older.to_string()), &[])), ["fact-too-old"]);
    let unknown = attested(|provenance| provenance.as_of = None);
    assert_eq!(codes(&decide(&fresh, ENTRANCE, unknown, &[])), ["fact-too-old"]);
    let over = attested(|provenance| {
        provenance.as_of = Some(now);
        provenance.valid_until = Some(now);
    });
    assert_eq!(codes(&decide(&fresh, ENTRANCE, over, &[])), ["fact-expired"]);
}

#[test]
fn every_entry_of_a_list_is_looked_at_and_a_list_that_nobody_keeps_is_missing() {
    let demand = model(
        "[facts]\nchange.from = \"told\"\nenvironment.from = \"told\"\ninstances.from = \"told\"\n\
         kpis = { from = \"register\", max-age = \"1h\" }",
    );
    let denied = decide(&demand, ENTRANCE, deployment(), &[]);
    assert_eq!(codes(&denied), ["fact-missing"]);
    assert_eq!(denied.reasons[0].message, "`kpis` is not attested: nobody keeps the register `kpis`");
    let mut document = deployment();
    let kpi = |id: &str| json!({"id": id, "metric": "m", "unit": "1"});
    let now = snapshot(&demand, ENTRANCE, deployment()).now;
    document["registers"] = json!({"kpis": [kpi("a"), kpi("b")]});
    document["provenance"] = json!({
        "/registers/kpis": {"source": "register"},
        "/registers/kpis/0": {"source": "register", "attester": "olga", "as_of": now},
        "/registers/kpis/1": {"source": "register", "attester": "olga", "as_of": "2020-01-01T00:00:00Z"},
    });
    let denied = decide(&demand, ENTRANCE, document.clone(), &[]);
    assert_eq!(codes(&denied), ["fact-too-old"]);
    assert_eq!(denied.reasons[0].pointers, ["/registers/kpis/1"]);
    let Need::Fact(needed) = &denied.requirements[0].requirement.need else { panic!() };
    assert_eq!(needed.id.as_deref(), Some("b"));
    document["registers"] = json!({"kpis": []});
    document["provenance"] = json!({"/registers/kpis": {"source": "register"}});
    assert_eq!(codes(&decide(&demand, ENTRANCE, document, &[])), [""; 0], "an empty register is kept");
}

#[test]
fn evidence_with_the_name_of_a_fact_can_say_it() {
    let demand = model(&format!("{OTHERS_TOLD}[facts.change]\nfrom = \"evidence\"\nby = [\"change-authority\"]"));
    let denied = decide(&demand, ENTRANCE, deployment(), &[]);
    assert_eq!(codes(&denied), ["fact-missing"]);
    assert_eq!(
        denied.reasons[0].message,
        "`change` is not attested: there is no evidence `change`, and only the requester tells it"
    );
    let needed = &denied.requirements[0].requirement;
    assert_eq!(needed.owner.as_deref(), Some("change-authority"));
    assert_eq!(
        needed.message,
        "`change-authority` has to attach the evidence `change`, the JSON of what stands at `/change`, or attest `CHG-1` in the \
         register `changes`"
    );
    let Need::Evidence(evidence) = &needed.need else { panic!("{needed:?}") };
    assert_eq!(
        (evidence.name.as_str(), evidence.attesters.as_slice()),
        ("change", &["change-authority".to_owned()][..])
    );
    // Without `by`, everybody who may attach evidence can supply it.
    let by_all = model(&format!("{OTHERS_TOLD}[facts.change]\nfrom = \"evidence\""));
    let owner = decide(&by_all, ENTRANCE, deployment(), &[]).requirements[0].requirement.owner.clone().unwrap();
    assert!(owner.contains("developer") && !owner.contains("auditor"), "{owner}");
    let evidence = |change: &Value| Evidence {
        attester: Some("ines".parse().unwrap()),
        attester_kind: Some(lockgate_domain::CredentialKind::Person),
        attester_roles: vec!["change-authority".to_owned()],
        ..Evidence::new(change.to_string().into_bytes(), "application/json")
    };
    let mut change = deployment()["change"].clone();
    assert_eq!(codes(&decide(&demand, ENTRANCE, deployment(), &[("change", evidence(&change))])), [""; 0]);
    let other = Evidence { attester_roles: Vec::new(), ..evidence(&change) };
    let denied = decide(&demand, ENTRANCE, deployment(), &[("change", other)]);
    assert_eq!(codes(&denied), ["fact-attester-not-allowed"]);
    assert_eq!(
        denied.reasons[0].message,
        "`ines` attached the evidence `change`, and it counts if `change-authority` attests it"
    );
    change["risk"] = json!("high");
    let message = |told: &Value| {
        let denied = decide(&demand, ENTRANCE, deployment(), &[("change", evidence(told))]);
        assert_eq!(codes(&denied), ["fact-missing"]);
        denied.reasons[0].message.clone()
    };
    let other = "`change` is not attested: the evidence `change` says something else than the deployment at `/change`";
    assert_eq!(message(&change), other);
    let none = "`change` is not attested: the evidence `change` is not the JSON of an entry of the register `changes`";
    assert_eq!(message(&json!("approved")), none);
    // A register is more than enough.
    assert_eq!(codes(&decide(&demand, ENTRANCE, attested(|_| {}), &[])), [""; 0]);
}

#[test]
fn evidence_is_there_young_attested_and_signed() {
    let told = "[facts]\nchange.from = \"told\"\nenvironment.from = \"told\"\ninstances.from = \"told\"\n";
    let demand = model(&format!("{told}[evidence.pentest]\nby = [\"security\"]\nmax-age = \"90d\"\nsigned = true"));
    assert_eq!(codes(&decide(&demand, ENTRANCE, deployment(), &[])), [""; 0], "from the exit on");
    let denied = decide(&demand, EXIT, deployment(), &[]);
    assert_eq!(codes(&denied), ["evidence-missing"]);
    assert_eq!(
        denied.requirements[0].requirement.message,
        "`security` has to attach the evidence `pentest`, at most 90d old, with a signature that can be verified"
    );
    let now = snapshot(&demand, EXIT, deployment()).now;
    let good = Evidence {
        attester: Some("sid".parse().unwrap()),
        attester_kind: Some(lockgate_domain::CredentialKind::Person),
        attester_roles: vec!["security".to_owned()],
        made: Some(now),
        verification: lockgate_domain::Verification::Verified,
        claimed_source: Some("security".to_owned()),
        ..Evidence::new(b"report".to_vec(), "text/plain")
    };
    let code = |edit: fn(&mut Evidence)| {
        let mut piece = good.clone();
        edit(&mut piece);
        codes(&decide(&demand, EXIT, deployment(), &[("pentest", piece)])).join(" ")
    };
    assert_eq!(code(|_| {}), "");
    assert_eq!(code(|piece| piece.attester_roles = vec!["developer".to_owned()]), "evidence-attester-not-allowed");
    assert_eq!(code(|piece| piece.made = None), "evidence-undated");
    assert_eq!(code(|piece| piece.made = Some("2026-08-01T00:00:00Z".parse().unwrap())), "evidence-too-old");
    assert_eq!(code(|piece| piece.valid_until = Some("2026-08-01T00:00:00Z".parse().unwrap())), "evidence-expired");
    assert_eq!(code(|piece| piece.verification = lockgate_domain::Verification::Unchecked), "evidence-not-verified");
}

#[test]
fn evidence_that_a_supplier_signed_counts_as_attested_by_it() {
    let told = "[facts]\nchange.from = \"told\"\nenvironment.from = \"told\"\ninstances.from = \"told\"\n";
    let demand = |by: &str| model(&format!("{told}[evidence.scan]\nby = [{by}]\nsigned = true"));
    let piece = |verification, verified_by: Option<&str>| Evidence {
        attester: Some("rita".parse().unwrap()),
        attester_kind: Some(lockgate_domain::CredentialKind::Service),
        verification,
        verified_by: verified_by.map(str::to_owned),
        ..Evidence::new(b"report".to_vec(), "text/plain")
    };
    use lockgate_domain::Verification::{Failed, Unchecked, Verified};
    let acme = demand("\"supplier:acme\"");
    let decided = |model: &_, piece: Evidence| codes(&decide(model, EXIT, deployment(), &[("scan", piece)])).join(" ");
    assert_eq!(decided(&acme, piece(Verified, Some("supplier:acme#build"))), "");
    assert_eq!(decided(&acme, piece(Verified, Some("supplier:beta#build\nsupplier:acme#k"))), "", "two signatures");
    assert_eq!(decided(&acme, piece(Verified, Some("supplier:beta#build"))), "evidence-attester-not-allowed");
    assert_eq!(decided(&acme, piece(Verified, Some("person:acme#build"))), "evidence-attester-not-allowed");
    for not_verified in [Failed, Unchecked] {
        let both = "evidence-attester-not-allowed evidence-not-verified";
        assert_eq!(decided(&acme, piece(not_verified, Some("supplier:acme#build"))), both);
    }
    // A person signs as themselves. What roles a register tells of them gives no right.
    let by = piece(Verified, Some("person:Sid#yubikey"));
    assert_eq!(decided(&demand("\"person:sid\""), by.clone()), "");
    assert_eq!(decided(&demand("\"security\", \"supplier:sid\""), by), "evidence-attester-not-allowed");
    // Who attaches it counts as before.
    let unsigned = piece(lockgate_domain::Verification::Absent, None);
    assert_eq!(decided(&demand("\"service:rita\""), unsigned), "evidence-not-verified");

    let denied = decide(&acme, EXIT, deployment(), &[("scan", piece(Verified, Some("supplier:beta#build")))]);
    assert_eq!(
        denied.reasons[0].message,
        "`rita` attached the evidence `scan`, signed by `supplier:beta`, and it counts if `supplier:acme` attests it"
    );
    assert_eq!(
        denied.requirements[0].requirement.message,
        "somebody has to attach the evidence `scan`, with a signature of `supplier:acme`"
    );
}

#[test]
fn every_fact_has_a_name_and_a_place() {
    for fact in FactName::all() {
        assert!(fact.pointer().starts_with('/'), "{}", fact.as_str());
        let text = format!("[facts.{}]\nfrom = \"register\"", fact.as_str());
        assert_eq!(wrong(&model_text(&[], &text)), []);
    }
}

#[test]
fn the_page_about_models_lists_every_criterion() {
    let row = |criterion: &Criterion| {
        let gates: Vec<String> = criterion.gates.iter().map(ToString::to_string).collect();
        let gates = match (criterion.gates.len(), gates.first()) {
            (8, _) => "every gate".to_owned(),
            (7, Some(first)) => format!("{first}, and every gate after it"),
            _ => gates.join(", "),
        };
        let Criterion { code, title, fact, owner, .. } = criterion;
        format!("| `{code}` | {gates} | {title} | `{fact}` | `{owner}` |\n")
    };
    let rows: String = CRITERIA.iter().map(row).collect();
    let table = format!(
        "| criterion | at | what has to be so | the fact that proves it | its owner |\n|---|---|---|---|---|\n{rows}"
    );
    let page = lockgate_tests::repository("docs/models.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let begin = "<!-- criteria, made from the code: UPDATE_DOCS=1 cargo nextest run -p lockgate-engine criterion -->\n";
    let (before, rest) = text.split_once(begin).unwrap();
    let (found, after) = rest.split_once("<!-- end of criteria -->").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, format!("{before}{begin}{table}<!-- end of criteria -->{after}")).unwrap();
        return;
    }
    assert_eq!(found, table, "UPDATE_DOCS=1 cargo nextest run -p lockgate-engine criterion");
}

#[test]
fn a_criterion_that_is_not_met_names_the_facts_and_those_who_have_to_attest_them() {
    let told = "[facts]\nenvironment.from = \"told\"\ninstances.from = \"told\"\n";
    let criteria = |by: &str| {
        let demand = format!("{told}change = {{ from = \"register\", by = [{by}] }}\n");
        load(&[], &format!("criteria = \"deploy-value-stream\"\n{demand}"))
    };
    let unmet = |model: &LoadedModel, gate: Gate, document: Value, code: &str| {
        let denied = decide(model, gate, document, &[]);
        let reason = denied.reasons.iter().find(|reason| reason.code == code).unwrap().clone();
        let needed = denied.requirements.iter().map(|needed| &needed.requirement).filter(|needed| needed.code == code);
        let needed: Vec<_> = needed
            .map(|needed| {
                let Need::Fact(fact) = &needed.need else { panic!("{needed:?}") };
                let at = (fact.pointer.clone(), fact.kind.clone(), fact.id.clone());
                (at, needed.owner.clone().unwrap(), needed.message.clone())
            })
            .collect();
        (reason.pointers, needed)
    };
    let fact = |pointer: &str, kind: Option<&str>, id: Option<&str>| {
        (pointer.to_owned(), kind.map(str::to_owned), id.map(str::to_owned))
    };
    let mut document = deployment();
    document["change"]["approval"] = json!("requested");
    let (pointers, needed) =
        unmet(&criteria("\"service:itsm\", \"change-authority\""), EXIT, document.clone(), "change-not-authorized");
    assert_eq!(pointers, ["/change/approval"]);
    let message = "`change-authority` or `service:itsm` has to see to it that the change is approved";
    let at = fact("/change/approval", Some("changes"), Some("CHG-1"));
    assert_eq!(needed, [(at, "change-authority, service:itsm".to_owned(), message.to_owned())]);

    // Several facts, of which the model says nothing: their usual owner.
    document["actual_instances"] = json!([
        {"id": "a", "environment": "live", "status": "running", "release": "shop-2"},
        {"id": "b", "environment": "live", "status": "stopped", "release": "shop-2"},
        {"id": "c", "environment": "live", "status": "degraded", "release": "shop-2"},
    ]);
    let observe = Gate { stage: Stage::Observe, phase: Phase::Entrance };
    let (pointers, needed) = unmet(&criteria("\"service:itsm\""), observe, document.clone(), "instance-not-running");
    assert_eq!(pointers, ["/actual_instances/1/status", "/actual_instances/2/status"]);
    let owner = "operations-manager".to_owned();
    let one = |pointer: &str, id: &str| {
        let message = format!("`operations-manager` has to see to it that the instances run: `{id}`");
        (fact(pointer, Some("instances"), Some(id)), owner.clone(), message)
    };
    assert_eq!(needed, [one("/actual_instances/1/status", "b"), one("/actual_instances/2/status", "c")]);

    // Where monitors fail, the place is theirs, and not that of the incidents.
    document["registers"] = json!({
        "incidents": [], "monitors": [{"id": "ping", "kind": "http", "instance": "a", "healthy": false}]
    });
    let exit = Gate { stage: Stage::Observe, phase: Phase::Exit };
    let (pointers, _) = unmet(&criteria("\"service:itsm\""), exit, document, "service-not-stable");
    assert_eq!(pointers, ["/registers/monitors/0/healthy"]);
}

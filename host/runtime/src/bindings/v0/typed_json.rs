//! A section as JSON and what the typed methods return hold the same values under the same names.
//!
//! The text of the contract leads: it says the fields of each record, and of each text and number whether it is a moment or
//! a length of time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;

use lockgate_domain::{AskingModel, Digest, Duration, Snapshot, Timestamp};
use lockgate_tests::{WITHOUT_FIELD, everything, generate, pointer, repository};
use proptest::test_runner::{Config, TestRunner};
use serde::Serialize;
use serde_json::{Map, Value};
use wit_parser::{Function, Resolve, Type, TypeDefKind, TypeId};

use super::generated::lockgate::types::{registers, rollouts, types as wit};
use super::{provenance, sections, snapshot};
use crate::capability::ReadGrants;

/// The methods of `evaluation` that are no part of the snapshot.
const NO_PART: [&str; 4] = ["evidence", "evidence-content", "json", "sections"];

/// What a method returns, as `serde` sees the generated types.
fn typed(snapshot: &Snapshot, model: Option<&AskingModel>, method: &str) -> Value {
    fn value<T: Serialize>(part: T) -> Value {
        serde_json::to_value(part).unwrap()
    }
    let deployment = &*snapshot.deployment;
    let registers = &deployment.registers;
    macro_rules! register {
        ($name:ident as $type:ty) => {
            value(registers.$name.as_ref().map(|items| snapshot::each::<_, $type>(items)))
        };
    }
    match method {
        "id" => value(&deployment.id),
        "now" => value(snapshot.now.as_millis()),
        "stage" => value(wit::Stage::from(snapshot.gate.stage)),
        "phase" => value(wit::Phase::from(snapshot.gate.phase)),
        "scenario" => value(wit::Scenario::from(deployment.scenario)),
        "subject" => value(snapshot.subject.text()),
        "requester" => value(wit::Person::from(&deployment.requester)),
        "contributors" => value(snapshot::contributors(deployment)),
        "product" => value(wit::Product::from(&deployment.product)),
        "release" => value(wit::Release::from(&deployment.release)),
        "components" => value(snapshot::each::<_, wit::Component>(&deployment.release.components)),
        "component-changes" => value(snapshot::each::<_, wit::ComponentChange>(&deployment.component_changes())),
        "release-notes" => value(deployment.release.notes.as_ref().map(wit::ReleaseNotes::from)),
        "defects" => value(snapshot::each::<_, wit::Defect>(&deployment.release.defects)),
        "knowledge-items" => value(snapshot::each::<_, wit::KnowledgeItem>(&deployment.release.knowledge_items)),
        "environment" => value(wit::Environment::from(&deployment.environment)),
        "change" => value(wit::Change::from(&deployment.change)),
        "plan" => value(deployment.plan.as_ref().map(wit::Plan::from)),
        "rollout" => value(deployment.laid_out().map(rollouts::Rollout::from)),
        "progress" => value(deployment.progress.as_ref().map(rollouts::Progress::from)),
        "analysis" => value(deployment.analysis.as_ref().map(rollouts::Analysis::from)),
        "desired-instances" => value(snapshot::each::<_, wit::Instance>(&deployment.desired_instances)),
        "actual-instances" => value(snapshot::each::<_, wit::Instance>(&deployment.actual_instances)),
        "instance-components" => {
            let instance = deployment.actual_instances.first();
            let items = instance.map(|instance| snapshot::each::<_, wit::Component>(&instance.components));
            value(items)
        }
        "instance-configuration" => {
            let instance = deployment.actual_instances.first();
            let items = instance.map(|instance| snapshot::each::<_, wit::Attribute>(&instance.configuration));
            value(items)
        }
        "differences" => {
            let page = wit::Page { after: None, at_most: u32::MAX };
            value(snapshot::differences(deployment, &page).0)
        }
        "approvals" => value(deployment.independent_approvals().map(wit::Approval::from).collect::<Vec<_>>()),
        "approved" => value(deployment.approved.as_ref().map(wit::ApprovedPlan::from)),
        "approved-components" => {
            let approved = deployment.approved.as_ref();
            let items = approved.map(|approved| snapshot::each::<_, wit::Component>(&approved.components));
            value(items)
        }
        "model" => value(model.map(wit::Model::from)),
        "timing" => value(deployment.timing().map(wit::Timing::from)),
        "gates-passed" => value(snapshot::each::<_, wit::GatePassage>(&deployment.gates_passed)),
        "hand-over" => value(deployment.hand_over.as_ref().map(wit::HandOver::from)),
        "evidence-list" => {
            let heads =
                snapshot.evidence.iter().map(|(name, piece)| (name.clone(), value(snapshot::evidence(name, piece))));
            Value::Object(heads.collect())
        }
        "history" => value(deployment.newest_first().into_iter().map(wit::DeploymentRecord::from).collect::<Vec<_>>()),
        "labels" => value(snapshot::attributes(&deployment.labels)),
        "overlaps" => value(snapshot::each::<_, wit::Overlap>(&deployment.overlaps)),
        "exemptions" => value(snapshot::each::<_, wit::Exemption>(&deployment.exemptions())),
        "fact-names" => {
            let facts = super::fact_names(deployment).into_iter();
            let facts = facts.map(|name| (name.clone(), value(super::find_fact(deployment, &name).unwrap())));
            Value::Object(facts.collect())
        }
        "orders" => register!(orders as registers::Order),
        "fulfillment-books" => register!(fulfillment_books as registers::FulfillmentBook),
        "service-contracts" => register!(service_contracts as registers::ServiceContract),
        "kpis" => register!(kpis as registers::Kpi),
        "samples" => {
            let page = wit::Page { after: None, at_most: u32::MAX };
            let samples = deployment.samples.as_ref().and_then(|samples| samples.get("K"));
            value(samples.map(|samples| snapshot::samples(samples, &page)))
        }
        "sample-intervals" => {
            let page = wit::Page { after: None, at_most: u32::MAX };
            let intervals = deployment.sample_intervals.as_ref().and_then(|intervals| intervals.get("K"));
            value(intervals.map(|intervals| snapshot::sample_intervals(intervals, &page)))
        }
        "competences" => {
            let person = deployment.people.as_ref().and_then(|people| people.get("ada@example.org"));
            value(person.map(|person| snapshot::each::<_, registers::Competence>(&person.competences)))
        }
        "provenance" => {
            let said = provenance::all(snapshot, &ReadGrants::everything()).0.into_keys();
            let said = said.map(|pointer| {
                let found = provenance::find(snapshot, &ReadGrants::everything(), &pointer).unwrap();
                (pointer, value(found.as_ref().map(wit::Provenance::from)))
            });
            Value::Object(said.collect())
        }
        "monitors" => register!(monitors as registers::Monitor),
        "events" => register!(events as registers::Event),
        "incidents" => register!(incidents as registers::Incident),
        "interactions" => register!(interactions as registers::Interaction),
        "runbooks" => register!(runbooks as registers::Runbook),
        "audit-findings" => register!(audit_findings as registers::AuditFinding),
        "suppliers" => register!(suppliers as registers::Supplier),
        "capacities" => register!(capacities as registers::Capacity),
        unknown => panic!("compare what `{unknown}` returns with the JSON, too"),
    }
}

/// Compares, and remembers what it saw.
struct Comparison<'a> {
    contract: &'a Resolve,
    differences: Vec<String>,
    /// Members that no field has.
    beside: BTreeSet<String>,
    /// Optional fields that had a value, as `record.field`.
    present: BTreeSet<String>,
    /// Cases that stood somewhere, as `variant.case`.
    cases: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    fn new(contract: &'a Resolve) -> Self {
        Self {
            contract,
            differences: Vec::new(),
            beside: BTreeSet::new(),
            present: BTreeSet::new(),
            cases: BTreeSet::new(),
        }
    }

    fn expect(&mut self, place: &str, expected: &Value, found: Option<&Value>) {
        // Numbers are compared as numbers: `1` and `1.0` are the same.
        let same = match (expected.as_f64(), found.and_then(Value::as_f64)) {
            (Some(expected), Some(found)) => expected == found,
            _ => Some(expected) == found,
        };
        if !same {
            self.differences.push(format!("{place}: typed {expected}, JSON {found:?}"));
        }
    }

    fn compare(&mut self, place: &str, ty: Type, typed: &Value, found: Option<&Value>) {
        match ty {
            Type::Id(id) => self.defined(place, id, typed, found),
            _ => self.expect(place, typed, found),
        }
    }

    fn defined(&mut self, place: &str, id: TypeId, typed: &Value, found: Option<&Value>) {
        let definition = &self.contract.types[id];
        let name = definition.name.as_deref().unwrap_or_default();
        match (&definition.kind, name) {
            (_, "timestamp") => {
                let moment = Timestamp::from_millis(typed.as_i64().unwrap());
                self.expect(place, &serde_json::to_value(moment).unwrap(), found);
            }
            (_, "duration") => {
                let length: Duration =
                    found.and_then(Value::as_str).unwrap_or_default().parse().unwrap_or(Duration::LONGEST);
                self.expect(place, typed, Some(&length.as_millis().into()));
                self.expect(place, &serde_json::to_value(length).unwrap(), found);
            }
            (TypeDefKind::Record(_), "document") => {
                let json: Value = serde_json::from_str(typed["json"].as_str().unwrap()).unwrap();
                let found = found.map(|found| super::facts::json(found).unwrap());
                let expected = serde_json::json!({ "schema": typed["schema"], "json": json });
                self.expect(place, &super::facts::json(&expected).unwrap().into(), found.map(Value::from).as_ref());
            }
            (TypeDefKind::Type(ty), _) => self.compare(place, *ty, typed, found),
            (TypeDefKind::Option(_), _) if typed.is_null() => {
                // A section that is not there is an object without members, so that its members can be asked for.
                if found.is_some_and(|found| found.as_object().is_none_or(|members| !members.is_empty())) {
                    self.differences.push(format!("{place}: typed none, JSON {found:?}"));
                }
            }
            (TypeDefKind::Option(ty), _) => self.compare(place, *ty, typed, found),
            (TypeDefKind::List(ty), _) => self.list(place, *ty, typed, found),
            (TypeDefKind::Record(record), name) => {
                let none = Map::new();
                let members = found.and_then(Value::as_object).unwrap_or(&none);
                let fields: Vec<(String, Type)> =
                    record.fields.iter().map(|field| (field.name.replace('-', "_"), field.ty)).collect();
                for (field, ty) in &fields {
                    let Some(typed) = typed.get(field) else {
                        self.differences
                            .push(format!("{place}: `{name}.{field}` has another name in the generated code"));
                        continue;
                    };
                    if !typed.is_null() {
                        self.present.insert(format!("{name}.{field}"));
                    }
                    self.compare(&format!("{place}/{field}"), *ty, typed, members.get(field));
                }
                let known: BTreeSet<&str> = fields.iter().map(|(field, _)| field.as_str()).collect();
                for member in members.keys().filter(|member| !known.contains(member.as_str())) {
                    self.beside.insert(format!("{place}/{member}"));
                }
            }
            (TypeDefKind::Enum(words), _) => {
                let word = words.cases.iter().find(|case| *typed == camel(&case.name));
                self.expect(place, &word.unwrap().name.clone().into(), found);
            }
            (TypeDefKind::Variant(variant), _) => {
                let (case, payload) = match typed {
                    Value::Object(members) => members.iter().next().unwrap(),
                    _ => panic!("{place}: {typed}"),
                };
                let case = variant.cases.iter().find(|known| camel(&known.name) == *case).unwrap();
                self.cases.insert(format!("{name}.{}", case.name));
                let member = case.name.replace('-', "_");
                let found = found.and_then(Value::as_object).filter(|members| members.len() == 1);
                let found = found.and_then(|members| members.get(&member));
                self.compare(&format!("{place}/{member}"), case.ty.unwrap(), payload, found);
            }
            (kind, name) => panic!("{place}: `{name}` is {kind:?}"),
        }
    }

    fn list(&mut self, place: &str, item: Type, typed: &Value, found: Option<&Value>) {
        let attribute = matches!(item, Type::Id(id) if self.contract.types[id].name.as_deref() == Some("attribute"));
        match (typed, found) {
            // What is named once is a member.
            (Value::Object(typed), found) => {
                let none = Map::new();
                let found = found.and_then(Value::as_object).unwrap_or(&none);
                assert_eq!(typed.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{place}");
                for (name, typed) in typed {
                    self.compare(&format!("{place}/*"), item, typed, found.get(name));
                }
            }
            (Value::Array(typed), Some(Value::Object(members))) if attribute => {
                let typed: Map<String, Value> = typed
                    .iter()
                    .map(|pair| (pair["name"].as_str().unwrap().to_owned(), pair["value"].clone()))
                    .collect();
                self.expect(place, &typed.into(), Some(&members.clone().into()));
            }
            (Value::Array(typed), found) => {
                let Some(items) = found.and_then(Value::as_array) else {
                    self.differences.push(format!("{place}: typed {} items, JSON {found:?}", typed.len()));
                    return;
                };
                if typed.len() != items.len() {
                    self.differences.push(format!("{place}: typed {} items, JSON {}", typed.len(), items.len()));
                }
                for (typed, found) in typed.iter().zip(items) {
                    self.compare(&format!("{place}/*"), item, typed, Some(found));
                }
            }
            _ => panic!("{place}: {typed}"),
        }
    }
}

/// A word of the contract as the generated code writes it.
fn camel(word: &str) -> String {
    let parts = word.split('-').map(|part| part[..1].to_uppercase() + &part[1..]);
    parts.collect()
}

fn contract() -> Resolve {
    let mut resolve = Resolve::default();
    for package in ["types", "host"] {
        resolve.push_dir(repository("wit").join(package)).unwrap();
    }
    resolve
}

/// The methods of `evaluation`.
fn methods(contract: &Resolve) -> Vec<(String, Function)> {
    let interfaces = contract.interfaces.iter().flat_map(|(_, interface)| &interface.functions);
    let methods = interfaces
        .filter_map(|(name, function)| Some((name.strip_prefix("[method]evaluation.")?.to_owned(), function.clone())));
    methods.filter(|(name, _)| name != "fact" && !NO_PART.contains(&name.as_str())).collect()
}

/// What a method returns when it is allowed to.
fn returned(contract: &Resolve, method: &str, function: &Function) -> Type {
    let whole = function.result.unwrap();
    // Of a fact and of evidence the names are the members, so the items are those of the other method.
    let item = |name: &str, interface: &str| {
        let found = contract.interfaces.iter().find(|(_, known)| known.name.as_deref() == Some(interface)).unwrap().1;
        Type::Id(found.types[name])
    };
    match method {
        "fact-names" => item("document", "types"),
        "evidence-list" => item("evidence", "types"),
        "provenance" => item("provenance", "types"),
        _ => match whole {
            Type::Id(id) => match &contract.types[id].kind {
                TypeDefKind::Result(result) => result.ok.unwrap(),
                _ => whole,
            },
            _ => whole,
        },
    }
}

fn compare<'a>(contract: &'a Resolve, snapshot: &Snapshot) -> Comparison<'a> {
    let mut comparison = Comparison::new(contract);
    let (id, version) = ("live".to_owned(), "1.0.0".to_owned());
    let model = AskingModel { id, version, digest: Digest::of(b"a model"), binding: "notes".to_owned() };
    for (method, function) in methods(contract) {
        let (pointer, typed) = (pointer(&method).unwrap(), typed(snapshot, Some(&model), &method));
        let (json, _) = sections::json_at(snapshot, Some(&model), &ReadGrants::everything(), &pointer);
        let json: Option<Value> = json.ok().map(|text| serde_json::from_str(&text).unwrap());
        let ty = returned(contract, &method, &function);
        match &typed {
            Value::Object(_) if matches!(method.as_str(), "fact-names" | "evidence-list" | "provenance") => {
                comparison.list(&pointer, ty, &typed, json.as_ref());
            }
            Value::Null
                if method.starts_with("instance")
                    || ["/registers/", "/samples/", "/sample_intervals/", "/people/"]
                        .iter()
                        .any(|place| pointer.contains(place))
                    || pointer == "/approved/components" =>
            {
                assert_eq!(json, None, "{pointer}: nobody keeps it");
            }
            _ => comparison.compare(&pointer, ty, &typed, json.as_ref()),
        }
    }
    comparison
}

/// The optional fields and the cases of variants that a snapshot can have.
fn all(contract: &Resolve) -> (BTreeSet<String>, BTreeSet<String>) {
    let shown = ["types", "rollouts", "registers"];
    let interfaces = contract.interfaces.iter().map(|(_, interface)| interface);
    let interfaces = interfaces.filter(|interface| interface.name.as_deref().is_some_and(|name| shown.contains(&name)));
    let (mut fields, mut cases) = (BTreeSet::new(), BTreeSet::new());
    for (name, id) in interfaces.flat_map(|interface| &interface.types) {
        match &contract.types[*id].kind {
            TypeDefKind::Record(record) => {
                fields.extend(record.fields.iter().map(|field| format!("{name}.{}", field.name.replace('-', "_"))));
            }
            TypeDefKind::Variant(variant) => {
                cases.extend(variant.cases.iter().map(|case| format!("{name}.{}", case.name)));
            }
            _ => {}
        }
    }
    (fields, cases)
}

#[test]
fn the_json_of_everything_is_what_the_typed_methods_return() {
    let contract = contract();
    let comparison = compare(&contract, &everything());
    assert_eq!(comparison.differences, Vec::<String>::new());
    let beside: Vec<&str> = comparison.beside.iter().map(String::as_str).collect();
    let known: Vec<&str> = WITHOUT_FIELD.iter().map(|(pointer, _)| *pointer).collect();
    assert_eq!(beside, known, "give each a field, or say what it is");
    // Each record that a snapshot holds is compared in full.
    let records: BTreeSet<&str> =
        comparison.present.iter().filter_map(|field| Some(field.split_once('.')?.0)).collect();
    let (fields, cases) = all(&contract);
    let of_seen = |name: &&String| name.split_once('.').is_some_and(|(record, _)| records.contains(record));
    let absent: Vec<_> = fields.difference(&comparison.present).filter(of_seen).collect();
    assert_eq!(absent, Vec::<&String>::new(), "`everything.json` lacks them");
    let actions: Vec<_> = cases.difference(&comparison.cases).filter(|case| case.starts_with("step-action.")).collect();
    assert_eq!(actions, Vec::<&String>::new(), "`everything.json` lacks them");
}

#[test]
fn so_it_is_of_generated_snapshots() {
    let contract = contract();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    runner
        .run(&generate::snapshots(), |snapshot| {
            proptest::prop_assert_eq!(compare(&contract, &snapshot).differences, Vec::<String>::new());
            Ok(())
        })
        .unwrap();
}

/// What the comparison would notice.
#[test]
fn a_value_a_name_and_a_member_that_differ_are_noticed() {
    let contract = contract();
    let mut comparison = Comparison::new(&contract);
    let ty =
        returned(&contract, "change", &methods(&contract).into_iter().find(|(name, _)| name == "change").unwrap().1);
    let typed = typed(&everything(), None, "change");
    let json: Value = serde_json::to_value(&everything().deployment.change).unwrap();
    let mut planted = json.clone();
    planted["risk"] = "low".into();
    planted["approved_at"] = "2026-11-23T10:00:01Z".into();
    let assignee = planted.as_object_mut().unwrap().remove("assignee").unwrap();
    planted["asignee"] = assignee;
    planted["releases"] = Value::Array(Vec::new());
    comparison.compare("/change", ty, &typed, Some(&planted));
    let places: Vec<&str> = comparison.differences.iter().filter_map(|found| Some(found.split_once(':')?.0)).collect();
    assert_eq!(places, ["/change/approved_at", "/change/risk", "/change/assignee", "/change/releases"]);
    assert!(comparison.beside.contains("/change/asignee"));
}

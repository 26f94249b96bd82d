//! The same entries give the same snapshot and the same decision on a server and in `lockgate eval`.

use std::collections::BTreeMap;
use std::fs;

use fastrand::Rng;
use lockgate_domain::{Decision, RegisterKind};
use lockgate_repeat::Repeat;
use lockgate_tests::everything;
use serde_json::{Value, json};

use super::stand::{Stand, deployment};

/// A register without any entry: nobody keeps it.
const NOT_KEPT: RegisterKind = RegisterKind::Runbooks;

/// A value for each register, to be varied.
fn values() -> BTreeMap<RegisterKind, Value> {
    let everything = serde_json::to_value(everything()).unwrap();
    let quick_start = deployment();
    let value = |register: RegisterKind| match register {
        RegisterKind::Changes => quick_start["change"].clone(),
        RegisterKind::Environments => quick_start["environment"].clone(),
        RegisterKind::Products => quick_start["product"].clone(),
        RegisterKind::Releases => quick_start["release"].clone(),
        RegisterKind::Instances => quick_start["actual_instances"][0].clone(),
        RegisterKind::People => json!({ "id": "Kim@Example.org", "roles": ["release-manager"] }),
        RegisterKind::KnowledgeItems => quick_start["release"]["knowledge_items"][0].clone(),
        register => everything["registers"][register.as_str().replace('-', "_")][0].clone(),
    };
    RegisterKind::ALL.iter().map(|register| (*register, value(*register))).collect()
}

/// Writes random entries around a product in an environment.
struct Writer<'a> {
    stand: &'a Stand,
    /// The tokens for entries of the team and of all teams.
    tokens: [&'a str; 2],
    random: &'a mut Rng,
}

impl Writer<'_> {
    fn put(&mut self, register: RegisterKind, mut value: Value, id: &str, concerns: Option<&Value>) {
        value[register.key()] = json!(id);
        let mut entry = json!({ "value": value });
        if let Some(concerns) = concerns {
            entry["concerns"] = concerns.clone();
            if register == RegisterKind::Instances {
                // An instance is in the environment that its value says.
                entry["concerns"].as_object_mut().unwrap().remove("environments");
            }
        }
        match self.random.u8(0..6) {
            0 => entry["valid_until"] = json!("9026-01-01T00:00:00Z"),
            1 => entry["as_of"] = json!("2025-11-24T20:00:00.5Z"),
            2 => {
                entry["as_of"] = json!("2025-11-24T20:00:00.5Z");
                entry["valid_until"] = json!("2025-12-01T00:00:00Z");
            }
            _ => {}
        }
        let shared = self.random.u8(0..4) == 0;
        let path = format!("/api/v1/registers/{register}/{id}{}", if shared { "?shared=true" } else { "" });
        // An entry of the team with the id of a shared one is refused, and that is all right.
        let token = self.tokens[usize::from(shared)];
        let put = |body: &str| {
            let address = &self.stand.server.address;
            lockgate_tests::served::send(address, "PUT", &path, token, body).unwrap()
        };
        let answer = put(&entry.to_string());
        assert!(answer.status < 300 || answer.body.contains("shared-entry"), "{register}: {}", answer.body);
        match self.random.u8(0..8) {
            0 if answer.status < 300 => drop(self.stand.send(token, "DELETE", &path, "")),
            1 => drop(put(&entry.to_string())),
            _ => {}
        }
    }
}

#[test]
fn exported_entries_give_the_same_snapshot_and_decision_as_on_the_server() {
    let repeat = Repeat::new(12, 200);
    let mut random = repeat.random();
    let stand = Stand::start("same-snapshot");
    let of_team = stand.token("itsm", &["--team", "shop"]);
    let of_all = stand.token("itsm", &["--all-teams"]);
    let values = values();
    let kept: Vec<RegisterKind> = RegisterKind::ALL.iter().copied().filter(|kind| *kind != NOT_KEPT).collect();
    let about_nobody = json!({ "products": ["nobody"] });
    for register in &kept {
        let by_concern = register.rule() == lockgate_domain::JoinRule::ByConcern;
        let mut value = values[register].clone();
        value[register.key()] = json!("first");
        let mut entry = json!({ "value": value });
        if by_concern {
            entry["concerns"] = about_nobody.clone();
        }
        stand.send(&of_team, "PUT", &format!("/api/v1/registers/{register}/first"), &entry.to_string());
    }
    for case in 0..repeat.count {
        let (product, environment) = (format!("product-{case}"), format!("environment-{case}"));
        let mut written = deployment();
        written["id"] = json!(format!("d-{case}"));
        let names = [("change", "id"), ("environment", "name"), ("product", "id"), ("release", "id")];
        for (member, key) in names {
            written[member][key] = json!(format!("{member}-{case}"));
        }
        // These come from registers that are kept.
        written.as_object_mut().unwrap().remove("actual_instances");
        let mut writer = Writer { stand: &stand, tokens: [&of_team, &of_all], random: &mut random };
        for register in &kept {
            for number in 0..writer.random.usize(0..4) {
                let named = names.iter().find(|(member, _)| register.as_str() == format!("{member}s"));
                let id = match (named, register) {
                    (Some((member, _)), _) => format!("{member}-{case}"),
                    (None, RegisterKind::KnowledgeItems) => "ki-hello".to_owned(),
                    (None, _) => format!("{register}-{}", writer.random.u8(0..9)),
                };
                let concerns = match register.rule() {
                    lockgate_domain::JoinRule::ById => None,
                    lockgate_domain::JoinRule::ByConcern => Some(match writer.random.u8(0..4) {
                        0 if *register != RegisterKind::Instances => json!({ "environments": [environment] }),
                        1 => json!({ "products": [product, "pay"], "environments": [environment] }),
                        2 => json!({ "products": ["pay"] }),
                        _ => json!({ "products": [product] }),
                    }),
                };
                let mut value = values[register].clone();
                if let Some((member, _)) = named {
                    value.clone_from(&written[member]);
                }
                if *register == RegisterKind::Instances && number > 0 {
                    value["environment"] = json!(environment);
                }
                // An id may have been that of another case: then it is a new version, which concerns other products.
                writer.put(*register, value, &id, concerns.as_ref());
            }
        }
        if writer.random.bool() {
            let sample = json!({ "samples": [{ "at": "2025-11-24T20:00:00Z", "value": 4.25 }] }).to_string();
            let path = "/api/v1/registers/kpis/kpis-3/samples";
            // There may be no such indicator.
            drop(lockgate_tests::served::send(&stand.server.address, "POST", path, &of_team, &sample));
        }
        check(&stand, &of_team, &kept, &written);
    }
}

/// Requests the deployment, and holds the server's decision against that of `eval` with the exported entries.
fn check(stand: &Stand, token: &str, kept: &[RegisterKind], written: &Value) {
    let id = written["id"].as_str().unwrap();
    let request = json!({ "team": "shop", "deployment": written });
    let requested =
        lockgate_tests::served::send(&stand.server.address, "POST", "/api/v1/deployments", token, &request.to_string());
    let requested = requested.unwrap();
    assert_eq!(requested.status, 201, "{id}: {}", requested.body);
    let gate = format!("/api/v1/deployments/{id}/gates/plan-and-approve/entrance?ask=true");
    let decision: Decision = serde_json::from_str(&stand.send(token, "POST", &gate, "").body).unwrap();
    let joined = stand.send(token, "GET", &format!("/api/v1/deployments/{id}"), "").json()["deployment"].clone();

    let mut arguments: Vec<String> =
        ["eval", "-m", "model.toml", "-s", "plan-and-approve", "-p", "entrance", "-o", "json"]
            .map(str::to_owned)
            .into();
    arguments.extend(["--now".to_owned(), decision.at.to_string()]);
    for register in kept {
        let entries = stand.run(token, &["register", "list", register.as_str(), "-o", "ndjson"]).printed();
        stand.write(&format!("{register}.ndjson"), entries);
        arguments.extend(["--register".to_owned(), format!("{register}={register}.ndjson")]);
    }
    let evaluate = |name: &str, deployment: &Value| -> Decision {
        stand.write(name, deployment.to_string());
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        arguments.extend(["-d", name, "--save-snapshot", "snapshot.json"]);
        let ran = stand.run(token, &arguments);
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{id}: {error}: {}", ran.words))
    };
    // As the server shows it, and with ids in place of entries.
    let mut with_ids = joined.clone();
    for (member, key) in [("change", "id"), ("environment", "name"), ("product", "id"), ("release", "id")] {
        if joined["provenance"][format!("/{member}")]["source"] == "register" {
            with_ids[member] = joined[member][key].clone();
        }
    }
    for joined in ["provenance", "registers", "actual_instances"] {
        with_ids.as_object_mut().unwrap().remove(joined);
    }
    for (form, deployment) in [("joined.json", &joined), ("ids.json", &with_ids)] {
        let evaluated = evaluate(form, deployment);
        let snapshot = fs::read_to_string(stand.folder.join("snapshot.json")).unwrap();
        assert_eq!(evaluated.snapshot, decision.snapshot, "{id}, {form}: {joined}\n{snapshot}");
        assert_eq!(evaluated.id, decision.id, "{id}, {form}");
        assert_eq!((evaluated.verdict, &evaluated.reasons), (decision.verdict, &decision.reasons), "{id}, {form}");
        assert_eq!(evaluated.requirements, decision.requirements, "{id}, {form}");
    }
}

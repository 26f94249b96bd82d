//! What becomes of a deployment: some are denied, some rejected, some rolled back, and most go through.

use std::time::SystemTime;

use fastrand::Rng;
use lockgate_domain::Timestamp;
use serde_json::{Value, json};

use super::client::{Account, Client};
use super::documents::{Drawn, draw, sentence, somebody};
use super::models::Organisation;

const GATES: [(&str, &str); 8] = [
    ("plan-and-approve", "entrance"),
    ("plan-and-approve", "exit"),
    ("fulfill", "entrance"),
    ("fulfill", "exit"),
    ("validate", "entrance"),
    ("validate", "exit"),
    ("observe", "entrance"),
    ("observe", "exit"),
];
const FULFILLED: [&str; 7] = [
    "derive-topology",
    "reserve-resources",
    "order-services",
    "verify-preconditions",
    "deploy-packages",
    "deploy-monitors",
    "activate-knowledge",
];
const OBSERVED: [&str; 2] = ["watch-service", "weigh-way-on"];
/// In which roles people approve.
const APPROVERS: [&str; 3] = ["change-authority", "operations-manager", "product-manager"];
/// How many steps a rollout takes at most.
const MOST_STEPS: usize = 24;

/// A deployment that is driven.
struct Life<'a> {
    client: &'a Client,
    organisation: &'a Organisation,
    drawn: Drawn,
    path: String,
}

/// Asks for a deployment with that number and drives it until it ends, or nobody lets it on.
pub(crate) fn live(client: &Client, organisation: &Organisation, random: &mut Rng, number: usize) {
    let drawn = draw(random, organisation, number);
    let path = format!("/api/v1/deployments/{}", drawn.id);
    let life = Life { client, organisation, drawn, path };
    let new = json!({"team": life.drawn.team, "deployment": life.drawn.document});
    let answer = life.client.send(&life.drawn.requester, "POST", "/api/v1/deployments", &new);
    assert!(answer.status < 300, "{new}: {}", answer.body);
    for (n, (stage, phase)) in GATES.into_iter().enumerate() {
        life.ask(random, stage, phase);
        if life.pass(stage, phase) {
            life.passed(random, n);
            continue;
        }
        life.mend(random, n);
        if !life.pass(stage, phase) {
            life.give_up(random, n);
            return;
        }
        life.passed(random, n);
        if n == 3 && random.u8(0..8) == 0 {
            life.give_up(random, n);
            return;
        }
    }
}

impl Life<'_> {
    fn by(&self, account: &Account, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.client.send(account, method, &format!("{}{path}", self.path), body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.by(&self.drawn.requester, "POST", path, body)
    }

    /// Passes a gate, if it allows.
    fn pass(&self, stage: &str, phase: &str) -> bool {
        self.post(&format!("/gates/{stage}/{phase}"), &Value::Null)["passed"] == true
    }

    /// Asks the gate a few times, by each of the interfaces.
    fn ask(&self, random: &mut Rng, stage: &str, phase: &str) {
        for _ in 0..random.usize(0..3) {
            let (id, account) = (&self.drawn.id, &self.drawn.requester);
            match random.u8(0..4) {
                0 => drop(self.post(&format!("/gates/{stage}/{phase}?ask=true"), &Value::Null)),
                1 => {
                    let body = json!({"input": {"deployment": id, "team": self.drawn.team}});
                    self.client.send(account, "POST", &format!("/v1/data/lockgate/{stage}/{phase}/allow"), &body);
                }
                _ => {
                    let body = json!({
                        "subject": {"type": "service", "id": account.person},
                        "action": {"name": format!("{stage}.{phase}")},
                        "resource": {"type": "deployment", "id": id, "properties": {"team": self.drawn.team}},
                    });
                    self.client.send(account, "POST", "/access/v1/evaluation", &body);
                }
            }
        }
    }

    /// What has to be done before the next gate.
    fn passed(&self, random: &mut Rng, gate: usize) {
        match gate {
            2 => {
                self.roll_out(random);
                self.patch(&json!({"actual_instances": self.instances(random)}));
                self.report(random, &FULFILLED);
            }
            6 => {
                self.report(random, &OBSERVED);
                self.hand_over(random);
            }
            _ => {}
        }
    }

    fn patch(&self, patch: &Value) -> Value {
        self.by(&self.drawn.requester, "PATCH", "", patch)
    }

    /// What runs after it was deployed; sometimes it is another build.
    fn instances(&self, random: &mut Rng) -> Value {
        let mut instances = self.drawn.document["desired_instances"].clone();
        if random.u8(0..10) == 0 {
            instances[0]["components"][0]["digest"] = json!(format!("sha256:{:064x}", random.u128(..)));
        }
        if instances.is_null() { json!([]) } else { instances }
    }

    fn report(&self, random: &mut Rng, activities: &[&str]) {
        let reports: Vec<Value> = activities
            .iter()
            .map(|activity| match random.u8(0..5) {
                0 => json!({"activity": activity, "outcome": "not-needed", "note": sentence(random)}),
                _ => json!({"activity": activity, "outcome": "done"}),
            })
            .collect();
        self.post("/activities", &reports.into());
    }

    /// Operations take over what was deployed.
    fn hand_over(&self, random: &mut Rng) {
        let proposal = json!({"receiver": {"team": self.drawn.team}, "knowledge_items": ["ki-operating"]});
        self.post("/hand-over", &proposal);
        let operations = somebody(random, self.drawn.team, "operations-manager");
        self.by(&operations, "POST", "/hand-over/acceptance", &Value::Null);
    }

    fn roll_out(&self, random: &mut Rng) {
        for _ in 0..MOST_STEPS {
            let next = self.post("/rollout/next", &Value::Null);
            let step = next["step"]["id"].as_str().unwrap_or_default().to_owned();
            match next["next"].as_str() {
                Some("perform") => {
                    self.patch(&json!({"actual_instances": self.instances(random)}));
                    let outcome = match random.u8(0..12) {
                        0 => json!({"outcome": "failed", "why": sentence(random)}),
                        _ => json!({"outcome": "succeeded"}),
                    };
                    self.post(&format!("/rollout/steps/{step}"), &outcome);
                }
                Some("wait" | "pause") => {
                    let manager = somebody(random, self.drawn.team, "release-manager");
                    let view = self.by(&manager, "GET", "", &Value::Null);
                    let steps = view["progress"]["steps"].as_array().cloned().unwrap_or_default();
                    let waits =
                        |step: &&Value| matches!(step["status"].as_str(), Some("running" | "failed" | "inconclusive"));
                    let Some(step) = steps.iter().find(waits) else { return };
                    let resumed = json!({"outcome": "resumed", "why": sentence(random)});
                    self.by(&manager, "POST", &format!("/rollout/steps/{}", step["id"].as_str().unwrap()), &resumed);
                }
                _ => return,
            }
        }
    }

    /// Does what a gate asks for: defects are fixed, evidence is handed in, people approve, exceptions are made.
    fn mend(&self, random: &mut Rng, gate: usize) {
        match gate {
            0 => {
                let mut defects = self.drawn.document["release"]["defects"].clone();
                defects[0]["status"] = "fixed".into();
                self.patch(&json!({"release": {"defects": defects}}));
                self.evidence(random);
            }
            1 => self.approve(random),
            2 => drop(self.waive(random)),
            _ => drop(self.patch(&json!({"actual_instances": self.drawn.document["desired_instances"]}))),
        }
    }

    fn evidence(&self, random: &mut Rng) {
        let components: Vec<Value> = (0..random.usize(1..6))
            .map(|n| {
                json!({"type": "library", "name": format!("lib-{n}"), "version": format!("1.{n}.0"),
                "purl": format!("pkg:cargo/lib-{n}@1.{n}.0"), "licenses": [{"license": {"id": "MIT"}}]})
            })
            .collect();
        let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components});
        self.by(&self.drawn.requester, "PUT", "/evidence/sbom", &bom);
    }

    fn approve(&self, random: &mut Rng) {
        if random.u8(0..6) == 0 {
            self.waive(random);
        }
        let product = self.drawn.document["product"]["id"].as_str().unwrap_or_default();
        let Organisation { service, platform, people, owners, .. } = self.organisation;
        let overridable = [(service.as_str(), *people), (platform, owners), ("hello", "sign-off")];
        let binding = overridable.into_iter().find(|(prefix, _)| product.starts_with(*prefix));
        if let Some((_, binding)) = binding.filter(|_| random.u8(0..6) == 0) {
            return self.overrule(random, binding);
        }
        let lent = random.u8(0..12) == 0;
        for role in APPROVERS {
            let approver = somebody(random, self.drawn.team, role);
            let subject = self.by(&approver, "GET", "", &Value::Null)["subject"].clone();
            let answer = if random.u8(0..14) == 0 { "rejected" } else { "approved" };
            let mut approval = json!({"role": role, "answer": answer, "subject": subject});
            if random.bool() {
                approval["comment"] = sentence(random).into();
            }
            if lent && role == "change-authority" {
                let borrower = somebody(random, self.drawn.team, "operations-manager");
                let expires = in_days(random.u8(1..20));
                let loan = json!({"to": borrower.person, "role": role, "expires": expires, "reason": sentence(random)});
                self.client.send(&approver, "POST", "/api/v1/delegations", &loan);
                approval["on_behalf_of"] = approver.person.clone().into();
                self.by(&borrower, "POST", "/approvals", &approval);
            } else {
                self.by(&approver, "POST", "/approvals", &approval);
            }
        }
    }

    fn overrule(&self, random: &mut Rng, binding: &str) {
        let people = ["release-manager", "release-manager"].map(|role| somebody(random, self.drawn.team, role));
        let body = json!({
            "gate": {"stage": "plan-and-approve", "phase": "exit"},
            "binding": binding,
            "reason": sentence(random),
        });
        let taken = self.by(&people[0], "POST", "/overrides", &body);
        let Some(id) = taken["id"].as_str() else { return };
        self.by(&people[1], "POST", &format!("/overrides/{id}/confirmation"), &json!({}));
        let review = json!({"deployment": self.drawn.id, "finding": "justified", "comment": sentence(random)});
        let reviewer = somebody(random, self.drawn.team, "governance");
        self.client.send(&reviewer, "POST", &format!("/api/v1/overrides/{id}/review"), &review);
    }

    fn waive(&self, random: &mut Rng) -> Value {
        let owner = somebody(random, self.drawn.team, "service-owner");
        let waiver = json!({
            "reason": sentence(random), "ticket": format!("EX-{}", random.u16(..)),
            "expires": in_days(random.u8(1..20)),
            "scope": {"bindings": [self.organisation.window], "deployment": self.drawn.id, "codes": ["planned-window-in-blackout", "blackout"]},
        });
        let answer = self.client.send(&owner, "POST", "/api/v1/waivers", &waiver);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    fn give_up(&self, random: &mut Rng, gate: usize) {
        let moves: &[&str] = match gate {
            0 | 1 => &[if random.bool() { "reject" } else { "abort" }],
            2 => &["abort"],
            _ => &["roll-back", "complete-rollback"],
        };
        let manager = somebody(random, self.drawn.team, "release-manager");
        for name in moves {
            let body = json!({"move": name, "reason": sentence(random)});
            if self.by(&self.drawn.requester, "POST", "/moves", &body)["move"].is_null() {
                self.by(&manager, "POST", "/moves", &body);
            }
        }
    }
}

/// The moment so many days from now.
fn in_days(days: u8) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    Timestamp::from_millis(i64::try_from(now).unwrap() * 1000 + i64::from(days) * 86_400_000).to_string()
}

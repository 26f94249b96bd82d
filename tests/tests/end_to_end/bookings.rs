//! `lockgate deployment` against a real server: what else is booked is seen before anybody approves, and what was deployed is handed
//! over to those who operate it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_domain::Digest;
use lockgate_tests::served::{Served, send};
use lockgate_tests::{TOLD_FACTS, tree};
use serde_json::{Value, json};

struct Stand {
    folder: PathBuf,
    server: Served,
}

impl Stand {
    fn start(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // What an earlier run left is in the way.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(tree("plugins/four-eyes.wasm"), folder.join("four-eyes.wasm")).unwrap();
        let digest = Digest::of(&fs::read(folder.join("four-eyes.wasm")).unwrap());
        let model = format!(
            r#"
            id = "bookings"
            version = "1.0.0"
            title = "Bookings"
            {TOLD_FACTS}
            [plugins.four-eyes]
            component = "four-eyes.wasm"
            digest = "{digest}"
            [[gates]]
            stage = "plan-and-approve"
            phase = "entrance"
            unguarded = "allow"
            [[gates]]
            stage = "plan-and-approve"
            phase = "exit"
            [[gates.bindings]]
            id = "sign-off"
            plugin = "four-eyes"
            enforcement = "hard-mandatory"
            settings.required = [{{ role = "change-authority" }}]
            "#
        );
        fs::write(folder.join("model.toml"), model).unwrap();
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&folder).args(["serve", "--data", "data", "--models", "model.toml"]);
        Self { server: Served::by(command), folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&self.folder).env_remove("LOCKGATE_TOKEN").env("NO_COLOR", "1").args(arguments);
        command.env("LOCKGATE_SERVER", format!("http://{}", self.server.address));
        command
    }

    fn token(&self, person: &str, role: &str) -> String {
        let arguments =
            ["token", "create", "--data", "data", "--role", role, "--for", person, "--team", "shop", "--quiet"];
        String::from_utf8(self.command(&arguments).output().unwrap().stdout).unwrap().trim().to_owned()
    }

    /// The exit code of a command, and what it printed to standard output and standard error.
    fn run(&self, token: &str, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).env("LOCKGATE_TOKEN", token).output().unwrap();
        let [out, words] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), out, words)
    }

    /// What a command printed, if it went well.
    fn printed(&self, token: &str, arguments: &[&str]) -> String {
        let (code, out, words) = self.run(token, arguments);
        assert_eq!(code, 0, "{words}");
        out
    }

    fn post(&self, token: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = send(&self.server.address, "POST", path, token, &body).unwrap();
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        answer.json()
    }

    /// Asks for a deployment that needs the crane, and passes the first gate.
    fn request(&self, token: &str, id: &str, (environment, kind): (&str, &str), from: &str, to: &str) {
        let slot = json!({"start": format!("2026-12-01T{from}:00Z"), "end": format!("2026-12-01T{to}:00Z")});
        let request = json!({"team": "shop", "deployment": {
            "id": id, "scenario": "new-version", "requester": {"id": "rita"}, "product": {"id": id},
            "release": {"id": format!("{id}-r"), "name": id, "version": "2.0.0", "status": "published", "components": [],
                "knowledge_items": [{"id": "K-1", "title": "How to run it", "status": "published", "author": "rita"}]},
            "environment": {"name": environment, "kind": kind, "control": "full"},
            "change": {
                "id": "CHG-1", "title": "New", "category": "normal", "approval": "approved", "risk": "low",
                "releases": [format!("{id}-r")],
                "window": {"start": "2026-12-01T08:00:00Z", "end": "2026-12-01T22:00:00Z"}
            },
            "plan": {
                "id": "plan-1", "slot": slot, "resources": ["crane"], "point_of_no_return": "switch",
                "way_back": {"kind": "last-known-good", "release": "old"}
            }
        }});
        self.post(token, "/api/v1/deployments", &request);
        assert_eq!(self.gate(token, id, "entrance")["passed"], true);
    }

    fn gate(&self, token: &str, id: &str, phase: &str) -> Value {
        self.gate_of(token, id, "plan-and-approve", phase)
    }

    fn gate_of(&self, token: &str, id: &str, stage: &str, phase: &str) -> Value {
        self.post(token, &format!("/api/v1/deployments/{id}/gates/{stage}/{phase}"), &Value::Null)
    }

    /// Reports all activities that shall be done now.
    fn activities(&self, token: &str, id: &str) {
        let shown: Value =
            serde_json::from_str(&self.printed(token, &["deployment", "show", id, "-o", "json"])).unwrap();
        let shall = shown["deployment"]["activities"].as_array().unwrap().iter().filter(|one| one["shall"] == true);
        let reports: Vec<Value> = shall.map(|one| json!({"activity": one["id"], "outcome": "done"})).collect();
        self.post(token, &format!("/api/v1/deployments/{id}/activities"), &json!(reports));
    }
}

#[test]
fn an_approver_sees_what_else_is_booked_before_and_with_the_approval() {
    let stand = Stand::start("bookings");
    let (rita, bo) = (stand.token("rita", "pipeline"), stand.token("bo", "change-authority"));
    stand.request(&rita, "till", ("hall-b", "test"), "19:00", "20:30");
    let subject = |id: &str| {
        let seen: Value = serde_json::from_str(&stand.printed(&bo, &["deployment", "show", id, "-o", "json"])).unwrap();
        (seen["deployment"]["subject"].as_str().unwrap().to_owned(), seen["bookings"].clone())
    };
    let approve = |id: &str, subject: &str| {
        stand.run(&bo, &["deployment", "approve", id, "--role", "change-authority", "--subject", subject])
    };
    let (of_till, bookings) = subject("till");
    assert_eq!(bookings, json!([]));
    let (code, out, words) = approve("till", &of_till);
    assert!(code == 0 && out.contains("Nothing else is booked"), "{out}{words}");
    assert_eq!(stand.gate(&rita, "till", "exit")["passed"], true);

    stand.request(&rita, "shop", ("hall-a", "test"), "20:00", "21:00");
    let shown = stand.printed(&bo, &["deployment", "show", "shop"]);
    let of_another = shown.lines().find(|line| line.contains("hall-b")).unwrap_or_default();
    let slot = "2026-12-01T19:00:00Z – 2026-12-01T20:30:00Z";
    for part in [slot, "till", "planned", "meets the slot", "needs `crane` too"] {
        assert!(of_another.contains(part), "{part}: {shown}");
    }
    let (of_shop, bookings) = subject("shop");
    assert!(shown.contains(&of_shop) && bookings.as_array().unwrap().len() == 1, "{shown}");

    let (code, out, words) = approve("shop", &of_till);
    assert_eq!(code, 1, "{out}{words}");
    assert!(out.contains("needs `crane` too") && words.contains("subject"), "{out}{words}");
    let (code, out, words) = approve("shop", &of_shop);
    assert_eq!(code, 0, "{words}");
    let (booked, given) = (out.find("needs `crane` too").unwrap(), out.find("`shop` is approved by bo").unwrap());
    assert!(booked < given, "{out}");
    assert_eq!(stand.gate(&rita, "shop", "exit")["passed"], true);
}

#[test]
fn operations_take_over_what_is_live_and_its_exposure_is_open() {
    let stand = Stand::start("hand-over");
    let (rita, bo) = (stand.token("rita", "pipeline"), stand.token("bo", "change-authority"));
    let otto = stand.token("otto", "operations-manager");
    stand.request(&rita, "shop", ("hall-a", "live"), "20:00", "21:00");
    let shown: Value =
        serde_json::from_str(&stand.printed(&bo, &["deployment", "show", "shop", "-o", "json"])).unwrap();
    let subject = shown["deployment"]["subject"].as_str().unwrap();
    stand.printed(&bo, &["deployment", "approve", "shop", "--role", "change-authority", "--subject", subject]);
    assert_eq!(stand.gate(&rita, "shop", "exit")["passed"], true);

    let hand_over = ["deployment", "hand-over", "shop", "--to-team", "shop", "--knowledge-item", "K-1"];
    let (code, _, words) = stand.run(&rita, &hand_over);
    assert!(code == 1 && words.contains("it is handed over between the exit of fulfill"), "{words}");
    assert_eq!(stand.gate_of(&rita, "shop", "fulfill", "entrance")["passed"], true);
    stand.activities(&rita, "shop");
    for (stage, phase) in [("fulfill", "exit"), ("validate", "entrance"), ("validate", "exit"), ("observe", "entrance")]
    {
        assert_eq!(stand.gate_of(&rita, "shop", stage, phase)["passed"], true, "{stage} {phase}");
    }
    stand.activities(&rita, "shop");
    assert_eq!(stand.gate_of(&rita, "shop", "observe", "exit")["decision"]["reasons"][0]["code"], "hand-over-missing");
    assert_eq!(
        stand.printed(&bo, &["deployment", "exposures"]).trim(),
        "Nothing has become operational in a live environment yet."
    );

    let (code, _, words) = stand.run(&rita, &["deployment", "hand-over", "shop", "--knowledge-item", "K-1"]);
    assert!(code == 3 && words.contains("--to-person"), "{code} {words}");
    let (code, _, words) =
        stand.run(&rita, &["deployment", "hand-over", "shop", "--to-person", "otto", "--runbook", "R-1"]);
    assert!(code == 1 && words.contains("nobody keeps the register `runbooks`"), "{words}");
    let proposed = stand.printed(&rita, &hand_over);
    assert!(
        proposed.contains("proposed by rita") && proposed.contains("the team `shop` has not accepted it"),
        "{proposed}"
    );
    let (code, _, words) = stand.run(&bo, &["deployment", "accept-hand-over", "shop"]);
    assert!(code == 1 && words.contains("take-over"), "{words}");
    let accepted = stand.printed(&otto, &["deployment", "accept-hand-over", "shop"]);
    assert!(accepted.contains("`shop`: accepted to the team `shop`, by otto"), "{accepted}");

    assert_eq!(stand.gate_of(&rita, "shop", "observe", "exit")["passed"], true);
    let shown = stand.printed(&bo, &["deployment", "show", "shop"]);
    for part in ["operational", "accepted to the team `shop`, by otto", "open since", "by rita"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let exposures = stand.printed(&bo, &["deployment", "exposures"]);
    let row = exposures.lines().find(|line| line.contains("hall-a")).unwrap_or_default();
    assert!(["shop", "shop-r", "rita"].iter().all(|part| row.contains(part)), "{exposures}");
}

//! What people and tools read of exceptions: which one counts, and why another does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_tests::tree;
use serde_json::{Value, json};

const MODEL: &str = r#"id = "shown"
version = "1.0.0"
title = "One approval, which may be waived"
unguarded = "allow"
[plugins.four-eyes]
component = "plugins/four-eyes.wasm"
[[gates]]
stage = "plan-and-approve"
phase = "exit"
[[gates.bindings]]
id = "people"
plugin = "four-eyes"
enforcement = "soft-mandatory"
waivable = true
settings.required = [{ role = "change-authority" }]
"#;

const REASON: &str = "agreed with the owner";

/// A name that gives orders: to a workflow's runner, and to a terminal to clear, hide, write from right to left, and one of the C1
/// set.
const ORDERS: &str = "left \n::error::of nobody \u{1b}[2J\u{1b}[8m\u{202e}\u{9b}2J";

/// A model that reads somebody else's document.
const READS_SBOM: &str = r#"id = "reads"
version = "1.0.0"
title = "No copyleft"
unguarded = "allow"
[plugins.sbom-policy]
component = "plugins/sbom-policy.wasm"
[[gates]]
stage = "plan-and-approve"
phase = "exit"
[[gates.bindings]]
id = "licences"
plugin = "sbom-policy"
enforcement = "hard-mandatory"
grants.evidence = ["sbom"]
settings.denied-licences = ["AGPL-*"]
"#;

struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exceptions_shown").join(test);
        // What an earlier run left is in the way.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("plugins")).unwrap();
        fs::copy(tree("plugins/four-eyes.wasm"), folder.join("plugins/four-eyes.wasm")).unwrap();
        fs::write(folder.join("model.toml"), MODEL).unwrap();
        let folder = Self(folder);
        assert_eq!(folder.lockgate(&["model", "pin", "model.toml"]).0, Some(0));
        folder
    }

    /// The exit code, and what is printed.
    fn lockgate(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let (code, text, warnings) = self.warned(arguments);
        assert_eq!(warnings, "");
        (code, text)
    }

    /// The same, and what is warned of.
    fn warned(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(tree("bin/lockgate"));
        let output = command.current_dir(&self.0).env("COLUMNS", "160").args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// `eval` of a deployment with a waiver of that owner, in one form.
    fn eval(&self, owner: &str, more: &[&str]) -> (Option<i32>, String) {
        let environment = self.deployment(json!([]))["environment"]["name"].clone();
        self.deployment(json!([{
            "id": "w-1", "owner": owner, "reason": REASON, "ticket": "T-1", "scope": {"bindings": ["people"], "environment": environment},
            "granted": "2026-11-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"
        }]));
        self.eval_deployment(more)
    }

    /// Writes a deployment with these waivers.
    fn deployment(&self, waivers: Value) -> Value {
        let text = fs::read_to_string(tree("examples/new-version/deployment.json")).unwrap();
        let mut deployment: Value = serde_json::from_str(&text).unwrap();
        deployment["approvals"] = json!([]);
        deployment["waivers"] = waivers;
        // A live environment would demand registers.
        deployment["environment"]["kind"] = json!("staging");
        deployment["environment"]["live"] = json!(false);
        fs::write(self.0.join("deployment.json"), deployment.to_string()).unwrap();
        deployment
    }

    fn eval_deployment(&self, more: &[&str]) -> (Option<i32>, String) {
        let arguments =
            ["eval", "--model", "model.toml", "--deployment", "deployment.json", "--now", "2026-11-24T20:30:00Z"];
        self.lockgate(&[&arguments, more].concat())
    }
}

#[test]
fn a_waiver_of_what_no_model_has_is_warned_of() {
    let folder = Folder::new("unknown");
    folder.eval("zoe@example.org", &EXIT);
    let deployment = fs::read_to_string(folder.0.join("deployment.json")).unwrap();
    fs::write(folder.0.join("deployment.json"), deployment.replace("\"people\"", "\"peeple\"")).unwrap();
    let arguments = ["eval", "-m", "model.toml", "-d", "deployment.json", "--now", "2026-11-24T20:30:00Z"];
    let (code, _, warnings) = folder.warned(&[&arguments[..], &EXIT].concat());
    assert_eq!(code, Some(4), "{warnings}");
    assert!(warnings.contains("`w-1` has no effect: no loaded model has a binding or group `peeple`"), "{warnings}");
    assert!(warnings.contains("did you mean `people`?") && warnings.contains("deployment.json:"), "{warnings}");
    assert_eq!(folder.warned(&[&arguments[..], &EXIT, &["--quiet"]].concat()).2, "");
}

const EXIT: [&str; 4] = ["--stage", "plan-and-approve", "--phase", "exit"];

#[test]
fn a_waiver_that_counts_is_shown_beside_what_it_waives() {
    let folder = Folder::new("counts");
    let (code, table) = folder.eval("zoe@example.org", &EXIT);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("pending, waived  people"), "{table}");
    assert!(table.contains("waived by `zoe@example.org` until 2027-01-01T00:00:00Z: agreed with the owner"), "{table}");
    let (_, all) = folder.eval("zoe@example.org", &[]);
    assert!(all.contains("plan-and-approve exit: allow  people (waived)"), "{all}");
    // The gate allows, so the job of a pipeline must not fail.
    let (_, junit) = folder.eval("zoe@example.org", &[&EXIT[..], &["--output", "junit"]].concat());
    assert!(junit.contains("failures=\"0\"") && !junit.contains("<failure"), "{junit}");
}

#[test]
fn a_waiver_that_does_not_count_is_shown_with_the_reason_in_every_form() {
    let folder = Folder::new("does-not-count");
    for form in ["table", "github", "sarif", "junit", "json"] {
        let (code, text) = folder.eval("ada@example.org", &[&EXIT[..], &["--output", form]].concat());
        assert_eq!(code, Some(4), "{text}");
        assert!(text.contains("waiver-not-applicable"), "{form}: {text}");
        assert!(text.contains("`ada@example.org` granted it, and asked for this deployment"), "{form}: {text}");
    }
}

/// Documents of Lockgate hold no such characters; those of others, which plugins quote, may.
#[test]
fn no_form_gives_orders_to_a_terminal() {
    let folder = Folder::new("orders");
    fs::copy(tree("plugins/sbom-policy.wasm"), folder.0.join("plugins/sbom-policy.wasm")).unwrap();
    fs::write(folder.0.join("model.toml"), READS_SBOM).unwrap();
    assert_eq!(folder.lockgate(&["model", "pin", "model.toml"]).0, Some(0));
    let sbom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"type": "library", "name": ORDERS, "version": "1", "licenses": [{"license": {"id": "AGPL-3.0-only"}}]}
    ]});
    fs::write(folder.0.join("sbom.json"), sbom.to_string()).unwrap();
    folder.deployment(json!([]));
    for form in ["table", "github", "sarif", "junit", "json"] {
        let more = [&EXIT[..], &["--evidence", "sbom=sbom.json", "--output", form]].concat();
        let (code, text) = folder.eval_deployment(&more);
        assert_eq!(code, Some(2), "{form}: {text}");
        assert!(text.contains("left "), "{form}: {text}");
        let order = text.chars().find(|character| {
            (character.is_control() && *character != '\n') || ('\u{202a}'..='\u{202e}').contains(character)
        });
        assert_eq!(order, None, "{form}: {text:?}");
        let begins = text.lines().find(|line| line.trim_start().starts_with("::error::of nobody"));
        assert_eq!(begins, None, "{form}: {text}");
        if form == "json" {
            // It is shown otherwise, and is the same text.
            let decision: Value = serde_json::from_str(&text).unwrap();
            assert!(decision["reasons"].to_string().contains('\u{9b}'), "{text}");
        }
    }
}

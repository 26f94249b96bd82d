//! A server with registers, and a folder for the files of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockgate_domain::{Digest, RegisterKind};
use lockgate_tests::served::{Answer, Served, send};
use lockgate_tests::tree;
use serde_json::Value;

pub(super) struct Stand {
    pub(super) folder: PathBuf,
    pub(super) server: Served,
}

/// An empty folder.
pub(super) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registers").join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a command printed to standard output and standard error, with its exit code.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) words: String,
}

impl Ran {
    pub(super) fn of(output: Output) -> Self {
        let [out, words] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { code: output.status.code().unwrap(), out, words }
    }

    /// What it printed, if it went well.
    pub(super) fn printed(self) -> String {
        assert_eq!(self.code, 0, "{}", self.words);
        self.out
    }
}

/// Writes a model with one policy, which says something in every decision.
pub(super) fn write_model(folder: &Path) {
    fs::copy(tree("plugins/four-eyes.wasm"), folder.join("four-eyes.wasm")).unwrap();
    let digest = Digest::of(&fs::read(folder.join("four-eyes.wasm")).unwrap());
    let model = format!(
        r#"
        id = "registers"
        version = "1.0.0"
        title = "Registers"
        [plugins.four-eyes]
        component = "four-eyes.wasm"
        digest = "{digest}"
        [[gates]]
        stage = "plan-and-approve"
        phase = "entrance"
        [[gates.bindings]]
        id = "people"
        plugin = "four-eyes"
        enforcement = "hard-mandatory"
        when = 'has(registers.incidents) && registers.incidents.exists(incident, incident.open)'
        settings.required = [{{ role = "change-authority" }}]
        "#
    );
    fs::write(folder.join("model.toml"), model).unwrap();
}

/// The deployment of the quick start.
pub(super) fn deployment() -> Value {
    let request = fs::read(tree("examples/quick-start/request.json")).unwrap();
    serde_json::from_slice::<Value>(&request).unwrap()["deployment"].take()
}

impl Stand {
    /// A server whose registers the service `itsm` attests.
    pub(super) fn start(name: &str) -> Self {
        Self::demanding(name, "")
    }

    /// The same, with a model that demands more.
    pub(super) fn demanding(name: &str, demands: &str) -> Self {
        let names: Vec<String> = RegisterKind::ALL.iter().map(|kind| format!("\"{kind}\"")).collect();
        let rules = format!("[[attest]]\nregisters = [{}]\nby = [\"service:itsm\"]\n", names.join(", "));
        Self::with(name, &rules, demands)
    }

    pub(super) fn with_rules(name: &str, rules: &str) -> Self {
        Self::with(name, rules, "")
    }

    fn with(name: &str, rules: &str, demands: &str) -> Self {
        let folder = folder(name);
        write_model(&folder);
        let model = fs::read_to_string(folder.join("model.toml")).unwrap();
        fs::write(folder.join("model.toml"), model + demands).unwrap();
        fs::write(folder.join("lockgate.toml"), rules).unwrap();
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&folder).args(["serve", "--data", "data", "--models", "model.toml", "-c", "lockgate.toml"]);
        let server = Served::by(command);
        Self { folder, server }
    }

    /// A token for a service of the team `shop`, or of all teams.
    pub(super) fn token(&self, service: &str, teams: &[&str]) -> String {
        let mut command =
            self.command(&["token", "create", "--data", "data", "--kind", "service", "--role", "pipeline"]);
        Ran::of(command.args(["--for", service, "--quiet"]).args(teams).output().unwrap()).printed().trim().to_owned()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&self.folder).env_remove("LOCKGATE_TOKEN").env("NO_COLOR", "1").args(arguments);
        command.env("LOCKGATE_SERVER", format!("http://{}", self.server.address));
        command
    }

    pub(super) fn run(&self, token: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).env("LOCKGATE_TOKEN", token).output().unwrap())
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// A request to the API, which has to be carried out.
    pub(super) fn send(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        let answer = send(&self.server.address, method, path, token, body).unwrap();
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        answer
    }
}

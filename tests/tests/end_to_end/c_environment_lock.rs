//! The contract without the SDK: the example policy in C is built as its README says, and decides.
//!
//! The names of these tests all hold `written_in_c`: `cargo xtask test` finds a C compiler for WebAssembly for them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use lockgate_domain::{
    Answer, CorrectionNeeded, Digest, Finding, Kind, Need, PolicyVerdict, Reason, Requirement, SettingsFinding,
    Severity, Snapshot,
};
use lockgate_runtime::{Grants, Limits, LoadError, LoadRequest, Plugin, Runtime, RuntimeConfig, StartUp};
use lockgate_tests::{generate, repository, tree};
use proptest::prop_assert_eq;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// Makes the bindings that step 1 of `build.sh` makes, with the same generator as a library.
fn bindings(folder: &Path) {
    let wit = folder.join("wit");
    fs::create_dir_all(&wit).unwrap();
    fs::copy(repository("wit/approval/approval.wit"), wit.join("approval.wit")).unwrap();
    for package in ["types", "host"] {
        let dependency = wit.join("deps").join(package);
        fs::create_dir_all(&dependency).unwrap();
        let file = format!("{package}.wit");
        fs::copy(repository("wit").join(package).join(&file), dependency.join(&file)).unwrap();
    }
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_dir(&wit).unwrap();
    let world = resolve.select_world(&[package], Some("approval-policy")).unwrap();
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files).unwrap();
    for (name, bytes) in files.iter() {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The component, built once for all tests. Tests are processes of their own: what one builds, the next one finds, if it
/// was built of the same sources with the same tools.
fn component() -> Arc<[u8]> {
    static BUILT: OnceLock<Arc<[u8]>> = OnceLock::new();
    Arc::clone(BUILT.get_or_init(|| {
        let Ok(compiler) = std::env::var("LOCKGATE_WASM_CC") else {
            panic!("LOCKGATE_WASM_CC has to name a C compiler for wasm32-wasi; `cargo xtask test` finds one");
        };
        let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c-environment-lock");
        fs::create_dir_all(&scratch).unwrap();
        let building = File::create(scratch.join("building.lock")).unwrap();
        building.lock().unwrap();
        let built = scratch.join(made_of(&compiler).hex()).with_extension("wasm");
        if let Ok(component) = fs::read(&built) {
            return component.into();
        }
        let out = scratch.join("out");
        bindings(&out.join("bindings"));
        let status = Command::new("sh")
            .arg(repository("examples/plugins/c-environment-lock/build.sh"))
            .env("CC", compiler)
            .env("BINDINGS", out.join("bindings"))
            .env("LOCKGATE", tree("bin/lockgate"))
            .env("OUT", &out)
            .status()
            .unwrap();
        assert!(status.success(), "build.sh: {status}");
        fs::rename(out.join("environment-lock.wasm"), &built).unwrap();
        fs::remove_dir_all(&out).unwrap();
        fs::read(&built).unwrap().into()
    }))
}

/// The digest of all that the component is made of: the tools, the example, and the contract.
fn made_of(compiler: &str) -> Digest {
    // This test holds the generator of the bindings.
    let mut files = vec![tree("bin/lockgate"), std::env::current_exe().unwrap()];
    for folder in ["examples/plugins/c-environment-lock", "wit/types", "wit/host", "wit/approval"] {
        files.extend(fs::read_dir(repository(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|path| path.is_file());
    files.sort();
    let digests = files.into_iter().map(|path| Digest::of(&fs::read(path).unwrap()).hex());
    let mut words = compiler.split_whitespace();
    let version = Command::new(words.next().unwrap()).args(words).arg("--version").output().unwrap();
    let tools = format!("{compiler} {}", String::from_utf8_lossy(&version.stdout));
    Digest::of(digests.fold(tools, |all, digest| all + " " + &digest).as_bytes())
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig::default()).unwrap())
}

fn load(settings: Value) -> Result<Plugin, LoadError> {
    let (grants, limits) = (Grants { log: false, ..Grants::default() }, Limits::default());
    runtime().load(LoadRequest { component: component(), settings, grants, limits })
}

/// What the policy says of a deployment to the environment of that name.
fn decided(settings: Value, environment: &str) -> Answer {
    let evaluation = load(settings).unwrap().decide(&snapshot(environment));
    evaluation.outcome.unwrap()
}

fn snapshot(environment: &str) -> Arc<Snapshot> {
    let snapshot = json!({
        "id": "d-1",
        "scenario": "new-version",
        "requester": {"id": "req@example.com", "roles": ["developer"]},
        "product": {"id": "shop", "name": "Shop"},
        "release": {"id": "shop-2", "name": "Shop", "version": "2.0.0", "status": "published", "components": []},
        "environment": {"name": environment, "kind": "live", "purpose": "production", "control": "full"},
        "change": {
            "id": "CHG-1", "title": "Shop 2", "description": "", "category": "normal",
            "approval": "approved", "risk": "low", "releases": ["shop-2"]
        },
        "gate": {"stage": "plan-and-approve", "phase": "exit"},
        "now": "2026-11-24T20:00:00Z",
        "subject": format!("sha256:{}", "0".repeat(64)),
    });
    Arc::new(serde_json::from_value(snapshot).unwrap())
}

/// The policy in a line of Rust says the same.
#[test]
fn a_policy_written_in_c_decides_as_in_rust_whatever_the_snapshot() {
    let allowed = ["live", "staging", "größe"];
    let plugin = load(json!({ "allowed": allowed })).unwrap();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let alike = |snapshot: Snapshot| {
        let expected = match allowed.contains(&snapshot.deployment.environment.name.as_str()) {
            true => PolicyVerdict::Allow,
            false => PolicyVerdict::Deny,
        };
        prop_assert_eq!(plugin.decide(&Arc::new(snapshot)).outcome.map(|answer| answer.verdict), Ok(expected));
        Ok(())
    };
    runner.run(&generate::snapshots(), alike).unwrap();
}

fn finding(pointer: &str, message: &str) -> SettingsFinding {
    SettingsFinding::at(pointer, message)
}

fn findings(settings: Value) -> Vec<SettingsFinding> {
    match load(settings) {
        Err(LoadError::Settings(findings)) => findings,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the settings were accepted"),
    }
}

#[test]
fn a_policy_written_in_c_imports_the_snapshot_alone_and_says_what_it_is() {
    let inspection = runtime().inspect(&component(), &Grants { log: false, ..Grants::default() }).unwrap();
    assert!(inspection.is_admissible(), "{:?}", inspection.refusals);
    assert_eq!(inspection.contract.as_deref(), Some("0.2.0-rc.1"));
    assert_eq!(inspection.kinds, [Kind::ApprovalPolicy]);
    let imports: Vec<&str> = inspection.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(imports, ["lockgate:types/types@0.2.0-rc.1", "lockgate:host/snapshot@0.2.0-rc.1"]);

    let description = inspection.description.unwrap();
    assert_eq!(description.name, "environment-lock");
    assert_eq!(description.version, "0.1.0");
    assert_eq!(description.capabilities, []);
}

#[test]
fn a_policy_written_in_c_starts_configured() {
    let plugin = load(json!({"allowed": ["live"]})).unwrap();
    assert_eq!(plugin.start_up(), &StartUp::Frozen);
}

#[test]
fn a_policy_written_in_c_allows_what_is_on_its_list() {
    let expected = Answer {
        verdict: PolicyVerdict::Allow,
        findings: Vec::new(),
        requirements: Vec::new(),
        reasons: vec![Reason {
            pointers: vec!["/environment/name".to_owned()],
            ..Reason::new("environment-listed", "The environment `live-eu` is on the list.")
        }],
        obligations: Vec::new(),
    };
    assert_eq!(decided(json!({"allowed": ["staging", "live-eu"]}), "live-eu"), expected);
}

#[test]
fn a_policy_written_in_c_denies_the_rest_and_says_what_would_turn_it() {
    let expected = Answer {
        verdict: PolicyVerdict::Deny,
        findings: vec![Finding {
            about: Some("live-us".to_owned()),
            pointers: vec!["/environment/name".to_owned()],
            remedies: vec![Requirement::new(
                "choose-listed-environment",
                "Deploy to an environment that is on the list, or have this one put on it.",
                Need::Correction(CorrectionNeeded {
                    pointer: "/environment/name".to_owned(),
                    expected: "`test`, `staging` or `live-eu`".to_owned(),
                    accepted: Vec::new(),
                    found: Some("live-us".to_owned()),
                }),
            )],
            ..Finding::new(Severity::High, "environment-not-listed", "The environment `live-us` is not on the list.")
        }],
        requirements: Vec::new(),
        reasons: Vec::new(),
        obligations: Vec::new(),
    };
    assert_eq!(decided(json!({"allowed": ["test", "staging", "live-eu"]}), "live-us"), expected);
}

#[test]
fn a_policy_written_in_c_reads_names_in_any_script() {
    let name = "naïve \"live\" \\ 日本";
    let answer = decided(json!({"allowed": [name]}), name);
    assert_eq!(answer.verdict, PolicyVerdict::Allow);
}

#[test]
fn a_policy_written_in_c_finds_all_that_is_wrong_with_its_settings() {
    assert_eq!(
        findings(json!({"allowed": ["live", 3, ""], "alowed": {"a/b~": [1, "]"]}})),
        [
            finding("/allowed/1", "expected the name of an environment, as a string"),
            finding("/allowed/2", "an environment has a name"),
            finding("/alowed", "there is no such setting; the only one is `allowed`"),
        ]
    );
    assert_eq!(
        findings(json!({})),
        [finding("", "`allowed` is missing: the names of the environments in which a deployment may go on")]
    );
    assert_eq!(
        findings(json!(["live"])),
        [finding("", "cannot be read: expected an object such as {\"allowed\": [\"live\"]}")]
    );
}

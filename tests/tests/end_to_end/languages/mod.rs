//! One policy in four languages: what is true of a plugin is true of it in each.
//!
//! `cargo xtask test` builds the policies as their READMEs say and names the components in the environment; for the one in
//! C, it names a compiler, and [`c`] builds it. The names of these tests hold `written_in_c`, `written_in_javascript` or
//! `written_in_python` where they need the tools of that language.
//!
//! A component that holds a whole engine takes its time to compile, so what was compiled is kept from test to test and
//! from run to run.

mod c;
mod cases;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use lockgate_domain::{
    Answer, Failure, FailureKind, LogLevel, Need, PolicyVerdict, Requirement, SettingsFinding, Snapshot,
};
use lockgate_runtime::{Evaluation, Grants, Limits, LoadError, LoadRequest, Plugin, Runtime, RuntimeConfig, StartUp};
use lockgate_tests::generate;
use proptest::prop_assert_eq;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use cases::{Case, Told};

#[derive(Clone, Copy, Debug)]
enum Language {
    Rust,
    C,
    JavaScript,
    Python,
}

impl Language {
    fn component(self) -> Arc<[u8]> {
        let variable = match self {
            Self::C => return c::component(),
            Self::Rust => "LOCKGATE_RISK_APPROVALS_RUST",
            Self::JavaScript => "LOCKGATE_RISK_APPROVALS_JAVASCRIPT",
            Self::Python => "LOCKGATE_RISK_APPROVALS_PYTHON",
        };
        let Some(path) = std::env::var_os(variable) else {
            panic!("{variable} has to name the component; `cargo xtask test` builds it");
        };
        fs::read(path).unwrap().into()
    }

    fn try_load(self, settings: Value, limits: Limits) -> Result<Plugin, LoadError> {
        let cache = cache();
        // Tests are processes of their own: what one compiles, the next one finds.
        let compiling = File::create(cache.join("compiling.lock")).unwrap();
        compiling.lock().unwrap();
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        let config = RuntimeConfig { cache: Some(cache.join("compiled")), ..RuntimeConfig::default() };
        let runtime = RUNTIME.get_or_init(|| Runtime::new(config).unwrap());
        runtime.load(LoadRequest { component: self.component(), settings, grants: Grants::default(), limits })
    }

    fn load(self, limits: Limits) -> Plugin {
        self.try_load(cases::settings(), limits).unwrap()
    }

    fn findings(self, settings: Value) -> Vec<SettingsFinding> {
        match self.try_load(settings, Limits::default()) {
            Err(LoadError::Settings(findings)) => findings,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the settings were accepted"),
        }
    }
}

fn cache() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("languages");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// An answer in one line, as the cases have it.
fn told(answer: &Answer) -> String {
    let reasons: Vec<&str> = answer.reasons.iter().map(|reason| reason.code.as_str()).collect();
    let mut told = match answer.verdict {
        PolicyVerdict::Allow | PolicyVerdict::Abstain => answer.verdict.as_str().to_owned(),
        PolicyVerdict::Deny => {
            let people: Vec<&str> = answer.findings.iter().filter_map(|finding| finding.about.as_deref()).collect();
            format!("deny: {}", people.join(", "))
        }
        PolicyVerdict::Require => match answer.requirements.as_slice() {
            [Requirement { need: Need::Approvals(need), .. }] => {
                format!("require {}, not of {}", need.missing, need.excluded.join(", "))
            }
            other => panic!("{other:?}"),
        },
    };
    if !reasons.is_empty() {
        told += &format!("; {}", reasons.join(", "));
    }
    for obligation in &answer.obligations {
        told += &format!("; {} {}", obligation.code, obligation.details.as_ref().unwrap().json);
    }
    told
}

fn decided(plugin: &Plugin, case: &Case) -> Evaluation<Answer> {
    plugin.decide(&Arc::new(case.snapshot()))
}

fn decides_alike(rust: &Plugin, other: &Plugin, case: &Case) {
    let (expected, found) = (decided(rust, case), decided(other, case));
    assert_eq!(found.outcome, expected.outcome, "{}", case.name);
    assert_eq!(found.log, expected.log, "{}", case.name);
}

fn decides_as_rust_does(language: Language) {
    let (rust, other) = (Language::Rust.load(Limits::default()), language.load(Limits::default()));
    for case in cases::all() {
        decides_alike(&rust, &other, &case);
    }
    assert_eq!(other.description(), rust.description());
    // The same snapshots in each run, so that it is known which verdicts they meet.
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let verdicts = RefCell::new(BTreeMap::new());
    let alike = |snapshot: Snapshot| {
        let snapshot = Arc::new(snapshot);
        let (expected, found) = (rust.decide(&snapshot), other.decide(&snapshot));
        if let Ok(Answer { verdict, .. }) = &expected.outcome {
            *verdicts.borrow_mut().entry(verdict.as_str()).or_insert(0) += 1;
        }
        prop_assert_eq!(found.outcome, expected.outcome);
        prop_assert_eq!(found.log, expected.log);
        Ok(())
    };
    runner.run(&generate::snapshots(), alike).unwrap();
    let verdicts = verdicts.into_inner();
    let found: Vec<&str> = verdicts.keys().copied().collect();
    assert_eq!(found, ["abstain", "allow", "deny", "require"], "{verdicts:?}");
}

fn finds_in_settings_what_rust_finds(language: Language) {
    for settings in cases::bad_settings() {
        assert_eq!(language.findings(settings.clone()), Language::Rust.findings(settings.clone()), "{settings}");
    }
}

fn keeps_to_its_limits(language: Language) {
    let case = cases::by_hand().into_iter().find(|case| case.name == "two of two").unwrap();
    let plugin = language.load(Limits::default());
    let (once, again) = (decided(&plugin, &case), decided(&plugin, &case));
    assert_eq!(once.outcome, again.outcome);
    assert_eq!(once.receipt.fuel, again.receipt.fuel, "the same call uses the same fuel");
    let log: Vec<(LogLevel, &str)> = once.log.iter().map(|line| (line.level, line.message.as_str())).collect();
    assert_eq!(log, [(LogLevel::Info, "2 of 2 approvals at high risk")]);

    let fuel = once.receipt.fuel / 2;
    let starved = decided(&language.load(Limits { fuel, ..Limits::default() }), &case);
    let Failure { kind, limit, .. } = starved.outcome.unwrap_err();
    assert_eq!((kind, limit), (FailureKind::OutOfFuel, Some(fuel)));

    let memory = once.receipt.peak_memory - 1;
    match language.try_load(cases::settings(), Limits { memory, ..Limits::default() }) {
        Err(LoadError::Start(failure)) => assert_eq!(failure.kind, FailureKind::MemoryExceeded),
        Err(other) => panic!("{other}"),
        Ok(plugin) => assert_eq!(decided(&plugin, &case).outcome.unwrap_err().kind, FailureKind::MemoryExceeded),
    }
}

#[test]
fn the_policy_decides_as_worked_out_by_hand() {
    let plugin = Language::Rust.load(Limits::default());
    for case in cases::all() {
        let answer = decided(&plugin, &case).outcome.unwrap();
        assert_eq!(told(&answer), case.expected, "{}", case.name);
    }
}

#[test]
fn there_are_cases_enough_to_tell_policies_apart() {
    assert!(cases::all().len() >= 40, "{}", cases::all().len());
}

#[test]
fn the_policy_says_what_it_found_in_words() {
    let case = Case::new("in words", "high")
        .answers([Told::approves("ann").days_ago(31), Told::rejects("bob").saying("not before the sale")]);
    let answer = decided(&Language::Rust.load(Limits::default()), &case).outcome.unwrap();
    assert_eq!(answer.verdict, PolicyVerdict::Deny);
    let said: Vec<(&str, &str)> =
        answer.findings.iter().map(|finding| (finding.code.as_str(), finding.message.as_str())).collect();
    assert_eq!(said, [("rejected", "`bob` rejected the deployment as `release-manager`: “not before the sale”")]);
    let reasons: Vec<&str> = answer.reasons.iter().map(|reason| reason.message.as_str()).collect();
    assert_eq!(reasons, ["the approval of `ann` does not count: it is older than 30 days"]);
}

#[test]
fn wrong_settings_are_found_all_at_once() {
    let [shape, contradictions] = cases::bad_settings();
    let found = |settings| {
        let findings = Language::Rust.findings(settings).into_iter();
        findings.map(|finding| (finding.pointer, finding.message)).collect::<Vec<_>>()
    };
    let expected = [
        ("/approvals", "`medium` is missing"),
        ("/approvals/critical", "expected a number, got a list"),
        ("/approvals/high", "expected at most 20, got 21"),
        ("/approvals/low", "expected a whole number, got 1.5"),
        ("/approvals/very~0high~1", "unknown key `very~high/`; known keys: `critical`, `high`, `low`, `medium`"),
        ("/max-age-days", "expected at least 1, got 0"),
        ("/role", "the text must not be empty"),
        ("/rôle", "unknown key `rôle`; known keys: `approvals`, `max-age-days`, `role`"),
    ];
    let expected = expected.map(|(pointer, message)| (pointer.to_owned(), message.to_owned()));
    assert_eq!(found(shape), expected);
    let contradiction = |risk: &str, message: &str| {
        (format!("/approvals/{risk}"), format!("{message}: a higher risk never needs fewer approvals"))
    };
    assert_eq!(
        found(contradictions),
        [
            contradiction("medium", "a medium risk needs 2, a low risk 3"),
            contradiction("high", "a high risk needs 1, a medium risk 2"),
        ]
    );
}

#[test]
fn settings_that_ask_for_nobody_are_refused() {
    let nobody = json!({"approvals": {"low": 0, "medium": 0, "high": 0}, "role": null});
    let expected = "nobody ever has to approve: ask for at least one approval at some risk";
    let finding = SettingsFinding::at("/approvals", expected);
    assert_eq!(Language::Rust.findings(nobody), [finding]);
}

#[test]
fn the_policy_written_in_rust_keeps_to_its_limits() {
    keeps_to_its_limits(Language::Rust);
}

#[test]
fn a_policy_written_in_c_decides_as_in_rust() {
    decides_as_rust_does(Language::C);
}

/// A component that holds a whole engine would take a minute to load with each of these settings.
#[test]
fn a_policy_written_in_c_decides_as_in_rust_with_other_settings() {
    for settings in cases::other_settings() {
        let load = |language: Language| language.try_load(settings.clone(), Limits::default()).unwrap();
        let (rust, c) = (load(Language::Rust), load(Language::C));
        for case in cases::by_hand() {
            decides_alike(&rust, &c, &case);
        }
    }
}

#[test]
fn a_policy_written_in_c_finds_what_is_wrong_with_its_settings() {
    finds_in_settings_what_rust_finds(Language::C);
}

#[test]
fn a_policy_written_in_c_finds_in_texts_what_the_sdk_finds() {
    for settings in cases::unclear_settings() {
        assert_eq!(Language::C.findings(settings.clone()), Language::Rust.findings(settings.clone()), "{settings}");
    }
}

#[test]
fn a_policy_written_in_c_keeps_to_its_limits() {
    keeps_to_its_limits(Language::C);
}

#[test]
fn a_policy_written_in_c_imports_the_snapshot_and_the_log_alone_and_starts_configured() {
    let inspection = Runtime::new(RuntimeConfig::default()).unwrap();
    let inspection = inspection.inspect(&Language::C.component(), &Grants::default()).unwrap();
    assert!(inspection.is_admissible(), "{:?}", inspection.refusals);
    let imports: Vec<&str> = inspection.imports.iter().map(|import| import.name.as_str()).collect();
    let expected = ["types/types", "host/snapshot", "host/log"].map(|name| format!("lockgate:{name}@0.2.0-rc.2"));
    assert_eq!(imports, expected);
    assert_eq!(Language::C.load(Limits::default()).start_up(), &StartUp::Frozen);
}

#[test]
fn a_policy_written_in_javascript_decides_as_in_rust() {
    decides_as_rust_does(Language::JavaScript);
}

#[test]
fn a_policy_written_in_javascript_finds_what_is_wrong_with_its_settings() {
    finds_in_settings_what_rust_finds(Language::JavaScript);
}

#[test]
fn a_policy_written_in_javascript_keeps_to_its_limits() {
    keeps_to_its_limits(Language::JavaScript);
}

#[test]
fn a_policy_written_in_python_decides_as_in_rust() {
    decides_as_rust_does(Language::Python);
}

#[test]
fn a_policy_written_in_python_finds_what_is_wrong_with_its_settings() {
    finds_in_settings_what_rust_finds(Language::Python);
}

#[test]
fn a_policy_written_in_python_keeps_to_its_limits() {
    keeps_to_its_limits(Language::Python);
}

#[test]
fn a_policy_written_in_python_starts_configured_with_a_wasi_that_has_nothing_in_it() {
    let plugin = Language::Python.load(Limits::default());
    assert_eq!(plugin.start_up(), &StartUp::Frozen);
    let inspection = Runtime::new(RuntimeConfig::default()).unwrap();
    let inspection = inspection.inspect(&Language::Python.component(), &Grants::default()).unwrap();
    assert!(inspection.is_admissible(), "{:?}", inspection.refusals);
    assert_eq!(inspection.start_up, StartUp::Frozen);
    let imports = inspection.imports.iter().map(|import| import.name.as_str());
    let of_wasi = imports.filter(|name| name.starts_with("wasi:")).count();
    assert!(of_wasi > 20, "Python imports all of WASI: {of_wasi}");
}

#[test]
fn a_policy_written_in_javascript_imports_the_contract_alone_and_starts_configured() {
    let plugin = Language::JavaScript.load(Limits::default());
    assert_eq!(plugin.start_up(), &StartUp::Frozen);
}

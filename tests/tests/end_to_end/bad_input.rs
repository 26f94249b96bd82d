//! Files edited into nonsense, through the command: each error says which file, which place in it, and what to do; the
//! exit code says that the input was at fault; and nothing panics.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lockgate_tests::tree;

/// A folder with an example in it, to be spoilt, and the plugins beside it as the models expect them.
struct Bench {
    folder: PathBuf,
}

impl Bench {
    /// The deployment of the example `new-version` in full, with the model of the demo, which takes the requester's word for it,
    /// in a folder of the test's own.
    fn set_up(test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad_input").join(test);
        let folder = root.join("examples/new-version");
        // What an earlier run left is in the way.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.join("plugins")).unwrap();
        for (from, to) in [(tree("examples/new-version"), folder.clone()), (tree("plugins"), root.join("plugins"))] {
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
                }
            }
        }
        // Nobody keeps registers here.
        let mut model = fs::read_to_string(tree("examples/demo/model.toml")).unwrap();
        for owner in ["change-authority", "operations-manager"] {
            model = model.replace(&format!("{{ from = \"register\", by = [\"{owner}\"] }}"), "{ from = \"told\" }");
        }
        fs::write(folder.join("model.toml"), model).unwrap();
        Self { folder }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// Replaces a part of a file, which has to be there.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{name}` has no `{from}`");
        self.write(name, text.replacen(from, to, 1));
    }

    fn lockgate<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Output {
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&self.folder).env("COLUMNS", "100").env_remove("NO_COLOR").args(arguments);
        command.output().unwrap()
    }

    /// What `eval` says of the deployment, which it must not take.
    fn refusal(&self) -> String {
        self.refusal_of(["--deployment", "deployment.json", "--evidence", "sbom=sbom.cdx.json"])
    }

    fn refusal_of<const N: usize>(&self, arguments: [&str; N]) -> String {
        let gate = ["--stage", "plan-and-approve", "--phase", "entrance", "--now", "2026-11-24T20:30:00Z"];
        let fixed = ["eval", "--quiet", "--model", "model.toml"].into_iter().chain(gate);
        refused(&self.lockgate(fixed.chain(arguments)))
    }
}

/// What was said on standard error, by a run that ends with "invalid input" and prints no data.
fn refused(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Fails unless the text holds all of these.
#[track_caller]
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn words_that_are_no_json_are_shown_where_they_stand() {
    let bench = Bench::set_up("nonsense");
    bench.write("deployment.json", "please deploy it\n");
    insta::assert_snapshot!(bench.refusal());
}

#[test]
fn all_mistakes_in_a_deployment_are_told_at_once_each_at_its_line() {
    let bench = Bench::set_up("mistakes");
    bench.edit("deployment.json", "\"scenario\": \"new-version\"", "\"scenario\": \"new-verison\"");
    bench.edit("deployment.json", "\"status\": \"published\"", "\"status\": 7");
    bench.edit("deployment.json", "\"version\": \"0.2.0\"", "\"vresion\": \"0.2.0\"");
    bench.edit("deployment.json", "\"digest\": \"sha256:", "\"digest\": \"md5:");
    bench.edit("deployment.json", "\"start\": \"2026-11-24T20:00:00Z\"", "\"start\": \"tomorrow\"");
    bench.edit("deployment.json", "\"kind\": \"last-known-good\"", "\"kind\": \"last-known-god\"");
    insta::assert_snapshot!(bench.refusal());
}

#[test]
fn a_length_of_time_that_is_none_is_told_with_its_place() {
    let bench = Bench::set_up("duration");
    bench.edit(
        "deployment.json",
        "\"criteria\": [",
        "\"data_retention\": {\"keep\": \"a while\", \"viewable_by_customer\": true, \"decided_by\": \"x\"},\n    \"criteria\": [",
    );
    let said = bench.refusal();
    holds(&said, &["`a while` is not a length of time", "--> deployment.json:", "/plan/data_retention/keep", "`90d`"]);
}

#[test]
fn parts_of_another_shape_are_told_by_what_is_wrong_in_them() {
    for (test, part, expected) in [
        ("register_object", r#""registers": {"incidents": {}}"#, "expected a list, got an object"),
        ("register_null", r#""registers": {"incidents": null}"#, "expected a list, got `null`"),
        ("progress_alone", r#""progress": {"steps": [], "past_point_of_no_return": false}"#, "`rollout` is missing"),
        (
            "two_actions",
            r#""rollout": {
                "steps": [{
                    "id": "a", "title": "A", "planned": "1m", "repeatable": true,
                    "action": {"hold": {}, "route": {"slot": "blue", "weight": 100}}
                }],
                "way_back": {"kind": "forward-only"}, "summary": "a"
            }"#,
            "`hold` and `route` stand side by side, and only one of them is allowed here",
        ),
        (
            "window_backwards",
            r#""registers": {"service_contracts": [{
                "id": "c", "kind": "sla", "provider": "p", "consumer": "c", "active": true,
                "term": {"start": "2026-12-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
            }]}"#,
            "the time window ends at 2026-11-01T00:00:00Z and begins at",
        ),
    ] {
        let bench = Bench::set_up(test);
        bench.edit("deployment.json", "\"scenario\":", &format!("{part},\n  \"scenario\":"));
        holds(&bench.refusal(), &[expected, "--> deployment.json:"]);
    }
}

#[test]
fn a_text_that_ends_too_early_is_shown_at_its_end() {
    let bench = Bench::set_up("truncated");
    let text = bench.read("deployment.json");
    bench.write("deployment.json", text.get(..600).unwrap());
    holds(&bench.refusal(), &["EOF while parsing", "--> deployment.json:", "is the file complete?"]);
}

#[test]
fn a_key_that_stands_twice_is_an_error_though_json_parsers_take_it() {
    let bench = Bench::set_up("twice");
    bench.edit("deployment.json", "\"scenario\":", "\"scenario\": \"removal\",\n  \"scenario\":");
    holds(
        &bench.refusal(),
        &["the key `scenario` appears twice", "deployment.json:4:3", "the first is on line 3", "delete one"],
    );
}

#[test]
fn a_component_that_stands_twice_is_told_at_the_second_place() {
    let bench = Bench::set_up("component_twice");
    let mut deployment: serde_json::Value = serde_json::from_str(&bench.read("deployment.json")).unwrap();
    let components = deployment.pointer_mut("/release/components").unwrap().as_array_mut().unwrap();
    let (first, second) = (components[0].clone(), components.len());
    components.push(first);
    bench.write("deployment.json", serde_json::to_string_pretty(&deployment).unwrap());
    holds(&bench.refusal(), &["is in the list twice: remove one", &format!("/release/components/{second}")]);
}

#[test]
fn a_number_that_is_not_kept_exactly_is_told_with_its_place() {
    let bench = Bench::set_up("inexact");
    let fact = "\"facts\": {\"cost\": {\"schema\": \"acme:cost@1\", \"json\": [1.00000000000000000001, 1e400]}},";
    bench.edit("deployment.json", "\"scenario\":", &format!("{fact}\n  \"scenario\":"));
    let said = bench.refusal();
    holds(&said, &["is not kept exactly, only as `1`", "/facts/cost/json/0", "/facts/cost/json/1", "2 errors"]);
}

#[test]
fn what_stands_on_the_command_line_gives_no_orders_to_the_terminal() {
    let bench = Bench::set_up("orders");
    for arguments in [
        ["eval", "--nonsense\u{202e}", "x"],
        ["eval", "--stage", "a\u{202e}b\u{2028}c"],
        ["eval", "--model", "mo\u{202e}del\u{1b}[2J.toml"],
        ["model", "check", "mo\u{202e}del\u{2029}.toml"],
    ] {
        let output = bench.lockgate(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && !said.is_empty(), "{arguments:?}");
        assert!(!said.contains(['\u{202e}', '\u{2028}', '\u{2029}', '\u{1b}']), "{said:?}");
    }
}

#[test]
fn a_key_of_a_fact_that_stands_three_times_is_told_twice() {
    let bench = Bench::set_up("thrice");
    let fact = "\"facts\": {\"cost\": {\"schema\": \"acme:cost@1\", \"json\": [{\n\"v\": 1,\n\"v\": 2,\n\"v\": 3}]}},";
    bench.edit("deployment.json", "\"scenario\":", &format!("{fact}\n  \"scenario\":"));
    holds(
        &bench.refusal(),
        &[
            "deployment.json:5:1",
            "deployment.json:6:1",
            "the first is on line 4; the JSON Pointer is `/facts/cost/json/0/v`",
        ],
    );
}

#[test]
fn numbers_that_the_canonical_form_does_not_keep_are_told_with_their_place() {
    let bench = Bench::set_up("large");
    let original = bench.read("deployment.json");
    for number in ["9007199254740993", "-9007199254740993", "18446744073709551616", "1e300"] {
        bench.write("deployment.json", &original);
        let fact = format!("\"facts\": {{\"cost\": {{\"schema\": \"acme:cost@1\", \"json\": {{\"v\": {number}}}}}}},");
        bench.edit("deployment.json", "\"scenario\":", &format!("{fact}\n  \"scenario\":"));
        holds(&bench.refusal(), &["the number is too large", "deployment.json:3:", number, "`/facts/cost/json/v`"]);
    }
}

#[test]
fn numbers_that_json_does_not_have_are_told_as_such() {
    let bench = Bench::set_up("nan");
    bench.edit("deployment.json", "\"scenario\": \"new-version\"", "\"scenario\": NaN");
    holds(&bench.refusal(), &["deployment.json:3:15", "for NaN and Infinity, use `null`"]);
}

#[test]
fn a_hundred_thousand_brackets_are_refused_and_not_climbed() {
    let bench = Bench::set_up("deep");
    bench.write("deployment.json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    holds(&bench.refusal(), &["recursion limit", "deployment.json:1:128", "127 deep"]);
}

#[test]
fn fifty_megabytes_are_refused_at_once_with_both_numbers() {
    let bench = Bench::set_up("large");
    bench.write("deployment.json", format!("{{\"id\": \"{}\"}}", "x".repeat(50_000_000)));
    let began = Instant::now();
    let said = bench.refusal();
    assert!(began.elapsed() < Duration::from_secs(30), "took {:?}", began.elapsed());
    holds(&said, &["`deployment.json` is too large", "47.7 MiB", "16.0 MiB", "--evidence"]);
}

#[test]
fn a_million_mistakes_are_told_in_a_few() {
    let bench = Bench::set_up("many");
    let wrong = vec!["1"; 1_000_000].join(",");
    bench.edit("deployment.json", "\"contributors\": [", &format!("\"contributors\": [{wrong},"));
    let said = bench.refusal();
    holds(&said, &["expected an object, got the number `1`", "(the first 25 are shown)"]);
    assert!(said.len() < 100_000, "{} bytes", said.len());
}

#[test]
fn bytes_that_are_no_text_are_told_with_offset_and_line() {
    let bench = Bench::set_up("utf8");
    bench.write("deployment.json", b"{\n\"id\": \"\xff\"}");
    holds(&bench.refusal(), &["`deployment.json` is not UTF-8", "byte 9 (line 2) is 0xff", "save it as UTF-8"]);
    bench.write("deployment.json", b"\xff\xfe{\0}\0");
    holds(&bench.refusal(), &["it looks like UTF-16"]);
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let bench = Bench::set_up("bom");
    for name in ["deployment.json", "model.toml"] {
        bench.write(name, format!("\u{feff}{}", bench.read(name)));
    }
    let output = bench.lockgate([
        "eval",
        "--model",
        "model.toml",
        "--deployment",
        "deployment.json",
        "--evidence",
        "sbom=sbom.cdx.json",
        "--stage",
        "plan-and-approve",
        "--phase",
        "entrance",
        "--now",
        "2026-11-24T20:30:00Z",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn files_that_are_not_there_are_told_with_the_name_that_was_meant() {
    let bench = Bench::set_up("missing");
    let sbom = ["--evidence", "sbom=sbom.cdx.jsn"];
    let said = bench.refusal_of(["--deployment", "deploymnt.json", sbom[0], sbom[1]]);
    holds(&said, &["deployment not found: `deploymnt.json`", "did you mean `deployment.json`?"]);
    holds(&said, &["evidence `sbom` not found: `sbom.cdx.jsn`", "did you mean `sbom.cdx.json`?", "2 errors"]);
    holds(&bench.refusal_of(["--deployment", "."]), &["`.` is a folder", "give a file"]);
    bench.write("deployment.json", "");
    holds(&bench.refusal(), &["the deployment `deployment.json` is empty"]);
}

#[test]
fn evidence_is_named_once_and_in_one_way() {
    let bench = Bench::set_up("evidence");
    let deployment = ["--deployment", "deployment.json"];
    let twice = ["--evidence", "sbom=sbom.cdx.json", "--evidence", "sbom=model.toml"];
    let said = bench.refusal_of([deployment[0], deployment[1], twice[0], twice[1], twice[2], twice[3]]);
    holds(&said, &["`sbom` is given twice", "`sbom.cdx.json`", "`model.toml`"]);
    let said = bench.refusal_of([deployment[0], deployment[1], "--evidence", "sbom.cdx.json"]);
    holds(&said, &["sbom.cdx.json", "write it as `name=file`"]);
    let said = bench.refusal_of([deployment[0], deployment[1], "--evidence", "The SBOM=sbom.cdx.json"]);
    holds(&said, &["`The SBOM` cannot be the name of evidence"]);
}

#[test]
fn evidence_that_no_plugin_can_read_leaves_the_gate_waiting_and_not_open() {
    let bench = Bench::set_up("garbled");
    bench.write("sbom.cdx.json", b"\x00\x01\x02 this is no SBOM \xff");
    let output = bench.lockgate([
        "eval",
        "--model",
        "model.toml",
        "--deployment",
        "deployment.json",
        "--evidence",
        "sbom=sbom.cdx.json",
        "--stage",
        "plan-and-approve",
        "--phase",
        "entrance",
        "--now",
        "2026-11-24T20:30:00Z",
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(matches!(output.status.code(), Some(2 | 4)), "{said}");
    holds(&said, &["licences/sbom-", "/evidence/sbom"]);
}

#[test]
fn a_stage_that_is_misspelt_is_told_with_those_there_are() {
    let bench = Bench::set_up("stage");
    let said = refused(&bench.lockgate([
        "eval",
        "--model",
        "model.toml",
        "--deployment",
        "deployment.json",
        "--stage",
        "plan",
        "--phase",
        "exit",
    ]));
    holds(&said, &["'plan'", "`plan-and-approve`, `fulfill`, `validate`, `observe`"]);
}

#[test]
fn what_is_carried_on_has_to_be_an_allowance_of_this_deployment() {
    let bench = Bench::set_up("approved");
    let output = bench.lockgate([
        "eval",
        "--model",
        "model.toml",
        "--deployment",
        "deployment.json",
        "--stage",
        "plan-and-approve",
        "--phase",
        "exit",
        "--output",
        "json",
        "--now",
        "2026-11-24T20:30:00Z",
    ]);
    bench.write("pending.json", output.stdout);
    let said = bench.refusal_of(["--deployment", "deployment.json", "--approved", "pending.json"]);
    holds(&said, &["did not allow plan-and-approve exit", "--> pending.json:", "its verdict is `pending`"]);
    bench.edit("deployment.json", "\"id\": \"deploy-lockgate-0.2.0-live\"", "\"id\": \"another\"");
    let said = bench.refusal_of(["--deployment", "deployment.json", "--approved", "pending.json"]);
    holds(&said, &["is a decision for deployment `deploy-lockgate-0.2.0-live`, not `another`"]);
}

#[test]
fn a_model_and_a_deployment_that_are_both_wrong_are_told_together() {
    let bench = Bench::set_up("both");
    bench.edit("model.toml", "plugin = \"canary\"", "plugin = \"canry\"");
    bench.edit("deployment.json", "\"risk\": \"medium\"", "\"risk\": \"hihg\"");
    let said = bench.refusal();
    holds(&said, &["there is no plugin `canry`", "model.toml:", "did you mean `canary`?"]);
    holds(&said, &["text \"hihg\" is not allowed here", "deployment.json:", "did you mean `high`?"]);
}

#[test]
fn settings_that_a_plugin_refuses_are_shown_in_the_model() {
    let bench = Bench::set_up("settings");
    bench.edit("model.toml", "settings.people = 2", "settings.peple = 2");
    holds(&bench.refusal(), &["the settings of `four-eyes` are refused", "model.toml:", "`people`"]);
}

#[test]
fn a_plugin_that_is_not_the_pinned_one_is_refused_with_both_digests() {
    let bench = Bench::set_up("pinned");
    let plugin = bench.folder.join("../../plugins/four-eyes.wasm");
    let mut bytes = fs::read(&plugin).unwrap();
    bytes.push(0);
    fs::write(&plugin, bytes).unwrap();
    holds(
        &bench.refusal(),
        &["plugin `four-eyes` is not the one that is pinned", "pinned sha256:", "found  sha256:", "model pin"],
    );
}

#[test]
fn a_plugin_whose_file_is_gone_or_is_no_plugin_is_told_at_its_line() {
    let bench = Bench::set_up("no_plugin");
    let plugin = bench.folder.join("../../plugins/four-eyes.wasm");
    fs::remove_file(&plugin).unwrap();
    holds(&bench.refusal(), &["cannot read plugin `four-eyes`", "four-eyes.wasm", "model.toml:"]);
    fs::write(&plugin, "I am a plugin").unwrap();
    assert_eq!(bench.lockgate(["model", "pin", "model.toml"]).status.code(), Some(0));
    holds(&bench.refusal(), &["plugin `four-eyes` is refused", "not WebAssembly", "model.toml:"]);
}

#[test]
fn a_model_whose_plugins_are_not_pinned_cannot_decide() {
    let bench = Bench::set_up("unpinned");
    let text = bench.read("model.toml");
    let unpinned: Vec<&str> = text.lines().filter(|line| !line.starts_with("digest = ")).collect();
    bench.write("model.toml", unpinned.join("\n"));
    holds(&bench.refusal(), &["is not pinned by digest", "lockgate model pin"]);
}

#[test]
fn what_is_no_plugin_is_not_inspected() {
    let bench = Bench::set_up("inspect");
    bench.write("not.wasm", "I am a plugin");
    bench.write("core.wasm", b"\0asm\x01\0\0\0");
    holds(
        &refused(&bench.lockgate(["plugin", "inspect", "not.wasm"])),
        &["`not.wasm` is not a plugin", "not WebAssembly"],
    );
    holds(&refused(&bench.lockgate(["plugin", "inspect", "core.wasm"])), &["core module", "lockgate plugin build"]);
    let said = refused(&bench.lockgate(["plugin", "build", "--from-core", "core.wasm"]));
    holds(&said, &["`core.wasm` does not name its interfaces", "component-type", "lockgate_plugin::export!"]);
    holds(&refused(&bench.lockgate(["plugin", "build", "."])), &["`.` is not a crate", "Cargo.toml", "--from-core"]);
}

#[test]
fn no_document_that_is_cut_off_anywhere_makes_it_panic() {
    let bench = Bench::set_up("cuts");
    let whole = bench.read("deployment.json");
    let whole = whole.trim_end();
    for cut in (0..whole.len()).step_by(whole.len() / 25) {
        bench.write("deployment.json", whole.get(..cut).unwrap_or_else(|| panic!("{cut} is inside a character")));
        bench.refusal();
    }
}

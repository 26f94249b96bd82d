//! The demo, with a release made of the command that is tested: the folders hold what it says they hold, and the files
//! that it leaves give the answers that it tells of.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lockgate_domain::Digest;
use lockgate_tests::tree;
use serde_json::{Value, json};

fn evaluated(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(tree("bin/lockgate"));
    command.current_dir(folder).args(["eval", "-m", "model.toml", "-e", "sbom=sbom.cdx.json", "-d"]);
    command.args(arguments).output().unwrap()
}

#[test]
fn the_demo_waits_for_a_second_approver_deploys_and_stops_a_changed_byte() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();

    // The same program with one byte behind its end: another release, and one that runs.
    let mut bytes = fs::read(tree("bin/lockgate")).unwrap();
    bytes.push(0);
    let digest = Digest::of(&bytes);
    let candidate = folder.join("candidate");
    fs::copy(tree("bin/lockgate"), &candidate).unwrap();
    fs::write(&candidate, bytes).unwrap();
    let mut bill: Value =
        serde_json::from_slice(&fs::read(tree("examples/new-version/sbom.cdx.json")).unwrap()).unwrap();
    let hashes = bill.pointer_mut("/metadata/component/hashes").unwrap();
    *hashes = json!([{ "alg": "SHA-256", "content": digest.hex() }]);
    fs::write(folder.join("bill.json"), bill.to_string()).unwrap();

    let output = Command::new(tree("bin/lockgate"))
        .env("COLUMNS", "100")
        .args(["demo", "--commit", "0123456789abcdef0123456789abcdef01234567"])
        .arg("--current")
        .arg(tree("bin/lockgate"))
        .arg("--candidate")
        .arg(&candidate)
        .arg("--sbom")
        .arg(folder.join("bill.json"))
        .arg("--plugins")
        .arg(tree("plugins"))
        .arg("--examples")
        .arg(tree("examples"))
        .arg("--dir")
        .arg(&folder)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "plan-and-approve exit: pending (blocked by",
        "■□□□□□□□□□  ✓ Send 10 % of the consumers to canary",
        "■■■■■□□□□□  ✓ Send 50 % of the consumers to canary",
        "■■■■■■■■■■  ✓ Retire canary",
        "is operational in 10 of 10 instances",
        "fulfill entrance: deny (blocked by lockgate, components)",
        "10 of 10 instances still have the approved binary",
    ] {
        assert!(told.contains(line), "`{line}` is not in:\n{told}");
    }

    for instance in 1..=10 {
        let stable = folder.join(format!("live/live-{instance:02}/stable"));
        assert_eq!(Digest::of(&fs::read(stable.join("lockgate")).unwrap()), digest, "instance {instance}");
        assert!(!stable.with_file_name("canary").exists(), "instance {instance}");
    }
    assert_eq!(evaluated(&folder, &["2-one-approver.json"]).status.code(), Some(4));
    assert_eq!(evaluated(&folder, &["8-tampered.json", "-s", "fulfill", "-p", "entrance"]).status.code(), Some(2));
    assert_eq!(evaluated(&folder, &["7-observed.json", "-s", "observe", "-p", "exit"]).status.code(), Some(0));

    // Ten copies of the command are a lot to leave behind.
    fs::remove_dir_all(&folder).unwrap();
}

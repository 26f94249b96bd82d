//! A vendor's crate outside of the repository, word for word as the guide of the SDK has it: built with the SDK of the
//! laid-out tree, and asked.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use lockgate_tests::{repository, tree};
use serde_json::Value;
use tempfile::TempDir;

/// The first block of a language in a section of a page, word for word.
fn block<'p>(page: &'p str, section: &str, language: &str) -> &'p str {
    let (_, section) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split("```").next().unwrap()
}

/// Where the plugins are built: what they depend on is there already.
fn built_plugins() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| repository("target"), |target| repository("").join(target)).join("plugins")
}

/// A crate `one-approval` in a folder that is not below the repository, which is a workspace. Beside it is the tree, as
/// `lockgate`.
fn crate_of(guide: &str, program: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink(tree(""), folder.path().join("lockgate")).unwrap();
    let at = folder.path().join("one-approval");
    fs::create_dir_all(at.join("src")).unwrap();
    fs::write(at.join("Cargo.toml"), block(guide, "A whole policy", "toml")).unwrap();
    fs::write(at.join("src/lib.rs"), program).unwrap();
    // The versions that are on this machine.
    fs::copy(tree("sdk/Cargo.lock"), at.join("Cargo.lock")).unwrap();
    folder
}

fn guide() -> String {
    fs::read_to_string(tree("sdk/README.md")).unwrap()
}

/// Whether commands succeed, and what they print.
fn bash(folder: &TempDir, commands: &str) -> (bool, String, String) {
    let path = format!("{}:{}", tree("bin").display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.current_dir(folder).args(["-euo", "pipefail", "-c", commands]).env("PATH", path);
    bash.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", built_plugins());
    let output = bash.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The crate of the guide, after something was done to its program, as the guide's commands build it and ask it.
fn of_guide(change: impl FnOnce(&str) -> String) -> (bool, String, String) {
    let guide = guide();
    let program = change(block(&guide, "A whole policy", "rust"));
    bash(&crate_of(&guide, &program), block(&guide, "A whole policy", "sh"))
}

#[test]
fn the_tests_of_the_guide_pass_as_they_stand_in_its_programs() {
    let guide = guide();
    for section in ["A whole policy", "Strategies"] {
        let folder = crate_of(&guide, block(&guide, section, "rust"));
        let (succeeds, told, words) = bash(&folder, "cargo test --manifest-path one-approval/Cargo.toml");
        assert!(succeeds && told.contains("1 passed"), "{section}: {told}\n{words}");
    }
}

#[test]
fn the_crate_of_the_guide_is_built_beside_the_tree_and_answers() {
    let (succeeds, told, words) = of_guide(str::to_owned);
    assert!(succeeds, "{told}\n{words}");
    assert!(told.contains("one-approval 0.1.0 (approval-policy)"), "{told}");
    let answer: Value = serde_json::from_str(&told[told.find('{').unwrap()..]).unwrap();
    assert_eq!(answer["requirements"][0]["code"], "approval-missing", "{answer:#}");
}

#[test]
fn the_text_of_a_panic_reaches_the_author_of_the_crate() {
    let asked = "let (subject, role) = (evaluation.subject(), &self.role);";
    let (succeeds, told, words) = of_guide(|plugin| {
        assert!(plugin.contains(asked));
        plugin.replace(asked, &format!("{asked} assert!(role.is_empty(), \"no way out of `{{role}}`\");"))
    });
    assert!(!succeeds, "{told}");
    assert!(
        words.contains("panicked at") && words.contains("src/lib.rs:") && words.contains("no way out of `"),
        "{words}"
    );
}

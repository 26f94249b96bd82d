//! The auditor's walk-through in `docs/audit.md`, word for word: its files are written, its commands run in order, and
//! what it says that they print is what they print.

use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_tests::{repository, tree};

use super::support::{DECISION, Place};

/// A block of code of the document.
struct Block {
    language: String,
    text: String,
}

/// The blocks of the walk-through: all of it up to the heading after which other things are told.
fn blocks() -> Vec<Block> {
    let document = std::fs::read_to_string(repository("docs/audit.md")).unwrap();
    let start = document.find("## A decision, with nothing but a file and a key").unwrap();
    let end = document.find("## What is kept, and in which form").unwrap();
    let mut blocks = Vec::new();
    let mut lines = document[start..end].lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { language: language.to_owned(), text: text.join("\n") });
        }
    }
    blocks
}

/// A command as the document shows it, in the folder, with `lockgate` among the programs.
fn shell(folder: &Path, script: &str) -> (Option<i32>, String) {
    let programs: PathBuf = tree("bin");
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("sh");
    command.arg("-e").arg("-c").arg(format!("exec 2>&1\n{script}")).current_dir(folder);
    command.env("PATH", format!("{}:{path}", programs.display())).env("NO_COLOR", "1").env_remove("COLUMNS");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Whether a text is what the document shows, in which `…` stands for what is another each time.
fn is_as_shown(is: &str, shown: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (is, parts) = (words(is), shown.split('…').map(words).collect::<Vec<_>>());
    let Some((first, others)) = parts.split_first() else { return false };
    let Some((last, middle)) = others.split_last() else { return is == *first };
    let mut rest = is.strip_prefix(first.as_str());
    for part in middle {
        rest = rest.and_then(|rest| Some(rest.split_once(part.as_str())?.1));
    }
    rest.is_some_and(|rest| rest.ends_with(last.as_str()))
}

/// Runs the walk-through, and leaves its files in the folder.
fn walk(place: &Place) {
    let folder = place.path("");
    let mut said: Option<String> = None;
    let mut run = 0;
    for Block { language, text } in blocks() {
        match language.as_str() {
            "sh" => {
                let (code, output) = shell(&folder, &text);
                assert_eq!(code, Some(0), "{text}\n{output}");
                said = Some(output);
                run += 1;
            }
            "text" => {
                let said = said.take().expect("what is shown comes after a command");
                assert!(is_as_shown(&said, &text), "the document shows\n{text}\n\nand it printed\n{said}");
            }
            "python" => {
                place.write("check.py", text);
            }
            other => panic!("a block of `{other}`: who is to run it?"),
        }
    }
    assert!(run >= 6, "only {run} commands were found");
}

#[test]
fn the_walk_through_is_as_the_document_says() {
    let document = std::fs::read_to_string(repository("docs/audit.md")).unwrap();
    assert!(document.contains(DECISION));
    walk(&Place::new());
}

#[test]
fn the_script_of_the_walk_through_finds_what_was_changed_and_follows_changes_of_keys() {
    let place = Place::new();
    walk(&place);
    let check = |proof: &str, key: &str| shell(&place.path(""), &format!("python3 check.py {proof} {key}"));
    let proof = place.read("proof.json");
    for (from, to) in [("\"deny\"", "\"allow\""), ("\"index\": 3", "\"index\": 2"), ("\\n8\\n", "\\n9\\n")] {
        assert!(proof.contains(from), "{proof}");
        place.write("changed.json", proof.replace(from, to));
        let (code, said) = check("changed.json", "lockgate.key.txt");
        assert!(code == Some(1) && said.starts_with("NOT PROVEN: "), "{from}: {said}");
    }
    place.write("other.key.txt", Place::new().head().0);
    assert_eq!(check("proof.json", "other.key.txt").0, Some(1));
    // Two changes of keys later, the first key is still enough.
    for _ in 0..2 {
        place.lockgate(&["ledger", "rotate-key"]).with(0);
    }
    for what in [DECISION, "0", "7", "9"] {
        place.lockgate(&["audit", "prove", what, "--out", "later.json"]).with(0);
        let (code, said) = check("later.json", "lockgate.key.txt");
        assert_eq!(code, Some(0), "{what}: {said}");
    }
    let forged = place.read("later.json").replacen("\"replaces\"", "\"replaced\"", 1);
    place.write("forged.json", forged);
    assert_eq!(check("forged.json", "lockgate.key.txt").0, Some(1));
}

//! What fuzzing begins with, and every input that once broke a promise: all of it, every time.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

/// Runs a target over its seeds. Those whose names begin with `wrong-` are refused, and all others are taken.
fn seeds(target: &str, run: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut seeds: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    for seed in seeds {
        let is_wrong = seed.file_name().unwrap().to_str().unwrap().starts_with("wrong-");
        assert_eq!(run(&std::fs::read(&seed).unwrap()), !is_wrong, "{}", seed.display());
    }
}

#[test]
fn models_are_read_or_told_what_is_wrong() {
    seeds("model", lockgate_fuzz::model);
}

#[test]
fn conditions_are_answered_the_same_each_time_and_soon() {
    seeds("expression", lockgate_fuzz::expression);
}

#[test]
fn documents_have_one_canonical_form() {
    seeds("snapshot", lockgate_fuzz::snapshot);
}

#[test]
fn components_are_admitted_or_refused() {
    seeds("admission", lockgate_fuzz::admission);
}

#[test]
fn answers_are_valid_or_failures_of_their_kind() {
    seeds("answers", lockgate_fuzz::answers);
}

#[test]
fn recordings_are_the_same_packed_and_read_again() {
    seeds("recording", lockgate_fuzz::recording);
}

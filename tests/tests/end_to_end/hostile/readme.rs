//! The list of the guests, for people.

use std::fmt::Write as _;

use lockgate_tests::hostile::{FOLDER, list};
use lockgate_tests::repository;

#[test]
fn the_list_names_every_guest_with_what_it_must_meet() {
    let mut table = "| guest | what it does | what it meets |\n|---|---|---|\n".to_owned();
    for guest in list().unwrap() {
        writeln!(table, "| [`{0}`]({0}.toml) | {1} | {2} |", guest.name, guest.what, guest.must).unwrap();
    }
    let readme = std::fs::read_to_string(repository(FOLDER).join("README.md")).unwrap();
    assert!(readme.contains(&table), "tests/hostile/README.md must hold this table:\n\n{table}");
}

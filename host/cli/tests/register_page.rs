//! The table of registers in `docs/registers.md`, which is made from the code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use lockgate_domain::{JoinRule, RegisterKind, usual_attesters};
use lockgate_tests::repository;
use schemars::schema_for;
use serde_json::Value;

const BEGIN: &str =
    "<!-- registers, made from the code: UPDATE_DOCS=1 cargo nextest run -p lockgate register_page -->\n\n";
const END: &str = "\n<!-- end of registers -->\n";

fn table() -> String {
    let schema = schema_for!(RegisterKind).to_value();
    let described = |register: RegisterKind| {
        let kinds = schema.get("oneOf").and_then(Value::as_array).unwrap();
        let text = |kind: &Value, member: &str| kind.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = kinds.iter().find(|kind| text(kind, "const") == register.as_str()).unwrap();
        text(kind, "description").trim_end_matches('.').replace('\n', " ")
    };
    let mut table =
        "| register | entries | id | found by | who usually attests them |\n|---|---|---|---|---|\n".to_owned();
    for register in RegisterKind::ALL.iter().copied() {
        let found = match register.rule() {
            JoinRule::ById => "id",
            JoinRule::ByConcern => "what they concern",
        };
        let attesters: Vec<String> = usual_attesters(register).iter().map(|role| format!("`{role}`")).collect();
        let (entries, key, attesters) = (described(register), register.key(), attesters.join(", "));
        table.push_str(&format!("| `{register}` | {entries} | `{key}` | {found} | {attesters} |\n"));
    }
    table
}

#[test]
fn register_page_has_the_registers_of_the_code() {
    let path = repository("docs/registers.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert!(
        page == expected || std::env::var_os("UPDATE_DOCS").is_some(),
        "docs/registers.md is out of date: run `UPDATE_DOCS=1 cargo nextest run -p lockgate register_page`"
    );
}

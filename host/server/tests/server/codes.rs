//! `docs/codes.md`: every code that programs and people meet, in one place. The page is made of the code's own enums and of
//! the tables that describe the rest where it belongs; these tables are held against the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockgate_domain::api::access::AccessWarningCode;
use lockgate_domain::rules::Rule;
use lockgate_domain::{CRITERIA, CheckOutcome, ExceptionCode, FailureKind, Stage};
use lockgate_engine::EngineCode;
use lockgate_service::lifecycle::activities_of;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// What is above the tables.
const INTRODUCTION: &str = "\
# Codes

<!-- This page is made from the code: UPDATE_DOCS=1 cargo nextest run -p lockgate-server codes -->

Every reason, finding, warning and problem has a code. Codes are stable: programs go by them, and people look them up here.
Messages may get better at any time. In a decision, a reason's `source` says whose code it is: the host's, or that of a binding's
plugin. A requirement, which says what would turn an answer, has the code of the reason that it belongs to, unless the tables name a
remedy.
";

/// Literals in the sources of plugins that look like codes and are none; nor are the formats of schemas, which begin with
/// `lockgate-`.
const NO_CODES: [&str; 1] = ["kebab-case"];

fn repository(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(relative)
}

fn read(relative: &str) -> String {
    let path = repository(relative);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The codes of an enum, and the first paragraph of what is written at each.
fn codes_of<T: JsonSchema>() -> Vec<(String, String)> {
    let schema = schema_for!(T).to_value();
    let text = |code: &Value, member: &str| code[member].as_str().unwrap_or_else(|| panic!("{code}")).to_owned();
    let described = |code: &Value| {
        let description = text(code, "description");
        let sentence = description.split("\n\n").next().unwrap().replace('\n', " ");
        (text(code, "const"), sentence)
    };
    schema["oneOf"].as_array().unwrap_or_else(|| panic!("{schema}")).iter().map(described).collect()
}

fn table_of<T: JsonSchema>() -> String {
    let rows = codes_of::<T>().into_iter().map(|(code, sentence)| format!("| `{code}` | {sentence} |\n"));
    format!("| code | what it says |\n|---|---|\n{}", rows.collect::<String>())
}

/// A table of codes in a page.
struct Table<'p> {
    head: Vec<&'p str>,
    /// With the head and the line below it.
    text: String,
    /// The cells of each row.
    rows: Vec<Vec<&'p str>>,
}

impl<'p> Table<'p> {
    /// The tables of a page that have a column `code` or `finding`.
    fn all(page: &'p str) -> Vec<Self> {
        let cells = |line: &'p str| {
            let line = line.trim().trim_start_matches('|').trim_end_matches('|');
            line.split(" | ").map(str::trim).collect::<Vec<_>>()
        };
        let lines: Vec<&str> = page.lines().collect();
        let mut tables = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let begins = lines.get(place + 1).is_some_and(|next| next.starts_with("|---"));
            if !line.starts_with('|') || !begins {
                continue;
            }
            let head = cells(line);
            if head.iter().any(|title| ["code", "finding"].contains(title)) {
                let all: Vec<&str> = lines[place..].iter().take_while(|line| line.starts_with('|')).copied().collect();
                let rows = all.iter().skip(2).map(|line| cells(line)).collect();
                tables.push(Self { head, text: all.join("\n") + "\n", rows });
            }
        }
        tables
    }

    /// The codes in it.
    fn codes(&self) -> BTreeSet<&'p str> {
        let column = self.head.iter().position(|title| ["code", "finding"].contains(title)).unwrap();
        self.rows.iter().flat_map(|row| row[column].split('`').skip(1).step_by(2)).collect()
    }
}

/// The codes in all tables of a page.
fn codes_in(page: &str) -> BTreeSet<&str> {
    Table::all(page).iter().flat_map(Table::codes).collect()
}

/// The sources below a folder, without tests and comments.
fn sources(folder: &str) -> String {
    fn add(folder: &Path, all: &mut String) {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                add(&path, all);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                all.extend(lines.flat_map(|line| [line, "\n"]));
            }
        }
    }
    let mut all = String::new();
    add(&repository(folder), &mut all);
    all
}

/// The text literal that follows each occurrence of a beginning, if nothing but blanks is between.
fn literals_after<'s>(sources: &'s str, beginning: &str) -> Vec<&'s str> {
    let after = sources.split(beginning).skip(1);
    after.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

/// Whether a text is written as codes are: words of small letters, with hyphens between.
fn is_code(text: &str) -> bool {
    text.contains('-') && text.split('-').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()))
}

/// The folders of the bundled plugins.
fn plugins() -> Vec<String> {
    let mut found = Vec::new();
    for kind in ["approval", "check", "strategy"] {
        for entry in fs::read_dir(repository(&format!("plugins/{kind}"))).unwrap() {
            found.push(format!("plugins/{kind}/{}", entry.unwrap().file_name().to_string_lossy()));
        }
    }
    found.sort();
    found
}

fn page() -> String {
    let tables = |page: &str| Table::all(page).into_iter().map(|table| table.text).collect::<Vec<_>>().join("\n");
    let mut page = INTRODUCTION.to_owned();
    let mut section = |title: &str, words: &str, table: &str| {
        page.push_str(&format!("\n## {title}\n\n{words}\n\n{table}"));
    };
    section(
        "Rules of the host",
        "What no policy can make good: a reason of the host, at every gate where it can be told.",
        &table_of::<Rule>(),
    );
    section(
        "Reasons of the engine",
        "What is said beside the answers of plugins: of the host, of a binding that was not asked, of a group.",
        &table_of::<EngineCode>(),
    );
    let criteria = CRITERIA.iter().map(|criterion| format!("| `{}` | {} |\n", criterion.code, criterion.title));
    section(
        "Criteria of the value stream",
        "What a model with [`criteria`](models.md#criteria) demands: the code says that it is not so.",
        &format!("| code | what has to be so |\n|---|---|\n{}", criteria.collect::<String>()),
    );
    section(
        "Exceptions",
        "What is said of waivers, overrides, and approvals that do not count.",
        &table_of::<ExceptionCode>(),
    );
    section(
        "Failures of plugins",
        "Why a plugin has not answered. A plugin that says so itself may give a code of its own.",
        &table_of::<FailureKind>(),
    );
    section("Outcomes of checks", "The code of a check's summary.", &table_of::<CheckOutcome>());
    section(
        "Findings in deployment models",
        "What [`lockgate model check`](models.md#what-model-check-finds) and a server find. Warnings have a ⚠.",
        &tables(&read("docs/models.md")),
    );
    section(
        "Warnings about access",
        "What [`lockgate access`](cli.md#access) warns of.",
        &table_of::<AccessWarningCode>(),
    );
    section(
        "Problems of the HTTP API",
        "The end of a [problem's `type`](api.md#problems), `urn:lockgate:problem:<code>`.",
        &tables(&read("docs/api.md")),
    );
    page.push_str(
        "\n## Plugins\n\nThe bundled plugins. What a plugin of somebody else says, its own documentation tells.\n",
    );
    for folder in plugins() {
        let name = folder.rsplit('/').next().unwrap().to_owned();
        let tables = tables(&read(&format!("{folder}/README.md")));
        page.push_str(&format!("\n### [{name}](../{folder}/README.md)\n\n{tables}"));
    }
    page
}

#[test]
fn the_page_of_all_codes_is_up_to_date() {
    let path = repository("docs/codes.md");
    let made = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, made).unwrap();
    } else {
        let found = fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == made,
            "docs/codes.md is out of date: UPDATE_DOCS=1 cargo nextest run -p lockgate-server codes"
        );
    }
}

#[test]
fn what_enums_call_their_codes_is_what_decisions_say() {
    let names = |codes: Vec<(String, String)>| codes.into_iter().map(|(code, _)| code).collect::<BTreeSet<_>>();
    let said: BTreeSet<String> = ExceptionCode::ALL.into_iter().map(|code| code.code().to_owned()).collect();
    assert_eq!(names(codes_of::<ExceptionCode>()), said);
    let rules = sources("host/domain/src/rules");
    for code in names(codes_of::<Rule>()) {
        assert!(rules.contains(&format!("\"{code}\"")), "{code}");
    }
}

#[test]
fn every_finding_of_a_model_is_in_the_tables_of_its_page_and_no_other_one() {
    let page = read("docs/models.md");
    let documented = codes_in(&page);
    let sources = sources("host/engine/src") + &sources("host/service/src");
    for beginning in ["ModelFinding::error(", "ModelFinding::warning("] {
        for code in literals_after(&sources, beginning) {
            assert!(documented.contains(code), "docs/models.md lacks `{code}`");
        }
    }
    for code in documented {
        let word = code.strip_prefix("unknown-").unwrap_or(code);
        let is_there = sources.contains(&format!("\"{code}\"")) || sources.contains(&format!("\"{word}\""));
        assert!(is_there, "docs/models.md has `{code}`, which nothing finds");
    }
}

#[test]
fn every_problem_of_the_api_is_in_the_table_of_its_page_and_no_other_one() {
    let page = read("docs/api.md");
    let documented = codes_in(&page);
    let sources = sources("host/server/src") + &sources("host/domain/src/api");
    let of_status = sources.split("fn kind_of(").nth(1).unwrap().split("\n}").next().unwrap();
    let mut said: Vec<&str> = literals_after(of_status, "=> (");
    for beginning in ["conflict(", "forbidden("] {
        said.extend(literals_after(&sources, beginning));
    }
    // The status stands before the code.
    for after in sources.split("Problem::new(").skip(1) {
        let arguments = after.split_once(',').map(|(_, rest)| rest.trim_start());
        said.extend(arguments.and_then(|rest| rest.strip_prefix('"')?.split('"').next()));
    }
    assert!(said.len() > 50, "the sources are not read as they should be: {said:?}");
    for code in said {
        assert!(documented.contains(code), "docs/api.md lacks `{code}`");
    }
    for code in documented {
        assert!(sources.contains(&format!("\"{code}\"")), "docs/api.md has `{code}`, which nothing answers");
    }
}

#[test]
fn every_code_of_a_bundled_plugin_is_in_its_readme_and_no_other_one() {
    let sdk = sources("plugins/sdk/src");
    for folder in plugins() {
        let readme = read(&format!("{folder}/README.md"));
        let sources = sources(&format!("{folder}/src"));
        // Arguments, parts of tuples, and constants: what stands in lists and in matches is data, such as licences.
        let literals = ["(", "= "].into_iter().flat_map(|beginning| literals_after(&sources, beginning));
        let is_none = |text: &str| NO_CODES.contains(&text) || text.starts_with("lockgate-");
        for code in literals.filter(|text| is_code(text) && !is_none(text)) {
            assert!(readme.contains(&format!("`{code}`")), "{folder}/README.md lacks `{code}`");
        }
        for code in codes_in(&readme) {
            let literal = format!("\"{code}\"");
            let is_there = sources.contains(&literal) || sdk.contains(&literal);
            assert!(is_there, "{folder}/README.md has `{code}`, which the plugin never says");
        }
    }
}

#[test]
fn the_page_of_the_api_names_every_activity_in_the_row_of_its_stage() {
    let page = read("docs/api.md");
    for stage in Stage::ALL {
        let begins = format!("| `{}` | ", stage.as_str());
        let row = page.lines().find_map(|line| line.strip_prefix(begins.as_str())).unwrap();
        let (shall, may) = row.split_once(" | ").unwrap();
        for (cell, is_shall) in [(shall, true), (may, false)] {
            let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
            let there: Vec<&str> = activities_of(stage)
                .filter(|activity| activity.shall == is_shall)
                .map(|activity| activity.id)
                .collect();
            assert_eq!(named, there, "{stage:?}");
        }
    }
}

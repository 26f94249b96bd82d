//! Prints entries of registers.

use clap::ValueEnum;
use lockgate_domain::{Attestation, RegisterEntry, TeamName, Timestamp, shortened};
use serde::Serialize;
use serde_json::Value;

use crate::layout::{OutputFormat, fields, grid};
use crate::print;
use crate::terminal::{self, FAINT, WAITING, styled};

/// The output format of lists of entries.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum ListFormat {
    /// Text for people.
    #[default]
    Table,
    /// JSON for tools: an object with `items`.
    Json,
    /// One JSON document in each line: the form that `lockgate eval --register` reads.
    Ndjson,
}

/// The members of values that a list shows, in this order.
const SHOWN_MEMBERS: [&str; 14] = [
    "title",
    "name",
    "status",
    "approval",
    "severity",
    "risk",
    "environment",
    "product",
    "category",
    "kind",
    "latest",
    "version",
    "supplier",
    "provider",
];
/// The members whose value needs no name before it.
const SPEAK_FOR_THEMSELVES: [&str; 2] = ["title", "name"];
/// The most members of a value in a list.
const MOST_MEMBERS: usize = 3;
/// As much of a text as a list shows, in characters.
const LONGEST_TEXT: usize = 32;
/// A terminal with fewer columns is narrow.
const NARROW: usize = 100;

/// Prints an entry.
pub(super) fn entry(entry: &RegisterEntry, format: OutputFormat) -> anyhow::Result<()> {
    match format {
        OutputFormat::Json => print::data(print::json(entry)?),
        OutputFormat::Table => print::text(details(entry)?),
    }
}

/// Prints entries of a register. `none` tells people that there are none.
pub(super) fn list(none: &str, entries: &[RegisterEntry], format: ListFormat) -> anyhow::Result<()> {
    match format {
        ListFormat::Json => print::data(print::list(entries)?),
        ListFormat::Ndjson => lines(entries),
        ListFormat::Table if entries.is_empty() => print::text(none),
        ListFormat::Table => print::text(table(entries)),
    }
}

/// Prints versions of an entry.
pub(super) fn history(versions: &[RegisterEntry], format: ListFormat) -> anyhow::Result<()> {
    match format {
        ListFormat::Json => print::data(print::list(versions)?),
        ListFormat::Ndjson => lines(versions),
        ListFormat::Table => {
            let rows = versions.iter().map(|entry| {
                vec![entry.version.to_string(), by(&entry.attested), minute(entry.attested.recorded), summary(entry)]
            });
            print::text(grid(&["version", "attested by", "recorded", "value"], rows.collect()))
        }
    }
}

/// Prints documents, one in each line.
pub(super) fn lines(documents: &[impl Serialize]) -> anyhow::Result<()> {
    let lines = documents.iter().map(print::json_line).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() { Ok(()) } else { print::data(lines.join("\n")) }
}

/// A table of entries. It names their owners if these differ. A narrow terminal has only the days, so that values have room.
fn table(entries: &[RegisterEntry]) -> String {
    let several_owners = entries.iter().any(|entry| Some(&entry.team) != entries.first().map(|first| &first.team));
    let is_narrow = terminal::width().is_some_and(|width| width < NARROW);
    let rows = entries.iter().map(|entry| {
        let recorded = minute(entry.attested.recorded);
        let recorded = if is_narrow { recorded.split(' ').take(1).collect() } else { recorded };
        let mut row = vec![print::line(&entry.id).into_owned()];
        row.extend(several_owners.then(|| owner(entry.team.as_ref())));
        row.extend([by(&entry.attested), recorded, entry.version.to_string(), summary(entry)]);
        row
    });
    let titles = ["id", "team", "attested by", "recorded", if is_narrow { "ver" } else { "version" }, "value"];
    let titles: Vec<&str> = titles.into_iter().filter(|title| several_owners || *title != "team").collect();
    grid(&titles, rows.collect())
}

/// All of an entry.
fn details(entry: &RegisterEntry) -> anyhow::Result<String> {
    let RegisterEntry { register, id, team, concerns, as_of, valid_until, attested, version, .. } = entry;
    let Attestation { roles, credential, kind, recorded, .. } = attested;
    let mut rows = vec![
        ("entry", format!("{register}/{}", print::line(id))),
        ("team", owner(team.as_ref())),
        ("version", version.to_string()),
        ("attested by", by(attested)),
    ];
    if !roles.is_empty() {
        rows.push(("in the roles", print::line(&roles.join(", ")).into_owned()));
    }
    rows.push(("credential", print::line(&format!("{credential} ({kind})")).into_owned()));
    rows.push(("recorded", recorded.to_string()));
    rows.push(("as of", as_of.to_string()));
    rows.extend(valid_until.map(|until| ("valid until", until.to_string())));
    if !concerns.is_empty() {
        let named = |what: &str, names: &[String]| match names {
            [] => None,
            [only] => Some(format!("the {what} {only}")),
            several => Some(format!("the {what}s {}", several.join(", "))),
        };
        let concerned = [named("product", &concerns.products), named("environment", &concerns.environments)];
        let concerned: Vec<String> = concerned.into_iter().flatten().collect();
        rows.push(("concerns", print::line(&concerned.join(" in ")).into_owned()));
    }
    rows.extend(entry.digest.map(|digest| ("digest", digest.to_string())));
    let value = match &entry.value {
        Some(value) => print::plain(&print::json(value)?).into_owned(),
        None => format!("  {}", no_value(entry)),
    };
    Ok(format!("{}\n\n{value}", fields(rows)))
}

fn owner(team: Option<&TeamName>) -> String {
    team.map_or_else(|| "shared".to_owned(), |team| print::line(team).into_owned())
}

fn by(attested: &Attestation) -> String {
    print::line(attested.by.written()).into_owned()
}

/// A moment to the minute, in UTC.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minute) => minute.replace('T', " "),
        None => text,
    }
}

/// Why an entry has no value.
fn no_value(entry: &RegisterEntry) -> String {
    match entry.digest {
        None => styled(WAITING, "withdrawn"),
        Some(_) => styled(FAINT, "deleted by retention"),
    }
}

/// The most telling members of a value, on one line.
fn summary(entry: &RegisterEntry) -> String {
    let Some(value) = &entry.value else { return no_value(entry) };
    let told = SHOWN_MEMBERS.into_iter().filter(|name| *name != entry.register.key()).filter_map(|name| {
        let text = match value.get(name)? {
            Value::String(text) if !text.is_empty() => shortened(text, LONGEST_TEXT),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(if SPEAK_FOR_THEMSELVES.contains(&name) { text } else { format!("{name} {text}") })
    });
    print::line(&told.take(MOST_MEMBERS).collect::<Vec<_>>().join(", ")).into_owned()
}

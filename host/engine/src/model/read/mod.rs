//! Reading a model: from TOML to what it means, with everything that is wrong found in one go.
//!
//! The parser recovers from what it cannot read and goes on, and so does everything here: a value that is wrong is
//! reported and left out, and the next one is read. Only at the end is it decided whether there is a model.

mod expression;
mod field;
mod gate;
mod grants;
mod plugin;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spans::{Spans, escaped};
use super::{LARGEST_SOURCE, Model, ModelFinding, ModelFindings, PluginSource, Source};
use syntax::Syntax;

/// A model that was read, and where its parts stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What it means.
    pub model: Model,
    /// Where its parts stand.
    pub spans: Spans,
    /// What looks wrong. No errors.
    pub warnings: ModelFindings,
}

/// Reads a model. Its plugins' files are not looked at.
///
/// # Errors
/// Everything that is wrong with it, and all warnings.
pub fn read(source: &Source) -> Result<Read, ModelFindings> {
    let (read, findings) = read_partly(source);
    match read {
        Some(read) if !findings.has_errors() => Ok(Read { warnings: findings, ..read }),
        _ => Err(findings),
    }
}

/// Reads what can be read of a model, for those who look for further mistakes in it. Where there are errors, what is
/// wrong is left out or filled in, so that this is no model to decide by; behind a mistake in the syntax there is none.
pub fn read_partly(source: &Source) -> (Option<Read>, ModelFindings) {
    if source.text.len() as u64 > LARGEST_SOURCE {
        let message = format!("the file has {} bytes, and {LARGEST_SOURCE} are the most", source.text.len());
        return (None, [ModelFinding::error("too-large", 0..0, message)].into_iter().collect());
    }
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let syntax = Syntax::new(&source.text, errors);
    let mut reader = Reader {
        text: &source.text,
        findings: Vec::new(),
        unknown: Vec::new(),
        roles: BTreeSet::new(),
        syntax,
        spans: Spans::default(),
    };
    let document = Spanned::new(0..0, DeValue::Table(document.into_inner()));
    reader.place(&document, String::new());
    let model = reader.document(&document);
    let Reader { syntax, findings, spans, .. } = reader;
    let certain = |finding: &ModelFinding| !syntax.is_on_lines_of(&source.text, &finding.span);
    let mistakes = syntax.findings();
    let model = model.filter(|_| mistakes.is_empty());
    let findings: ModelFindings = mistakes.into_iter().chain(findings.into_iter().filter(certain)).collect();
    (model.map(|model| Read { model, spans, warnings: ModelFindings::new() }), findings)
}

const KEYS: [&str; 11] = [
    "id",
    "version",
    "title",
    "applies-when",
    "rank",
    "environments",
    "roles",
    "plugins",
    "strategy",
    "analyses",
    "gates",
];

struct Reader<'t> {
    text: &'t str,
    syntax: Syntax,
    findings: Vec<ModelFinding>,
    /// Where the keys stand that nobody knows.
    unknown: Vec<Range<usize>>,
    /// The roles that the model declares.
    roles: BTreeSet<String>,
    spans: Spans,
}

/// A table, and where it stands.
#[derive(Clone)]
struct Table<'a> {
    entries: &'a DeTable<'a>,
    /// Its header, or its braces.
    span: Range<usize>,
    pointer: String,
}

/// A value, and where it stands.
#[derive(Clone)]
struct Field<'a> {
    name: String,
    value: &'a DeValue<'a>,
    key: Range<usize>,
    span: Range<usize>,
    pointer: String,
}

impl Reader<'_> {
    /// Remembers where everything stands. The parser has refused what is nested too deep.
    fn place(&mut self, value: &Spanned<DeValue<'_>>, pointer: String) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.place(value, format!("{pointer}/{}", escaped(key.get_ref())));
                }
            }
            DeValue::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    self.place(value, format!("{pointer}/{index}"));
                }
            }
            _ => {}
        }
        self.spans.insert(pointer, value.span());
    }

    fn document(&mut self, document: &Spanned<DeValue<'_>>) -> Option<Model> {
        let DeValue::Table(entries) = document.get_ref() else { return None };
        let table = Table { entries, span: 0..0, pointer: String::new() };
        self.known_keys(&table, &KEYS);
        let id = self.required(&table, "id", "id = \"in-house-software\"").and_then(|field| self.id(&field));
        let version = self.required(&table, "version", "version = \"1.0.0\"").and_then(|field| self.version(&field));
        let title = self.required(&table, "title", "title = \"…\"").and_then(|field| self.line(&field));
        self.roles = self.declared_roles(&table);
        let applies_when = self.optional(&table, "applies-when").and_then(|field| self.applies_when(&field));
        let rank = self.optional(&table, "rank").and_then(|field| self.integer(&field));
        let environments = self.environments(&table);
        let plugins = self.plugins(&table);
        let strategy = self.optional(&table, "strategy").and_then(|field| self.strategy(&field, &plugins));
        let analyses = self.analyses(&table, &plugins);
        let gates = self.gates(&table, &plugins);
        Some(Model {
            id: id.unwrap_or_default(),
            version: version.unwrap_or_default(),
            title: title.unwrap_or_default(),
            applies_when,
            rank: rank.unwrap_or_default(),
            environments,
            roles: self.roles.clone(),
            plugins: plugins.into_iter().filter_map(|(name, plugin)| Some((name, plugin?))).collect(),
            strategy,
            analyses,
            gates,
        })
    }

    fn version(&mut self, field: &Field<'_>) -> Option<String> {
        let version = self.line(field)?;
        if let Err(error) = semver::Version::parse(&version) {
            let message = format!("`{version}` is not a semantic version: {error}");
            let finding = ModelFinding::error("invalid-version", field.span.clone(), message);
            self.findings.push(finding.help("write three numbers, for example `1.0.0`"));
            return None;
        }
        Some(version)
    }

    fn declared_roles(&mut self, table: &Table<'_>) -> BTreeSet<String> {
        let Some(field) = self.optional(table, "roles") else { return BTreeSet::new() };
        let items = self.array(&field).unwrap_or_default();
        items.iter().filter_map(|item| self.line(item)).collect()
    }

    fn environments(&mut self, table: &Table<'_>) -> Vec<String> {
        let Some(field) = self.optional(table, "environments") else { return Vec::new() };
        let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
        let mut environments = Vec::new();
        for item in self.array(&field).unwrap_or_default() {
            let Some(name) = self.line(&item) else { continue };
            match seen.get(&name) {
                Some(first) => self.findings.push(
                    ModelFinding::error(
                        "duplicate-environment",
                        item.span,
                        format!("environment `{name}` is listed twice"),
                    )
                    .related(first.clone(), "first here")
                    .help("a release passes each environment once"),
                ),
                None => {
                    seen.insert(name.clone(), item.span);
                    environments.push(name);
                }
            }
        }
        environments
    }
}

/// The plugins of a model, by name; nothing for those that cannot be read.
type Plugins = BTreeMap<String, Option<PluginSource>>;

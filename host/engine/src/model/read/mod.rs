//! Reads a model from TOML, and reports all mistakes at once.
//!
//! The parser recovers after a mistake and goes on, and so does everything here: a wrong value is reported and left
//! out, and the next one is read. Whether there is a model is decided only at the end.

mod demands;
mod expression;
mod field;
mod gate;
mod grants;
mod plugin;
mod stops;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use lockgate_domain::{DeliveryMode, EnvironmentHop, escaped_token};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spans::Spans;
use super::{LARGEST_SOURCE, Model, ModelFinding, ModelFindings, PluginSource, Source};
use syntax::Syntax;

/// A model that was read, and the places of its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The model itself.
    pub model: Model,
    /// The places of its parts.
    pub spans: Spans,
    /// The warnings. There are no errors among them.
    pub warnings: ModelFindings,
}

/// Reads a model. Does not read the plugins' files.
///
/// # Errors
/// All errors and warnings.
pub fn read(source: &Source) -> Result<Read, ModelFindings> {
    let (read, findings) = read_partly(source);
    match read {
        Some(read) if !findings.has_errors() => Ok(Read { warnings: findings, ..read }),
        _ => Err(findings),
    }
}

/// Reads as much of a model as possible, to look for further mistakes. If there are errors, wrong parts are left out or
/// filled in, so no decision may use this model. After a syntax error there is none.
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

const KEYS: [&str; 18] = [
    "id",
    "version",
    "title",
    "applies-when",
    "rank",
    "environments",
    "roles",
    "facts",
    "evidence",
    "mode",
    "criteria",
    "unguarded",
    "stops",
    "overrides",
    "plugins",
    "strategy",
    "analyses",
    "gates",
];

struct Reader<'t> {
    text: &'t str,
    syntax: Syntax,
    findings: Vec<ModelFinding>,
    /// The places of the unknown keys.
    unknown: Vec<Range<usize>>,
    /// The roles that the model declares.
    roles: BTreeSet<String>,
    spans: Spans,
}

/// A table, and its place.
#[derive(Clone)]
struct Table<'a> {
    entries: &'a DeTable<'a>,
    /// The place of its header, or of its braces.
    span: Range<usize>,
    pointer: String,
}

/// A value, and its place.
#[derive(Clone)]
struct Field<'a> {
    name: String,
    value: &'a DeValue<'a>,
    key: Range<usize>,
    span: Range<usize>,
    pointer: String,
}

impl Reader<'_> {
    /// Remembers the places of all values. The parser has refused a text that is nested too deeply.
    fn place(&mut self, value: &Spanned<DeValue<'_>>, pointer: String) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.place(value, format!("{pointer}/{}", escaped_token(key.get_ref())));
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
        let demands = self.demands(&table);
        let modes = [
            ("continuous-delivery", DeliveryMode::ContinuousDelivery),
            ("continuous-deployment", DeliveryMode::ContinuousDeployment),
        ];
        let mode = self.optional(&table, "mode").and_then(|field| self.word(&field, "unknown-mode", &modes));
        let criteria = self
            .optional(&table, "criteria")
            .and_then(|field| self.word(&field, "unknown-criteria", &[("deploy-value-stream", true)]));
        let unguarded_allowed = self.unguarded(&table);
        let hotfix_lane_open = self.hotfix_lane(&table);
        let override_reviews = self.override_reviews(&table);
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
            demands,
            mode,
            criteria: criteria.unwrap_or_default(),
            unguarded_allowed,
            hotfix_lane_open,
            override_reviews,
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

    /// The hops: each is the name of an environment, or a list of names.
    fn environments(&mut self, table: &Table<'_>) -> Vec<EnvironmentHop> {
        let Some(field) = self.optional(table, "environments") else { return Vec::new() };
        let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
        let mut hops = Vec::new();
        for item in self.array(&field).unwrap_or_default() {
            if !matches!(item.value, DeValue::Array(_)) {
                hops.extend(self.environment(&item, &mut seen).map(EnvironmentHop::One));
                continue;
            }
            let items = self.array(&item).unwrap_or_default();
            if items.is_empty() {
                self.findings.push(
                    ModelFinding::error("empty-hop", item.span, "this hop names no environment")
                        .help("name the environments of the hop, or leave it out"),
                );
            }
            let names: Vec<String> = items.iter().filter_map(|item| self.environment(item, &mut seen)).collect();
            hops.extend(match names.as_slice() {
                [] => None,
                [only] => Some(EnvironmentHop::One(only.clone())),
                _ => Some(EnvironmentHop::Parallel(names)),
            });
        }
        hops
    }

    /// The name of an environment, if it is the first time that the flow names it.
    fn environment(&mut self, item: &Field<'_>, seen: &mut BTreeMap<String, Range<usize>>) -> Option<String> {
        let name = self.line(item)?;
        if let Some(first) = seen.get(&name) {
            self.findings.push(
                ModelFinding::error(
                    "duplicate-environment",
                    item.span.clone(),
                    format!("environment `{name}` is listed twice"),
                )
                .related(first.clone(), "first here")
                .help("a release passes each environment once"),
            );
            return None;
        }
        seen.insert(name.clone(), item.span.clone());
        Some(name)
    }
}

/// The plugins of a model, by name. None for an unreadable one.
type Plugins = BTreeMap<String, Option<PluginSource>>;

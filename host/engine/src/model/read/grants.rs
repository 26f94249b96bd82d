//! Reads the grants of a plugin's use.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use lockgate_domain::Registers;
use toml::de::DeValue;

use super::super::{GrantedDirectory, GrantedNamespace, GrantedOrigin, ModelGrants};
use super::{Field, ModelFinding, Reader, Table};

/// The words for `access`, and whether they allow changes.
const ACCESS: [(&str, bool); 2] = [("read-only", false), ("read-write", true)];

impl Reader<'_> {
    /// Reads `grants` of a use.
    pub(super) fn grants(&mut self, field: &Field<'_>) -> Option<ModelGrants> {
        let table = self.table(field)?;
        self.known_keys(&table, &["log", "evidence", "facts", "directory", "http", "key-value"]);
        let mut grants = ModelGrants::default();
        if let Some(log) = self.optional(&table, "log").and_then(|field| self.boolean(&field)) {
            grants.log = log;
        }
        grants.evidence = self.patterns(&table, "evidence");
        grants.facts = self.facts(&table);
        if let Some(field) = self.optional(&table, "directory") {
            grants.directory = self.directories(&field);
        }
        if let Some(field) = self.optional(&table, "http") {
            let origins = self.array(&field).unwrap_or_default();
            grants.http = origins.iter().filter_map(|origin| self.origin(origin)).collect();
        }
        grants.key_value = self.optional(&table, "key-value").and_then(|field| self.namespace(&field));
        Some(grants)
    }

    /// Reads a list of patterns of names.
    fn patterns(&mut self, table: &Table<'_>, key: &str) -> Vec<String> {
        let Some(field) = self.optional(table, key) else { return Vec::new() };
        let patterns = self.array(&field).unwrap_or_default();
        patterns.iter().filter_map(|pattern| self.line(pattern)).collect()
    }

    /// Reads `facts`: patterns of registers, which are known, and after `fact:` patterns of facts, which are not.
    fn facts(&mut self, table: &Table<'_>) -> Vec<String> {
        let Some(field) = self.optional(table, "facts") else { return Vec::new() };
        let patterns = self.array(&field).unwrap_or_default();
        patterns
            .iter()
            .filter_map(|field| {
                let pattern = self.line(field)?;
                if let Err(unknown) = Registers::check_grant(&pattern) {
                    let finding = ModelFinding::error("unknown-register", field.span.clone(), unknown.to_string());
                    self.findings.push(finding.help(unknown.help()));
                }
                Some(pattern)
            })
            .collect()
    }

    /// Reads `directory`: by name, each a path, or a table with one.
    fn directories(&mut self, field: &Field<'_>) -> BTreeMap<String, GrantedDirectory> {
        let Some(table) = self.table(field) else { return BTreeMap::new() };
        let mut granted = BTreeMap::new();
        for (name, span) in table.entries.keys().map(|key| (key.get_ref().as_ref(), key.span())) {
            let directory = self.optional(&table, name).and_then(|field| self.directory(&field));
            if let (true, Some(directory)) = (self.check_id(name, span), directory) {
                granted.insert(name.to_owned(), directory);
            }
        }
        granted
    }

    fn directory(&mut self, field: &Field<'_>) -> Option<GrantedDirectory> {
        if let DeValue::String(_) = field.value {
            let path = self.path(field)?;
            return Some(GrantedDirectory { path, largest_file: None, most_entries: None });
        }
        let table = self.table(field)?;
        self.known_keys(&table, &["path", "largest-file", "most-entries"]);
        let largest_file = self.optional(&table, "largest-file").and_then(|field| self.bytes(&field));
        let most_entries = self.optional(&table, "most-entries").and_then(|field| self.count(&field));
        let path = self.required(&table, "path", "path = \"catalog\"")?;
        Some(GrantedDirectory { path: self.path(&path)?, largest_file, most_entries })
    }

    /// Reads one item of `http`.
    fn origin(&mut self, field: &Field<'_>) -> Option<GrantedOrigin> {
        let table = self.table(field)?;
        let keys = ["origin", "methods", "addresses", "largest-response", "redirects", "timeout"];
        self.known_keys(&table, &keys);
        let methods = self.optional(&table, "methods").and_then(|field| self.parsed_items(&field));
        let addresses = self.optional(&table, "addresses").and_then(|field| self.parsed_items(&field));
        let largest_response = self.optional(&table, "largest-response").and_then(|field| self.bytes(&field));
        let redirects = self.optional(&table, "redirects").and_then(|field| self.redirects(&field));
        let timeout = self.optional(&table, "timeout").and_then(|field| self.duration(&field));
        let origin = self.required(&table, "origin", "origin = \"https://scanner.example.com\"")?;
        let origin = self.parsed(&origin)?;
        let granted = GrantedOrigin { origin, methods, addresses, largest_response, redirects, timeout };
        if let Err(error) = granted.check() {
            self.findings.push(ModelFinding::error("invalid-grant", field.span.clone(), error.to_string()));
        }
        Some(granted)
    }

    fn redirects(&mut self, field: &Field<'_>) -> Option<u32> {
        const MOST: i64 = 20;
        let count = self.integer(field)?;
        let redirects = u32::try_from(count).ok().filter(|_| count <= MOST);
        if redirects.is_none() {
            let message = format!("`redirects` is out of range: it has to be from 0 to {MOST}");
            self.findings.push(ModelFinding::error("out-of-range", field.span.clone(), message));
        }
        redirects
    }

    /// Reads `key-value`.
    fn namespace(&mut self, field: &Field<'_>) -> Option<GrantedNamespace> {
        let table = self.table(field)?;
        self.known_keys(&table, &["namespace", "access", "quota"]);
        let quota = self.optional(&table, "quota").and_then(|field| self.bytes(&field));
        let access = self.optional(&table, "access");
        let writable = access.and_then(|field| self.word(&field, "unknown-access", &ACCESS)).unwrap_or_default();
        let namespace = self.required(&table, "namespace", "namespace = \"attempts\"")?;
        Some(GrantedNamespace { namespace: self.id(&namespace)?, writable, quota })
    }

    /// The value that a text stands for.
    fn parsed<T: FromStr<Err: Display>>(&mut self, field: &Field<'_>) -> Option<T> {
        let text = self.text(field)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.findings.push(ModelFinding::error("invalid-grant", field.span.clone(), error.to_string()));
                None
            }
        }
    }

    /// The values that the texts of a list stand for. None unless all of them can be read.
    fn parsed_items<T: FromStr<Err: Display>>(&mut self, field: &Field<'_>) -> Option<Vec<T>> {
        let items: Vec<Option<T>> = self.array(field)?.iter().map(|item| self.parsed(item)).collect();
        items.into_iter().collect()
    }
}

//! Parses JSON and finds the bytes that a JSON Pointer means.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast::Value as Node;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use lockgate_domain::{JsonError, JsonFault, JsonFaultKind, escaped_token, read_json, unescaped_token};

use crate::diagnostic::{Diagnostic, InvalidInput, SourceText};

/// A JSON document. The places of its values are only searched when a diagnostic needs them: most documents are valid, and the
/// places of all values can take more memory than the values.
#[derive(Debug)]
pub(crate) struct JsonDocument {
    pub(crate) source: Arc<SourceText>,
    pub(crate) value: serde_json::Value,
    /// The bytes of the source that hold the document.
    part: Range<usize>,
    /// The values that stand in other documents, by their JSON Pointers in this one.
    elsewhere: BTreeMap<String, DocumentPart>,
}

/// A value in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentPart {
    pub(crate) source: Arc<SourceText>,
    /// The bytes of the source that hold the document.
    pub(crate) part: Range<usize>,
    /// The JSON Pointer of the value in the document.
    pub(crate) pointer: &'static str,
}

/// Where a JSON Pointer leads, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueLocation {
    pub(crate) source: Arc<SourceText>,
    /// The key, if the value is a member of an object.
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Range<usize>,
    /// The rest of the pointer, if it leads to something that the document does not have.
    pub(crate) beyond: Option<String>,
}

impl JsonDocument {
    /// Parses a text like the server does. Messages call it `what`.
    ///
    /// # Errors
    /// As [`lockgate_domain::read_json`].
    pub(crate) fn parse(source: Arc<SourceText>, what: &str) -> Result<Self, InvalidInput> {
        let part = 0..source.text.len();
        Self::parse_part(source, part, what)
    }

    /// Parses a part of a text, for example a line.
    ///
    /// # Errors
    /// As [`lockgate_domain::read_json`].
    pub(crate) fn parse_part(source: Arc<SourceText>, part: Range<usize>, what: &str) -> Result<Self, InvalidInput> {
        let text = source.text.get(part.clone()).unwrap_or_default();
        match read_json(text.as_bytes()) {
            Ok(value) => Ok(Self { source, value, part, elsewhere: BTreeMap::new() }),
            Err(JsonError::Syntax(error)) => Err(not_json(&source, part, what, &error).into()),
            Err(JsonError::Faults(faults)) => {
                let locations = ValueLocations::of(&source, part, None);
                let diagnostics = faults.iter().enumerate().map(|(index, fault)| {
                    let earlier = faults.iter().take(index).filter(|earlier| *earlier == fault).count();
                    locations.fault(fault, earlier)
                });
                Err(diagnostics.collect::<Vec<_>>().into())
            }
            Err(error) => Err(Diagnostic::error(format!("cannot read the {what}: {error}")).into()),
        }
    }

    /// Notes that the value at a JSON Pointer stands in another document.
    pub(crate) fn stands_elsewhere(&mut self, pointer: String, part: DocumentPart) {
        self.elsewhere.insert(pointer, part);
    }

    /// Where a JSON Pointer leads.
    pub(crate) fn locate(&self, pointer: &str) -> ValueLocation {
        self.locations().locate(pointer)
    }

    /// Parses once for repeated `locate` calls.
    pub(crate) fn locations(&self) -> ValueLocations<'_> {
        ValueLocations::of(&self.source, self.part.clone(), Some(&self.elsewhere))
    }
}

/// A parsed document, in which JSON Pointers can be looked up.
pub(crate) struct ValueLocations<'a> {
    source: &'a Arc<SourceText>,
    /// Where the document begins in the source.
    start: usize,
    root: Option<Node<'a>>,
    elsewhere: Option<&'a BTreeMap<String, DocumentPart>>,
}

impl<'a> ValueLocations<'a> {
    fn of(
        source: &'a Arc<SourceText>,
        part: Range<usize>,
        elsewhere: Option<&'a BTreeMap<String, DocumentPart>>,
    ) -> Self {
        let start = part.start;
        let text = source.text.get(part).unwrap_or_default();
        let root = parse_to_ast(text, &CollectOptions::default(), &STRICT).ok().and_then(|parsed| parsed.value);
        Self { source, start, root, elsewhere }
    }

    fn bytes(&self, ranged: &impl Ranged) -> Range<usize> {
        self.start + ranged.start()..self.start + ranged.end()
    }

    /// The diagnostic for a fault. `earlier` is the number of equal faults that were reported before.
    fn fault(&self, fault: &JsonFault, earlier: usize) -> Diagnostic {
        let source = self.source;
        let JsonFault { pointer, kind } = fault;
        let JsonFaultKind::DoubledKey(name) = kind else {
            let span = self.locate(pointer).span();
            let diagnostic = Diagnostic::error(kind.to_string()).at(source, span, "");
            return if pointer.is_empty() {
                diagnostic
            } else {
                diagnostic.note(format!("the JSON Pointer is `{pointer}`"))
            };
        };
        let object = pointer.rsplit_once('/').map_or("", |(object, _)| object);
        let properties = match self.find(object) {
            Some(Node::Object(object)) => object.properties.as_slice(),
            _ => &[],
        };
        let mut twins = properties.iter().map(|property| &property.name).filter(|twin| twin.as_str() == name);
        let first = twins.next().map_or(1, |first| source.position(self.bytes(first).start).0);
        let again = twins.nth(earlier).map_or(self.start..self.start, |twin| self.bytes(twin));
        Diagnostic::error(format!("the key `{name}` appears twice in one object"))
            .at(source, again, "repeated here")
            .note(format!("the first is on line {first}; the JSON Pointer is `{pointer}`"))
            .help("delete one of them")
    }

    /// The value that a JSON Pointer leads to. Of a key that appears twice, it is the first.
    fn find(&self, pointer: &str) -> Option<&Node<'a>> {
        pointer.split('/').skip(1).try_fold(self.root.as_ref()?, |node, segment| {
            let name = unescaped_token(segment);
            match node {
                Node::Object(object) => object.get(&name).map(|property| &property.value),
                Node::Array(array) => array.elements.get(name.parse::<usize>().ok()?),
                _ => None,
            }
        })
    }

    /// Where a JSON Pointer leads: as far as the document goes.
    pub(crate) fn locate(&self, pointer: &str) -> ValueLocation {
        if let Some((around, part)) = self.elsewhere_around(pointer) {
            let below = pointer.get(around.len()..).unwrap_or_default();
            let other = ValueLocations::of(&part.source, part.part.clone(), None);
            return other.locate(&format!("{}{below}", part.pointer));
        }
        let source = Arc::clone(self.source);
        let Some(mut node) = self.root.as_ref() else {
            let value = self.start..self.start;
            return ValueLocation { source, key: None, value, beyond: Some(pointer.to_owned()) };
        };
        let mut key = None;
        let mut segments = pointer.split('/').skip(1);
        while let Some(segment) = segments.next() {
            let name = unescaped_token(segment);
            let found = match node {
                Node::Object(object) => object.get(&name).map(|property| (Some(&property.name), &property.value)),
                Node::Array(array) => {
                    name.parse().ok().and_then(|at: usize| array.elements.get(at)).map(|at| (None, at))
                }
                _ => None,
            };
            let Some((name, value)) = found else {
                let rest = segments.fold(segment.to_owned(), |rest, segment| format!("{rest}/{segment}"));
                return ValueLocation { source, key, value: self.bytes(node), beyond: Some(rest) };
            };
            key = name.map(|name| self.bytes(name));
            node = value;
        }
        ValueLocation { source, key, value: self.bytes(node), beyond: None }
    }

    /// The nearest value around a JSON Pointer that stands in another document.
    fn elsewhere_around<'p>(&self, pointer: &'p str) -> Option<(&'p str, &'a DocumentPart)> {
        let elsewhere = self.elsewhere.filter(|elsewhere| !elsewhere.is_empty())?;
        let mut around = pointer;
        loop {
            if let Some(part) = elsewhere.get(around) {
                return Some((around, part));
            }
            around = around.rsplit_once('/')?.0;
        }
    }
}

impl ValueLocation {
    /// The bytes to underline: the key, if the value has several lines.
    pub(crate) fn span(self) -> Range<usize> {
        let long = self.source.text.get(self.value.clone()).is_some_and(|text| text.contains('\n'));
        match self.key {
            Some(key) if long => key,
            _ if long => self.value.start..self.value.start + 1,
            _ => self.value,
        }
    }
}

impl Diagnostic {
    /// The diagnostic, pointing to a value.
    pub(crate) fn at_value(self, location: ValueLocation, label: impl Into<String>) -> Self {
        let source = Arc::clone(&location.source);
        self.at(&source, location.span(), label)
    }
}

/// Appends a segment to a JSON Pointer.
pub(crate) fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", escaped_token(segment))
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

fn not_json(source: &Arc<SourceText>, part: Range<usize>, what: &str, error: &serde_json::Error) -> Diagnostic {
    let is_line = part != (0..source.text.len());
    let text = source.text.get(part.clone()).unwrap_or_default();
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let start = part.start + offset(text, error.line(), error.column());
    let found = source.text.get(start..part.end).and_then(|rest| rest.chars().next());
    let end = start + found.map_or(0, char::len_utf8);
    let diagnostic = Diagnostic::error(format!(
        "the {what} {} not JSON: {said}",
        if ["settings", "samples"].contains(&what) { "are" } else { "is" }
    ))
    .at(source, start..end, "");
    match found {
        _ if error.is_eof() && is_line => diagnostic.help("the line ends early: write each document on one line"),
        _ if error.is_eof() => diagnostic.help("the text ends early: is the file complete?"),
        Some('\'') => diagnostic.help("put texts in double quotes"),
        Some('}' | ']') => diagnostic.help("is the comma before it too much?"),
        Some('/' | '#') => diagnostic.help("remove it: JSON has no comments"),
        _ if said.contains("escape") => {
            diagnostic.help("write `\\u` and four hexadecimal digits; characters above U+FFFF need a pair of these")
        }
        Some('N' | 'I' | '-' | '+' | '.') => {
            diagnostic.help("numbers start with a digit or `-`; for NaN and Infinity, use `null` or leave the key out")
        }
        _ if said.contains("recursion limit") => diagnostic.help("nest values at most 127 deep"),
        _ if ["sample", "samples"].contains(&what) => {
            diagnostic.help("write each as `{\"at\": \"2026-11-24T20:00:00Z\", \"value\": 4.2}`")
        }
        _ if what == "entry" => diagnostic.help("`lockgate schema new-register-entry` prints the expected format"),
        _ if what == "settings" => {
            diagnostic.help("`lockgate plugin inspect <file>` prints the settings that it takes")
        }
        _ => diagnostic.help(format!("`lockgate schema {what}` prints the expected format")),
    }
}

/// The byte offset of a line and a column, both from 1; the column counts bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

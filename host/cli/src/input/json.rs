//! Parses JSON and finds the bytes that a JSON Pointer means.

use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast::Value as Node;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use lockgate_domain::{JsonError, JsonFault, JsonFaultKind, read_json};

use crate::diagnostic::{Diagnostic, InvalidInput, SourceText};

/// A JSON document. The places of its values are only searched when a diagnostic needs them: most documents are valid, and the
/// places of all values can take more memory than the values.
#[derive(Debug)]
pub(crate) struct JsonDocument {
    pub(crate) source: Arc<SourceText>,
    pub(crate) value: serde_json::Value,
}

/// Where a JSON Pointer leads, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueLocation {
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
        match read_json(source.text.as_bytes()) {
            Ok(value) => Ok(Self { source, value }),
            Err(JsonError::Syntax(error)) => Err(not_json(&source, what, &error).into()),
            Err(JsonError::Faults(faults)) => {
                let locations = ValueLocations::of(&source);
                let diagnostics = faults.iter().enumerate().map(|(index, fault)| {
                    let earlier = faults.iter().take(index).filter(|earlier| *earlier == fault).count();
                    locations.fault(&source, fault, earlier)
                });
                Err(diagnostics.collect::<Vec<_>>().into())
            }
            Err(error) => Err(Diagnostic::error(format!("cannot read the {what}: {error}")).into()),
        }
    }

    /// Where a JSON Pointer leads.
    pub(crate) fn locate(&self, pointer: &str) -> ValueLocation {
        self.locations().locate(pointer)
    }

    /// Parses once for repeated `locate` calls.
    pub(crate) fn locations(&self) -> ValueLocations<'_> {
        ValueLocations::of(&self.source)
    }
}

/// A parsed document, in which JSON Pointers can be looked up.
pub(crate) struct ValueLocations<'a>(Option<Node<'a>>);

impl<'a> ValueLocations<'a> {
    fn of(source: &'a SourceText) -> Self {
        let parsed = parse_to_ast(&source.text, &CollectOptions::default(), &STRICT);
        Self(parsed.ok().and_then(|parsed| parsed.value))
    }

    /// The diagnostic for a fault. `earlier` is the number of equal faults that were reported before.
    fn fault(&self, source: &Arc<SourceText>, fault: &JsonFault, earlier: usize) -> Diagnostic {
        let JsonFault { pointer, kind } = fault;
        let JsonFaultKind::DoubledKey(name) = kind else {
            let span = self.locate(pointer).span(source);
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
        let first = twins.next().map_or(1, |first| source.position(first.start()).0);
        let again = twins.nth(earlier).map_or(0..0, bytes);
        Diagnostic::error(format!("the key `{name}` appears twice in one object"))
            .at(source, again, "repeated here")
            .note(format!("the first is on line {first}; the JSON Pointer is `{pointer}`"))
            .help("delete one of them")
    }

    /// The value that a JSON Pointer leads to. Of a key that appears twice, it is the first.
    fn find(&self, pointer: &str) -> Option<&Node<'a>> {
        pointer.split('/').skip(1).try_fold(self.0.as_ref()?, |node, segment| {
            let name = segment.replace("~1", "/").replace("~0", "~");
            match node {
                Node::Object(object) => object.get(&name).map(|property| &property.value),
                Node::Array(array) => array.elements.get(name.parse::<usize>().ok()?),
                _ => None,
            }
        })
    }

    /// Where a JSON Pointer leads: as far as the document goes.
    pub(crate) fn locate(&self, pointer: &str) -> ValueLocation {
        let Some(mut node) = self.0.as_ref() else {
            return ValueLocation { key: None, value: 0..0, beyond: Some(pointer.to_owned()) };
        };
        let mut key = None;
        let mut segments = pointer.split('/').skip(1);
        while let Some(segment) = segments.next() {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let found = match node {
                Node::Object(object) => object.get(&name).map(|property| (Some(&property.name), &property.value)),
                Node::Array(array) => {
                    name.parse().ok().and_then(|at: usize| array.elements.get(at)).map(|at| (None, at))
                }
                _ => None,
            };
            let Some((name, value)) = found else {
                let rest = segments.fold(segment.to_owned(), |rest, segment| format!("{rest}/{segment}"));
                return ValueLocation { key, value: bytes(node), beyond: Some(rest) };
            };
            key = name.map(bytes);
            node = value;
        }
        ValueLocation { key, value: bytes(node), beyond: None }
    }
}

impl ValueLocation {
    /// The bytes to underline: the key, if the value has several lines.
    pub(crate) fn span(self, source: &SourceText) -> Range<usize> {
        let long = source.text.get(self.value.clone()).is_some_and(|text| text.contains('\n'));
        match self.key {
            Some(key) if long => key,
            _ if long => self.value.start..self.value.start + 1,
            _ => self.value,
        }
    }
}

fn bytes(ranged: &impl Ranged) -> Range<usize> {
    ranged.start()..ranged.end()
}

/// Appends a segment to a JSON Pointer.
pub(crate) fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
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

fn not_json(source: &Arc<SourceText>, what: &str, error: &serde_json::Error) -> Diagnostic {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let start = offset(&source.text, error.line(), error.column());
    let found = source.text.get(start..).and_then(|rest| rest.chars().next());
    let end = start + found.map_or(0, char::len_utf8);
    let diagnostic = Diagnostic::error(format!(
        "the {what} {} not JSON: {said}",
        if what == "settings" { "are" } else { "is" }
    ))
    .at(source, start..end, "");
    match found {
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

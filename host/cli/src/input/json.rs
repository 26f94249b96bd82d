//! From text to JSON, with the place of every value: a JSON Pointer leads to the bytes that it means.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast::Value as Node;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::MOST_TOLD;
use crate::diagnostic::{Diagnostic, InvalidInput, Source};

/// A JSON document. Where something in it stands is looked up in its text when somebody has to be told: most documents
/// are right, and the places of all values can take more memory than the values.
#[derive(Debug)]
pub(crate) struct Json {
    /// The text.
    pub(crate) source: Arc<Source>,
    /// What it says.
    pub(crate) value: serde_json::Value,
}

/// Where a JSON Pointer leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The key, if what is meant is a member of an object.
    pub(crate) key: Option<Range<usize>>,
    /// The value.
    pub(crate) value: Range<usize>,
    /// The rest of the pointer, if it leads further than the document goes.
    pub(crate) beyond: Option<String>,
}

impl Json {
    /// Reads a text that people call `what`.
    ///
    /// # Errors
    /// If it is not JSON (RFC 8259), is nested more than 127 deep, or has an object with a key that stands twice.
    pub(crate) fn parse(source: Arc<Source>, what: &str) -> Result<Self, InvalidInput> {
        let value = serde_json::from_str(&source.text).map_err(|error| not_json(&source, what, &error))?;
        let parsed = parse_to_ast(&source.text, &CollectOptions::default(), &STRICT).map_err(|error| {
            let span = error.range();
            Diagnostic::error(format!("the {what} is not JSON: {}", error.kind())).at(&source, span.start..span.end, "")
        })?;
        let mut twice = Vec::new();
        if let Some(root) = &parsed.value {
            find_twins(&source, "", root, &mut twice);
        }
        if twice.is_empty() { Ok(Self { value, source: Arc::clone(&source) }) } else { Err(twice.into()) }
    }

    /// Where a JSON Pointer leads: as far as the document goes.
    pub(crate) fn locate(&self, pointer: &str) -> Spot {
        self.places().locate(pointer)
    }

    /// The places of everything, for who looks up many.
    pub(crate) fn places(&self) -> Places<'_> {
        let parsed = parse_to_ast(&self.source.text, &CollectOptions::default(), &STRICT);
        Places(parsed.ok().and_then(|parsed| parsed.value))
    }
}

/// The places of everything in a document.
pub(crate) struct Places<'a>(Option<Node<'a>>);

impl Places<'_> {
    /// Where a JSON Pointer leads: as far as the document goes.
    pub(crate) fn locate(&self, pointer: &str) -> Spot {
        let Some(mut node) = self.0.as_ref() else {
            return Spot { key: None, value: 0..0, beyond: Some(pointer.to_owned()) };
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
                return Spot { key, value: bytes(node), beyond: Some(rest) };
            };
            key = name.map(bytes);
            node = value;
        }
        Spot { key, value: bytes(node), beyond: None }
    }
}

impl Spot {
    /// The bytes to show: the key if the value is too long to be underlined, or is not all there.
    pub(crate) fn span(self, source: &Source) -> Range<usize> {
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

fn find_twins(source: &Arc<Source>, pointer: &str, node: &Node<'_>, twice: &mut Vec<Diagnostic>) {
    match node {
        Node::Object(object) => {
            let mut seen = HashMap::new();
            for property in &object.properties {
                if twice.len() >= MOST_TOLD {
                    return;
                }
                let name = property.name.as_str();
                if let Some(first) = seen.insert(name.to_owned(), property.name.start()) {
                    let (line, _) = source.position(first);
                    twice.push(
                        Diagnostic::error(format!("the key `{name}` stands twice in one object"))
                            .at(source, bytes(&property.name), "here again")
                            .note(format!("the first one is on line {line}; the place is `{}`", join(pointer, name)))
                            .help("keep one of the two: which one would count is not defined"),
                    );
                }
                if !matches!(&property.value, Node::StringLit(_) | Node::NumberLit(_)) {
                    find_twins(source, &join(pointer, name), &property.value, twice);
                }
            }
        }
        Node::Array(array) => {
            for (index, element) in array.elements.iter().enumerate() {
                if matches!(element, Node::Object(_) | Node::Array(_)) {
                    find_twins(source, &join(pointer, &index.to_string()), element, twice);
                }
            }
        }
        _ => {}
    }
}

/// One more segment for a JSON Pointer.
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

fn not_json(source: &Arc<Source>, what: &str, error: &serde_json::Error) -> Diagnostic {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let start = offset(&source.text, error.line(), error.column());
    let found = source.text.get(start..).and_then(|rest| rest.chars().next());
    let end = start + found.map_or(0, char::len_utf8);
    let diagnostic = Diagnostic::error(format!("the {what} is not JSON: {said}")).at(source, start..end, "");
    match found {
        _ if error.is_eof() => diagnostic.help("the text ends too early: is the file complete?"),
        Some('\'') => diagnostic.help("JSON texts stand in double quotes"),
        Some('}' | ']') => diagnostic.help("is there a comma too many before it?"),
        Some('/' | '#') => diagnostic.help("JSON has no comments"),
        _ if said.contains("escape") => diagnostic
            .help("after `\\u` stand four hexadecimal digits, and a character beyond them takes two such halves"),
        Some('N' | 'I' | '-' | '+' | '.') => diagnostic
            .help("JSON has no NaN, no Infinity, and numbers begin with a digit or `-`: use `null`, or leave it out"),
        _ if said.contains("recursion limit") => diagnostic.help("values may stand at most 127 deep in each other"),
        _ => diagnostic.help(format!("`lockgate schema {what}` describes what is read here")),
    }
}

/// The byte that a line and a column mean, both from 1; the column counts bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

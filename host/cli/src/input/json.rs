//! From text to JSON, with the place of every value: a JSON Pointer leads to the bytes that it means.

use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast::Value as Node;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use lockgate_domain::{JsonError, JsonFault, JsonFaultKind, read_json};

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
    /// As [`lockgate_domain::read_json`], which the server reads by as well.
    pub(crate) fn parse(source: Arc<Source>, what: &str) -> Result<Self, InvalidInput> {
        match read_json(source.text.as_bytes()) {
            Ok(value) => Ok(Self { source, value }),
            Err(JsonError::Syntax(error)) => Err(not_json(&source, what, &error).into()),
            Err(JsonError::Faults(faults)) => {
                let places = Places::of(&source);
                let told = faults.iter().enumerate().map(|(index, fault)| {
                    let earlier = faults.iter().take(index).filter(|earlier| *earlier == fault).count();
                    places.fault(&source, fault, earlier)
                });
                Err(told.collect::<Vec<_>>().into())
            }
            Err(error) => Err(Diagnostic::error(format!("the {what} cannot be read: {error}")).into()),
        }
    }

    /// Where a JSON Pointer leads: as far as the document goes.
    pub(crate) fn locate(&self, pointer: &str) -> Spot {
        self.places().locate(pointer)
    }

    /// The places of everything, for who looks up many.
    pub(crate) fn places(&self) -> Places<'_> {
        Places::of(&self.source)
    }
}

/// The places of everything in a document.
pub(crate) struct Places<'a>(Option<Node<'a>>);

impl<'a> Places<'a> {
    fn of(source: &'a Source) -> Self {
        let parsed = parse_to_ast(&source.text, &CollectOptions::default(), &STRICT);
        Self(parsed.ok().and_then(|parsed| parsed.value))
    }

    /// Tells about a fault; `earlier` times the same one was told already.
    fn fault(&self, source: &Arc<Source>, fault: &JsonFault, earlier: usize) -> Diagnostic {
        let JsonFault { pointer, kind } = fault;
        let JsonFaultKind::DoubledKey(name) = kind else {
            let span = self.locate(pointer).span(source);
            let diagnostic = Diagnostic::error(kind.to_string()).at(source, span, "");
            return if pointer.is_empty() { diagnostic } else { diagnostic.note(format!("the place is `{pointer}`")) };
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
            .at(source, again, "here again")
            .note(format!("the first one is on line {first}; the place is `{pointer}`"))
            .help("keep one of the two")
    }

    /// The value that a JSON Pointer leads to; of a key that appears twice, the first.
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

//! Checks that all formats of Lockgate in a schema are where the host looks for them.
//!
//! If the host missed one, the id of a person would reach the plugin without being normalised, and the plugin would take it
//! for another person. So such a schema is refused when the plugin is admitted.

use std::collections::{HashMap, HashSet};
use std::ptr;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::mark::SettingsMark;

/// Why the host could miss a format of Lockgate in the schema of a plugin's settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// A format is below a keyword that the host does not follow.
    #[error(
        "the host does not look for `\"format\": \"{mark}\"` below `{keyword}`: use it below \
         `properties`, `patternProperties`, `additionalProperties`, `propertyNames`, `items`, `prefixItems`, `allOf`, `anyOf` or \
         `oneOf`"
    )]
    Keyword {
        /// The keyword.
        keyword: String,
        /// The format.
        mark: SettingsMark,
    },
    /// The schema uses a dynamic reference, which the host does not follow. The keyword is given.
    #[error("the host does not follow `{0}`, so it would miss formats behind it: use `$ref`")]
    Dynamic(String),
    /// A `$ref` does not lead to a part of the schema. Its JSON is given.
    #[error(
        "`\"$ref\": {0}` does not lead to a part of the schema, so the host would miss formats behind it: write a JSON Pointer, \
         for example `#/$defs/Person`"
    )]
    Reference(String),
    /// The host cannot compile a regular expression of `patternProperties`, which is given.
    #[error(
        "the host cannot use the pattern `{0}` of `patternProperties`, so it would miss formats below it: write a shorter one, \
         without look-around and back references"
    )]
    Pattern(String),
    /// The search for formats took too many steps.
    #[error("the schema is too complex to search: use fewer references, branches and patterns")]
    TooIntricate,
}

/// The keywords whose value is a schema that [`MarkSearch`](super::search::MarkSearch) applies.
const SCHEMAS: [&str; 3] = ["additionalProperties", "items", "propertyNames"];
/// The keywords whose value is a list of such schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// The keywords whose value is a table of such schemas.
const TABLES: [&str; 2] = ["patternProperties", "properties"];
/// The keywords of JSON Schema that apply schemas too, and that [`MarkSearch`](super::search::MarkSearch) does not know. `not` is
/// not among them, because it describes what the settings are not.
const UNKNOWN: [&str; 13] = [
    "$dynamicRef",
    "$recursiveRef",
    "additionalItems",
    "contains",
    "contentSchema",
    "dependencies",
    "dependentSchemas",
    "else",
    "extends",
    "if",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// The most regular expressions of a schema.
const MOST_PATTERNS: usize = 64;
/// The largest compiled size of a small regular expression, in bytes: `^[^@ ]+@[^@ ]+$` has 3,000.
const SMALL_PATTERN: usize = 16 << 10;
/// The largest compiled size of any regular expression, in bytes: `^[\w.+-]+@[\w.-]+$` has 120,000.
const LARGEST_PATTERN: usize = 256 << 10;

/// Whether a schema has any format of Lockgate.
pub(super) fn has_marks(schema: &Value) -> bool {
    MarkReach::new(schema).mark(schema).is_some()
}

/// The part of a schema that a reference leads to.
pub(super) fn resolved<'a>(schema: &'a Value, reference: &str) -> Option<&'a Value> {
    schema.pointer(reference.strip_prefix('#')?)
}

/// Checks that the host finds every format of Lockgate in a schema.
///
/// # Errors
/// If the host could miss one.
pub(crate) fn check(schema: &Value) -> Result<(), MarkError> {
    if !has_marks(schema) {
        return Ok(());
    }
    let mut check =
        SchemaCheck { schema, waiting: vec![schema], seen: HashSet::new(), unknown: MarkReach::new(schema) };
    let mut patterns = SchemaPatterns::default();
    while let Some(part) = check.waiting.pop() {
        if let Value::Object(keywords) = part
            && check.seen.insert(ptr::from_ref(part))
        {
            check.part(keywords, &mut patterns)?;
        }
    }
    Ok(())
}

/// A walk through the parts of a schema that are applied to settings, each once.
struct SchemaCheck<'a> {
    schema: &'a Value,
    waiting: Vec<&'a Value>,
    seen: HashSet<*const Value>,
    unknown: MarkReach<'a>,
}

impl<'a> SchemaCheck<'a> {
    fn part(&mut self, keywords: &'a Map<String, Value>, patterns: &mut SchemaPatterns<'a>) -> Result<(), MarkError> {
        if let Some(reference) = keywords.get("$ref") {
            let target = reference.as_str().and_then(|reference| resolved(self.schema, reference));
            self.waiting.push(target.ok_or_else(|| MarkError::Reference(reference.to_string()))?);
        }
        for keyword in UNKNOWN {
            let Some(part) = keywords.get(keyword) else { continue };
            if keyword.ends_with("Ref") {
                return Err(MarkError::Dynamic(keyword.to_owned()));
            }
            if let Some(mark) = self.unknown.mark(part) {
                return Err(MarkError::Keyword { keyword: keyword.to_owned(), mark });
            }
        }
        for pattern in keywords.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            if patterns.compiled(pattern)?.is_none() {
                return Err(MarkError::Pattern(pattern.clone()));
            }
        }
        self.waiting.extend(SCHEMAS.iter().filter_map(|keyword| keywords.get(*keyword)));
        // Before 2020-12, `items` was what `prefixItems` is now.
        if let Some(items) = keywords.get("items").filter(|items| items.is_array())
            && let Some(mark) = self.unknown.mark(items)
        {
            return Err(MarkError::Keyword { keyword: "items".to_owned(), mark });
        }
        for keyword in LISTS {
            self.waiting.extend(keywords.get(keyword).and_then(Value::as_array).into_iter().flatten());
        }
        for keyword in TABLES {
            let table = keywords.get(keyword).and_then(Value::as_object);
            self.waiting.extend(table.into_iter().flat_map(Map::values));
        }
        Ok(())
    }
}

/// The formats that can be reached from parts of a schema, through references and any keywords.
struct MarkReach<'a> {
    schema: &'a Value,
    /// The parts from which no format can be reached.
    unmarked: HashSet<*const Value>,
}

impl<'a> MarkReach<'a> {
    fn new(schema: &'a Value) -> Self {
        Self { schema, unmarked: HashSet::new() }
    }

    /// A format that can be reached from that part.
    fn mark(&mut self, from: &'a Value) -> Option<SettingsMark> {
        let mut waiting = vec![from];
        while let Some(part) = waiting.pop() {
            if !self.unmarked.insert(ptr::from_ref(part)) {
                continue;
            }
            match part {
                Value::Object(keywords) => {
                    if let Some(mark) = SettingsMark::of_keywords(keywords) {
                        return Some(mark);
                    }
                    let reference = keywords.get("$ref").and_then(Value::as_str);
                    waiting.extend(reference.and_then(|reference| resolved(self.schema, reference)));
                    waiting.extend(keywords.values());
                }
                Value::Array(parts) => waiting.extend(parts),
                _ => {}
            }
        }
        None
    }
}

/// The regular expressions of a schema, each compiled once; none for one that this host cannot use.
#[derive(Debug, Default)]
pub(super) struct SchemaPatterns<'a>(HashMap<&'a str, Option<SchemaPattern>>);

/// A compiled regular expression.
#[derive(Debug)]
pub(super) struct SchemaPattern {
    pub(super) regex: Regex,
    /// How much longer it takes for each byte of a text than a small one, at worst.
    pub(super) weight: usize,
}

impl<'a> SchemaPatterns<'a> {
    /// The compiled form of a regular expression; none if it has a syntax that this host does not know, such as a
    /// look-ahead, or becomes too large.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn compiled(&mut self, pattern: &'a str) -> Result<Option<&SchemaPattern>, MarkError> {
        if self.0.len() >= MOST_PATTERNS && !self.0.contains_key(pattern) {
            return Err(MarkError::TooIntricate);
        }
        Ok(self.0.entry(pattern).or_insert_with(|| SchemaPattern::new(pattern)).as_ref())
    }
}

impl SchemaPattern {
    fn new(pattern: &str) -> Option<Self> {
        let sizes = [SMALL_PATTERN, LARGEST_PATTERN];
        sizes.into_iter().find_map(|size| {
            let regex = RegexBuilder::new(pattern).size_limit(size).build().ok()?;
            Some(Self { regex, weight: size / SMALL_PATTERN })
        })
    }
}

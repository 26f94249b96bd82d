//! Whether what a schema marks stands where the host looks for it.
//!
//! A mark that the host overlooked would let an id reach the plugin as it was written, and the plugin would take it for
//! another person. So a schema with such a mark is refused when the plugin is admitted.

use std::collections::{HashMap, HashSet};
use std::ptr;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::mark::SettingsMark;

/// Why the host cannot find what the schema of a plugin's settings marks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// A mark stands below a keyword that the host does not look below.
    #[error(
        "`{keyword}` leads to `\"format\": \"{mark}\"`, and the host does not look for marks there: mark values below \
         `properties`, `patternProperties`, `additionalProperties`, `propertyNames`, `items`, `prefixItems`, `allOf`, `anyOf` or \
         `oneOf`"
    )]
    Keyword {
        /// The keyword.
        keyword: String,
        /// The mark.
        mark: SettingsMark,
    },
    /// Where a reference leads depends on the way to it.
    #[error("the host does not follow `{0}`, so it cannot see what the schema marks: write a `$ref`")]
    Dynamic(String),
    /// A reference does not lead to a part of the schema.
    #[error(
        "`\"$ref\": {0}` leads to no part of the schema, so the host cannot see what it marks: write a JSON Pointer, \
         for example `#/$defs/Person`"
    )]
    Reference(String),
    /// A pattern of `patternProperties` cannot be used.
    #[error(
        "the host cannot use the pattern `{0}` of `patternProperties`, so it cannot find what is marked below it: write a shorter \
         one, without look-around and references"
    )]
    Pattern(String),
    /// It took too many steps to find the marks of the settings.
    #[error("it is too intricate to find what it marks: use fewer references, branches and patterns")]
    TooIntricate,
}

/// The keywords whose value is a schema that [`Search`](super::search::MarkSearch) applies.
const SCHEMAS: [&str; 3] = ["additionalProperties", "items", "propertyNames"];
/// The keywords whose value is a list of such schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// The keywords whose value is a table of such schemas.
const TABLES: [&str; 2] = ["patternProperties", "properties"];
/// The keywords of JSON Schema that apply schemas too, and that [`Search`](super::search::MarkSearch) does not know. `not` is
/// none of them: what it describes is what the settings are not.
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

/// How many regular expressions a schema may have.
const MOST_PATTERNS: usize = 64;
/// How many bytes a small one has at most when it is compiled: `^[^@ ]+@[^@ ]+$` has 3,000.
const SMALL_PATTERN: usize = 16 << 10;
/// How many bytes any may have: `^[\w.+-]+@[\w.-]+$` has 120,000.
const LARGEST_PATTERN: usize = 256 << 10;

/// Whether a schema marks anything.
pub(super) fn has_marks(schema: &Value) -> bool {
    MarkReach::new(schema).mark(schema).is_some()
}

/// The part of a schema that a reference leads to.
pub(super) fn resolved<'a>(schema: &'a Value, reference: &str) -> Option<&'a Value> {
    schema.pointer(reference.strip_prefix('#')?)
}

/// Checks that the host finds everything that a schema marks.
///
/// # Errors
/// If there is a mark that it would overlook, or could.
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

/// The walk through the parts of a schema that are applied to settings, each once.
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

/// Which marks can be reached from parts of a schema, over references too, whatever the keywords on the way mean.
struct MarkReach<'a> {
    schema: &'a Value,
    /// The parts from which no mark is reached.
    unmarked: HashSet<*const Value>,
}

impl<'a> MarkReach<'a> {
    fn new(schema: &'a Value) -> Self {
        Self { schema, unmarked: HashSet::new() }
    }

    /// A mark that is reached.
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
    /// How much longer it takes at worst for each byte of a text than a small one does.
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

//! Finds the values in settings that their schema marks with a format of Lockgate.
//!
//! If a schema has branches (`anyOf`, `oneOf`), the marks of the branches that the settings fit count. Whether they fit is
//! decided by the keywords that tell branches apart in practice: `type`, `const`, `enum`, `pattern`, `required`, and those that
//! apply other schemas. If no branch fits, the marks of all count, so that an error beside an id does not hide it.

use std::collections::HashSet;
use std::ptr;

use serde_json::{Map, Value};

use super::mark::SettingsMark;
use super::schema::{MarkError, SchemaPattern, SchemaPatterns, resolved};

/// The most steps of all searches of one load together: about one for each pair of a value and a schema.
const MOST_STEPS: usize = 5_000_000;
/// The deepest nesting of applied schemas. Settings have at most 127 levels.
const DEEPEST: usize = 300;

/// A marked part of settings, and its mark. Values are identified by their address in memory, so a mark is only valid for the
/// settings that were searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FoundMark {
    pub(super) what: MarkedPart,
    pub(super) mark: SettingsMark,
}

/// A part of settings that a schema can mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum MarkedPart {
    /// The text, number or list at that address.
    Value(*const Value),
    /// The name of the object member whose value is at that address.
    NameOf(*const Value),
}

/// A search for the marked parts of settings.
#[derive(Debug)]
pub(super) struct MarkSearch<'a> {
    schema: &'a Value,
    patterns: SchemaPatterns<'a>,
    steps_left: usize,
    depth: usize,
    marks: Vec<FoundMark>,
}

/// Whether a value fits a schema, as far as it is compared.
type FitResult = Result<bool, MarkError>;

impl<'a> MarkSearch<'a> {
    pub(super) fn new(schema: &'a Value) -> Self {
        Self { schema, patterns: SchemaPatterns::default(), steps_left: MOST_STEPS, depth: 0, marks: Vec::new() }
    }

    /// All marked parts of these settings.
    ///
    /// # Errors
    /// If the search takes too many steps or levels.
    pub(super) fn marks(&mut self, settings: &Value) -> Result<HashSet<FoundMark>, MarkError> {
        self.marks.clear();
        self.apply(self.schema, settings)?;
        Ok(self.marks.drain(..).collect())
    }

    fn step(&mut self, count: usize) -> Result<(), MarkError> {
        spend(&mut self.steps_left, count)
    }

    /// Applies a schema to a value.
    fn apply(&mut self, schema: &'a Value, value: &Value) -> FitResult {
        self.step(1)?;
        let keywords = match schema {
            Value::Object(keywords) => keywords,
            Value::Bool(all) => return Ok(*all),
            _ => return Ok(true),
        };
        if self.depth == DEEPEST {
            return Err(MarkError::TooIntricate);
        }
        self.depth += 1;
        let fits = self.keywords(keywords, value);
        self.depth -= 1;
        fits
    }

    fn keywords(&mut self, keywords: &'a Map<String, Value>, value: &Value) -> FitResult {
        let mut fits = self.is_of_type(keywords, value)? & self.is_one_of(keywords, value)?;
        let may_be_marked = value.is_string() || value.is_array() || value.is_number();
        if let (Some(mark), true) = (SettingsMark::of_keywords(keywords), may_be_marked) {
            self.marks.push(FoundMark { what: MarkedPart::Value(ptr::from_ref(value)), mark });
        }
        let reference = keywords.get("$ref").and_then(Value::as_str);
        if let Some(target) = reference.and_then(|reference| resolved(self.schema, reference)) {
            fits &= self.apply(target, value)?;
        }
        for part in list(keywords, "allOf").into_iter().flatten() {
            fits &= self.apply(part, value)?;
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(branches) = list(keywords, keyword) {
                fits &= self.branches(branches, value)?;
            }
        }
        fits &= match value {
            Value::Object(members) => self.has_required(keywords, members)? & self.members(keywords, members)?,
            Value::Array(elements) => self.elements(keywords, elements)?,
            Value::String(text) => self.matches(keywords.get("pattern").and_then(Value::as_str), text)?,
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        };
        Ok(fits)
    }

    /// `anyOf` and `oneOf`: the marks of the branches that fit, or of all if none does.
    fn branches(&mut self, branches: &'a [Value], value: &Value) -> FitResult {
        let mut fits = false;
        let mut of_others = Vec::new();
        for branch in branches {
            let before = self.marks.len();
            if self.apply(branch, value)? {
                fits = true;
            } else {
                of_others.extend(self.marks.drain(before..));
            }
        }
        if !fits {
            self.marks.extend(of_others);
        }
        Ok(fits)
    }

    fn members(&mut self, keywords: &'a Map<String, Value>, members: &Map<String, Value>) -> FitResult {
        let table = |keyword| keywords.get(keyword).and_then(Value::as_object);
        let (named, patterns) = (table("properties"), table("patternProperties"));
        let mut fits = true;
        for (name, member) in members {
            let mut is_known = false;
            if let Some(schema) = named.and_then(|named| named.get(name)) {
                is_known = true;
                fits &= self.apply(schema, member)?;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if self.matches(Some(pattern), name)? {
                    is_known = true;
                    fits &= self.apply(schema, member)?;
                }
            }
            if let Some(schema) = keywords.get("additionalProperties").filter(|_| !is_known) {
                fits &= self.apply(schema, member)?;
            }
            if let Some(schema) = keywords.get("propertyNames") {
                fits &= self.name(schema, name, member)?;
            }
        }
        Ok(fits)
    }

    /// `propertyNames`, for one member.
    fn name(&mut self, schema: &'a Value, name: &str, member: &Value) -> FitResult {
        let before = self.marks.len();
        let fits = self.apply(schema, &Value::String(name.to_owned()))?;
        let what = MarkedPart::NameOf(ptr::from_ref(member));
        self.marks.iter_mut().skip(before).for_each(|mark| mark.what = what);
        Ok(fits)
    }

    fn elements(&mut self, keywords: &'a Map<String, Value>, elements: &[Value]) -> FitResult {
        let first = list(keywords, "prefixItems").unwrap_or_default();
        let mut fits = true;
        for (index, element) in elements.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| keywords.get("items")) {
                fits &= self.apply(schema, element)?;
            }
        }
        Ok(fits)
    }

    /// `type`.
    fn is_of_type(&mut self, keywords: &Map<String, Value>, value: &Value) -> FitResult {
        let Some(types) = keywords.get("type") else { return Ok(true) };
        let types = types.as_array().map_or_else(|| std::slice::from_ref(types), Vec::as_slice);
        self.step(types.len())?;
        Ok(types.iter().filter_map(Value::as_str).any(|name| match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" | "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        }))
    }

    /// `const` and `enum`, except lists and objects, which count as fitting.
    fn is_one_of(&mut self, keywords: &Map<String, Value>, value: &Value) -> FitResult {
        let choices = match (keywords.get("const"), list(keywords, "enum")) {
            (Some(only), _) => std::slice::from_ref(only),
            (None, Some(choices)) => choices,
            (None, None) => return Ok(true),
        };
        let size = value.as_str().map_or(0, |text| text.len() / 64);
        self.step(choices.len().saturating_mul(1 + size))?;
        Ok(choices.iter().any(|choice| choice.is_array() || choice.is_object() || choice == value))
    }

    /// `required`.
    fn has_required(&mut self, keywords: &Map<String, Value>, members: &Map<String, Value>) -> FitResult {
        let names = list(keywords, "required").unwrap_or_default();
        self.step(names.len())?;
        Ok(names.iter().filter_map(Value::as_str).all(|name| members.contains_key(name)))
    }

    /// Whether a text matches a regular expression. It does if there is none, or the host cannot compile it.
    fn matches(&mut self, pattern: Option<&'a str>, text: &str) -> FitResult {
        let Some(pattern) = pattern else { return Ok(true) };
        let Some(SchemaPattern { regex, weight }) = self.patterns.compiled(pattern)? else { return Ok(true) };
        spend(&mut self.steps_left, text.len().saturating_mul(*weight))?;
        Ok(regex.is_match(text))
    }
}

fn spend(steps_left: &mut usize, count: usize) -> Result<(), MarkError> {
    *steps_left = steps_left.checked_sub(count).ok_or(MarkError::TooIntricate)?;
    Ok(())
}

fn list<'a>(keywords: &'a Map<String, Value>, keyword: &str) -> Option<&'a [Value]> {
    keywords.get(keyword)?.as_array().map(Vec::as_slice)
}

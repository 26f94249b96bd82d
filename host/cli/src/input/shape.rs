//! Checks a JSON document against its schema, and reports everything that does not fit.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, ValidationError};
use lockgate_domain::{Digest, RegisterKind, Timestamp, ValueError, closest, read_value, shown};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json::{JsonDocument, ValueLocations, join};
use crate::diagnostic::{Diagnostic, InvalidInput};

/// The most errors that are reported for one document.
const MOST_ERRORS: usize = 100;

/// The JSON Schema (2020-12) of a type for reading.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// The JSON Schema (2020-12) of a value of a register, alone.
pub(crate) fn schema_of_value(register: RegisterKind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = register.schema(&mut generator).to_value();
    let mut definitions = generator.take_definitions(true);
    // The generator refers to the type of the value, which is the whole schema here.
    let name = schema.pointer("/$ref").and_then(Value::as_str).and_then(|link| link.rsplit_once('/'));
    if let Some(own) = name.and_then(|(_, name)| definitions.remove(name)) {
        schema = own;
    }
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        if !definitions.is_empty() {
            object.insert("$defs".to_owned(), Value::Object(definitions));
        }
    }
    schema
}

/// The JSON Schema (2020-12) of a document whose member `value` is a value of a register.
pub(super) fn schema_with_value<T: JsonSchema>(register: RegisterKind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let value = register.schema(&mut generator).to_value();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    if let Some(place) = schema.pointer_mut("/properties/value") {
        *place = value;
    }
    schema
}

/// Reads the document as a type of the domain.
///
/// # Errors
/// Everything that the schema does not allow, with place and remedy.
pub(crate) fn read<T: JsonSchema + DeserializeOwned>(json: &JsonDocument) -> Result<T, InvalidInput> {
    check(json, &schema_of::<T>())?;
    // Types check more than the schema where a text has its own grammar, for example a duration.
    read_value(&json.value).map_err(|error| invalid_value(json, &error))
}

/// Checks the document against a schema.
///
/// # Errors
/// Everything that the schema does not allow, with place and remedy.
pub(crate) fn check(json: &JsonDocument, schema: &Value) -> Result<(), InvalidInput> {
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_format("date-time", |text: &str| text.parse::<Timestamp>().is_ok())
        .should_validate_formats(true)
        .build(schema);
    if let Ok(validator) = validator {
        let mut diagnostics = Vec::new();
        let explainer = Explainer { schema, locations: json.locations() };
        for error in validator.iter_errors(&json.value).take(MOST_ERRORS) {
            explainer.explain(&error, &mut diagnostics);
        }
        if !diagnostics.is_empty() {
            diagnostics.sort_by_key(|error| error.location.as_ref().map_or(0, |location| location.span.start));
            return Err(diagnostics.into());
        }
    }
    Ok(())
}

/// The error for a value of the document that its type refuses.
pub(crate) fn invalid_value(json: &JsonDocument, error: &ValueError) -> InvalidInput {
    located(&json.locations(), &error.pointer, Diagnostic::error(error.fault.to_string())).into()
}

/// The diagnostic, pointing to a value.
fn located(locations: &ValueLocations<'_>, pointer: &str, diagnostic: Diagnostic) -> Diagnostic {
    let diagnostic = diagnostic.at_value(locations.locate(pointer), "");
    if pointer.is_empty() { diagnostic } else { diagnostic.note(format!("the JSON Pointer is `{pointer}`")) }
}

struct Explainer<'a> {
    schema: &'a Value,
    locations: ValueLocations<'a>,
}

impl Explainer<'_> {
    fn explain(&self, error: &ValidationError<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_keys(error.schema_path().as_str());
                let room = MOST_ERRORS.saturating_sub(diagnostics.len());
                diagnostics.extend(unexpected.iter().take(room).map(|key| self.unknown_key(pointer, key, &known)));
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let diagnostic = self.at(pointer, Diagnostic::error(format!("`{key}` is missing")));
                let meaning = self.meaning(error.schema_path().as_str(), key);
                diagnostics.push(diagnostic.help(format!("add `\"{key}\": …`{meaning}")));
            }
            Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
                self.no_alternative(pointer, instance, context, diagnostics);
            }
            Kind::Enum { options } => {
                let allowed: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                diagnostics.push(self.not_allowed(pointer, instance, &allowed));
            }
            Kind::Type { kind } => diagnostics.push(
                self.at(pointer, Diagnostic::error(format!("expected {}, got {}", expected(kind), shown(instance)))),
            ),
            Kind::Format { format } if format == "date-time" => {
                let reason = instance.as_str().map(str::parse::<Timestamp>).and_then(Result::err);
                let reason = reason.map_or_else(|| error.to_string(), |reason| reason.to_string());
                diagnostics.push(self.at(pointer, Diagnostic::error(reason)));
            }
            Kind::Pattern { pattern } if pattern.contains("sha256") => {
                let reason = instance.as_str().map(str::parse::<Digest>).and_then(Result::err);
                let reason = reason.map_or_else(|| error.to_string(), |reason| reason.to_string());
                diagnostics.push(self.at(pointer, Diagnostic::error(reason)));
            }
            _ => diagnostics.push(self.at(pointer, Diagnostic::error(error.to_string()))),
        }
    }

    /// None of several alternatives fits: explains the one that was most likely meant.
    fn no_alternative(
        &self,
        pointer: &str,
        instance: &Value,
        forms: &[Vec<ValidationError<'static>>],
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let deeper = |errors: &&Vec<ValidationError<'static>>| {
            !errors.is_empty() && errors.iter().all(|error| error.instance_path().as_str().len() > pointer.len())
        };
        if let Some(meant) = forms.iter().find(deeper) {
            return meant.iter().for_each(|error| self.explain(error, diagnostics));
        }
        let is_null = |form: &&Vec<ValidationError<'static>>| match form.as_slice() {
            [only] => matches!(only.kind(), Kind::Type { kind: TypeKind::Single(kind) } if kind.as_str() == "null"),
            _ => false,
        };
        // Documents have no `null`, so that is never what was meant.
        let forms: Vec<_> = forms.iter().filter(|form| !is_null(form)).collect();
        let is_word = |error: &ValidationError<'_>| matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. });
        if let [only] = forms.as_slice()
            && !only.iter().any(is_word)
        {
            return only.iter().for_each(|error| self.explain(error, diagnostics));
        }
        // Each form has one member, and the value has several of them.
        let lacks_nothing = |form: &&&Vec<ValidationError<'static>>| {
            form.iter().all(|error| matches!(error.kind(), Kind::AdditionalProperties { .. }))
        };
        if forms.iter().filter(lacks_nothing).count() > 1 {
            let keys = instance.as_object().into_iter().flat_map(|object| object.keys());
            let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
            let message = format!("{} stand side by side, and only one of them is allowed here", keys.join(" and "));
            return diagnostics.push(self.at(pointer, Diagnostic::error(message)));
        }
        let mut names = Vec::new();
        let mut others = Vec::new();
        for error in forms.into_iter().flatten() {
            match error.kind() {
                Kind::Constant { expected_value } => names.extend(expected_value.as_str()),
                Kind::Enum { options } => {
                    names.extend(options.as_array().into_iter().flatten().filter_map(Value::as_str));
                }
                Kind::Required { property } => names.extend(property.as_str()),
                Kind::AdditionalProperties { .. } => {}
                _ => others.push(error),
            }
        }
        if !names.is_empty() {
            return diagnostics.push(self.not_allowed(pointer, instance, &names));
        }
        match others.first() {
            Some(error) => self.explain(error, diagnostics),
            None => {
                diagnostics.push(self.at(pointer, Diagnostic::error(format!("{} is not valid here", shown(instance)))))
            }
        }
    }

    fn not_allowed(&self, pointer: &str, instance: &Value, allowed: &[&str]) -> Diagnostic {
        let listed = allowed.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::error(format!("{} is not allowed here", shown(instance)));
        let diagnostic = self.at(pointer, diagnostic).note(format!("use one of {listed}"));
        let only_key = instance.as_object().filter(|object| object.len() == 1).and_then(|object| object.keys().next());
        let word = instance.as_str().or(only_key.map(String::as_str));
        match word.and_then(|word| closest(word, allowed.iter().copied())) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }
    }

    fn unknown_key(&self, pointer: &str, key: &str, known: &[String]) -> Diagnostic {
        let pointer = join(pointer, key);
        let location = self.locations.locate(&pointer);
        let span = location.key.unwrap_or(location.value);
        let diagnostic = Diagnostic::error(format!("unknown key `{key}`"))
            .at(&location.source, span, "")
            .note(format!("the JSON Pointer is `{pointer}`"));
        match closest(key, known.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => diagnostic,
            None => diagnostic.help(format!("known keys are `{}`", known.join("`, `"))),
        }
    }

    /// The keys that the object may have, from the schema that does not allow one.
    fn known_keys(&self, schema_path: &str) -> Vec<String> {
        let object = schema_path.rsplit_once('/').map_or("", |(object, _)| object);
        let properties = self.schema.pointer(object).and_then(|object| object.get("properties"));
        properties.and_then(Value::as_object).into_iter().flat_map(|known| known.keys().cloned()).collect()
    }

    /// The description of a key in the schema, as the end of a sentence.
    fn meaning(&self, schema_path: &str, key: &str) -> String {
        let object = schema_path.rsplit_once('/').map_or("", |(object, _)| object);
        let property = self.schema.pointer(object).and_then(|object| object.get("properties")?.get(key));
        let described = property.and_then(|property| property.get("description")).and_then(Value::as_str);
        described.map(|text| format!(": {}", without_links(text).trim_end_matches('.'))).unwrap_or_default()
    }

    fn at(&self, pointer: &str, diagnostic: Diagnostic) -> Diagnostic {
        located(&self.locations, pointer, diagnostic)
    }
}

fn expected(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => with_article(kind.as_str()).to_owned(),
        TypeKind::Multiple(kinds) => {
            // Documents have no `null`: what is not there is left out.
            let kinds = kinds.iter().map(|kind| kind.as_str()).filter(|kind| *kind != "null");
            kinds.map(with_article).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn with_article(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "an object",
        "null" => "`null`",
        other => other,
    }
}

/// A description from the documentation of a type, without links to code: `[text](crate::item)` becomes `text`, and
/// ``[`Type::function`]`` becomes `` `Type::function` ``.
pub(crate) fn without_links(text: &str) -> String {
    let mut left = text;
    let mut words = String::with_capacity(text.len());
    while let Some((before, rest)) = left.split_once('[') {
        words.push_str(before);
        let Some((label, after)) = rest.split_once(']') else {
            words.push('[');
            left = rest;
            continue;
        };
        words.push_str(label);
        left = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    words + left
}

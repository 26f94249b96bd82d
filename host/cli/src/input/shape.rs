//! Whether a JSON document says what its published schema allows, and where it does not: all places at once.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, ValidationError};
use lockgate_domain::{Digest, Timestamp, ValueError, closest, read_value, shown};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json::{Json, Places, join};
use crate::diagnostic::{Diagnostic, InvalidInput};

/// So many mistakes of one document are told: one with more is something else altogether.
const MOST_TOLD: usize = 100;

/// The JSON Schema (2020-12) of a type, as it is read.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// The document as a type of the domain.
///
/// # Errors
/// Everything in it that the schema does not allow, with place and remedy.
pub(crate) fn read<T: JsonSchema + DeserializeOwned>(json: &Json) -> Result<T, InvalidInput> {
    let schema = schema_of::<T>();
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_format("date-time", |text: &str| text.parse::<Timestamp>().is_ok())
        .should_validate_formats(true)
        .build(&schema);
    if let Ok(validator) = validator {
        let mut mistakes = Vec::new();
        let explainer = Explainer { json, schema: &schema, places: json.places() };
        for error in validator.iter_errors(&json.value).take(MOST_TOLD) {
            explainer.explain(&error, &mut mistakes);
        }
        if !mistakes.is_empty() {
            mistakes.sort_by_key(|mistake| mistake.place.as_ref().map_or(0, |place| place.span.start));
            return Err(mistakes.into());
        }
    }
    // The schema says less than the types where a text has a grammar of its own, for example a length of time.
    read_value(&json.value).map_err(|ValueError { pointer, fault }| {
        placed(json, &json.places(), &pointer, Diagnostic::error(fault.to_string())).into()
    })
}

/// The diagnostic, with the value that the pointer means shown.
fn placed(json: &Json, places: &Places<'_>, pointer: &str, diagnostic: Diagnostic) -> Diagnostic {
    let span = places.locate(pointer).span(&json.source);
    let diagnostic = diagnostic.at(&json.source, span, "");
    if pointer.is_empty() { diagnostic } else { diagnostic.note(format!("the place is `{pointer}`")) }
}

struct Explainer<'a> {
    json: &'a Json,
    schema: &'a Value,
    places: Places<'a>,
}

impl Explainer<'_> {
    fn explain(&self, error: &ValidationError<'_>, mistakes: &mut Vec<Diagnostic>) {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_keys(error.schema_path().as_str());
                let room = MOST_TOLD.saturating_sub(mistakes.len());
                mistakes.extend(unexpected.iter().take(room).map(|key| self.unknown_key(pointer, key, &known)));
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let diagnostic = self.at(pointer, Diagnostic::error(format!("`{key}` is missing")));
                let meaning = self.meaning(error.schema_path().as_str(), key);
                mistakes.push(diagnostic.help(format!("add `\"{key}\": …`{meaning}")));
            }
            Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
                self.no_alternative(pointer, instance, context, mistakes);
            }
            Kind::Enum { options } => {
                let allowed: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                mistakes.push(self.not_allowed(pointer, instance, &allowed));
            }
            Kind::Type { kind } => mistakes.push(
                self.at(pointer, Diagnostic::error(format!("expected {}, got {}", expected(kind), shown(instance)))),
            ),
            Kind::Format { format } if format == "date-time" => {
                let said = instance.as_str().map(str::parse::<Timestamp>).and_then(Result::err);
                let said = said.map_or_else(|| error.to_string(), |said| said.to_string());
                mistakes.push(self.at(pointer, Diagnostic::error(said)));
            }
            Kind::Pattern { pattern } if pattern.contains("sha256") => {
                let said = instance.as_str().map(str::parse::<Digest>).and_then(Result::err);
                let said = said.map_or_else(|| error.to_string(), |said| said.to_string());
                mistakes.push(self.at(pointer, Diagnostic::error(said)));
            }
            _ => mistakes.push(self.at(pointer, Diagnostic::error(error.to_string()))),
        }
    }

    /// None of several forms fits: tells about the one that was most likely meant.
    fn no_alternative(
        &self,
        pointer: &str,
        instance: &Value,
        forms: &[Vec<ValidationError<'static>>],
        mistakes: &mut Vec<Diagnostic>,
    ) {
        let deeper = |errors: &&Vec<ValidationError<'static>>| {
            !errors.is_empty() && errors.iter().all(|error| error.instance_path().as_str().len() > pointer.len())
        };
        if let Some(meant) = forms.iter().find(deeper) {
            return meant.iter().for_each(|error| self.explain(error, mistakes));
        }
        let mut names = Vec::new();
        let mut others = Vec::new();
        for error in forms.iter().flatten() {
            match error.kind() {
                Kind::Constant { expected_value } => names.extend(expected_value.as_str()),
                Kind::Enum { options } => {
                    names.extend(options.as_array().into_iter().flatten().filter_map(Value::as_str));
                }
                Kind::Type { kind: TypeKind::Single(kind) } if kind.as_str() == "null" => {}
                Kind::Required { property } => names.extend(property.as_str()),
                Kind::AdditionalProperties { .. } => {}
                _ => others.push(error),
            }
        }
        if !names.is_empty() {
            return mistakes.push(self.not_allowed(pointer, instance, &names));
        }
        match others.first() {
            Some(error) => self.explain(error, mistakes),
            None => {
                mistakes.push(self.at(pointer, Diagnostic::error(format!("{} does not fit here", shown(instance)))))
            }
        }
    }

    fn not_allowed(&self, pointer: &str, instance: &Value, allowed: &[&str]) -> Diagnostic {
        let listed = allowed.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::error(format!("{} is not allowed here", shown(instance)));
        let diagnostic = self.at(pointer, diagnostic).note(format!("allowed are {listed}"));
        let only_key = instance.as_object().filter(|object| object.len() == 1).and_then(|object| object.keys().next());
        let word = instance.as_str().or(only_key.map(String::as_str));
        match word.and_then(|word| closest(word, allowed.iter().copied())) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }
    }

    fn unknown_key(&self, pointer: &str, key: &str, known: &[String]) -> Diagnostic {
        let place = join(pointer, key);
        let spot = self.places.locate(&place);
        let span = spot.key.unwrap_or(spot.value);
        let diagnostic = Diagnostic::error(format!("there is no key `{key}` here"))
            .at(&self.json.source, span, "")
            .note(format!("the place is `{place}`"));
        match closest(key, known.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => diagnostic,
            None => diagnostic.help(format!("known here are `{}`", known.join("`, `"))),
        }
    }

    /// The keys that the object may have, from the schema that refused one.
    fn known_keys(&self, schema_path: &str) -> Vec<String> {
        let object = schema_path.rsplit_once('/').map_or("", |(object, _)| object);
        let properties = self.schema.pointer(object).and_then(|object| object.get("properties"));
        properties.and_then(Value::as_object).into_iter().flat_map(|known| known.keys().cloned()).collect()
    }

    /// What the schema says of a key, as the end of a sentence.
    fn meaning(&self, schema_path: &str, key: &str) -> String {
        let object = schema_path.rsplit_once('/').map_or("", |(object, _)| object);
        let property = self.schema.pointer(object).and_then(|object| object.get("properties")?.get(key));
        let described = property.and_then(|property| property.get("description")).and_then(Value::as_str);
        described.map(|text| format!(": {}", text.trim_end_matches('.'))).unwrap_or_default()
    }

    fn at(&self, pointer: &str, diagnostic: Diagnostic) -> Diagnostic {
        placed(self.json, &self.places, pointer, diagnostic)
    }
}

fn expected(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => with_article(kind.as_str()).to_owned(),
        TypeKind::Multiple(kinds) => {
            kinds.iter().map(|kind| with_article(kind.as_str())).collect::<Vec<_>>().join(" or ")
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

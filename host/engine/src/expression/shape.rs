//! What an expression can look at: the shape of a snapshot, and of a group's members.
//!
//! The snapshot's shape is read off its JSON Schema, so a field that is added to the domain is known here at once, and
//! what is checked is what people find documented.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lockgate_domain::{PERSON_FORMAT, Snapshot, Standing};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The variable of a group's expression.
pub(super) const MEMBERS: &str = "members";

/// What is known of a value before there is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Nothing.
    Any,
    Null,
    Bool,
    Int,
    Double,
    /// Any text.
    Text,
    /// The id of a person, in its normal form.
    Person,
    /// One of these words.
    Word(Arc<[String]>),
    Time,
    Length,
    List(Arc<Shape>),
    /// From names that nobody knows before.
    Map(Arc<Shape>),
    /// With exactly these fields.
    Object(Arc<Fields>),
}

/// The fields of an object, by name.
pub(super) type Fields = BTreeMap<String, Field>;

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    /// Whether it can be absent.
    pub(super) optional: bool,
}

impl Shape {
    /// What to call such a value.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Null => "`null`",
            Self::Bool => "true or false",
            Self::Int | Self::Double => "a number",
            Self::Text => "a text",
            Self::Person => "the id of a person",
            Self::Word(_) => "one of a few words",
            Self::Time => "a time",
            Self::Length => "a length of time",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Object(_) => "an object",
        }
    }

    /// Whether values of the two can be equal.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        use Shape::{Any, Double, Int, List, Map, Object, Person, Text, Word};
        match (self, other) {
            (Any, _) | (_, Any) => true,
            (Int | Double, Int | Double) | (Text | Word(_) | Person, Text | Word(_) | Person) => true,
            (List(one), List(other)) => one.is_comparable(other),
            (Map(_) | Object(_), Map(_) | Object(_)) => true,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

/// The variables of a condition over the snapshot.
pub(super) fn snapshot() -> &'static Fields {
    static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
        let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Snapshot>();
        let root = schema.to_value();
        let Shape::Object(fields) = (Schema { root: &root }).shape(&root, 0) else { return Fields::new() };
        let mut fields = Fields::clone(&fields);
        // Parts of the gate that are asked for so often that they have names of their own.
        let gate = fields.get("gate").map(|gate| gate.shape.clone());
        if let Some(Shape::Object(gate)) = gate {
            fields.extend(gate.iter().map(|(name, field)| (name.clone(), field.clone())));
        }
        fields
    });
    &FIELDS
}

/// The variables of a condition over a group's members.
pub(super) fn members() -> &'static Fields {
    static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
        let standings = [Standing::Allow, Standing::Deny, Standing::Pending, Standing::Error, Standing::NotApplicable];
        let standings = standings.iter().map(|standing| standing.as_str().to_owned()).collect();
        let always = |shape| Field { shape, optional: false };
        let member = Fields::from([
            ("id".to_owned(), always(Shape::Text)),
            ("plugin".to_owned(), always(Shape::Text)),
            ("standing".to_owned(), always(Shape::Word(standings))),
        ]);
        let members = Shape::List(Arc::new(Shape::Object(Arc::new(member))));
        Fields::from([(MEMBERS.to_owned(), always(members))])
    });
    &FIELDS
}

struct Schema<'s> {
    root: &'s Value,
}

impl Schema<'_> {
    /// Deeper than this the schema refers to itself.
    const DEEPEST: usize = 32;

    fn shape(&self, schema: &Value, depth: usize) -> Shape {
        if depth > Self::DEEPEST {
            return Shape::Any;
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return match name {
                "#/$defs/Timestamp" => Shape::Time,
                "#/$defs/Duration" => Shape::Length,
                _ => name
                    .strip_prefix('#')
                    .and_then(|pointer| self.root.pointer(pointer))
                    .map_or(Shape::Any, |definition| self.shape(definition, depth + 1)),
            };
        }
        if let Some(words) = words(schema) {
            return Shape::Word(words.into());
        }
        if let Some(some) = schema.get("anyOf").and_then(Value::as_array) {
            let is_null = |schema: &&Value| schema.get("type") == Some(&json!("null"));
            return match some.iter().filter(|schema| !is_null(schema)).collect::<Vec<_>>().as_slice() {
                [only] => self.shape(only, depth + 1),
                _ => Shape::Any,
            };
        }
        match type_of(schema) {
            Some("boolean") => Shape::Bool,
            Some("integer") => Shape::Int,
            Some("number") => Shape::Double,
            Some("string") if schema.get("format").and_then(Value::as_str) == Some(PERSON_FORMAT) => Shape::Person,
            Some("string") => Shape::Text,
            Some("array") => {
                Shape::List(Arc::new(schema.get("items").map_or(Shape::Any, |items| self.shape(items, depth + 1))))
            }
            Some("object") => self.object(schema, depth),
            _ => Shape::Any,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Shape {
        match (schema.get("properties").and_then(Value::as_object), schema.get("additionalProperties")) {
            (Some(properties), _) => Shape::Object(Arc::new(self.fields(schema, properties, depth))),
            (None, Some(value @ Value::Object(_))) => Shape::Map(Arc::new(self.shape(value, depth + 1))),
            (None, _) => Shape::Any,
        }
    }

    fn fields(&self, schema: &Value, properties: &Map<String, Value>, depth: usize) -> Fields {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
        let can_be_null =
            |schema: &Value| schema.get("anyOf").is_some() || schema.get("type").is_some_and(Value::is_array);
        properties
            .iter()
            .map(|(name, property)| {
                // What has a default is always written; what can be null is left out instead.
                let optional = !is_required(name) && property.get("default").is_none() || can_be_null(property);
                (name.clone(), Field { shape: self.shape(property, depth + 1), optional })
            })
            .collect()
    }
}

/// The type that is not `null`.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

/// The words of an enumeration that has nothing but words.
fn words(schema: &Value) -> Option<Vec<String>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
    }
    let variants = schema.get("oneOf")?.as_array()?;
    let mut words = Vec::new();
    for variant in variants {
        match variant.get("const").and_then(Value::as_str) {
            Some(word) => words.push(word.to_owned()),
            None => words.extend(self::words(variant)?),
        }
    }
    Some(words)
}

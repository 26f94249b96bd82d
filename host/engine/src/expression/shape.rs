//! The shapes of the values that an expression can read: of a snapshot, and of a group's members.
//!
//! The snapshot's shape comes from its JSON Schema, so a field that is added to the domain is known here at once, and
//! the check agrees with the documentation.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lockgate_domain::{Difference, GrantedExemption, PERSON_FORMAT, Snapshot, Standing, Timing};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The variable for approvals that do not count, because something has changed since or they have expired.
pub(super) const VOID_APPROVALS: &str = "void_approvals";

/// The variable for the members in a group's expression.
pub(super) const MEMBERS: &str = "members";

/// The shape of a value before there is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// A value whose type is unknown.
    Any,
    Null,
    Bool,
    Int,
    Double,
    /// Any text.
    Text,
    /// The id of a person, in its normal form.
    Person,
    /// A role of a person.
    Role,
    /// The text of a version. Comparing it by `<` compares letters.
    Version,
    /// A value derived from a version or a word, which still is one or contains one. Nothing else is known of it.
    Made(Arc<Shape>),
    /// A version that `semver(…)` returned.
    Semver,
    /// One of these words.
    Word(Arc<[String]>),
    /// A part of a time, such as its month: a whole number within a range.
    Part(&'static TimePart),
    Time,
    Length,
    List(Arc<Shape>),
    /// A map whose keys are not known beforehand.
    Map(Arc<Shape>),
    /// An object with exactly these fields.
    Object(Arc<Fields>),
}

/// A part of a time that a function returns.
#[derive(Debug, PartialEq)]
pub(super) struct TimePart {
    /// The name of the function.
    pub(super) function: &'static str,
    /// The least value.
    pub(super) first: i64,
    /// The greatest value.
    pub(super) last: i64,
    /// The unit and the first number, for people: `months from 0, which is January`.
    pub(super) counts: &'static str,
}

/// The fields of an object, by name.
pub(super) type Fields = BTreeMap<String, Field>;

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    /// Whether it can be absent.
    pub(super) optional: bool,
}

impl Shape {
    /// What messages call such a value.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Null => "`null`",
            Self::Bool => "true or false",
            Self::Int | Self::Double | Self::Part(_) => "a number",
            Self::Made(of) => of.name(),
            Self::Text => "a text",
            Self::Person => "the id of a person",
            Self::Role => "a role",
            Self::Version => "the text of a version",
            Self::Semver => "a semantic version",
            Self::Word(_) => "a text",
            Self::Time => "a time",
            Self::Length => "a length of time",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Object(_) => "an object",
        }
    }

    /// Whether such a value is a text of any kind.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Person | Self::Role | Self::Version | Self::Word(_))
    }

    /// The shape of a value that is derived from such a value and others.
    pub(super) fn made_of(&self) -> Option<Self> {
        match self {
            Self::Version | Self::Word(_) => Some(Self::Made(Arc::new(self.clone()))),
            Self::Made(_) => Some(self.clone()),
            _ => None,
        }
    }

    /// The shape whose letters decide when such a value is compared by `<`.
    pub(super) fn letters_of(&self) -> &Self {
        match self {
            Self::Made(of) => of,
            other => other,
        }
    }

    /// Whether values of the two shapes can be equal.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        use Shape::{Any, Double, Int, List, Made, Map, Object, Part};
        match (self, other) {
            (Any | Made(_), _) | (_, Any | Made(_)) => true,
            (Int | Double | Part(_), Int | Double | Part(_)) => true,
            (one, other) if one.is_text() && other.is_text() => true,
            (List(one), List(other)) => one.is_comparable(other),
            (Map(_) | Object(_), Map(_) | Object(_)) => true,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

/// The variables of a condition over the snapshot.
pub(super) fn snapshot() -> &'static Fields {
    static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
        let mut fields = fields_of::<Snapshot>();
        fields.extend(fields_of::<DerivedParts>());
        if let Some(approvals) = fields.get("approvals").cloned() {
            fields.insert(VOID_APPROVALS.to_owned(), approvals);
        }
        if let Some(Field { shape: Shape::Object(progress), .. }) = fields.get_mut("progress") {
            Arc::make_mut(progress).remove("rollout");
        }
        // They are joined after the model was chosen, and only for the plugins of that model.
        fields.remove("people");
        fields.remove("samples");
        fields.remove("sample_intervals");
        // Parts of the gate that models use so often that they have names of their own.
        let gate = fields.get("gate").map(|gate| gate.shape.clone());
        if let Some(Shape::Object(gate)) = gate {
            fields.extend(gate.iter().map(|(name, field)| (name.clone(), field.clone())));
        }
        fields
    });
    &FIELDS
}

/// The parts of a snapshot that the host works out.
#[derive(Serialize, JsonSchema)]
struct DerivedParts {
    differences: Vec<Difference>,
    exemptions: Vec<GrantedExemption>,
    timing: Option<Timing>,
}

fn fields_of<T: JsonSchema>() -> Fields {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    let root = schema.to_value();
    match (Schema { root: &root }).shape(&root, 0) {
        Shape::Object(fields) => Fields::clone(&fields),
        _ => Fields::new(),
    }
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
    /// Beyond this depth, the schema must be recursive.
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
        if let Some(cases) = schema.get("oneOf").and_then(Value::as_array) {
            return self.cases(cases, depth);
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

    /// A variant: an object with one member, which is called like the case.
    fn cases(&self, cases: &[Value], depth: usize) -> Shape {
        let mut fields = Fields::new();
        for case in cases {
            let Shape::Object(case) = self.shape(case, depth + 1) else { return Shape::Any };
            fields.extend(case.iter().map(|(name, field)| (name.clone(), Field { optional: true, ..field.clone() })));
        }
        Shape::Object(Arc::new(fields))
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
                // A field with a default is always written; a field that can be null is left out instead.
                let optional = !is_required(name) && property.get("default").is_none() || can_be_null(property);
                let shape = match self.shape(property, depth + 1) {
                    Shape::Text if name == "version" => Shape::Version,
                    Shape::Text if name == "role" => Shape::Role,
                    Shape::List(item) if name == "roles" && *item == Shape::Text => Shape::List(Arc::new(Shape::Role)),
                    shape => shape,
                };
                (name.clone(), Field { shape, optional })
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

/// The words of an enumeration that consists of words alone.
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

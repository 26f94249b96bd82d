//! The page with a line for each field that a plugin sees, made from the contract.

use std::fs;

use lockgate_tests::{pointer, repository};
use serde_json::Value;
use wit_parser::{Resolve, Type, TypeDefKind};

const PAGE: &str = "docs/snapshot.md";

const INTRODUCTION: &str = "\
# What a decision may look at

<!-- This page is made from the contract: UPDATE_DOCS=1 cargo nextest run -p lockgate-tests reference -->

Every name of the snapshot, as each language writes it. `0` stands for any item of a list, and `<name>` for a name that somebody
chose.

- **JSON** is the pointer under which `evaluation.json` returns a value and an answer names it. A part that is not there (`plan`,
  `rollout`, `approved`) is an object without members; every other value that is not there is absent. Moments are RFC 3339, in UTC,
  with three digits of a second or none; lengths of time are whole seconds (`600s`) or milliseconds (`1500ms`).
- **WIT** is a method of `evaluation` in `lockgate:host/snapshot` and a field of what it returns. Lists that can be long are read in
  pages. The types are those of WIT, `timestamp` and `duration` being milliseconds. `none` marks what may be absent.
- **CEL** is a variable of `applies-when` and `when` in a [model](models.md#conditions). A dash stands where conditions have no
  such variable. `approvals` of conditions has only those that count; `void_approvals` has the others.

The columns use the same words; only `_` and `-` differ. Registers, facts and evidence need a [grant](capabilities.md).
";

struct Page {
    contract: Resolve,
    /// The JSON Schema of snapshots, by which conditions know their variables.
    schema: Value,
    text: String,
}

/// A place, as each language writes it.
#[derive(Clone)]
struct Place {
    json: String,
    wit: String,
    cel: String,
}

impl Place {
    fn item(&self, name: &str) -> Self {
        let (json, cel) = match name {
            "0" => (format!("{}/0", self.json), format!("{}[0]", self.cel)),
            _ => (format!("{}/<{name}>", self.json), format!("{}[\"<{name}>\"]", self.cel)),
        };
        Self { json, cel, wit: self.wit.clone() }
    }

    fn field(&self, name: &str) -> Self {
        let member = name.replace('-', "_");
        Self {
            json: format!("{}/{member}", self.json),
            wit: format!("{}.{name}", self.wit),
            cel: format!("{}.{member}", self.cel),
        }
    }
}

impl Page {
    fn new() -> Self {
        let mut contract = Resolve::default();
        for package in ["types", "host"] {
            contract.push_dir(repository("wit").join(package)).unwrap();
        }
        let schema = fs::read_to_string(repository("docs/schemas/snapshot.json")).unwrap();
        Self { contract, schema: serde_json::from_str(&schema).unwrap(), text: INTRODUCTION.to_owned() }
    }

    fn written(mut self) -> String {
        let interfaces = self.contract.interfaces.iter().flat_map(|(_, interface)| &interface.functions);
        let functions: Vec<_> = interfaces
            .filter_map(|(name, function)| {
                Some((name.strip_prefix("[method]evaluation.")?.to_owned(), function.clone()))
            })
            .collect();
        for (name, function) in functions {
            // Evidence and facts are read by name; the lists hold the same, or the names alone.
            let Some(json) = pointer(&name).filter(|_| !["evidence-list", "fact-names"].contains(&name.as_str()))
            else {
                continue;
            };
            let parameters: Vec<&str> = function.params.iter().skip(1).map(|param| param.name.as_str()).collect();
            let cel = json.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
            let place = Place { json, wit: format!("{name}({})", parameters.join(", ")), cel };
            let place = if ["evidence", "fact"].contains(&name.as_str()) { place.item("name") } else { place };
            let docs = sentence(function.docs.contents.as_deref());
            self.text.push_str(&format!(
                "\n## `{name}`\n\n{docs}\n\n| JSON | WIT | CEL | type | what it is |\n|---|---|---|---|---|\n"
            ));
            let returned = function.result.unwrap();
            let returned = match returned {
                Type::Id(id) => match &self.contract.types[id].kind {
                    TypeDefKind::Result(result) => result.ok.unwrap(),
                    _ => returned,
                },
                _ => returned,
            };
            self.row(&place, returned, "");
        }
        self.text
    }

    /// A line for a value, and then one for each thing in it.
    fn row(&mut self, place: &Place, ty: Type, docs: &str) {
        let cel = if self.is_variable(&place.json) { format!("`{}`", place.cel) } else { "–".to_owned() };
        let shown = self.shown(ty);
        self.text.push_str(&format!(
            "| `{}` | `{}` | {cel} | {shown} | {} |\n",
            place.json,
            place.wit,
            sentence(Some(docs))
        ));
        self.inside(place, ty);
    }

    fn inside(&mut self, place: &Place, ty: Type) {
        let Type::Id(id) = ty else { return };
        let definition = self.contract.types[id].clone();
        match definition.kind {
            TypeDefKind::Type(ty) | TypeDefKind::Option(ty) => self.inside(place, ty),
            // In JSON the name is the member, except for configured values, which are a list.
            TypeDefKind::List(ty) if self.name(ty) == Some("attribute") && !place.json.ends_with("/configuration") => {
                let (json, cel) = (format!("{}/<name>", place.json), format!("{}[\"<name>\"]", place.cel));
                let place = Place { json, cel, wit: format!("{}[0].value", place.wit) };
                self.row(&place, Type::String, "The value of that name.");
            }
            TypeDefKind::List(ty) => {
                let item = place.item("0");
                self.inside(&Place { wit: format!("{}[0]", place.wit), ..item }, ty);
            }
            TypeDefKind::Record(record) => {
                for field in record.fields {
                    let docs = field.docs.contents.unwrap_or_default();
                    self.row(&place.field(&field.name), field.ty, &docs);
                }
            }
            TypeDefKind::Variant(variant) => {
                for case in variant.cases {
                    let docs = case.docs.contents.unwrap_or_default();
                    match case.ty {
                        Some(ty) => self.row(&place.field(&case.name), ty, &docs),
                        None => self.row(&place.field(&case.name), Type::Bool, &docs),
                    }
                }
            }
            _ => {}
        }
    }

    fn name(&self, ty: Type) -> Option<&str> {
        let Type::Id(id) = ty else { return None };
        self.contract.types[id].name.as_deref()
    }

    /// A type as a reader of the page needs it.
    fn shown(&self, ty: Type) -> String {
        let Type::Id(id) = ty else { return self.plain(ty).to_owned() };
        let definition = &self.contract.types[id];
        match (&definition.kind, definition.name.as_deref()) {
            // What is used from another interface.
            (TypeDefKind::Type(ty @ Type::Id(_)), _) => self.shown(*ty),
            (TypeDefKind::Option(ty), _) => format!("{}, none", self.shown(*ty)),
            (TypeDefKind::List(ty), _) => format!("list of {}", self.shown(*ty)),
            (TypeDefKind::Enum(words), Some(_)) => {
                let words: Vec<String> = words.cases.iter().map(|case| format!("`{}`", case.name)).collect();
                words.join(", ")
            }
            (_, Some(name)) => name.to_owned(),
            (kind, None) => panic!("{kind:?}"),
        }
    }

    fn plain(&self, ty: Type) -> &'static str {
        match ty {
            Type::Bool => "bool",
            Type::String => "string",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::S64 => "s64",
            Type::F64 => "f64",
            _ => panic!("{ty:?}"),
        }
    }

    /// Whether a condition can read what stands at that pointer.
    fn is_variable(&self, pointer: &str) -> bool {
        if ["/stage", "/phase"].contains(&pointer) {
            return true;
        }
        let mut at = &self.schema;
        for part in pointer.split('/').skip(1) {
            at = self.resolved(at);
            let next = match part {
                "0" => at.get("items"),
                _ if part.starts_with('<') => at.get("additionalProperties"),
                _ => at.get("properties").and_then(|members| members.get(part)),
            };
            let Some(next) = next else { return self.any_of(at, part) };
            at = next;
        }
        true
    }

    /// Whether one of the shapes of a variant has that member.
    fn any_of(&self, at: &Value, part: &str) -> bool {
        let shapes = at.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        shapes.into_iter().any(|shape| shape.pointer(&format!("/properties/{part}")).is_some())
    }

    fn resolved<'a>(&'a self, mut at: &'a Value) -> &'a Value {
        loop {
            let inner = at.get("anyOf").and_then(|shapes| shapes.get(0)).unwrap_or(at);
            match inner.get("$ref").and_then(Value::as_str) {
                Some(reference) => at = self.schema.pointer(reference.trim_start_matches('#')).unwrap(),
                None => return inner,
            }
        }
    }
}

/// On one line.
fn sentence(docs: Option<&str>) -> String {
    docs.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn the_reference_has_a_line_for_each_field_and_is_up_to_date() {
    let page = Page::new().written();
    let path = repository(PAGE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == written, "{PAGE} is out of date: UPDATE_DOCS=1 cargo nextest run -p lockgate-tests reference");
    for line in [
        "| `/change/risk` | `change().risk` | `change.risk` | `low`, `medium`, `high`, `critical` |",
        "| `/registers/incidents/0/outage_start` | `incidents(page)[0].outage-start` | `registers.incidents[0].outage_start` | timestamp, none |",
        "| `/differences/0/kind` | `differences(page)[0].kind` | – | string |",
        "| `/evidence/<name>/made` | `evidence(name).made` | `evidence[\"<name>\"].made` | timestamp, none |",
        "| `/labels/<name>` | `labels()[0].value` | `labels[\"<name>\"]` | string |",
    ] {
        assert!(page.contains(line), "{line}");
    }
}

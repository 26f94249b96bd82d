//! The page with a line for each field that a plugin sees, made from the contract.

use std::fs;

use lockgate_engine::expression::Expression;
use lockgate_engine::model::{FindingSeverity, ModelFinding};
use lockgate_tests::{WITHOUT_FIELD, pointer, repository};
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
  such variable. `approvals` of conditions has only those that count. `provenance` of conditions has each part that somebody says,
  each register, each attested entry of a list and each piece of evidence by its own pointer, told ones too, so
  `provenance[\"/change\"].source == \"register\"` needs no `in`; it looks up nothing around a place.

The columns use the same words; only `_` and `-` differ. Registers, facts and evidence need a [grant](capabilities.md).
";

struct Page {
    contract: Resolve,
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
        Self { contract, text: INTRODUCTION.to_owned() }
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
            // The names are those of the snapshot that the tests read.
            let json = json
                .replace("/samples/K", "/samples/<kpi>")
                .replace("/sample_intervals/K", "/sample_intervals/<kpi>")
                .replace("/people/ada@example.org", "/people/<person>");
            let parameters: Vec<&str> = function.params.iter().skip(1).map(|param| param.name.as_str()).collect();
            let cel = json.replace("/<kpi>", "[\"<kpi>\"]").replace("/<person>", "[\"<person>\"]");
            let cel = cel.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
            let place = Place { json, wit: format!("{name}({})", parameters.join(", ")), cel };
            let place = match name.as_str() {
                "evidence" | "fact" => place.item("name"),
                "provenance" => place.item("pointer"),
                _ => place,
            };
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
        self.beside();
        self.text
    }

    /// What has no method, or no field of that name.
    fn beside(&mut self) {
        self.text.push_str(
            "\n## Without a field of that name\n\nWhat WIT has as a method of its own, or not at all.\n\n| JSON | CEL | what it is |\n|---|---|---|\n",
        );
        for (pointer, docs) in WITHOUT_FIELD {
            let (pointer, path) = (pointer.replace('*', "0"), pointer[1..].replace("/*", "[0]").replace('/', "."));
            if !self.text.contains(&format!("| `{pointer}` |")) {
                self.text.push_str(&format!("| `{pointer}` | {} | {docs} |\n", cel(&path)));
            }
        }
        for (pointer, path, docs) in [
            ("`/gate`", "gate", "The `stage` and the `phase`."),
            (
                "`/people/<person>`",
                "people",
                "A person that the deployment names, as the register of people knows them: `kind`, `roles`, `team` and `competences`.",
            ),
            (
                "–",
                "involved",
                "The ids of all other people who were ever involved. In JSON and WIT they are among `contributors`.",
            ),
            (
                "–",
                "void_approvals",
                "The answers that do not count, because something has changed since or their time is over.",
            ),
        ] {
            self.text.push_str(&format!("| {pointer} | {} | {docs} |\n", cel(path)));
        }
    }

    /// A line for a value, and then one for each thing in it.
    fn row(&mut self, place: &Place, ty: Type, docs: &str) {
        let cel = cel(&place.cel);
        // A document is a JSON text in WIT alone.
        let is_document = docs.contains("JSON text");
        let shown = if is_document { "any; in WIT string".to_owned() } else { self.shown(ty) };
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
}

/// An expression as the column shows it: a dash if conditions have no such variable.
fn cel(path: &str) -> String {
    let known = match Expression::condition(&format!("{path} == {path}")) {
        Ok(_) => true,
        Err(findings) => {
            let mut errors = findings.iter().filter(|finding| finding.severity == FindingSeverity::Error);
            let is_unknown = |found: &ModelFinding| ["unknown-field", "unknown-variable"].contains(&found.code);
            assert!(errors.all(is_unknown), "{path}: {findings:?}");
            false
        }
    };
    if known { format!("`{path}`") } else { "–".to_owned() }
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
        "| `/differences/0/kind` | `differences(page)[0].kind` | `differences[0].kind` | string |",
        "| `/timing/moment_of_no_return` | `timing().moment-of-no-return` | `timing.moment_of_no_return` | timestamp, none |",
        "| `/model/binding` | `model().binding` | – | string |",
        "`rollout.steps[0].action.hold.length` | duration, none |",
        "| `/gate` | `gate` |",
        "| `/evidence/<name>/made` | `evidence(name).made` | `evidence[\"<name>\"].made` | timestamp, none |",
        "| `/labels/<name>` | `labels()[0].value` | `labels[\"<name>\"]` | string |",
    ] {
        assert!(page.contains(line), "{line}");
    }
}

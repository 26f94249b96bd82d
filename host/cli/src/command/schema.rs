//! `lockgate schema`: the JSON Schemas of the documents that are read and written. `docs/schemas` has the same texts.

use std::sync::LazyLock;

use anyhow::Context as _;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use lockgate_domain::{Decision, Deployment, NewRegisterEntry, RegisterEntry, RegisterKind, Snapshot};
use serde_json::Value;

use crate::exit::Exit;
use crate::input::{schema_of, schema_of_value, without_links};
use crate::print;

#[derive(Debug, clap::Args)]
pub(crate) struct SchemaCommand {
    /// The document.
    #[arg(required_unless_present = "list", hide_possible_values = true)]
    document: Option<PublishedDocument>,
    /// Print the names of all documents instead.
    #[arg(long, conflicts_with = "document")]
    list: bool,
}

/// The documents that have a published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PublishedDocument {
    Deployment,
    Snapshot,
    Decision,
    RegisterEntry,
    NewRegisterEntry,
    RegisterValue(RegisterKind),
}

/// All documents, with their names.
static DOCUMENTS: LazyLock<Vec<(PublishedDocument, String)>> = LazyLock::new(|| {
    use PublishedDocument as Document;
    let others = [
        (Document::Deployment, "deployment"),
        (Document::Snapshot, "snapshot"),
        (Document::Decision, "decision"),
        (Document::RegisterEntry, "register-entry"),
        (Document::NewRegisterEntry, "new-register-entry"),
    ];
    let others = others.into_iter().map(|(document, name)| (document, name.to_owned()));
    let values = RegisterKind::ALL.iter().map(|kind| (Document::RegisterValue(*kind), format!("register-{kind}")));
    others.chain(values).collect()
});

impl ValueEnum for PublishedDocument {
    fn value_variants<'a>() -> &'a [Self] {
        static VARIANTS: LazyLock<Vec<PublishedDocument>> =
            LazyLock::new(|| DOCUMENTS.iter().map(|(document, _)| *document).collect());
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(match self {
            Self::Deployment => "Read by `eval --deployment`",
            Self::Snapshot => "Written by `eval --save-snapshot`, read by `plugin run --snapshot`",
            Self::Decision => "Written by `eval --output json`, read by `eval --approved`",
            Self::RegisterEntry => "Written by `register list --output ndjson`, read by `eval --register`",
            Self::NewRegisterEntry => "Read by `register put` and `register import`",
            Self::RegisterValue(_) => "The value of an entry of that register",
        }))
    }
}

impl PublishedDocument {
    fn name(self) -> &'static str {
        DOCUMENTS.iter().find(|(document, _)| *document == self).map_or("", |(_, name)| name)
    }

    /// The published schema.
    fn schema(self) -> anyhow::Result<String> {
        let mut schema = match self {
            Self::Deployment => schema_of::<Deployment>(),
            Self::Snapshot => schema_of::<Snapshot>(),
            Self::Decision => schema_of::<Decision>(),
            Self::RegisterEntry => schema_of::<RegisterEntry>(),
            Self::NewRegisterEntry => schema_of::<NewRegisterEntry>(),
            Self::RegisterValue(register) => schema_of_value(register),
        };
        remove_links(&mut schema);
        let object = schema.as_object_mut().context("a schema is an object")?;
        let id = format!("https://lockgate.github.io/schemas/{}-0.1.json", self.name());
        object.insert("$id".to_owned(), Value::String(id));
        Ok(serde_json::to_string_pretty(&schema)?)
    }
}

impl SchemaCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.document.filter(|_| !self.list) {
            Some(document) => print::data(document.schema()?)?,
            None => {
                let names: Vec<&str> = DOCUMENTS.iter().map(|(_, name)| name.as_str()).collect();
                print::data(names.join("\n"))?;
            }
        }
        Ok(Exit::Success)
    }
}

/// Removes links to code from descriptions, which come from the documentation of types.
fn remove_links(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = without_links(text);
            }
            object.values_mut().for_each(remove_links);
        }
        Value::Array(array) => array.iter_mut().for_each(remove_links),
        _ => {}
    }
}

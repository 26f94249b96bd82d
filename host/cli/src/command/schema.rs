//! `lockgate schema`: the JSON Schemas of the documents that are read and written. `docs/schemas` has the same texts.

use anyhow::Context as _;
use clap::ValueEnum;
use lockgate_domain::{Decision, Deployment, Snapshot};
use serde_json::Value;

use crate::exit::Exit;
use crate::input::schema_of;
use crate::print;

#[derive(Debug, clap::Args)]
pub(crate) struct SchemaCommand {
    /// The document.
    document: PublishedDocument,
}

/// The documents that have a published schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PublishedDocument {
    /// Read by `eval --deployment`.
    Deployment,
    /// Written by `eval --save-snapshot`, read by `plugin run --snapshot`.
    Snapshot,
    /// Written by `eval --output json`, read by `eval --approved`.
    Decision,
}

impl PublishedDocument {
    fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Snapshot => "snapshot",
            Self::Decision => "decision",
        }
    }

    /// The published schema.
    fn schema(self) -> anyhow::Result<String> {
        let mut schema = match self {
            Self::Deployment => schema_of::<Deployment>(),
            Self::Snapshot => schema_of::<Snapshot>(),
            Self::Decision => schema_of::<Decision>(),
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
        print::data(self.document.schema()?)?;
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

/// `[text](crate::item)` becomes `text`, and ``[`Type::function`]`` becomes `` `Type::function` ``.
fn without_links(text: &str) -> String {
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

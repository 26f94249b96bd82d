//! `lockgate schema`: the published JSON Schemas of what is read and written. `docs/schemas` holds the same texts.

use anyhow::Context as _;
use clap::ValueEnum;
use lockgate_domain::{Decision, Deployment, Snapshot};
use serde_json::Value;

use crate::exit::Exit;
use crate::input::schema_of;
use crate::print;

/// Which schema.
#[derive(Debug, clap::Args)]
pub(crate) struct Schema {
    /// The document that the schema describes.
    document: Document,
}

/// The documents that have a published schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    /// What `eval --deployment` reads.
    Deployment,
    /// What `eval --save-snapshot` writes and `plugin run --snapshot` reads.
    Snapshot,
    /// What `eval --output json` writes and `eval --approved` reads.
    Decision,
}

impl Document {
    fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Snapshot => "snapshot",
            Self::Decision => "decision",
        }
    }

    /// The schema, as it is published.
    fn schema(self) -> anyhow::Result<String> {
        let mut schema = match self {
            Self::Deployment => schema_of::<Deployment>(),
            Self::Snapshot => schema_of::<Snapshot>(),
            Self::Decision => schema_of::<Decision>(),
        };
        say_without_rust(&mut schema);
        let object = schema.as_object_mut().context("a schema is an object")?;
        let id = format!("https://lockgate.github.io/schemas/{}-0.1.json", self.name());
        object.insert("$id".to_owned(), Value::String(id));
        Ok(serde_json::to_string_pretty(&schema)?)
    }
}

impl Schema {
    /// Prints the schema.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        print::data(self.document.schema()?)?;
        Ok(Exit::Success)
    }
}

/// The descriptions come from the documentation of types, where words link to code: here only the words stay.
fn say_without_rust(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = without_links(text);
            }
            object.values_mut().for_each(say_without_rust);
        }
        Value::Array(array) => array.iter_mut().for_each(say_without_rust),
        _ => {}
    }
}

/// `[words](crate::place)` becomes `words`, and ``[`Name::of_function`]`` becomes `` `Name::of_function` ``.
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

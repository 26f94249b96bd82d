//! Writes digests into a model, and leaves everything else in it as it is.

use std::collections::BTreeMap;

use lockgate_domain::Digest;
use toml_edit::{DocumentMut, Item, Value, value};

/// Why a model cannot be pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// The text is not TOML.
    #[error("the model is not TOML: {0}; `lockgate model check` shows where")]
    NotToml(String),
    /// The model declares no plugin with this name.
    #[error("the model declares no plugin `{0}`")]
    UnknownPlugin(String),
}

/// Writes these digests, by plugin name, into the text of a model. Comments, layout and the digests of other plugins
/// stay.
///
/// # Errors
/// If the text is not TOML, or declares no plugin of one of the names.
pub fn pin(text: &str, digests: &BTreeMap<String, Digest>) -> Result<String, PinError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| PinError::NotToml(error.message().to_owned()))?;
    for (name, digest) in digests {
        let plugin = plugin(&mut document, name).ok_or_else(|| PinError::UnknownPlugin(name.clone()))?;
        write(plugin, &digest.to_string());
    }
    Ok(document.to_string())
}

fn plugin<'d>(document: &'d mut DocumentMut, name: &str) -> Option<&'d mut Item> {
    let plugin = document.get_mut("plugins")?.as_table_like_mut()?.get_mut(name)?;
    plugin.is_table_like().then_some(plugin)
}

fn write(plugin: &mut Item, digest: &str) {
    if let Some(Item::Value(old)) = plugin.get_mut("digest") {
        // What surrounds the old value, such as a comment after it, belongs to the line.
        let around = old.decor().clone();
        *old = digest.into();
        *old.decor_mut() = around;
    } else if let Some(inline) = plugin.as_inline_table_mut() {
        // The blank before the closing brace moves behind the new value.
        let last = inline.iter_mut().last().map(|(_, last)| last.decor_mut());
        let behind = last.and_then(|decor| {
            let behind = decor.suffix().cloned();
            decor.set_suffix("");
            behind
        });
        inline.insert("digest", Value::from(digest).decorated(" ", behind.unwrap_or_default()));
    } else if let Some(table) = plugin.as_table_mut() {
        table.insert("digest", value(digest));
    }
}

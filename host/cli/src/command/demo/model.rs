//! The model of the demo: that of the example, with holds of seconds, because nobody wants to watch for forty minutes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item, value};

use super::live::place;

/// How long the demo holds between the steps of the canary.
const HOLD: &str = "1s";

/// Writes the model and its plugins into the demo's folder.
pub(super) fn write(example: &Path, plugins: &Path, folder: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(example).with_context(|| place(example))?;
    let mut document: DocumentMut = text.parse().with_context(|| place(example))?;
    let kept = folder.join("plugins");
    fs::create_dir_all(&kept).with_context(|| place(&kept))?;
    for (_, plugin) in tables(document.get_mut("plugins")) {
        let component = plugin.get("component").and_then(Item::as_str).map(PathBuf::from);
        let name = component.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let name = name.with_context(|| place(example))?.to_owned();
        let (from, to) = (plugins.join(&name), kept.join(&name));
        fs::copy(&from, &to).with_context(|| place(&from))?;
        if let Some(plugin) = plugin.as_table_like_mut() {
            plugin.insert("component", value(format!("plugins/{name}")));
        }
    }
    let steps = document.get_mut("strategy").and_then(|strategy| strategy.get_mut("settings"));
    let steps = steps.and_then(|settings| settings.get_mut("steps")).and_then(Item::as_array_mut);
    for step in steps.into_iter().flat_map(|steps| steps.iter_mut()) {
        if let Some(step) = step.as_inline_table_mut().filter(|step| step.contains_key("hold")) {
            step.insert("hold", HOLD.into());
        }
    }
    let model = folder.join("model.toml");
    fs::write(&model, document.to_string()).with_context(|| place(&model))?;
    Ok(model)
}

fn tables(item: Option<&mut Item>) -> impl Iterator<Item = (toml_edit::KeyMut<'_>, &mut Item)> {
    item.and_then(Item::as_table_like_mut).into_iter().flat_map(|table| table.iter_mut())
}

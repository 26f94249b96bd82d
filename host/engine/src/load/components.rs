//! Where the components of a model come from: its own folder, or wherever they were kept.

use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{Digest, Timestamp};

use crate::model::PluginSource;

/// Hands out components.
pub trait ComponentSource {
    /// The component of the plugin with that name.
    fn component(&self, name: &str, source: &PluginSource) -> Result<PluginComponent, MissingComponent>;

    /// The folder in which the directories are looked for that the model grants.
    fn folder(&self) -> &Path;

    /// What the model is loaded for.
    fn purpose(&self) -> LoadPurpose {
        LoadPurpose::Deciding
    }
}

/// What a model is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadPurpose {
    /// To decide: its plugins reach what they are granted.
    Deciding,
    /// To decide again: its plugins reach nothing, and are told what was answered when it was decided.
    Replaying,
    /// To find what is wrong with it, and for nothing else: plugins that are not pinned are loaded too.
    Checking {
        /// The time of the check: what is about to run out is told.
        now: Timestamp,
    },
}

/// A component, not yet held against what the model pins.
#[derive(Clone)]
pub struct PluginComponent {
    pub bytes: Arc<[u8]>,
    pub digest: Digest,
    /// Where it was found, for messages.
    pub place: String,
}

/// Why there is no component, and what to do about it.
pub struct MissingComponent {
    pub message: String,
    pub help: Option<String>,
}

/// Reads a file, or says why it cannot be read.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> Result<Arc<[u8]>, String>;

/// The model's own folder.
pub struct ModelFolder<'a> {
    pub path: &'a Path,
    pub read: ReadFile<'a>,
}

impl ComponentSource for ModelFolder<'_> {
    fn component(&self, name: &str, source: &PluginSource) -> Result<PluginComponent, MissingComponent> {
        let path = self.path.join(&source.component);
        let bytes = (self.read)(&path).map_err(|error| MissingComponent {
            message: format!("cannot read plugin `{name}` from `{}`: {error}", path.display()),
            help: Some(format!("`component` is a path from the model's own folder, `{}`", self.path.display())),
        })?;
        Ok(PluginComponent { digest: Digest::of(&bytes), bytes, place: format!("`{}`", path.display()) })
    }

    fn folder(&self) -> &Path {
        self.path
    }
}

/// Components from wherever they are, for another purpose than to decide.
pub struct ForPurpose<'a> {
    pub components: &'a dyn ComponentSource,
    pub purpose: LoadPurpose,
}

impl ComponentSource for ForPurpose<'_> {
    fn component(&self, name: &str, source: &PluginSource) -> Result<PluginComponent, MissingComponent> {
        self.components.component(name, source)
    }

    fn folder(&self) -> &Path {
        self.components.folder()
    }

    fn purpose(&self) -> LoadPurpose {
        self.purpose
    }
}

/// Reads a file, and stops when it is larger than what is looked at anyway.
pub fn read_capped(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

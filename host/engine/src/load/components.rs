//! The sources of a model's components: its own folder, or another store.

use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{Digest, Timestamp};

use crate::model::PluginSource;

/// Provides components.
pub trait ComponentSource {
    /// The component of the plugin with this name.
    fn component(&self, name: &str, source: &PluginSource) -> Result<PluginComponent, MissingComponent>;

    /// The folder in which to look for the directories that the model grants.
    fn folder(&self) -> &Path;

    fn purpose(&self) -> LoadPurpose {
        LoadPurpose::Deciding
    }
}

/// The purpose of loading a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadPurpose {
    /// To decide: its plugins reach what they are granted.
    Deciding,
    /// To decide again: its plugins reach nothing outside, and get the recorded answers.
    Replaying,
    /// Only to check it: plugins that are not pinned are loaded too.
    Checking {
        /// The time of the check: settings that expire soon are reported.
        now: Timestamp,
    },
}

/// A component that has not been compared with the digest in the model yet.
#[derive(Clone)]
pub struct PluginComponent {
    pub bytes: Arc<[u8]>,
    pub digest: Digest,
    /// The place where it was found, for messages.
    pub place: String,
}

/// Why a component is missing, and what to do about it.
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

/// Components from another source, for another purpose than to decide.
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

/// Reads a file. Stops a little above `most` bytes, which is more than the caller accepts anyway.
pub fn read_capped(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

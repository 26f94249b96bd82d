//! The capability `directory`: read access to directories that the operator granted.
//!
//! A plugin names a directory and a path below it, and gets the current state of the file system. A path cannot leave the
//! directory, which was opened when the plugin was loaded.
//!
//! Nothing here waits: only regular files and directories are opened, and local files do not block. A network file system that
//! hangs would block the call, so do not grant one.

mod binding;
mod grant;
mod message;
mod open_directory;
mod path;
#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::ask::ask;
use super::base64_bytes::Base64Bytes;
use super::host_capability::{GrantError, HostCapability, HostServices};
use super::name;
use crate::sandbox::{HostFunction, Sandbox};
use binding::wit;
use message::{DirectoryError, DirectoryListing, DirectoryPath};
use open_directory::OpenDirectory;

pub use grant::{DirectoryGrant, DirectoryGrantError};

const NAMES: HostFunction = HostFunction::of_capability(DirectoryCapability::NAME, "names", 1_000);
/// It reads as many names as the operator allows, even if there are too many.
const ENTRIES: HostFunction = HostFunction::of_capability(DirectoryCapability::NAME, "entries", 2_000_000);
const READ: HostFunction = HostFunction::of_capability(DirectoryCapability::NAME, "read", 20_000);

/// The directories that a plugin may read, opened, by name.
#[derive(Debug, Default)]
pub(crate) struct DirectoryCapability(BTreeMap<String, OpenDirectory>);

impl HostCapability for DirectoryCapability {
    const NAME: &'static str = "directory";
    const GRANT_LINE: &'static str = ".<name> = \"<path>\"";
    const REACH: &'static str = "the directories that are granted, for reading";

    type Grant = BTreeMap<String, DirectoryGrant>;
    const DEFAULT_GRANT: BTreeMap<String, DirectoryGrant> = BTreeMap::new();

    fn is_granted(grant: &BTreeMap<String, DirectoryGrant>) -> bool {
        !grant.is_empty()
    }

    fn covers(grant: &BTreeMap<String, DirectoryGrant>, scope: &str) -> bool {
        grant.contains_key(scope)
    }

    /// Opens each directory, so that a missing one is found when the plugin is loaded, not during a decision.
    fn open(grant: &BTreeMap<String, DirectoryGrant>, _: &HostServices) -> Result<Option<Self>, GrantError> {
        let opened = Self::open_all(grant).map_err(GrantError::new)?;
        Ok(Self::is_granted(grant).then_some(opened))
    }

    fn link(opened: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        type Answer<T> = wasmtime::Result<(Result<T, wit::DirectoryError>,)>;
        let directories = opened.unwrap_or_default();
        let mut interface = Self::instance(linker)?;
        let granted = Arc::clone(&directories);
        interface.func_wrap("names", move |mut store: StoreContextMut<'_, Sandbox>, (): ()| {
            Ok((ask(&mut store, NAMES, &(), |_| granted.names())?,))
        })?;
        let granted = Arc::clone(&directories);
        interface.func_wrap(
            "entries",
            move |mut store: StoreContextMut<'_, Sandbox>,
                  (directory, path): (String, String)|
                  -> Answer<wit::Listing> {
                let path = DirectoryPath { directory, path };
                let answer = ask(&mut store, ENTRIES, &path, |_| granted.entries(&path))?;
                Ok((answer.map(binding::listing).map_err(binding::error),))
            },
        )?;
        interface.func_wrap(
            "read",
            move |mut store: StoreContextMut<'_, Sandbox>, (directory, path): (String, String)| -> Answer<Vec<u8>> {
                let path = DirectoryPath { directory, path };
                let answer = ask(&mut store, READ, &path, |_| directories.read(&path))?;
                Ok((answer.map(|content| content.0).map_err(binding::error),))
            },
        )
    }
}

impl DirectoryCapability {
    /// Opens the directories.
    fn open_all(grants: &BTreeMap<String, DirectoryGrant>) -> Result<Self, DirectoryGrantError> {
        let open = |(name, grant): (&String, &DirectoryGrant)| {
            if !name::is_name(name) {
                return Err(DirectoryGrantError::InvalidName { name: name.clone() });
            }
            let unopenable =
                |error| DirectoryGrantError::Unopenable { name: name.clone(), path: grant.path.clone(), error };
            Ok((name.clone(), OpenDirectory::open(grant).map_err(unopenable)?))
        };
        grants.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// The names of the directories, in order.
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The entries of the directory at that path.
    fn entries(&self, path: &DirectoryPath) -> Result<DirectoryListing, DirectoryError> {
        let directory = self.directory(path)?;
        directory.entries(path::inside(&path.path).map_err(DirectoryError::InvalidPath)?)
    }

    /// The content of the file at that path.
    fn read(&self, path: &DirectoryPath) -> Result<Base64Bytes, DirectoryError> {
        let directory = self.directory(path)?;
        directory.read(path::inside(&path.path).map_err(DirectoryError::InvalidPath)?).map(Base64Bytes)
    }

    fn directory(&self, path: &DirectoryPath) -> Result<&OpenDirectory, DirectoryError> {
        self.0.get(&path.directory).ok_or_else(|| DirectoryError::NotGranted(path.directory.clone()))
    }
}

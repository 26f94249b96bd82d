//! The capability `directory`: files that the operator laid out for a plugin, to be read.
//!
//! A plugin names a directory and a path below it, and gets the answer of the file system as it is now. What can be
//! asked for ends at the directory that was opened when the plugin was loaded; this module ends at answers that can be
//! written down and given again, and knows neither the contract's types nor the sandbox.
//!
//! Nothing here waits: what is no file or directory is not opened, and regular files do not block. That holds for what
//! a machine keeps itself; a network file system that hangs would hang the call, so do not grant one.

mod answer;
mod grant;
mod opened;
mod path;
#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeMap;

use super::content::Content;
use super::name;
use opened::Opened;

pub(crate) use answer::{DirectoryError, EntryKind, Listing, Place};
pub use grant::{DirectoryGrant, DirectoryGrantError};

/// The directories that were granted, open.
#[derive(Debug, Default)]
pub(crate) struct Directories(BTreeMap<String, Opened>);

impl Directories {
    /// Opens what is granted, by name.
    ///
    /// # Errors
    /// If a name cannot be one, or a directory is not there or cannot be opened: a plugin must not find out halfway
    /// through a decision.
    pub(crate) fn open(grants: &BTreeMap<String, DirectoryGrant>) -> Result<Self, DirectoryGrantError> {
        let open = |(name, grant): (&String, &DirectoryGrant)| {
            if !name::is_name(name) {
                return Err(DirectoryGrantError::InvalidName { name: name.clone() });
            }
            let unopenable =
                |error| DirectoryGrantError::Unopenable { name: name.clone(), path: grant.path.clone(), error };
            Ok((name.clone(), Opened::open(grant).map_err(unopenable)?))
        };
        grants.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// The names of the directories, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// What the directory at a place holds.
    pub(crate) fn entries(&self, place: &Place) -> Result<Listing, DirectoryError> {
        let directory = self.directory(place)?;
        directory.entries(path::inside(&place.path).map_err(DirectoryError::InvalidPath)?)
    }

    /// The bytes of the file at a place.
    pub(crate) fn read(&self, place: &Place) -> Result<Content, DirectoryError> {
        let directory = self.directory(place)?;
        directory.read(path::inside(&place.path).map_err(DirectoryError::InvalidPath)?).map(Content)
    }

    fn directory(&self, place: &Place) -> Result<&Opened, DirectoryError> {
        self.0.get(&place.directory).ok_or_else(|| DirectoryError::NotGranted(place.directory.clone()))
    }
}

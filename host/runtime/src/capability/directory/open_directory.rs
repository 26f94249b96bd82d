//! One opened directory: the only place that touches the file system for this capability.
//!
//! Everything is asked of the open directory and resolved by the system below it, so neither `..`, nor links, nor
//! somebody who swaps a name for a link at the right moment, lead out. What is asked for is looked at before it is
//! opened, so that no device is woken up; opened without waiting, in case it has become a pipe; and looked at again.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, File, Metadata, OpenOptions};

use super::grant::DirectoryGrant;
use super::message::{DirectoryEntry, DirectoryError, DirectoryListing, EntryKind};
use super::path;

/// A directory that was granted, and how much of it may be handed over at once.
#[derive(Debug)]
pub(super) struct OpenDirectory {
    directory: Dir,
    /// Of one file, in bytes.
    file_size: u64,
    /// Of one listing, in names.
    entries: usize,
}

impl OpenDirectory {
    pub(super) fn open(grant: &DirectoryGrant) -> io::Result<Self> {
        let directory = Dir::open_ambient_dir(&grant.path, ambient_authority())?;
        Ok(Self { directory, file_size: grant.file_size, entries: grant.entries })
    }

    /// What the directory there holds.
    pub(super) fn entries(&self, path: &Path) -> Result<DirectoryListing, DirectoryError> {
        require(EntryKind::Directory, &self.directory.metadata(path).map_err(refused)?)?;
        // All names before a single one is looked at: what is too large is found out at little cost.
        let mut found = Vec::new();
        for name in self.directory.read_dir(path).map_err(refused)? {
            if found.len() == self.entries {
                return Err(DirectoryError::TooLarge(self.entries as u64));
            }
            found.push(name.map_err(refused)?);
        }
        let mut listing = DirectoryListing::default();
        for found in found {
            match found.file_name().into_string() {
                Ok(name) if path::is_name(&name) => listing.entries.extend(self.entry(path, name, &found)),
                _ => listing.unnamed = listing.unnamed.saturating_add(1),
            }
        }
        listing.entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(listing)
    }

    /// What stands under a name; none if it has gone since it was listed.
    ///
    /// It is asked of the directory that was granted, not of the one that is listed, because that is what a link may
    /// not leave.
    fn entry(&self, path: &Path, name: String, found: &DirEntry) -> Option<DirectoryEntry> {
        let other = EntryKind::Other;
        let (kind, size) = match self.directory.metadata(path.join(&name)) {
            Ok(metadata) if metadata.is_file() => (EntryKind::File, metadata.len()),
            Ok(metadata) => (kind(&metadata), 0),
            Err(error) if error.kind() != ErrorKind::NotFound => (other, 0),
            Err(_) if found.file_type().is_ok_and(|kind| kind.is_symlink()) => (other, 0),
            Err(_) => return None,
        };
        Some(DirectoryEntry { name, kind, size })
    }

    /// The bytes of the file there.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, DirectoryError> {
        require(EntryKind::File, &self.directory.metadata(path).map_err(refused)?)?;
        let mut file = self.directory.open_with(path, &without_waiting()).map_err(refused)?;
        let before = file.metadata().map_err(refused)?;
        require(EntryKind::File, &before)?;
        if before.len() > self.file_size {
            return Err(DirectoryError::TooLarge(self.file_size));
        }
        let content = self.content(&mut file)?;
        let after = file.metadata().map_err(refused)?;
        if before.len() != after.len() || before.modified().ok() != after.modified().ok() {
            return Err(DirectoryError::Unreadable("it was written to while it was read".to_owned()));
        }
        Ok(content)
    }

    /// What is in the file, however large it says that it is.
    fn content(&self, file: &mut File) -> Result<Vec<u8>, DirectoryError> {
        let mut content = Vec::new();
        let read = file.take(self.file_size.saturating_add(1)).read_to_end(&mut content).map_err(refused)?;
        if read as u64 > self.file_size {
            return Err(DirectoryError::TooLarge(self.file_size));
        }
        Ok(content)
    }
}

/// For reading; neither waiting for the other end of a pipe, nor for somebody who holds a lease on the file, nor
/// becoming the process that a terminal controls.
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    options
}

fn kind(metadata: &Metadata) -> EntryKind {
    if metadata.is_file() {
        EntryKind::File
    } else if metadata.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

fn require(wanted: EntryKind, metadata: &Metadata) -> Result<(), DirectoryError> {
    let kind = kind(metadata);
    if kind == wanted { Ok(()) } else { Err(DirectoryError::WrongKind(kind)) }
}

/// What the system, or the guard in front of it, refused.
pub(super) fn refused(error: io::Error) -> DirectoryError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DirectoryError::Missing,
        // The guard's own refusal is the only one that no system call gave.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => DirectoryError::Outside,
        ErrorKind::PermissionDenied => DirectoryError::Unreadable("the host itself may not read it".to_owned()),
        _ if leads_in_a_circle(&error) => DirectoryError::Unreadable("the links lead in a circle".to_owned()),
        _ => DirectoryError::Unreadable(error.to_string()),
    }
}

#[cfg(unix)]
fn leads_in_a_circle(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

#[cfg(not(unix))]
fn leads_in_a_circle(_: &io::Error) -> bool {
    false
}

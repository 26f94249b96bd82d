//! One opened directory: the only file of this capability that uses the file system.
//!
//! The system resolves every path below the open directory, so neither `..`, nor links, nor a process that replaces a name by
//! a link at the right moment lead out. A path is checked before it is opened, so that no device is activated, opened without
//! waiting, in case it has become a pipe, and checked again.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, File, Metadata, OpenOptions};

use super::grant::DirectoryGrant;
use super::message::{DirectoryEntry, DirectoryError, DirectoryListing, EntryKind};
use super::path;

/// A granted directory, and the limits of the grant.
#[derive(Debug)]
pub(super) struct OpenDirectory {
    directory: Dir,
    /// The largest file that can be read, in bytes.
    file_size: u64,
    /// The most names of a directory that can be listed.
    entries: usize,
}

impl OpenDirectory {
    pub(super) fn open(grant: &DirectoryGrant) -> io::Result<Self> {
        let directory = Dir::open_ambient_dir(&grant.path, ambient_authority())?;
        Ok(Self { directory, file_size: grant.file_size, entries: grant.entries })
    }

    /// The entries of the directory at that path.
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

    /// The entry with that name; none if it was removed since it was listed.
    ///
    /// It is resolved from the granted directory, not from the listed one, because links may lead anywhere in the granted one.
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

    /// The content of the file at that path.
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
            return Err(DirectoryError::Unreadable("it changed while it was read".to_owned()));
        }
        Ok(content)
    }

    /// The content of the file, whatever its metadata say about its size.
    fn content(&self, file: &mut File) -> Result<Vec<u8>, DirectoryError> {
        let mut content = Vec::new();
        let read = file.take(self.file_size.saturating_add(1)).read_to_end(&mut content).map_err(refused)?;
        if read as u64 > self.file_size {
            return Err(DirectoryError::TooLarge(self.file_size));
        }
        Ok(content)
    }
}

/// Options for reading that wait neither for the other end of a pipe nor for the holder of a lease, and that do not make a
/// terminal control this process.
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

/// The error for a refusal of the system or of cap-std.
pub(super) fn refused(error: io::Error) -> DirectoryError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DirectoryError::Missing,
        // The guard's own refusal is the only one that no system call gave.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => DirectoryError::Outside,
        ErrorKind::PermissionDenied => DirectoryError::Unreadable("the host has no permission to read it".to_owned()),
        _ if leads_in_a_circle(&error) => DirectoryError::Unreadable("its symbolic links form a loop".to_owned()),
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

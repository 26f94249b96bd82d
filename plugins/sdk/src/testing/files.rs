//! The directories of a fixture: they give the same answers as the host's, from memory.

use std::collections::BTreeMap;

use crate::directory::{DirectoryError, Entry, EntryKind, Listing};

/// The content of a path: the bytes of a file, or why it cannot be read.
type Placed = Result<Vec<u8>, DirectoryError>;

/// The files of each directory, by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(BTreeMap<String, BTreeMap<String, Placed>>);

impl Files {
    pub(super) fn put(&mut self, directory: &str, path: &str, placed: Placed) {
        self.0.entry(directory.to_owned()).or_default().insert(path.to_owned(), placed);
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub(crate) fn read(&self, directory: &str, path: &str) -> Placed {
        let files = self.directory(directory, path)?;
        match files.get(path) {
            Some(placed) => placed.clone(),
            None if is_directory(files, path) => Err(DirectoryError::WrongKind(EntryKind::Directory)),
            None => Err(DirectoryError::Missing),
        }
    }

    pub(crate) fn entries(&self, directory: &str, path: &str) -> Result<Listing, DirectoryError> {
        let files = self.directory(directory, path)?;
        match files.get(path) {
            Some(Ok(_)) => return Err(DirectoryError::WrongKind(EntryKind::File)),
            Some(Err(error)) => return Err(error.clone()),
            None if !is_directory(files, path) => return Err(DirectoryError::Missing),
            None => {}
        }
        let mut entries: BTreeMap<&str, Entry> = BTreeMap::new();
        for (below, placed) in files.iter().filter_map(|(file, placed)| Some((below(file, path)?, placed))) {
            let (name, kind, size) = match (below.split_once('/'), placed) {
                (Some((name, _)), _) => (name, EntryKind::Directory, 0),
                (None, Ok(content)) => (below, EntryKind::File, content.len() as u64),
                (None, Err(_)) => (below, EntryKind::Other, 0),
            };
            entries.insert(name, Entry { name: name.to_owned(), kind, size });
        }
        Ok(Listing { entries: entries.into_values().collect(), unnamed: 0 })
    }

    fn directory(&self, directory: &str, path: &str) -> Result<&BTreeMap<String, Placed>, DirectoryError> {
        let files = self.0.get(directory).ok_or_else(|| DirectoryError::NotGranted(directory.to_owned()))?;
        let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\0', '\\']);
        if path.is_empty() || path.split('/').all(is_name) {
            return Ok(files);
        }
        Err(DirectoryError::InvalidPath(format!("`{}` is not names joined by `/`", path.escape_debug())))
    }
}

/// The path of a file as seen from a directory, if it lies below it.
fn below<'a>(file: &'a str, directory: &str) -> Option<&'a str> {
    if directory.is_empty() { Some(file) } else { file.strip_prefix(directory)?.strip_prefix('/') }
}

fn is_directory(files: &BTreeMap<String, Placed>, path: &str) -> bool {
    path.is_empty() || files.keys().any(|file| below(file, path).is_some())
}

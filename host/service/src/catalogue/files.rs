//! The files that models are made of: found, read once for each attempt, and watched for changes.
//!
//! Whether something has changed is asked often, so it is mostly told by what the file system says of a file; only when
//! that differs, or was so fresh that it could hide a second change, are the bytes looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lockgate_domain::Digest;

use lockgate_engine::load::read_capped;

/// A file that was written this shortly before it was read may be written again without the file system's clock moving.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Reads files, each once.
#[derive(Default)]
pub(super) struct FileReader(BTreeMap<PathBuf, FileRead>);

struct FileRead {
    seen: SeenFile,
    bytes: Result<Arc<[u8]>, String>,
}

impl FileReader {
    /// The bytes of a file, and one more than `most` if it has more; or why it cannot be read.
    pub(super) fn read(&mut self, path: &Path, most: u64) -> Result<Arc<[u8]>, String> {
        let file = self.0.entry(path.to_owned()).or_insert_with(|| {
            // Before the bytes: what changes in between is noticed later, instead of never.
            let stamp = FileStamp::of(path);
            let at = SystemTime::now();
            let bytes = read_capped(path, most).map(Arc::from).map_err(|error| error.to_string());
            let digest = bytes.as_ref().ok().map(|bytes: &Arc<[u8]>| Digest::of(bytes));
            FileRead { seen: SeenFile { stamp, at, digest, most }, bytes }
        });
        file.bytes.clone()
    }

    /// What to watch from now on, besides which files there are.
    pub(super) fn watch(self, paths: Vec<PathBuf>) -> FileWatch {
        FileWatch { paths, files: self.0.into_iter().map(|(path, file)| (path, file.seen)).collect() }
    }
}

/// What the files were when they were last read.
#[derive(Default)]
pub(super) struct FileWatch {
    paths: Vec<PathBuf>,
    files: BTreeMap<PathBuf, SeenFile>,
}

struct SeenFile {
    stamp: Option<FileStamp>,
    at: SystemTime,
    /// None if it could not be read.
    digest: Option<Digest>,
    most: u64,
}

impl FileWatch {
    /// Whether something is not as it was: `paths` are the model files that there are now.
    pub(super) fn changed(&mut self, paths: &[PathBuf]) -> bool {
        self.paths != paths || self.files.iter_mut().any(|(path, seen)| seen.changed(path))
    }
}

impl SeenFile {
    fn changed(&mut self, path: &Path) -> bool {
        let stamp = FileStamp::of(path);
        let settled = |stamp: &FileStamp| stamp.written.is_some_and(|written| written + CLOCK_STEP < self.at);
        if stamp == self.stamp && stamp.as_ref().is_none_or(settled) {
            return false;
        }
        let at = SystemTime::now();
        let digest = read_capped(path, self.most).ok().map(|bytes| Digest::of(&bytes));
        if digest != self.digest {
            return true;
        }
        (self.stamp, self.at) = (stamp, at);
        false
    }
}

/// What the file system says of a file.
#[derive(PartialEq)]
struct FileStamp {
    size: u64,
    written: Option<SystemTime>,
    /// On Unix: which file it is, and when anything about it changed.
    inode: (u64, i64, i64),
}

impl FileStamp {
    /// None if there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let inode = (0, 0, 0);
        Some(Self { size: metadata.len(), written: metadata.modified().ok(), inode })
    }
}

/// The model files: those that are named, and of each folder that is named those whose names end in `.toml`, in order.
/// A file that is named twice is there once.
pub(super) fn model_files(named: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in named {
        match in_folder(path) {
            Some(found) => files.extend(found),
            None => files.push(path.clone()),
        }
    }
    let mut known = BTreeSet::new();
    files.retain(|path| known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    files
}

/// None if it is no folder that can be looked into: reading it as a file tells what is the matter.
fn in_folder(path: &Path) -> Option<Vec<PathBuf>> {
    let entries = std::fs::read_dir(path).ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = paths.filter(|path| is_model(path)).collect();
    found.sort();
    Some(found)
}

/// Editors write hidden files beside the one that is edited.
fn is_model(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "toml") && path.is_file()
}

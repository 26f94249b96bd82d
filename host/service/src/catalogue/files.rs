//! Finds the files of the models, reads each once for each attempt to load, and watches them for changes.
//!
//! The watch runs often, so it usually compares only the metadata of a file. It reads the bytes only if the metadata
//! differs, or is so new that it could hide a second change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lockgate_domain::Digest;

use lockgate_engine::load::read_capped;

/// How old a file must be so that a later write changes its time stamp: file systems have coarse clocks.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Reads files, each once.
#[derive(Default)]
pub(super) struct FileReader(BTreeMap<PathBuf, FileRead>);

struct FileRead {
    seen: SeenFile,
    bytes: Result<Arc<[u8]>, String>,
}

impl FileReader {
    /// Reads up to `most + 1` bytes of a file, so that a longer file is noticed. The error says why the file cannot be
    /// read.
    pub(super) fn read(&mut self, path: &Path, most: u64) -> Result<Arc<[u8]>, String> {
        let file = self.0.entry(path.to_owned()).or_insert_with(|| {
            // Before the bytes: a change in between is then noticed later, instead of never.
            let stamp = FileStamp::of(path);
            let at = SystemTime::now();
            let bytes = read_capped(path, most).map(Arc::from).map_err(|error| error.to_string());
            let digest = bytes.as_ref().ok().map(|bytes: &Arc<[u8]>| Digest::of(bytes));
            FileRead { seen: SeenFile { stamp, at, digest, most }, bytes }
        });
        file.bytes.clone()
    }

    /// Starts to watch the files that were read, and the list of model files in `paths`.
    pub(super) fn watch(self, paths: Vec<PathBuf>) -> FileWatch {
        FileWatch { paths, files: self.0.into_iter().map(|(path, file)| (path, file.seen)).collect() }
    }
}

/// The state of the files when they were last read.
#[derive(Default)]
pub(super) struct FileWatch {
    paths: Vec<PathBuf>,
    files: BTreeMap<PathBuf, SeenFile>,
}

struct SeenFile {
    stamp: Option<FileStamp>,
    at: SystemTime,
    /// None if the file could not be read.
    digest: Option<Digest>,
    most: u64,
}

impl FileWatch {
    /// Whether any file has changed. `paths` are the present model files.
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

/// The metadata of a file.
#[derive(PartialEq)]
struct FileStamp {
    size: u64,
    written: Option<SystemTime>,
    /// On Unix: the inode, and the time of its last change.
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

/// The model files: the named files, and from each named folder the files whose names end in `.toml`, in order. A file
/// that is named twice is listed once.
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

/// The model files in a folder. None if the path is not a readable folder: reading it as a file then gives the error.
fn in_folder(path: &Path) -> Option<Vec<PathBuf>> {
    let entries = std::fs::read_dir(path).ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = paths.filter(|path| is_model(path)).collect();
    found.sort();
    Some(found)
}

/// Whether a name is that of a model file. Editors write hidden files beside the one that is edited.
fn is_model(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "toml") && path.is_file()
}

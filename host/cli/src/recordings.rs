//! Folders of recordings: files `<decision>.<binding>.recording.zst`, and the components that were recorded in `components/`. Such a
//! folder can be replayed without anything else.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use lockgate_domain::Digest;
use lockgate_engine::LoadedModel;
use lockgate_runtime::{RECORDING_EXTENSION, Recording};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::{not_found, read_bytes};
use crate::models;

/// The folder of the components in a folder of recordings.
const COMPONENTS: &str = "components";
/// The largest recording that is read, in bytes, compressed.
const LARGEST_RECORDING: u64 = 256 << 20;
/// The largest component that is read, in bytes.
const LARGEST_COMPONENT: u64 = 64 << 20;

/// Writes the recordings of a decision, and the components of its model, into a folder.
///
/// # Errors
/// If something cannot be written, or a component's file is no longer what was loaded.
pub(crate) fn keep(
    folder: &Path,
    recordings: &[Recording],
    model: &LoadedModel,
    model_file: &Path,
) -> anyhow::Result<()> {
    let components = folder.join(COMPONENTS);
    fs::create_dir_all(&components).with_context(|| format!("cannot create the folder `{}`", components.display()))?;
    let used: BTreeSet<Digest> = recordings.iter().map(|recording| recording.plugin.component).collect();
    for (name, source) in &model.model().plugins {
        let Some(digest) = source.digest.filter(|digest| used.contains(digest)) else { continue };
        let kept = components.join(format!("{}.wasm", digest.hex()));
        if kept.exists() {
            continue;
        }
        let file = models::folder_of(model_file).join(&source.component);
        let bytes = read_bytes(&file, "plugin", LARGEST_COMPONENT)?;
        anyhow::ensure!(Digest::of(&bytes) == digest, "the file of the plugin `{name}` changed during the evaluation");
        write(&kept, &bytes)?;
    }
    for recording in recordings {
        let of_decision = recording.decision.as_ref().zip(recording.model.as_ref());
        let (decision, model) = of_decision.context("a recording does not name its decision")?;
        let name = format!("{decision}.{}.{RECORDING_EXTENSION}", model.binding);
        write(&folder.join(name), &recording.encode()?)?;
    }
    Ok(())
}

/// Writes a file atomically, readable only by its owner: a recording contains evidence and everything that a plugin sent and
/// received.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&fresh)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // Best effort: the error that is reported is why the file could not be written.
        let _ = fs::remove_file(&fresh);
    }
    written.with_context(|| format!("cannot write `{}`", path.display()))
}

/// The recordings at paths, in order: files, and all recordings in folders and below.
///
/// # Errors
/// If a path does not exist or has no recordings.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, InvalidInput> {
    let mut found = Vec::new();
    for path in paths {
        if !path.exists() {
            return Err(not_found(path, "recording").into());
        }
        let before = found.len();
        match path.is_dir() {
            true => files_below(path, &format!(".{RECORDING_EXTENSION}"), &mut found)?,
            false => found.push(path.clone()),
        }
        if found.len() == before {
            return Err(Diagnostic::error(format!("no recordings in `{}`", path.display()))
                .note(format!("names of recordings end with `.{RECORDING_EXTENSION}`"))
                .help("create them with `lockgate eval --record <folder>`")
                .into());
        }
    }
    // A recording that was given twice is replayed once.
    let mut known = BTreeSet::new();
    found.retain(|path| known.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

/// The components beside recordings, and those that were given.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn components(recordings: &[PathBuf], named: &[PathBuf]) -> Result<Vec<Arc<[u8]>>, InvalidInput> {
    let beside = recordings.iter().filter_map(|file| file.parent());
    let folders: BTreeSet<PathBuf> = beside.map(|folder| folder.join(COMPONENTS)).collect();
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        files_below(folder, ".wasm", &mut files)?;
    }
    for path in named {
        match path {
            path if path.is_dir() => files_below(path, ".wasm", &mut files)?,
            path => files.push(path.clone()),
        }
    }
    files.iter().map(|file| Ok(read_bytes(file, "plugin", LARGEST_COMPONENT)?.into())).collect()
}

/// Reads a recording, or returns why it cannot be read.
pub(crate) fn read(path: &Path) -> Result<Recording, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST_RECORDING {
        return Err(format!("the file is too large: {size} bytes, and the limit is {LARGEST_RECORDING}"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    Recording::decode(&bytes).map_err(|error| error.to_string())
}

fn files_below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) -> Result<(), InvalidInput> {
    let unreadable = |error: std::io::Error| {
        InvalidInput::from(Diagnostic::error(format!("cannot read the folder `{}`: {error}", folder.display())))
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.path());
    }
    names.sort_unstable();
    for path in names {
        // Links to folders are not followed: they may lead in circles.
        if path.is_dir() && !path.is_symlink() {
            files_below(&path, ending, found)?;
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(())
}

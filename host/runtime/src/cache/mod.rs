//! The cache of compiled plugins on disk.
//!
//! Machine code cannot be checked, so a file is used only if this host wrote it: the directory is private, each file is named
//! by everything that its content depends on, and each is sealed with a key that only the owner of the directory can read. A
//! file whose seal does not match is ignored, logged and replaced. A forger achieves at most that a plugin is compiled again.

mod code;
mod directory;
mod seal;

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lockgate_domain::{Description, Digest, PluginReadiness};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine as WasmEngine;
use wasmtime::component::Component;

pub use directory::CacheError;
use seal::Seal;

use crate::freeze::StartUp;

/// The format of the files of plugins. Raise it whenever their content changes in a way that their names do not show.
const FORMAT: &[u8] = b"lockgate compiled plugin, format 2";
/// The format of the files with the code of components without settings.
const CODE_FORMAT: &[u8] = b"lockgate compiled component, format 1";

/// The extension of these files.
const CODE: &str = "code";
/// The largest size of these files together, in bytes: room for a dozen language runtimes.
const MOST_CODE: u64 = 512 << 20;

/// Everything about a loaded plugin except its machine code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PluginProfile {
    /// The result of its `describe`.
    pub(crate) description: Description,
    /// The result of its `configure`.
    pub(crate) readiness: PluginReadiness,
    /// The names of its imports, with their versions.
    pub(crate) imports: Vec<String>,
    /// The names of its exports, with their versions.
    pub(crate) exports: Vec<String>,
    /// The names of the methods of `evaluation` that it imports.
    pub(crate) methods: Vec<String>,
    /// The SHA-256 digest of the settings that it was configured with, in their normal form.
    pub(crate) settings: Digest,
    /// Whether the code is that of the frozen plugin.
    pub(crate) start_up: StartUp,
}

/// A cache in one directory.
#[derive(Debug)]
pub(crate) struct CodeCache {
    directory: PathBuf,
    seal: Seal,
    /// A digest of the engine, its settings and the kind of machine, and of whether the runtime freezes plugins.
    engine: Digest,
}

impl CodeCache {
    pub(crate) fn open(directory: &Path, engine: &WasmEngine, freeze: bool) -> Result<Self, CacheError> {
        directory::make_private(directory)?;
        let seal = Seal::new(&directory::key(directory)?);
        let mut compatibility = StableHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        freeze.hash(&mut compatibility);
        let engine = Digest::of(&compatibility.0.finalize());
        Ok(Self { directory: directory.to_owned(), seal, engine })
    }

    /// Reads what was stored for a component with these settings, as they were written; none if there is no valid file.
    pub(crate) fn find(
        &self,
        engine: &WasmEngine,
        component: Digest,
        settings: Digest,
    ) -> Option<(PluginProfile, Component)> {
        self.read(engine, &self.plugin_name(component, settings))
    }

    /// Stores what was compiled for a component with these settings. An error only costs time later, so it is logged.
    pub(crate) fn keep(&self, component: Digest, settings: Digest, profile: &PluginProfile, compiled: &Component) {
        self.write(&self.plugin_name(component, settings), profile, compiled);
    }

    /// Reads the code that was stored for the component with that digest; none if there is no valid file.
    pub(crate) fn find_code(&self, engine: &WasmEngine, component: Digest) -> Option<Component> {
        let name = self.code_name(component);
        let ((), code) = self.read(engine, &name)?;
        // The files that were used last are removed last.
        let used = File::open(self.directory.join(&name)).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = used {
            tracing::debug!(file = name, %error, "cannot set the date of a compiled plugin");
        }
        Some(code)
    }

    /// Stores the code of a component that does not depend on settings. An error is logged, as for [`CodeCache::keep`].
    pub(crate) fn keep_code(&self, component: Digest, compiled: &Component) {
        self.write(&self.code_name(component), &(), compiled);
        if let Err(error) = self.remove_unused_code(MOST_CODE) {
            tracing::warn!(directory = %self.directory.display(), %error, "cannot remove unused compiled plugins");
        }
    }

    /// Removes the files with code that were used least recently, until the others have at most `most` bytes.
    fn remove_unused_code(&self, most: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == CODE) {
                // Another process may have removed it in the meantime.
                let Ok(metadata) = path.metadata() else { continue };
                files.push((metadata.modified()?, metadata.len(), path));
            }
        }
        files.sort_by(|one, other| other.cmp(one));
        let (mut kept, mut failed) = (0, Ok(()));
        for (_, size, path) in files {
            kept += size;
            if kept > most {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => failed = Err(error),
                    _ => {}
                }
            }
        }
        failed
    }

    /// Reads a file; none if there is no valid file.
    fn read<F: DeserializeOwned>(&self, engine: &WasmEngine, name: &str) -> Option<(F, Component)> {
        let bytes = match fs::read(self.directory.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = name, %error, "cannot read a compiled plugin; compiling it again");
                return None;
            }
        };
        let Some(verified) = self.seal.open(name, &bytes) else {
            tracing::warn!(file = name, "this host did not write this compiled plugin; compiling it again");
            return None;
        };
        let profile = serde_json::from_slice(verified.profile()).map_err(|error| error.to_string());
        let code = code::revive(engine, verified).map_err(|error| format!("{error:#}"));
        match profile.and_then(|profile| Ok((profile, code?))) {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::warn!(file = name, error, "a compiled plugin does not fit this host; compiling it again");
                None
            }
        }
    }

    /// Writes a file, or logs why that failed.
    fn write(&self, name: &str, profile: &impl Serialize, compiled: &Component) {
        if let Err(error) = self.try_write(name, profile, compiled) {
            tracing::warn!(file = name, error, "cannot store a compiled plugin");
        }
    }

    fn try_write(&self, name: &str, profile: &impl Serialize, compiled: &Component) -> Result<(), String> {
        let profile = serde_json::to_vec(profile).map_err(|error| error.to_string())?;
        let code = compiled.serialize().map_err(|error| format!("{error:#}"))?;
        let sealed = self.seal.close(name, &profile, &code);
        // Readers see the old file or the new one, never a part.
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(|error| error.to_string())?;
        file.write_all(&sealed).map_err(|error| error.to_string())?;
        file.persist(self.directory.join(name)).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// The name of the file of a component with settings.
    fn plugin_name(&self, component: Digest, settings: Digest) -> String {
        self.name(FORMAT, &[component, settings], "plugin")
    }

    /// The name of the file of a component without settings.
    fn code_name(&self, component: Digest) -> String {
        self.name(CODE_FORMAT, &[component], CODE)
    }

    /// The name of a file: a digest of what it was made of, and one of the engine.
    fn name(&self, format: &[u8], parts: &[Digest], extension: &str) -> String {
        let mut made_of = Sha256::new();
        for part in [format, lockgate_domain::CONTRACT_VERSION.as_bytes()] {
            made_of.update(part);
            made_of.update([0]);
        }
        for part in parts {
            made_of.update(part.as_bytes());
        }
        let made_of = Digest::of(&made_of.finalize()).hex();
        format!("{made_of}-{:.16}.{extension}", self.engine.hex())
    }
}

/// A hasher that gives the same digest in every process.
struct StableHasher(Sha256);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        #[expect(clippy::expect_used, reason = "a digest of SHA-256 has 32 bytes")]
        u64::from_le_bytes(*digest.first_chunk().expect("eight bytes"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::time::Duration;

    use super::*;

    #[test]
    fn the_code_that_was_used_last_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&folder.path().join("cache"), &WasmEngine::default(), true).unwrap();
        for (age, name) in ["new.code", "old.code", "older.code", "older.plugin"].into_iter().enumerate() {
            let file = File::create(cache.directory.join(name)).unwrap();
            file.set_len(100).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(60 * age as u64)).unwrap();
        }
        cache.remove_unused_code(250).unwrap();
        let there = |name: &str| cache.directory.join(name).exists();
        assert!(there("new.code") && there("old.code") && !there("older.code"));
        assert!(there("older.plugin"), "what has settings is another matter");
    }
}

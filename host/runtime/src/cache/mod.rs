//! Compiled plugins, kept on disk.
//!
//! Compiled code is trusted wholly by whoever runs it, so a file is only as good as the proof that this host wrote it:
//! the directory is nobody else's, each file is named by everything that its content depends on, and each is sealed
//! with a key that lies beside it and is readable by its owner alone. A file that does not hold is ignored, told
//! about, and replaced; the worst that a forger achieves is that a plugin is compiled again.

mod code;
mod directory;
mod seal;

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use lockgate_domain::{Description, Digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

pub use directory::CacheError;
use seal::Seal;

use crate::freeze::Freezing;

/// Raised whenever what is kept, or how it comes about, changes in a way that the names of files do not show.
const FORMAT: &[u8] = b"lockgate compiled plugin, format 1";

/// Everything about a loaded plugin but its machine code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Findings {
    /// What it says of itself.
    pub(crate) description: Description,
    /// Its imports, by name.
    pub(crate) imports: Vec<String>,
    /// Its exports, by name.
    pub(crate) exports: Vec<String>,
    /// Whether the code starts configured.
    pub(crate) freezing: Freezing,
}

/// The cache in one directory.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    seal: Seal,
    /// Distinguishes what different engines, settings of the engine or machines compile, and runtimes that freeze from
    /// those that do not.
    engine: Digest,
}

impl Cache {
    pub(crate) fn open(directory: &Path, engine: &Engine, freeze: bool) -> Result<Self, CacheError> {
        directory::make_private(directory)?;
        let seal = Seal::new(&directory::key(directory)?);
        let mut compatibility = Hashed(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        freeze.hash(&mut compatibility);
        let engine = Digest::of(&compatibility.0.finalize());
        Ok(Self { directory: directory.to_owned(), seal, engine })
    }

    /// What was kept for a component with these settings, if it holds.
    pub(crate) fn find(&self, engine: &Engine, component: Digest, settings: Digest) -> Option<(Findings, Component)> {
        let name = self.name(component, settings);
        let bytes = match fs::read(self.directory.join(&name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = name, %error, "a compiled plugin cannot be read and is compiled again");
                return None;
            }
        };
        let Some(genuine) = self.seal.open(&name, &bytes) else {
            tracing::warn!(file = name, "a compiled plugin is not one that this host wrote: it is compiled again");
            return None;
        };
        let findings = serde_json::from_slice(genuine.findings()).map_err(|error| error.to_string());
        let code = code::revive(engine, genuine).map_err(|error| format!("{error:#}"));
        match findings.and_then(|findings| Ok((findings, code?))) {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::warn!(file = name, error, "a compiled plugin does not fit this host: it is compiled again");
                None
            }
        }
    }

    /// Keeps what was compiled. A cache that cannot be written to costs time and nothing else, so that is only told.
    pub(crate) fn keep(&self, component: Digest, settings: Digest, findings: &Findings, compiled: &Component) {
        let name = self.name(component, settings);
        if let Err(error) = self.write(&name, findings, compiled) {
            tracing::warn!(file = name, error, "a compiled plugin cannot be kept");
        }
    }

    fn write(&self, name: &str, findings: &Findings, compiled: &Component) -> Result<(), String> {
        let findings = serde_json::to_vec(findings).map_err(|error| error.to_string())?;
        let code = compiled.serialize().map_err(|error| format!("{error:#}"))?;
        let sealed = self.seal.close(name, &findings, &code);
        // Readers see the old file or the new one, never a part.
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(|error| error.to_string())?;
        file.write_all(&sealed).map_err(|error| error.to_string())?;
        file.persist(self.directory.join(name)).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// The name of a file: what it was made of, and for whom.
    fn name(&self, component: Digest, settings: Digest) -> String {
        let mut made_of = Sha256::new();
        for part in [FORMAT, lockgate_domain::CONTRACT_VERSION.as_bytes()] {
            made_of.update(part);
            made_of.update([0]);
        }
        made_of.update(component.as_bytes());
        made_of.update(settings.as_bytes());
        let made_of = Digest::of(&made_of.finalize()).hex();
        let engine = self.engine.hex();
        format!("{made_of}-{}.plugin", engine.get(..16).unwrap_or(&engine))
    }
}

/// A hasher that does not differ from one process to the next.
struct Hashed(Sha256);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

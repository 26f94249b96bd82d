//! Letting a hostile guest loose, and what comes of it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_domain::{Failure, Snapshot};
use lockgate_runtime::{AdmissionError, DirectoryGrant, LoadError, LoadRequest, Plugin, Runtime, RuntimeConfig};
use serde_json::json;

use super::{Damage, Hostile};
use crate::Guest;

/// What came of a guest: where it was stopped, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// How far it got: `admit`, `describe`, `configure`, `start` or `decide`.
    pub at: String,
    /// The kind of failure, or of refusal; `none` if it answered, and its attack came to nothing.
    pub failure: String,
}

/// Where guests are let loose: a runtime for each, so that each has the limits that it asks for.
#[derive(Debug)]
pub struct Range {
    cache: PathBuf,
}

/// A guest that can be run again and again.
pub struct Loud {
    guest: Hostile,
    runtime: Runtime,
    plugin: Option<Plugin>,
}

impl Met {
    fn new(at: &str, failure: &str) -> Self {
        Self { at: at.to_owned(), failure: failure.to_owned() }
    }

    fn failed(at: &str, failure: &Failure) -> (Self, String) {
        (Self::new(at, failure.kind.as_str()), failure.message.clone())
    }

    fn refused(error: &AdmissionError) -> (Self, String) {
        let how = match error {
            AdmissionError::Describe(failure) => return Self::failed("describe", failure),
            AdmissionError::TooLarge { .. } => "too-large",
            AdmissionError::NotWasm => "not-wasm",
            AdmissionError::CoreModule => "core-module",
            AdmissionError::Precompiled => "precompiled",
            AdmissionError::Invalid { .. } => "invalid",
            AdmissionError::Beyond { .. } => "beyond",
            AdmissionError::Costly { .. } => "costly",
            AdmissionError::CostlyFunction { .. } => "costly-function",
            AdmissionError::Unforeseeable => "unforeseeable",
            AdmissionError::CompileTime { .. } => "compile-time",
            AdmissionError::Refused(_) => "refused",
            AdmissionError::Compile(_) => "compile",
            AdmissionError::Types(_) => "types",
            AdmissionError::SettingsSchema(_) => "settings-schema",
            _ => "another",
        };
        (Self::new("admit", how), error.to_string())
    }

    fn not_loaded(error: &LoadError) -> (Self, String) {
        match error {
            LoadError::Admission(error) => Self::refused(error),
            LoadError::Configure(failure) => Self::failed("configure", failure),
            LoadError::Start(failure) => Self::failed("start", failure),
            LoadError::Settings(_) => (Self::new("configure", "settings"), error.to_string()),
            _ => (Self::new("load", "another"), error.to_string()),
        }
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.failure {
            "none" => write!(f, "none: it answers"),
            failure => write!(f, "`{failure}` at `{}`", self.at),
        }
    }
}

impl Range {
    /// One whose caches lie in an empty directory.
    #[must_use]
    pub fn new(cache: &Path) -> Self {
        Self { cache: cache.to_owned() }
    }

    /// Lets a guest loose that often. What came of it, with the message: the same every time, or this fails.
    ///
    /// # Errors
    /// If it was not the same every time.
    ///
    /// # Panics
    /// If there is no runtime to be had.
    pub fn run(&self, guest: &Hostile, snapshot: &Arc<Snapshot>, times: usize) -> Result<(Met, String), String> {
        let cache = self.cache.join(&guest.name);
        let guest = &guest.granted(&self.cache)?;
        let runtime = guest.damage.map(|_| runtime(guest, Some(cache.clone())));
        if let (Some(damage), Some(runtime)) = (guest.damage, &runtime) {
            let loaded = runtime.load(guest.request());
            loaded.map_err(|error| format!("it has to load before its file is damaged: {error}"))?;
            self.damage(guest, &cache, damage)?;
        }
        // Several guests are one component with different settings, which is compiled once for them.
        let runtime = runtime.unwrap_or_else(|| self::runtime(guest, Some(self.cache.join("shared"))));
        let plugin = match runtime.load(guest.request()) {
            Ok(plugin) => plugin,
            Err(error) => return Ok(Met::not_loaded(&error)),
        };
        let decide = || {
            let evaluation = plugin.decide(snapshot);
            let said = match &evaluation.outcome {
                Ok(answer) => (Met::new("decide", "none"), format!("{answer:?}")),
                Err(failure) => Met::failed("decide", failure),
            };
            // What is stopped by the clock is stopped anywhere.
            let clocked = said.0.failure == "timed-out";
            (if clocked { (said.0, String::new()) } else { said }, evaluation.receipt.fuel * u64::from(!clocked))
        };
        let (first, fuel) = decide();
        for time in 1..times {
            let (again, used) = decide();
            if (&again, used) != (&first, fuel) {
                return Err(format!("time {time} was {again:?} with {used} fuel, and the first {first:?} with {fuel}"));
            }
        }
        Ok(first)
    }

    /// Does that to the one compiled plugin in the cache.
    fn damage(&self, guest: &Hostile, cache: &Path, damage: Damage) -> Result<(), String> {
        let file = compiled(cache)?;
        let mut bytes = fs::read(&file).map_err(|error| error.to_string())?;
        match damage {
            Damage::Truncated => bytes.truncate(bytes.len() / 2),
            Damage::Flipped => bytes.last_mut().into_iter().for_each(|byte| *byte ^= 1),
            Damage::Forged => {
                let elsewhere = self.cache.join(format!("{}-elsewhere", guest.name));
                let loaded = runtime(guest, Some(elsewhere.clone())).load(guest.request());
                loaded.map_err(|error| error.to_string())?;
                bytes = fs::read(compiled(&elsewhere)?).map_err(|error| error.to_string())?;
            }
            Damage::AnotherPlugins => {
                // It would trap, if its code were run.
                fs::remove_file(&file).map_err(|error| error.to_string())?;
                let other = Guest { decide: "unreachable", ..Guest::default() }.request();
                let loaded = runtime(guest, Some(cache.to_owned())).load(other);
                loaded.map_err(|error| error.to_string())?;
                let other = compiled(cache)?;
                bytes = fs::read(&other).and_then(|bytes| fs::remove_file(&other).map(|()| bytes)).unwrap_or_default();
            }
        }
        fs::write(&file, bytes).map_err(|error| error.to_string())
    }
}

impl Hostile {
    /// The same with the grants that only exist while it runs; what it needs for them lies in that directory.
    fn granted(&self, directory: &Path) -> Result<Self, String> {
        let mut guest = self.clone();
        if let Some(peer) = self.peer {
            let (url, grant) = peer.start();
            guest.settings = json!({ "url": url });
            guest.grants.http.push(grant);
        }
        if self.files {
            let files = directory.join(format!("{}-files", self.name));
            laid_out(&files).map_err(|error| format!("its files cannot be laid out: {error}"))?;
            guest.grants.directories.insert("files".to_owned(), DirectoryGrant::new(files));
        }
        Ok(guest)
    }

    fn request(&self) -> LoadRequest {
        LoadRequest {
            component: Arc::clone(&self.component),
            settings: self.settings.clone(),
            grants: self.grants.clone(),
            limits: self.limits.clone(),
        }
    }

    /// The guest on a runtime that it shares with others, to be run again and again. What it needs lies in that
    /// directory.
    ///
    /// # Errors
    /// If that cannot be put there.
    pub fn loud(&self, runtime: &Runtime, directory: &Path) -> Result<Loud, String> {
        let guest = self.granted(directory)?;
        Ok(Loud { plugin: runtime.load(guest.request()).ok(), runtime: runtime.clone(), guest })
    }
}

impl Loud {
    /// Runs it once: it decides, or, if it was not let in, tries to get in.
    pub fn run(&self, snapshot: &Arc<Snapshot>) {
        match &self.plugin {
            Some(plugin) => drop(plugin.decide(snapshot)),
            None => drop(self.runtime.load(self.guest.request())),
        }
    }
}

fn runtime(guest: &Hostile, cache: Option<PathBuf>) -> Runtime {
    let config = RuntimeConfig { cache, pool_size: 4, setup: guest.setup.clone(), ..RuntimeConfig::default() };
    Runtime::new(config).unwrap()
}

/// What a guest that may read `files` finds there, and beside it what it may not.
fn laid_out(files: &Path) -> std::io::Result<()> {
    fs::create_dir_all(files)?;
    fs::write(files.join("open"), "for everybody")?;
    fs::write(files.with_extension("secret"), "for nobody")?;
    #[cfg(unix)]
    for (name, to) in [("out", files.with_extension("secret")), ("device", "/dev/zero".into()), ("loop", "loop".into())]
    {
        std::os::unix::fs::symlink(to, files.join(name))?;
    }
    Ok(())
}

/// The one compiled plugin that lies there.
fn compiled(cache: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(cache).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut files = entries.map_err(|error| error.to_string())?.into_iter().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "plugin")).ok_or("nothing is kept".into())
}

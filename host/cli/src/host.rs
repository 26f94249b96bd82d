//! The runtime that this process uses, and where it keeps what it compiled.

use std::path::PathBuf;

use anyhow::Context as _;
use lockgate_runtime::{Runtime, RuntimeConfig, RuntimeError};

/// Starts the runtime. Compiled plugins are kept in `cache`, or where the user's caches are.
///
/// # Errors
/// If it cannot be started, or the folder that was asked for cannot be used.
pub(crate) fn runtime(cache: Option<PathBuf>) -> anyhow::Result<Runtime> {
    let asked = cache.is_some();
    let cache = cache.or_else(usual_cache);
    let started = Runtime::new(RuntimeConfig { cache, ..RuntimeConfig::default() });
    match started {
        // Nobody asked for the usual folder: without it everything works, only slower.
        Err(RuntimeError::Cache(error)) if !asked => {
            tracing::warn!("compiled plugins are not kept: {error}");
            Runtime::new(RuntimeConfig::default())
        }
        started => started,
    }
    .context("the plugin runtime cannot be started")
}

fn usual_cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("lockgate"))
}

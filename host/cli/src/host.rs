//! The runtime that this process uses, and where it keeps what it compiled and what plugins keep.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use lockgate_runtime::{FolderOfNamespaces, Namespaces, Runtime, RuntimeConfig, RuntimeError};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::options::Global;

/// Starts the runtime. Compiled plugins are kept where the command line says, or where the user's caches are.
///
/// # Errors
/// If it cannot be started, or a folder that was asked for cannot be used.
pub(crate) fn runtime(global: &Global) -> anyhow::Result<Runtime> {
    let cache = global.cache.clone().or_else(usual_cache);
    let namespaces = match &global.state {
        Some(folder) => Some(Arc::new(FolderOfNamespaces::open(folder)?) as Arc<dyn Namespaces>),
        None => None,
    };
    let started = start(cache, namespaces.clone());
    match started {
        // Nobody asked for the usual folder: without it everything works, only slower.
        Err(RuntimeError::Cache(error)) if global.cache.is_none() => {
            tracing::warn!("compiled plugins are not kept: {error}");
            start(None, namespaces)
        }
        started => started,
    }
    .context("the plugin runtime cannot be started")
}

fn start(cache: Option<PathBuf>, namespaces: Option<Arc<dyn Namespaces>>) -> Result<Runtime, RuntimeError> {
    let config = RuntimeConfig { cache, ..RuntimeConfig::default() };
    match namespaces {
        Some(namespaces) => Runtime::with_namespaces(config, namespaces),
        None => Runtime::new(config),
    }
}

/// Whether there is a place for the values that a plugin was granted.
///
/// # Errors
/// If there is none.
pub(crate) fn has_place_for<'a>(
    global: &Global,
    mut namespaces: impl Iterator<Item = &'a str>,
) -> Result<(), InvalidInput> {
    match (&global.state, namespaces.next()) {
        (None, Some(namespace)) => {
            let title = format!("a plugin is granted the namespace `{namespace}`, and there is no place to keep it");
            Err(Diagnostic::error(title).help("say where: `--state <folder>`").into())
        }
        _ => Ok(()),
    }
}

fn usual_cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("lockgate"))
}

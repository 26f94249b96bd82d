//! The plugin runtime of this process, with its cache of compiled plugins and the values that plugins store.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use lockgate_runtime::{FolderOfNamespaces, Namespaces, Runtime, RuntimeConfig, RuntimeError};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::options::GlobalOptions;

/// Starts the runtime. The cache is in the folder of `--cache`, or in the user's cache folder.
///
/// # Errors
/// If the runtime cannot start, or a folder that was given cannot be used.
pub(crate) fn runtime(global: &GlobalOptions) -> anyhow::Result<Runtime> {
    let cache = global.cache.clone().or_else(default_cache);
    let namespaces = match &global.state {
        Some(folder) => Some(Arc::new(FolderOfNamespaces::open(folder)?) as Arc<dyn Namespaces>),
        None => None,
    };
    let started = start(cache, namespaces.clone());
    match started {
        // The default folder is optional: without a cache everything works, only slower.
        Err(RuntimeError::Cache(error)) if global.cache.is_none() => {
            tracing::warn!("compiled plugins are not cached: {error}");
            start(None, namespaces)
        }
        started => started,
    }
    .context("cannot start the plugin runtime")
}

fn start(cache: Option<PathBuf>, namespaces: Option<Arc<dyn Namespaces>>) -> Result<Runtime, RuntimeError> {
    let config = RuntimeConfig { cache, ..RuntimeConfig::default() };
    match namespaces {
        Some(namespaces) => Runtime::with_namespaces(config, namespaces),
        None => Runtime::new(config),
    }
}

/// Checks that `--state` was given if a plugin is granted a namespace.
///
/// # Errors
/// If it was not.
pub(crate) fn check_state_folder<'a>(
    global: &GlobalOptions,
    mut namespaces: impl Iterator<Item = &'a str>,
) -> Result<(), InvalidInput> {
    match (&global.state, namespaces.next()) {
        (None, Some(namespace)) => {
            let title = format!("`--state` is required: a plugin is granted the key-value namespace `{namespace}`");
            Err(Diagnostic::error(title).help("give a folder for its values with `--state <folder>`").into())
        }
        _ => Ok(()),
    }
}

fn default_cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("lockgate"))
}

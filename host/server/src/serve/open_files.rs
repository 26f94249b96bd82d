//! How many files the process may have open. Each connection is one; without any left, not even the ledger can be opened.

/// How many files are kept for everything but connections: the ledger and its readers, caches, logs, files of plugins.
pub(super) const FILES_BESIDE_CONNECTIONS: usize = 512;

/// Raises the limit as far as the system lets this process, and says what it is. None: there is no limit, or none is known.
#[cfg(unix)]
pub(super) fn raise_limit() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
pub(super) fn raise_limit() -> Option<usize> {
    None
}

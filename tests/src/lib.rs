//! End-to-end tests of Lockgate, through public doors: the WIT contract, the tree that `cargo xtask dist` lays out, and
//! the command in it. The tests are under `tests/`; here stands only where they find what they test.

use std::path::{Path, PathBuf};

/// A path in the repository.
#[must_use]
pub fn repository(relative: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).join(relative)
}

/// A path in the tree that `cargo xtask dist` lays out, and a release archive holds.
#[must_use]
pub fn tree(relative: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository("target"), |target| repository("").join(target));
    target.join("lockgate").join(relative)
}

//! Where things lie in the repository, and the cargo that builds them.

use std::env;
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The kinds of plugin, which are the folders under `plugins/` that hold one crate for each plugin.
const PLUGIN_KINDS: [&str; 3] = ["approval", "check", "strategy"];

/// The checked-out repository.
#[derive(Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// The repository that this binary was compiled in.
    pub(crate) fn here() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target));
        Self { root, target, cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()) }
    }

    /// A path in the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path in the target directory.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// `cargo`, to be run in the host's workspace.
    pub(crate) fn cargo(&self) -> Command {
        self.cargo_in(&self.root)
    }

    /// `cargo`, to be run in the plugins' workspace.
    pub(crate) fn plugins_cargo(&self) -> Command {
        let mut cargo = self.cargo_in(&self.path("plugins"));
        cargo.env("CARGO_TARGET_DIR", self.target("plugins"));
        cargo
    }

    fn cargo_in(&self, folder: &Path) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.current_dir(folder);
        // What cargo told this binary about the crate `xtask` is not true of the crates that are built now.
        for (name, _) in env::vars_os() {
            let ours = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_PRIMARY_PACKAGE"
            });
            if ours {
                cargo.env_remove(&name);
            }
        }
        cargo
    }

    /// Where cargo puts the `lockgate` binary.
    pub(crate) fn built_binary(&self) -> PathBuf {
        self.target(&format!("debug/lockgate{EXE_SUFFIX}"))
    }

    /// The `lockgate` binary of the tree that `dist` lays out.
    pub(crate) fn binary(&self) -> PathBuf {
        self.target(&format!("lockgate/bin/lockgate{EXE_SUFFIX}"))
    }

    /// The folders of the bundled plugins' crates, by kind and name.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub(crate) fn plugin_crates(&self) -> Result<Vec<PathBuf>> {
        let mut crates = Vec::new();
        for kind in PLUGIN_KINDS {
            crates.extend(folders_with(&self.path("plugins").join(kind), "Cargo.toml")?);
        }
        Ok(crates)
    }
}

/// The folders right inside `parent` that hold a file called `file`, by name; none if there is no `parent`.
///
/// # Errors
/// `parent` cannot be read.
pub(crate) fn folders_with(parent: &Path, file: &str) -> Result<Vec<PathBuf>> {
    if !parent.exists() {
        return Ok(Vec::new());
    }
    let mut folders = std::fs::read_dir(parent)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>())
        .with_context(|| format!("cannot read the folder `{}`", parent.display()))?;
    folders.retain(|folder| folder.join(file).is_file());
    folders.sort();
    Ok(folders)
}

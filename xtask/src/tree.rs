//! What of a release is text: the documentation, the examples, the contract and the plugin SDK, laid out so that every link
//! leads somewhere.
//!
//! The SDK is what `cargo package` makes of it: a crate with a `Cargo.toml` that stands alone, and the contract inside. A
//! crate beside the tree takes it as a path dependency, in whatever workspace it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::dist::{copy_tree, install, renew};
use crate::links::{self, Places};
use crate::steps;
use crate::workspace::Workspace;

/// The crate of the SDK, and its folder in the repository.
const SDK_CRATE: &str = "lockgate-plugin";
const SDK: &str = "plugins/sdk";
/// The folders that are taken over, except for what is [built](BUILT) in them.
const FOLDERS: [&str; 3] = ["docs", "examples", "wit"];
/// What building an example leaves in its folder. None of it is taken over, at any depth. The `.gitignore` files of the examples
/// name the same files and folders.
const BUILT: [&str; 6] = ["__pycache__", "node_modules", "out", "package-lock.json", "target", "venv"];
/// The files beside them.
const FILES: [&str; 4] = ["README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"];
/// What `cargo package` adds for registries.
const OF_REGISTRIES: [&str; 2] = [".cargo_vcs_info.json", "Cargo.toml.orig"];

/// Lays the texts out in a folder, in place of those that are there.
///
/// # Errors
/// A file cannot be read or written, the SDK cannot be packaged, or a link leads nowhere.
pub(crate) fn lay_out(workspace: &Workspace, tree: &Path) -> Result<()> {
    for name in FOLDERS {
        let folder = tree.join(name);
        renew(&folder)?;
        copy_tree(&workspace.path(name), &folder, &BUILT)?;
    }
    for name in FILES {
        install(&workspace.path(name), &tree.join(name))?;
    }
    let plugins = plugin_pages(workspace)?;
    for (page, place) in &plugins {
        install(&workspace.path("").join(page), &tree.join(place))?;
    }
    package_sdk(workspace, &tree.join("sdk"))?;
    let mut pages: Vec<PathBuf> = plugins.iter().map(|(_, place)| tree.join(place)).collect();
    pages.extend(FILES.iter().filter(|name| name.ends_with(".md")).map(|name| tree.join(name)));
    for name in FOLDERS.iter().chain(&["sdk"]) {
        pages.extend(links::pages(&tree.join(name))?);
    }
    let places = places(plugins);
    for page in pages {
        relink(workspace, tree, &page, &places)?;
    }
    for manifest in manifests(&tree.join("examples/plugins"))? {
        let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
        write(&manifest, &text.replace(&format!("/{SDK}\""), "/sdk\""))?;
    }
    let broken = links::broken(tree)?;
    anyhow::ensure!(broken.is_empty(), "there are links that lead nowhere:\n{}", broken.join("\n"));
    Ok(())
}

/// The pages of the bundled plugins: where each is in the repository, and in the tree, beside its component.
fn plugin_pages(workspace: &Workspace) -> Result<Places> {
    let root = workspace.path("");
    let page = |folder: PathBuf| {
        let name = folder.file_name()?.to_owned();
        let page = folder.strip_prefix(&root).ok()?.join("README.md");
        Some((page, Path::new("plugins").join(name).with_extension("md")))
    };
    Ok(workspace.plugin_crates()?.into_iter().filter_map(page).collect())
}

fn places(plugins: Places) -> Places {
    let same = FOLDERS.iter().chain(&FILES).map(|name| (PathBuf::from(name), PathBuf::from(name)));
    plugins.into_iter().chain([(SDK.into(), "sdk".into())]).chain(same).collect()
}

/// Writes the links of a page anew.
fn relink(workspace: &Workspace, tree: &Path, page: &Path, places: &Places) -> Result<()> {
    let place = page.strip_prefix(tree).with_context(|| format!("`{}` is not in the tree", page.display()))?;
    let home = env!("CARGO_PKG_REPOSITORY");
    let (from, of_sdk);
    let places = match place.strip_prefix("sdk") {
        // The contract is inside of the SDK, too: its links stay there.
        Ok(within) => {
            from = if within.starts_with("wit") { within.to_owned() } else { Path::new(SDK).join(within) };
            let inside = [("wit".into(), "sdk/wit".into())];
            of_sdk = inside.into_iter().chain(places.iter().cloned()).collect();
            &of_sdk
        }
        Err(_) => {
            let found = places.iter().find_map(|(from, to)| Some(from.join(rest_of(place, to)?)));
            from = found.with_context(|| format!("nothing lays `{}` out", place.display()))?;
            places
        }
    };
    let text = fs::read_to_string(page).with_context(|| format!("cannot read `{}`", page.display()))?;
    write(page, &links::relinked(&text, &from, place, places, &workspace.path(""), home)?)
}

/// What is left of a path below another; nothing, if it is that.
fn rest_of(path: &Path, above: &Path) -> Option<PathBuf> {
    path.strip_prefix(above).ok().map(Path::to_owned)
}

/// Puts the packaged SDK into a folder.
fn package_sdk(workspace: &Workspace, folder: &Path) -> Result<()> {
    // All that it depends on is there: the plugins were built with it.
    let options = ["package", "--package", SDK_CRATE, "--allow-dirty", "--no-verify", "--offline", "--quiet"];
    let mut package = workspace.plugins_cargo();
    // A package that is there already may be of another state.
    let packages = workspace.target("plugins/package");
    renew(&packages)?;
    steps::capture(package.args(options))?;
    let package = one_in(&packages)?;
    steps::capture(Command::new("tar").current_dir(&packages).arg("-xzf").arg(&package))?;
    renew(folder)?;
    copy_tree(&package.with_extension(""), folder, &[])?;
    for file in OF_REGISTRIES {
        let path = folder.join(file);
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot delete `{}`", path.display()))?;
        }
    }
    // Above it, cargo writes what there is to say of a package of a registry.
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    let lines = text.split_inclusive('\n').skip_while(|line| line.starts_with('#') || line.trim().is_empty());
    write(&manifest, &lines.collect::<String>())
}

/// The one package in a folder: `lockgate-plugin-1.2.3.crate`.
fn one_in(folder: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let package = entries.find_map(|entry| {
        let path = entry.ok()?.path();
        (path.extension()? == "crate").then_some(path)
    });
    package.with_context(|| format!("cargo has made no package in `{}`", folder.display()))
}

/// The `Cargo.toml` files of the crates right inside a folder.
fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let crates = crate::workspace::folders_with(folder, "Cargo.toml")?;
    Ok(crates.into_iter().map(|folder| folder.join("Cargo.toml")).collect())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    /// `lay_out` refuses a link that leads nowhere, so that this is a test of every page.
    #[test]
    fn every_link_of_the_laid_out_tree_leads_somewhere_and_the_sdk_stands_alone() {
        let tree = tempfile::tempdir().unwrap();
        lay_out(&Workspace::here(), tree.path()).unwrap();
        for file in
            ["docs/cli.md", "plugins/four-eyes.md", "sdk/README.md", "sdk/src/lib.rs", "sdk/wit/types/types.wit"]
        {
            assert!(tree.path().join(file).is_file(), "{file}");
        }
        let readme = fs::read_to_string(tree.path().join("README.md")).unwrap();
        assert!(readme.contains("](sdk/README.md)") && !readme.contains("](plugins/sdk"), "{readme}");
        let manifest = fs::read_to_string(tree.path().join("sdk/Cargo.toml")).unwrap();
        assert!(!manifest.contains("workspace"), "{manifest}");
        let example = fs::read_to_string(tree.path().join("examples/plugins/risk-approvals-rust/Cargo.toml")).unwrap();
        assert!(example.contains(r#"lockgate-plugin = { path = "../../../sdk" }"#), "{example}");
    }

    #[test]
    fn what_building_an_example_leaves_is_not_taken_over() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sources = ["README.md", "plugin/src/lib.rs", "plugin/outline.md"];
        let built = BUILT.map(|name| format!("plugin/{name}/file"));
        for file in sources.into_iter().chain(built.iter().map(String::as_str)) {
            let path = from.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        copy_tree(from.path(), to.path(), &BUILT).unwrap();
        assert_eq!(sources.map(|file| to.path().join(file).is_file()), [true; 3]);
        assert_eq!(BUILT.map(|name| to.path().join("plugin").join(name).exists()), [false; 6]);
    }

    #[test]
    fn what_the_examples_have_git_ignore_is_not_taken_over() {
        let plugins = Workspace::here().path("examples/plugins");
        let examples = crate::workspace::folders_with(&plugins, ".gitignore").unwrap();
        assert!(!examples.is_empty(), "`{}` has examples that are built", plugins.display());
        for example in examples {
            let ignored = fs::read_to_string(example.join(".gitignore")).unwrap();
            for name in ignored.lines().map(|line| line.trim_matches('/')) {
                assert!(BUILT.contains(&name), "`{}` ignores `{name}`", example.display());
            }
        }
    }

    #[test]
    fn every_link_of_the_repository_leads_somewhere() {
        let root = Workspace::here().path("");
        let mut broken = Vec::new();
        for folder in
            ["docs", "examples", "plugins/approval", "plugins/check", "plugins/strategy", "wit", "tests/hostile"]
        {
            broken.extend(links::broken(&root.join(folder)).unwrap());
        }
        assert_eq!(broken, [""; 0]);
    }
}

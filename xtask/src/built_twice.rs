//! The guard against building a crate of somebody else twice.
//!
//! cargo builds a crate anew for each set of features that a selection of our crates needs of it, and once more for build
//! scripts and macros. One such difference deep down builds Wasmtime and the compiler in it again, which takes minutes. Each
//! build here notes what it built; this compares the notes. The crates of `xtask` itself, which are few, are left out: it is
//! built before everything else, alone. Where two versions of a crate are built is the business of
//! `cargo deny`, in `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::progress::Selection;
use crate::workspace::Workspace;

/// A library that was built: of which package, with which features, and into which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    package: String,
    features: BTreeSet<String>,
    file: String,
}

/// The unit that a message of `cargo build --message-format=json` tells about, if it is a library of somebody else.
pub(crate) fn unit(message: &Value) -> Option<Unit> {
    let kind = message.pointer("/target/kind/0")?.as_str()?;
    let package = message["package_id"].as_str()?;
    if message["reason"] != "compiler-artifact" || kind == "custom-build" || package.starts_with("path+") {
        return None;
    }
    read(&json!({
        "package": package.rsplit_once('#').map_or(package, |(_, name)| name),
        "features": message["features"],
        "file": message.pointer("/filenames/0")?,
    }))
}

fn read(unit: &Value) -> Option<Unit> {
    Some(Unit {
        package: unit["package"].as_str()?.to_owned(),
        features: unit["features"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        file: unit["file"].as_str()?.to_owned(),
    })
}

/// Notes what was built for a selection.
///
/// # Errors
/// The note cannot be written.
pub(crate) fn note(workspace: &Workspace, selection: Selection, units: &[Unit]) -> Result<()> {
    let units: Vec<Value> = units
        .iter()
        .map(|unit| json!({"package": unit.package, "features": unit.features, "file": unit.file}))
        .collect();
    let file = workspace.target("built").join(format!("{selection:?}.json"));
    fs::create_dir_all(workspace.target("built"))
        .and_then(|()| fs::write(&file, json!(units).to_string()))
        .with_context(|| format!("cannot write `{}`", file.display()))
}

/// Compares what was built for all selections.
///
/// # Errors
/// Something was built twice, with the way out; or a selection was not built yet.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut built = Vec::new();
    for selection in Selection::ALL {
        let file = workspace.target("built").join(format!("{selection:?}.json"));
        let text = fs::read(&file).with_context(|| {
            format!("there is no `{}`: `cargo xtask check` builds everything before it compares", file.display())
        })?;
        let units: Vec<Value> = serde_json::from_slice(&text).context(file.display().to_string())?;
        built.extend(units.iter().filter_map(read));
    }
    match twice(&built).as_str() {
        "" => Ok(()),
        found => bail!(
            "some crates are built more than once:\n{found}Ask for all of these features in \
             `host/workspace-hack/Cargo.toml`, in both of its lists of dependencies, and run `cargo xtask check` again. A crate with the \
             same features is built twice where one of those that it depends on is (`cargo tree -p NAME` lists them), or \
             where only macros need it in one build: name it there too"
        ),
    }
}

/// What was built more than once, with the features that not all of its builds have. Empty: nothing.
fn twice(built: &[Unit]) -> String {
    let mut files: BTreeMap<&str, BTreeMap<&str, &BTreeSet<String>>> = BTreeMap::new();
    for unit in built {
        files.entry(&unit.package).or_default().insert(&unit.file, &unit.features);
    }
    let mut found = String::new();
    for (package, builds) in files.iter().filter(|(_, builds)| builds.len() > 1) {
        let all: BTreeSet<&str> = builds.values().copied().flatten().map(String::as_str).collect();
        let apart: Vec<&str> =
            all.into_iter().filter(|feature| !builds.values().all(|has| has.contains(*feature))).collect();
        let why = match apart.as_slice() {
            [] => "with the same features".to_owned(),
            apart => format!("not each time with {}", apart.join(", ")),
        };
        found += &format!("- `{package}`: {} times, {why}\n", builds.len());
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn artifact(package: &str, features: &[&str], file: &str) -> Unit {
        let message = json!({
            "reason": "compiler-artifact",
            "package_id": format!("registry+https://example.org/index#{package}"),
            "target": {"kind": ["lib"]},
            "features": features,
            "filenames": [file],
        });
        unit(&message).unwrap()
    }

    #[test]
    fn what_each_selection_shares_is_built_once() {
        let serde = || artifact("serde@1.0.229", &["derive", "std"], "deps/libserde-1.rmeta");
        assert_eq!(twice(&[serde(), artifact("itoa@1.0.18", &[], "deps/libitoa-1.rmeta"), serde()]), "");
    }

    #[test]
    fn another_set_of_features_is_named() {
        let built = [
            artifact("serde@1.0.229", &["derive", "std"], "deps/libserde-1.rmeta"),
            artifact("serde@1.0.229", &["rc", "std"], "deps/libserde-2.rmeta"),
        ];
        assert_eq!(twice(&built), "- `serde@1.0.229`: 2 times, not each time with derive, rc\n");
    }

    #[test]
    fn the_same_features_with_another_cause_are_named_too() {
        let built =
            [artifact("wit-parser@0.254.2", &[], "deps/a.rmeta"), artifact("wit-parser@0.254.2", &[], "deps/b.rmeta")];
        assert!(twice(&built).starts_with("- `wit-parser@0.254.2`: 2 times, with the same features"));
    }

    #[test]
    fn our_own_crates_and_build_scripts_are_not_counted() {
        let message = |id: &str, kind: &str| {
            json!({"reason": "compiler-artifact", "package_id": id, "target": {"kind": [kind]}, "features": [],
                   "filenames": ["x"]})
        };
        assert_eq!(unit(&message("path+file:///here/host/engine#lockgate-engine@0.1.0", "lib")), None);
        assert_eq!(unit(&message("registry+x#libc@0.2.191", "custom-build")), None);
        assert!(unit(&message("registry+x#libc@0.2.191", "lib")).is_some());
    }
}

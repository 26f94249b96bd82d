//! The bill of materials of the `lockgate` binary, as a CycloneDX 1.5 document.
//!
//! Written here rather than by a tool, because the demo has to run on a bare machine: the document is some twenty
//! keys, while the libraries that write it take minutes to compile. Which crates go into the binary is asked of
//! `cargo tree`, which alone knows the features that this one binary is built with; their licences come from
//! `cargo metadata`, their digests from `Cargo.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::digest;
use crate::steps;
use crate::workspace::Workspace;

/// Name and version; unique, because all crates come from one registry or from this repository.
type Crate = (String, String);

/// The bill of materials of the binary at `binary`.
///
/// # Errors
/// A file cannot be read, or cargo does not know the binary.
pub(crate) fn of_binary(workspace: &Workspace, binary: &Path) -> Result<Value> {
    let metadata = steps::capture(workspace.cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cannot read what `cargo metadata` printed")?;
    let lock = workspace.path("Cargo.lock");
    let lock = fs::read_to_string(&lock).with_context(|| format!("cannot read `{}`", lock.display()))?;

    let compiled_in = tree(workspace, "normal,no-proc-macro")?;
    let all = tree(workspace, "normal")?;
    document(&metadata, &checksums(&lock), &compiled_in, &all, &digest::of_file(binary)?)
}

/// The crates that `lockgate` is built from on this platform, along the given kinds of edge.
fn tree(workspace: &Workspace, edges: &str) -> Result<BTreeSet<Crate>> {
    let printed = steps::capture(
        workspace
            .cargo()
            .args(["tree", "--locked", "-p", "lockgate", "--edges", edges, "--prefix", "none", "--format", "{p}"])
            // It asks for features, and is no part of anything.
            .args(["--prune", "lockgate-workspace-hack"]),
    )?;
    Ok(printed.lines().filter_map(crate_of_line).collect())
}

/// Reads `name v1.2.3 (…)`.
fn crate_of_line(line: &str) -> Option<Crate> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    Some((name.to_owned(), version.to_owned()))
}

/// The checksums in `Cargo.lock`: SHA-256 over the crate as the registry serves it. Cargo writes that file itself, one
/// key on a line, so it is read without a TOML library, which would be most of what this crate compiles.
fn checksums(lock: &str) -> BTreeMap<Crate, String> {
    lock.split("[[package]]")
        .filter_map(|package| {
            let text = |key: &str| {
                let value =
                    package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'));
                value.map(str::to_owned)
            };
            Some(((text("name")?, text("version")?), text("checksum")?))
        })
        .collect()
}

fn document(
    metadata: &Value,
    checksums: &BTreeMap<Crate, String>,
    compiled_in: &BTreeSet<Crate>,
    all: &BTreeSet<Crate>,
    digest: &str,
) -> Result<Value> {
    let mut subject = None;
    let mut components = BTreeMap::new();
    for package in members(metadata, "/packages") {
        let key = key(package);
        if key.0 == "lockgate" {
            let mut component = component(package, "application");
            insert(&mut component, "hashes", json!([{ "alg": "SHA-256", "content": digest }]));
            subject = Some(component);
        } else if all.contains(&key) {
            let mut component = component(package, "library");
            // A procedural macro runs in the compiler: it shapes the binary, but is not in it.
            let scope = if compiled_in.contains(&key) { "required" } else { "excluded" };
            insert(&mut component, "scope", json!(scope));
            if let Some(checksum) = checksums.get(&key) {
                insert(&mut component, "hashes", json!([{ "alg": "SHA-256", "content": checksum }]));
            }
            components.insert(key, component);
        }
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "cargo xtask" }] },
            "component": subject.context("`cargo metadata` does not know the crate `lockgate`")?,
        },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies(metadata, all),
    }))
}

/// One CycloneDX component, without its digest.
fn component(package: &Value, kind: &str) -> Value {
    let key = key(package);
    let purl = purl(&key);
    let mut component = json!({
        "type": kind,
        "bom-ref": purl,
        "name": key.0,
        "version": key.1,
        "purl": purl,
    });
    if let Some(licence) = package.get("license").and_then(Value::as_str) {
        // Crates from before 2017 write `MIT/Apache-2.0` and mean a choice; SPDX says `OR`.
        let expression = licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
        insert(&mut component, "licenses", json!([{ "expression": expression }]));
    }
    component
}

/// Who depends on whom, among the crates of the binary.
fn dependencies(metadata: &Value, all: &BTreeSet<Crate>) -> Vec<Value> {
    let by_id: BTreeMap<&str, Crate> =
        members(metadata, "/packages").map(|package| (text(package, "id"), key(package))).collect();
    let of_the_binary = |id: &str| by_id.get(id).filter(|key| all.contains(*key)).map(purl);
    let mut dependencies = BTreeMap::new();
    for node in members(metadata, "/resolve/nodes") {
        let Some(dependent) = of_the_binary(text(node, "id")) else { continue };
        let depends_on: BTreeSet<String> = members(node, "/deps")
            // A normal dependency is one whose kind has no name.
            .filter(|edge| members(edge, "/dep_kinds").any(|kind| kind.get("kind").is_some_and(Value::is_null)))
            .filter_map(|edge| of_the_binary(text(edge, "pkg")))
            .collect();
        dependencies.insert(dependent, depends_on);
    }
    dependencies.into_iter().map(|(of, on)| json!({ "ref": of, "dependsOn": on })).collect()
}

fn key(package: &Value) -> Crate {
    (text(package, "name").to_owned(), text(package, "version").to_owned())
}

/// What stands in the list at that JSON Pointer.
fn members<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The package URL. A `+` in a version would be read as a space, so it is written as `%2B`.
fn purl((name, version): &Crate) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

fn insert(component: &mut Value, name: &str, value: Value) {
    if let Some(fields) = component.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_names_a_crate() {
        let named = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(crate_of_line("anyhow v1.0.104"), named("anyhow", "1.0.104"));
        assert_eq!(crate_of_line("toml v1.2.1+spec-1.1.0 (*)"), named("toml", "1.2.1+spec-1.1.0"));
        assert_eq!(crate_of_line("serde_derive v1.0.229 (proc-macro)"), named("serde_derive", "1.0.229"));
        assert_eq!(crate_of_line(""), None);
    }

    #[test]
    fn a_version_with_build_metadata_is_escaped_in_the_package_url() {
        let key = ("toml".to_owned(), "1.2.1+spec-1.1.0".to_owned());
        assert_eq!(purl(&key), "pkg:cargo/toml@1.2.1%2Bspec-1.1.0");
    }

    #[test]
    fn checksums_are_read_from_the_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"12ab\"\n\
                    dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n";
        let expected = BTreeMap::from([(("a".to_owned(), "1.0.0".to_owned()), "12ab".to_owned())]);
        assert_eq!(checksums(lock), expected);
    }

    #[test]
    fn the_document_names_every_crate_of_the_binary_with_licence_and_digest() {
        let workspace = Workspace::here();
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("lockgate");
        fs::write(&binary, "abc").unwrap();
        let bom = of_binary(&workspace, &binary).unwrap();

        let subject = &bom["metadata"]["component"];
        assert_eq!(subject["purl"], format!("pkg:cargo/lockgate@{}", env!("CARGO_PKG_VERSION")));
        assert_eq!(subject["hashes"][0]["content"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

        let components = bom["components"].as_array().unwrap();
        let wasmtime = components.iter().find(|component| component["name"] == "wasmtime").unwrap();
        assert_eq!(wasmtime["licenses"][0]["expression"], "Apache-2.0 WITH LLVM-exception");
        assert_eq!(wasmtime["scope"], "required");
        assert_eq!(wasmtime["hashes"][0]["content"].as_str().unwrap().len(), 64);
        let macros = components.iter().find(|component| component["name"] == "serde_derive").unwrap();
        assert_eq!(macros["scope"], "excluded");
        // What only the tests need is not part of the binary.
        assert!(components.iter().all(|component| component["name"] != "proptest"));

        let known: BTreeSet<&str> =
            components.iter().chain([subject]).map(|component| component["bom-ref"].as_str().unwrap()).collect();
        let dependencies = bom["dependencies"].as_array().unwrap();
        let dependents: BTreeSet<&str> = dependencies.iter().map(|entry| entry["ref"].as_str().unwrap()).collect();
        assert_eq!(dependents, known);
        let depended = dependencies.iter().flat_map(|entry| entry["dependsOn"].as_array().unwrap());
        assert!(depended.into_iter().all(|on| known.contains(on.as_str().unwrap())));
    }
}

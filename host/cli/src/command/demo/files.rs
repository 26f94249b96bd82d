//! The files of the demo: two builds of Lockgate, and the model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use lockgate_domain::{Component, ComponentKind, Digest};
use toml_edit::{DocumentMut, Item, value};

/// The files of a release, ready to be installed.
#[derive(Clone, Debug)]
pub(super) struct ReleasePackage {
    /// The release, by id.
    pub(super) release: String,
    /// What is in it.
    pub(super) components: Vec<Component>,
    /// Where the files are, in the order of the components.
    pub(super) files: Vec<PathBuf>,
}

/// The name of the component that is the binary.
pub(super) const BINARY: &str = "lockgate";
/// The name of the component that is its SBOM.
const BILL: &str = "lockgate.cdx.json";

/// A build of Lockgate.
#[derive(Clone, Debug)]
pub(super) struct LockgateBuild {
    /// The files.
    pub(super) package: ReleasePackage,
    /// The version that the binary prints.
    pub(super) version: String,
    /// The digest of the binary.
    pub(super) digest: Digest,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl LockgateBuild {
    /// Reads a binary and its SBOM.
    pub(super) fn of(binary: &Path, bill: &Path, commit: &str) -> Result<Self> {
        let version = version_of(binary)?;
        let origin = format!("git+{}@{commit}", env!("CARGO_PKG_REPOSITORY"));
        let component = |name: &str, kind, media_type: &str, file: &Path| -> Result<(Component, u64)> {
            let bytes = fs::read(file).with_context(|| place(file))?;
            let component = Component {
                digest: Some(Digest::of(&bytes)),
                media_type: Some(media_type.to_owned()),
                origin: Some(origin.clone()),
                ..Component::new(name, kind, &version)
            };
            Ok((component, bytes.len() as u64))
        };
        let (program, size) = component(BINARY, ComponentKind::Software, "application/octet-stream", binary)?;
        let (list, _) = component(BILL, ComponentKind::Documentation, "application/vnd.cyclonedx+json", bill)?;
        let digest = program.digest.context("a binary has a digest")?;
        Ok(Self {
            package: ReleasePackage {
                release: format!("lockgate-{version}-{}", short_hex(digest)),
                components: vec![program, list],
                files: vec![binary.to_owned(), bill.to_owned()],
            },
            version,
            digest,
            size,
        })
    }

    /// The digest that protects the release as a whole.
    pub(super) fn release_digest(&self) -> Result<Digest> {
        Ok(Digest::of_canonical(&self.package.components)?)
    }

    /// The same build with one byte of its binary changed, as a file of its own.
    pub(super) fn tampered(&self, folder: &Path, bill: &Path, commit: &str) -> Result<(Self, usize)> {
        let binary = self.package.files.first().context("a build has a binary")?;
        let mut bytes = fs::read(binary).with_context(|| place(binary))?;
        let place_of_byte = tamper(&mut bytes).context("the binary is empty")?;
        let file: PathBuf = folder.join(BINARY);
        fs::create_dir_all(folder).with_context(|| place(folder))?;
        fs::copy(binary, &file).and_then(|_| fs::write(&file, bytes)).with_context(|| place(&file))?;
        Ok((Self::of(&file, bill, commit)?, place_of_byte))
    }
}

/// The first digits of a digest, to tell builds apart.
pub(super) fn short_hex(digest: Digest) -> String {
    digest.hex().chars().take(8).collect()
}

/// Changes one byte of a text that `--version` does not print, and returns its place.
fn tamper(bytes: &mut [u8]) -> Option<usize> {
    let marker = b"invalid input";
    let at = bytes.windows(marker.len()).rposition(|window| window == marker)?;
    let byte = bytes.get_mut(at)?;
    *byte ^= 0x20;
    Some(at)
}

/// The version that a `lockgate` binary prints.
pub(super) fn version_of(binary: &Path) -> Result<String> {
    let output = Command::new(binary).arg("--version").output().with_context(|| place(binary))?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.split_whitespace()
        .nth(1)
        .map(str::to_owned)
        .with_context(|| format!("`{}` does not print a version", binary.display()))
}

/// How long the demo holds between the steps of the canary.
const HOLD: &str = "1s";

/// Writes the model of the example and its plugins into the demo's folder: with holds of seconds, because nobody wants to watch
/// for forty minutes.
pub(super) fn write_model(example: &Path, plugins: &Path, folder: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(example).with_context(|| place(example))?;
    let mut document: DocumentMut = text.parse().with_context(|| place(example))?;
    let kept = folder.join("plugins");
    fs::create_dir_all(&kept).with_context(|| place(&kept))?;
    for (_, plugin) in tables(document.get_mut("plugins")) {
        let component = plugin.get("component").and_then(Item::as_str).map(PathBuf::from);
        let name = component.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let name = name.with_context(|| place(example))?.to_owned();
        let (from, to) = (plugins.join(&name), kept.join(&name));
        fs::copy(&from, &to).with_context(|| place(&from))?;
        if let Some(plugin) = plugin.as_table_like_mut() {
            plugin.insert("component", value(format!("plugins/{name}")));
        }
    }
    let steps = document.get_mut("strategy").and_then(|strategy| strategy.get_mut("settings"));
    let steps = steps.and_then(|settings| settings.get_mut("steps")).and_then(Item::as_array_mut);
    for step in steps.into_iter().flat_map(|steps| steps.iter_mut()) {
        if let Some(step) = step.as_inline_table_mut().filter(|step| step.contains_key("hold")) {
            step.insert("hold", HOLD.into());
        }
    }
    let model = folder.join("model.toml");
    fs::write(&model, document.to_string()).with_context(|| place(&model))?;
    Ok(model)
}

fn tables(item: Option<&mut Item>) -> impl Iterator<Item = (toml_edit::KeyMut<'_>, &mut Item)> {
    item.and_then(Item::as_table_like_mut).into_iter().flat_map(|table| table.iter_mut())
}

/// What failed where a file cannot be read or written.
pub(super) fn place(path: &Path) -> String {
    format!("cannot use `{}`", path.display())
}

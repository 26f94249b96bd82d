//! Evidence: files with a name, handed in as `--evidence name=file`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lockgate_domain::Evidence;

use super::{LARGEST_EVIDENCE, read_bytes};
use crate::diagnostic::{Diagnostic, InvalidInput};

/// `name=file`, as it stands on the command line.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceArgument {
    /// The name under which plugins look it up.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
}

impl FromStr for EvidenceArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() && name.chars().all(fits) => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Err(format!("`{name}` is not a name for evidence: use lower-case letters, digits, `-`, `.` and `_`"))
            }
            _ => Err("write it as `name=file`, for example `sbom=release.cdx.json`".to_owned()),
        }
    }
}

/// Reads all the evidence, by name.
///
/// # Errors
/// If a file cannot be read or is too large, or two pieces have the same name.
pub(crate) fn read_evidence(arguments: &[EvidenceArgument]) -> Result<BTreeMap<String, Evidence>, InvalidInput> {
    let mut evidence = BTreeMap::new();
    let mut paths: BTreeMap<&str, &Path> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for EvidenceArgument { name, path } in arguments {
        if let Some(first) = paths.insert(name, path) {
            mistakes.push(
                Diagnostic::error(format!("the evidence `{name}` is handed in twice"))
                    .note(format!("once as `{}`, once as `{}`", first.display(), path.display()))
                    .help("give each piece of evidence a name of its own"),
            );
            continue;
        }
        match read_bytes(path, &format!("evidence `{name}`"), LARGEST_EVIDENCE) {
            Ok(content) => {
                evidence.insert(name.clone(), Evidence::new(content, media_type(path)));
            }
            Err(more) => mistakes.extend(more.mistakes),
        }
    }
    if mistakes.is_empty() { Ok(evidence) } else { Err(mistakes.into()) }
}

/// The IANA media type that a file's name stands for.
fn media_type(path: &Path) -> &'static str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let endings = [
        (".cdx.json", "application/vnd.cyclonedx+json"),
        (".cdx.xml", "application/vnd.cyclonedx+xml"),
        (".spdx.json", "application/spdx+json"),
        (".sarif", "application/sarif+json"),
        (".sarif.json", "application/sarif+json"),
        (".intoto.jsonl", "application/vnd.in-toto.bundle"),
        (".json", "application/json"),
        (".xml", "application/xml"),
        (".md", "text/markdown"),
        (".txt", "text/plain"),
        (".pdf", "application/pdf"),
    ];
    let known = endings.iter().find(|(ending, _)| name.ends_with(ending));
    known.map_or("application/octet-stream", |(_, media_type)| media_type)
}

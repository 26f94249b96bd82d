//! Evidence: files with a name, handed in as `--evidence name=file`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lockgate_domain::{Evidence, TimeError, Timestamp, is_path_step};

use super::file::{LARGEST_EVIDENCE, read_bytes};
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
            Some((name, _)) if is_path_step(name) => {
                Err(format!("`{name}` is not a name for evidence: nobody could ask a server for it"))
            }
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

/// `name=time`, as it stands on the command line.
#[derive(Clone, Debug)]
pub(crate) struct MadeArgument {
    /// The name of the evidence.
    pub(crate) name: String,
    /// When it was made; a date alone means the beginning of that day in UTC.
    pub(crate) made: Timestamp,
}

impl FromStr for MadeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, made)) = text.split_once('=') else {
            return Err(
                "write it as `name=time`, for example `sbom=2026-11-24T20:00:00Z` or `sbom=2026-11-24`".to_owned()
            );
        };
        // A date alone is what the issuer of a document often gives.
        let made = match made.len() {
            10 => format!("{made}T00:00:00Z").parse().or_else(|_| made.parse()),
            _ => made.parse(),
        };
        let made = made.map_err(|error: TimeError| error.to_string())?;
        Ok(Self { name: name.to_owned(), made })
    }
}

/// Says of evidence when it was made, and that it was handed in now.
///
/// # Errors
/// If there is no evidence of that name, it is said twice, or it was made later than now.
pub(crate) fn date(
    evidence: &mut BTreeMap<String, Evidence>,
    arguments: &[MadeArgument],
    now: Timestamp,
) -> Result<(), InvalidInput> {
    let mut mistakes = Vec::new();
    for MadeArgument { name, made } in arguments {
        match evidence.get_mut(name) {
            None => mistakes.push(
                Diagnostic::error(format!("`--evidence-made` names the evidence `{name}`, which was not handed in"))
                    .help(format!("hand it in with `--evidence {name}=<file>`")),
            ),
            Some(Evidence { made: Some(before), .. }) => mistakes.push(Diagnostic::error(format!(
                "`--evidence-made` says twice when the evidence `{name}` was made: {before} and {made}"
            ))),
            Some(_) if *made > now => mistakes.push(Diagnostic::error(format!(
                "the evidence `{name}` is said to be made at {made}, and it is only {now}"
            ))),
            Some(piece) => piece.made = Some(*made),
        }
    }
    evidence.values_mut().for_each(|piece| piece.attested = Some(now));
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.into()) }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::MadeArgument;

    #[test]
    fn a_date_means_the_beginning_of_that_day_in_utc() {
        let made: MadeArgument = "sbom=2026-10-01".parse().unwrap();
        assert_eq!((made.name.as_str(), made.made.to_string().as_str()), ("sbom", "2026-10-01T00:00:00Z"));
        let made: MadeArgument = "sbom=2026-10-01T12:00:00+02:00".parse().unwrap();
        assert_eq!(made.made.to_string(), "2026-10-01T10:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_told_once() {
        for wrong in ["yesterday", "2026-13-01", "2026-10-01T12:00:00", ""] {
            let told = format!("sbom={wrong}").parse::<MadeArgument>().unwrap_err();
            let expected = format!("`{wrong}` is not a time: write it as RFC 3339 with an offset, for example");
            assert!(told.starts_with(&expected), "{told}");
            assert_eq!(told.matches("time").count(), 1, "{told}");
        }
    }
}

//! Reads evidence: files that `--evidence name=file` names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lockgate_domain::{
    Attester, CredentialKind, DetachedSignature, Evidence, InvalidAttester, PersonId, TimeError, Timestamp,
    Verification, is_path_step,
};
use lockgate_service::signature::{DSSE_ENVELOPE, KnownKey, SignedEvidence, detached_from_file};

use super::file::{LARGEST_EVIDENCE, LARGEST_SIGNATURE, read_bytes};
use crate::diagnostic::{Diagnostic, InvalidInput};

/// The value of `--evidence`: `name=file`.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceArgument {
    /// The name that plugins look the evidence up by.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for EvidenceArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
        match text.split_once('=') {
            Some((name, _)) if is_path_step(name) => {
                Err(format!("`{name}` cannot be the name of evidence: it would not work in the URL of a server"))
            }
            Some((name, path)) if !name.is_empty() && !path.is_empty() && name.chars().all(fits) => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Err(format!(
                "`{name}` cannot be the name of evidence: use lower-case letters, digits, `-`, `.` and `_`"
            )),
            _ => Err("write it as `name=file`, for example `sbom=release.cdx.json`".to_owned()),
        }
    }
}

/// The value of `--evidence-made`: `name=time`.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceDateArgument {
    pub(crate) name: String,
    /// When the evidence was made. A date means the start of that day in UTC.
    pub(crate) made: Timestamp,
}

impl FromStr for EvidenceDateArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, made)) = text.split_once('=') else {
            return Err(
                "write it as `name=time`, for example `sbom=2026-11-24T20:00:00Z` or `sbom=2026-11-24`".to_owned()
            );
        };
        // Documents often have only a date.
        let made = match made.len() {
            10 => format!("{made}T00:00:00Z").parse().or_else(|_| made.parse()),
            _ => made.parse(),
        };
        let made = made.map_err(|error: TimeError| error.to_string())?;
        Ok(Self { name: name.to_owned(), made })
    }
}

/// The name of evidence and what is said of it, from a value that has a form, for example `name=file`.
fn named<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str), String> {
    let parts = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    parts.ok_or_else(|| format!("write it as {form}"))
}

/// The value of `--evidence-signature`: `name=file`.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceSignatureArgument {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for EvidenceSignatureArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = named(text, "`name=file`, for example `sbom=release.cdx.json.sig`")?;
        Ok(Self { name: name.to_owned(), path: path.into() })
    }
}

/// The value of `--evidence-key`: `name=key`.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceKeyArgument {
    pub(crate) name: String,
    /// The id of the key, with its holder or without.
    pub(crate) key: String,
}

impl FromStr for EvidenceKeyArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, key) = named(text, "`name=key`, for example `sbom=supplier:acme#build`")?;
        Ok(Self { name: name.to_owned(), key: key.to_owned() })
    }
}

/// The value of `--evidence-attester`: `name=attester`.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceAttesterArgument {
    pub(crate) name: String,
    attached: AttachedAs,
}

/// What `--evidence-attester` says of the one who attached evidence.
#[derive(Clone, Debug)]
enum AttachedAs {
    /// A role that the one held.
    Role(String),
    /// The id, and the kind of the credential.
    Holder(PersonId, CredentialKind),
}

impl FromStr for EvidenceAttesterArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "`name=attester`, for example `sbom=security-officer` or `sbom=service:ci`";
        let (name, attester) = named(text, form)?;
        let attached = match attester.parse().map_err(|error: InvalidAttester| error.to_string())? {
            Attester::Role(role) => AttachedAs::Role(role),
            Attester::Service(id) => AttachedAs::Holder(id, CredentialKind::Service),
            Attester::Person(id) => AttachedAs::Holder(id, CredentialKind::Person),
            Attester::Supplier(id) => {
                return Err(format!(
                    "a supplier attests evidence by a signature alone: use `--evidence-signature {name}=<file>`, and give the key of \
                 `{id}` with `--register suppliers=<file>`"
                ));
            }
        };
        Ok(Self { name: name.to_owned(), attached })
    }
}

/// The person who attached evidence of which only the role is given. Nobody without an id attests anything.
#[expect(clippy::expect_used, reason = "the text is the id of a person")]
fn somebody() -> PersonId {
    PersonId::new("somebody").expect("the text is the id of a person")
}

/// Sets who attached evidence: the id, the kind of the credential, and the roles. Nothing of that is verified, and the returned note
/// says so.
///
/// # Errors
/// If evidence of that name is missing, or is given two people or services.
pub(crate) fn set_evidence_attesters(
    evidence: &mut BTreeMap<String, Evidence>,
    arguments: &[EvidenceAttesterArgument],
) -> Result<Option<String>, InvalidInput> {
    let (mut diagnostics, mut named) = (Vec::new(), BTreeSet::new());
    for EvidenceAttesterArgument { name, attached } in arguments {
        let Some(piece) = evidence.get_mut(name) else {
            let title = format!("`--evidence-attester` names the evidence `{name}`, which is missing");
            diagnostics.push(Diagnostic::error(title).help(format!("add `--evidence {name}=<file>`")));
            continue;
        };
        named.insert(format!("`{name}`"));
        match (attached, piece.attester.as_ref().zip(piece.attester_kind)) {
            (AttachedAs::Role(role), _) if piece.attester_roles.contains(role) => {}
            (AttachedAs::Role(role), _) => piece.attester_roles.push(role.clone()),
            (AttachedAs::Holder(id, kind), Some(before)) if before != (id, *kind) => {
                let title = format!("`--evidence-attester` names two who attached the evidence `{name}`");
                let note = format!(
                    "`{}:{}` and `{}:{id}`; one attaches a piece of evidence, in as many roles as you like",
                    before.1.as_str(),
                    before.0,
                    kind.as_str(),
                );
                diagnostics.push(Diagnostic::error(title).note(note));
            }
            (AttachedAs::Holder(id, kind), _) => {
                (piece.attester, piece.attester_kind) = (Some(id.clone()), Some(*kind));
            }
        }
    }
    for piece in evidence.values_mut().filter(|piece| !piece.attester_roles.is_empty() && piece.attester.is_none()) {
        (piece.attester, piece.attester_kind) = (Some(somebody()), Some(CredentialKind::Person));
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics.into());
    }
    let names: Vec<String> = named.into_iter().collect();
    Ok(match names.as_slice() {
        [] => None,
        names => Some(format!(
            "`--evidence-attester` says who attached the evidence {}, and nothing of that is verified",
            names.join(", ")
        )),
    })
}

/// Reads the signatures that stand beside evidence, by the name of the evidence.
///
/// # Errors
/// If a file cannot be read, evidence of that name is missing, or it is given two signatures or keys.
pub(crate) fn read_signatures(
    evidence: &BTreeMap<String, Evidence>,
    files: &[EvidenceSignatureArgument],
    keys: &[EvidenceKeyArgument],
) -> Result<BTreeMap<String, DetachedSignature>, InvalidInput> {
    let mut signatures: BTreeMap<String, DetachedSignature> = BTreeMap::new();
    let mut invalid = InvalidInput::default();
    for EvidenceSignatureArgument { name, path } in files {
        if !evidence.contains_key(name) {
            let title = format!("`--evidence-signature` names the evidence `{name}`, which is missing");
            invalid.diagnostics.push(Diagnostic::error(title).help(format!("add `--evidence {name}=<file>`")));
        } else if signatures.contains_key(name) {
            let title = format!("`--evidence-signature` is given twice for the evidence `{name}`");
            invalid.diagnostics.push(Diagnostic::error(title).help("an envelope (DSSE) can hold several signatures"));
        } else {
            let bytes = read_bytes(path, &format!("signature of the evidence `{name}`"), LARGEST_SIGNATURE);
            let signature = invalid.collect(bytes).map(|bytes| detached_from_file(&bytes));
            signatures.extend(signature.map(|signature| (name.clone(), signature)));
        }
    }
    for EvidenceKeyArgument { name, key } in keys {
        match signatures.get_mut(name) {
            None => {
                let title = format!("`--evidence-key` names the evidence `{name}`, which has no signature beside it");
                let help = format!("add `--evidence-signature {name}=<file>`");
                invalid.diagnostics.push(Diagnostic::error(title).help(help));
            }
            Some(DetachedSignature { key: Some(before), .. }) => invalid.diagnostics.push(Diagnostic::error(format!(
                "`--evidence-key` is given twice for the evidence `{name}`: `{before}` and `{key}`"
            ))),
            Some(signature) => signature.key = Some(key.clone()),
        }
    }
    if invalid.is_empty() { Ok(signatures) } else { Err(invalid) }
}

/// Verifies the signatures of evidence, as a server does. Returns what came of those that are not verified.
///
/// # Errors
/// If an envelope or a signature cannot be read.
pub(crate) fn verify_signatures(
    evidence: &mut BTreeMap<String, Evidence>,
    signatures: &BTreeMap<String, DetachedSignature>,
    keys: &[KnownKey],
    now: Timestamp,
) -> Result<Vec<String>, InvalidInput> {
    let (mut notes, mut invalid) = (Vec::new(), InvalidInput::default());
    for (name, piece) in evidence {
        let signed = SignedEvidence::read(piece, signatures.get(name)).map_err(|error| {
            InvalidInput::from(Diagnostic::error(format!("the evidence `{name}` cannot be verified: {error}")))
        });
        let Some(Some(signed)) = invalid.collect(signed) else { continue };
        let result = signed.judge(&signed.matches(keys), keys, now);
        if result.verification != Verification::Verified {
            notes.push(format!("the evidence `{name}`: {}", result.message));
        }
        (piece.verification, piece.verified_by) = (result.verification, result.verified_by);
        piece.subjects = signed.subjects;
    }
    if invalid.is_empty() { Ok(notes) } else { Err(invalid) }
}

/// Sets when evidence was made (`made`) and that it was provided now (`attested`).
///
/// # Errors
/// If evidence of that name is missing, has two times, or was made after `now`.
pub(crate) fn set_evidence_dates(
    evidence: &mut BTreeMap<String, Evidence>,
    arguments: &[EvidenceDateArgument],
    now: Timestamp,
) -> Result<(), InvalidInput> {
    let mut diagnostics = Vec::new();
    for EvidenceDateArgument { name, made } in arguments {
        match evidence.get_mut(name) {
            None => diagnostics.push(
                Diagnostic::error(format!("`--evidence-made` names the evidence `{name}`, which is missing"))
                    .help(format!("add `--evidence {name}=<file>`")),
            ),
            Some(Evidence { made: Some(before), .. }) => diagnostics.push(Diagnostic::error(format!(
                "`--evidence-made` is given twice for the evidence `{name}`: {before} and {made}"
            ))),
            Some(_) if *made > now => diagnostics.push(Diagnostic::error(format!(
                "`--evidence-made` of the evidence `{name}` is in the future: {made}, and it is {now}"
            ))),
            Some(piece) => piece.made = Some(*made),
        }
    }
    evidence.values_mut().for_each(|piece| piece.attested = Some(now));
    if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics.into()) }
}

/// Reads evidence, by name.
///
/// # Errors
/// If a file cannot be read or is too large, or a name is given twice.
pub(crate) fn read_evidence(arguments: &[EvidenceArgument]) -> Result<BTreeMap<String, Evidence>, InvalidInput> {
    let mut evidence = BTreeMap::new();
    let mut paths: BTreeMap<&str, &Path> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for EvidenceArgument { name, path } in arguments {
        if let Some(first) = paths.insert(name, path) {
            diagnostics.push(
                Diagnostic::error(format!("the evidence `{name}` is given twice"))
                    .note(format!("as `{}` and as `{}`", first.display(), path.display()))
                    .help("give each piece of evidence its own name"),
            );
            continue;
        }
        match read_bytes(path, &format!("evidence `{name}`"), LARGEST_EVIDENCE) {
            Ok(content) => {
                evidence.insert(name.clone(), Evidence::new(content, media_type(path)));
            }
            Err(more) => diagnostics.extend(more.diagnostics),
        }
    }
    if diagnostics.is_empty() { Ok(evidence) } else { Err(diagnostics.into()) }
}

/// The media type of a file, by the end of its name.
fn media_type(path: &Path) -> &'static str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let endings = [
        (".dsse.json", DSSE_ENVELOPE),
        (".dsse", DSSE_ENVELOPE),
        (".intoto.json", DSSE_ENVELOPE),
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
    use lockgate_domain::{CredentialKind, Evidence, PersonId};

    use super::{EvidenceAttesterArgument, EvidenceDateArgument, set_evidence_attesters};

    #[test]
    fn an_attester_is_a_role_a_service_or_a_person_and_no_supplier() {
        let refusal = |text: &str| text.parse::<EvidenceAttesterArgument>().unwrap_err();
        for text in ["scan=security", "scan=service:ci", "scan=person:rita"] {
            assert_eq!(text.parse::<EvidenceAttesterArgument>().unwrap().name, "scan");
        }
        let supplier = "a supplier attests evidence by a signature alone: use `--evidence-signature scan=<file>`, and give the key \
                        of `acme` with `--register suppliers=<file>`";
        assert_eq!(refusal("scan=supplier:acme"), supplier);
        for text in ["scan", "scan=", "=security"] {
            assert!(refusal(text).starts_with("write it as `name=attester`"), "{text}");
        }
        for text in ["scan=service:", "scan=a role\n"] {
            assert!(!refusal(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn several_roles_are_of_one_who_attached_the_evidence() {
        let set = |arguments: &[&str]| {
            let arguments: Vec<EvidenceAttesterArgument> = arguments.iter().map(|text| text.parse().unwrap()).collect();
            let mut evidence = [("scan".to_owned(), Evidence::new(Vec::new(), "text/plain"))].into();
            let note = set_evidence_attesters(&mut evidence, &arguments).map_err(|invalid| {
                let titles = invalid.diagnostics.into_iter().map(|diagnostic| diagnostic.render());
                titles.collect::<String>()
            })?;
            let scan = evidence.remove("scan").unwrap();
            Ok::<_, String>((scan.attester, scan.attester_kind, scan.attester_roles, note))
        };
        let id = |id: &str| Some(PersonId::new(id).unwrap());
        let note = "`--evidence-attester` says who attached the evidence `scan`, and nothing of that is verified";
        let note = Some(note.to_owned());
        let roles = |roles: &[&str]| roles.iter().copied().map(str::to_owned).collect::<Vec<_>>();
        let service = (id("ci"), Some(CredentialKind::Service), roles(&["pipeline", "security"]), note.clone());
        let given = ["scan=pipeline", "scan=service:ci", "scan=security", "scan=pipeline", "scan=service:ci"];
        assert_eq!(set(&given), Ok(service));
        let somebody = (id("somebody"), Some(CredentialKind::Person), roles(&["security"]), note);
        assert_eq!(set(&["scan=security"]), Ok(somebody));
        assert_eq!(set(&[]), Ok((None, None, vec![], None)));
        let two = set(&["scan=person:rita", "scan=person:bo"]).unwrap_err();
        assert!(two.contains("names two who attached the evidence `scan`"), "{two}");
        let two = set(&["scan=person:rita", "scan=service:rita"]).unwrap_err();
        assert!(two.contains("`person:rita` and `service:rita`"), "{two}");
        let missing = set(&["sbom=security"]).unwrap_err();
        assert!(missing.contains("names the evidence `sbom`, which is missing"), "{missing}");
        assert!(missing.contains("add `--evidence sbom=<file>`"), "{missing}");
    }

    #[test]
    fn a_date_means_the_start_of_that_day_in_utc() {
        let made: EvidenceDateArgument = "sbom=2026-10-01".parse().unwrap();
        assert_eq!((made.name.as_str(), made.made.to_string().as_str()), ("sbom", "2026-10-01T00:00:00Z"));
        let made: EvidenceDateArgument = "sbom=2026-10-01T12:00:00+02:00".parse().unwrap();
        assert_eq!(made.made.to_string(), "2026-10-01T10:00:00Z");
    }

    #[test]
    fn an_invalid_time_is_reported_once() {
        for wrong in ["yesterday", "2026-13-01", "2026-10-01T12:00:00", ""] {
            let message = format!("sbom={wrong}").parse::<EvidenceDateArgument>().unwrap_err();
            let expected = format!("`{wrong}` is not a time: write it as RFC 3339 with an offset, for example");
            assert!(message.starts_with(&expected), "{message}");
            assert_eq!(message.matches("time").count(), 1, "{message}");
        }
    }
}

//! SBOMs: what the policy needs of them, whatever their format.
//!
//! A document is read straight into types that borrow its texts, so that a mistake is named with its place and a large
//! document costs little more than itself. Members that these types do not name are passed over: the standards let producers
//! add to them. Keys that are nearly known ones ([`keys`]) and words that a standard does not have ([`word`]) are refused.

mod cyclonedx;
mod keys;
mod place;
mod spdx2;
mod spdx3;
mod text;
mod word;

use std::collections::{BTreeMap, BTreeSet};

use lockgate_plugin::EvidenceFile;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

pub(crate) use cyclonedx::MEDIA_TYPE;
pub(crate) use place::Place;
use text::Text;

/// The formats and versions that are read, in words.
pub(crate) const TAKEN: &str = "CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 and 3.0, in JSON";

/// Why a document is of no use.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is something else.
    OtherFormat(String),
    /// It is broken.
    Broken(String),
}

/// A bill of materials.
#[derive(Debug)]
pub(crate) enum Sbom<'a> {
    CycloneDx(cyclonedx::Document<'a>),
    Spdx2(spdx2::Document<'a>),
    Spdx3(spdx3::Document<'a>),
}

/// What a package is to the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PackageKind {
    /// What the SBOM is about. It need not name its licence and its package URL.
    Subject,
    /// Something that a package registry holds, and that so should have a package URL.
    Library,
    /// Anything else.
    Other,
}

/// One entry: CycloneDX calls it a component, which here is a word for the release's.
#[derive(Debug)]
pub(crate) struct Package<'a> {
    pub(crate) kind: PackageKind,
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    pub(crate) purls: Vec<&'a str>,
    pub(crate) licences: Vec<LicenceText<'a>>,
    /// The digests of what the SBOM is about, in the form of the contract. Those of packages are not needed.
    pub(crate) digests: Vec<String>,
}

/// What an SBOM says of a package's licence in one place. What it says in several places holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LicenceText<'a> {
    /// An SPDX expression, or the name of a licence.
    Stated(&'a str),
    /// The name of a licence whose id stands beside it.
    Described(&'a str),
    /// A licence that is named in no way that is read.
    Unreadable(&'a str),
}

impl<'a> LicenceText<'a> {
    /// The text itself.
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            Self::Stated(text) | Self::Described(text) | Self::Unreadable(text) => text,
        }
    }
}

/// What names the licences that only the document knows, `LicenseRef-…`: by the reference in lower case.
pub(crate) type References<'a> = BTreeMap<String, Vec<&'a str>>;

/// Takes each package with its place.
type Visit<'v> = dyn FnMut(&Package<'_>, &Place<'_>) + 'v;

/// The members of a document of whatever format. They are read in one go: a document can be large, and each byte costs fuel.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "bomFormat", borrow)]
    bom_format: Option<Text<'a>>,
    #[serde(rename = "specVersion", borrow)]
    spec_version: Option<Text<'a>>,
    #[serde(rename = "spdxVersion", borrow)]
    spdx_version: Option<Text<'a>>,
    #[serde(rename = "@context", borrow)]
    context: Option<Context<'a>>,
    #[serde(borrow)]
    metadata: Option<cyclonedx::Metadata<'a>>,
    #[serde(default, borrow)]
    components: Vec<cyclonedx::Component<'a>>,
    #[serde(rename = "documentDescribes", default, borrow)]
    describes: Vec<Text<'a>>,
    #[serde(default, borrow)]
    packages: Vec<spdx2::Element<'a>>,
    #[serde(default, borrow, deserialize_with = "text::collected")]
    relationships: spdx2::Described<'a>,
    #[serde(rename = "hasExtractedLicensingInfos", default, borrow)]
    extracted_licences: Vec<spdx2::ExtractedLicence<'a>>,
    #[serde(rename = "@graph", default, borrow, deserialize_with = "spdx3::graph")]
    graph: Option<spdx3::Graph<'a>>,
}

/// A document with its keys checked.
struct Checked<'a>(Document<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Checked<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(keys::CheckedKeys::new(deserializer)).map(Self)
    }
}

/// The members that tell the format of a document.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(rename = "bomFormat", borrow)]
    bom_format: Option<Text<'a>>,
    #[serde(rename = "specVersion", borrow)]
    spec_version: Option<Text<'a>>,
    #[serde(rename = "spdxVersion", borrow)]
    spdx_version: Option<Text<'a>>,
    #[serde(rename = "@context", borrow)]
    context: Option<Context<'a>>,
}

/// The `@context` of JSON-LD.
#[derive(Deserialize)]
#[serde(untagged)]
enum Context<'a> {
    Address(#[serde(borrow)] Text<'a>),
    Other(IgnoredAny),
}

/// A format that is read, in a version that is read.
enum Format {
    CycloneDx,
    Spdx2,
    Spdx3,
}

impl Header<'_> {
    fn format(&self) -> Result<Format, Unread> {
        let spdx3 = match &self.context {
            Some(Context::Address(address)) => spdx3::version(address),
            _ => None,
        };
        match (self.bom_format.as_deref(), self.spdx_version.as_deref(), spdx3) {
            (Some("CycloneDX"), None, None) => {
                cyclonedx::check_version(self.spec_version.as_deref()).map(|()| Format::CycloneDx)
            }
            (None, Some(version), None) => spdx2::check_version(version).map(|()| Format::Spdx2),
            (None, None, Some(version)) => spdx3::check_version(version).map(|()| Format::Spdx3),
            (None, None, None) if self.context.is_some() => Err(other_format("has a `@context` that is not SPDX's")),
            (None, None, None) => {
                Err(other_format("says neither its `bomFormat` nor its `spdxVersion` nor its `@context`"))
            }
            (Some(format), None, None) => Err(other_format(&format!("is of the format `{}`", clipped(format)))),
            _ => Err(Unread::Broken(
                "the SBOM says that it is of two formats: keep one of `bomFormat`, `spdxVersion` and `@context`"
                    .to_owned(),
            )),
        }
    }
}

impl<'a> Sbom<'a> {
    /// Reads the evidence.
    pub(crate) fn read(evidence: &'a EvidenceFile) -> Result<Self, Unread> {
        let content = evidence.content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&evidence.content);
        if content.iter().copied().find(|byte| !byte.is_ascii_whitespace()) == Some(b'<') {
            return Err(other_format("is XML"));
        }
        let Checked(document) = evidence.json::<Checked<'a>>().map_err(|error| {
            // Another format or version may have members of another shape: that is what is wrong then.
            let other = serde_json::from_slice::<Header>(content).ok().and_then(|header| header.format().err());
            other.unwrap_or_else(|| Unread::Broken(format!("the SBOM cannot be read: {error}")))
        })?;
        let Document { bom_format, spec_version, spdx_version, context, .. } = document;
        match (Header { bom_format, spec_version, spdx_version, context }).format()? {
            Format::CycloneDx => {
                let Document { metadata, components, .. } = document;
                Ok(Self::CycloneDx(cyclonedx::Document { metadata, components }))
            }
            Format::Spdx2 => {
                let Document { describes, packages, relationships, extracted_licences, .. } = document;
                Ok(Self::Spdx2(spdx2::Document { describes, packages, relationships, extracted_licences }))
            }
            Format::Spdx3 => spdx3::Document::new(document.graph).map(Self::Spdx3),
        }
    }

    /// Every package that is delivered, those within others included, with its place in the document.
    pub(crate) fn each_package(&self, mut visit: impl FnMut(&Package<'_>, &Place<'_>)) {
        match self {
            Self::CycloneDx(document) => document.each_package(&mut visit),
            Self::Spdx2(document) => document.each_package(&mut visit),
            Self::Spdx3(document) => document.each_package(&mut visit),
        }
    }

    /// What the SBOM is about.
    pub(crate) fn subjects(&self) -> Vec<Package<'_>> {
        match self {
            Self::CycloneDx(document) => document.subject().into_iter().collect(),
            Self::Spdx2(document) => document.subjects(),
            Self::Spdx3(document) => document.subjects(),
        }
    }

    /// Where the SBOM has to say what it is about.
    pub(crate) fn place_of_subject(&self) -> &'static str {
        match self {
            Self::CycloneDx(_) => "`/metadata/component`",
            Self::Spdx2(_) => "`/documentDescribes`, or a relationship `DESCRIBES`",
            Self::Spdx3(_) => "`rootElement`, or a relationship `describes`",
        }
    }

    /// The names of the licences that only the document knows.
    pub(crate) fn references(&self) -> References<'_> {
        match self {
            Self::CycloneDx(_) => References::new(),
            Self::Spdx2(document) => document.references(),
            Self::Spdx3(document) => document.references(),
        }
    }
}

fn other_format(what: &str) -> Unread {
    Unread::OtherFormat(format!("the SBOM {what}, and what is read is {TAKEN}"))
}

fn no_version(member: &str) -> Unread {
    Unread::Broken(format!("the SBOM does not say its version in `{member}`; what is read is {TAKEN}"))
}

impl<'a> Package<'a> {
    /// What people know it by.
    pub(crate) fn in_words(&self) -> String {
        match (self.purls.first(), self.version) {
            (Some(purl), _) => format!("`{}`", clipped(purl)),
            (None, Some(version)) => format!("`{}@{}`", clipped(self.name), clipped(version)),
            (None, None) => format!("`{}`", clipped(self.name)),
        }
    }

    /// Its licences as they are written; all of them hold together.
    pub(crate) fn licence_text(&self) -> String {
        let texts: Vec<&str> = self
            .licences
            .iter()
            .filter(|licence| !matches!(licence, LicenceText::Described(_)))
            .map(|licence| licence.as_str())
            .collect();
        match texts.as_slice() {
            [] => "none".to_owned(),
            [text] => clipped(text),
            texts => {
                let one = |text: &&str| if text.contains(' ') { format!("({text})") } else { (*text).to_owned() };
                clipped(&texts.iter().map(one).collect::<Vec<_>>().join(" AND "))
            }
        }
    }
}

/// Each text once: an SBOM says the same in several places.
fn distinct<'a>(texts: impl Iterator<Item = LicenceText<'a>>) -> Vec<LicenceText<'a>> {
    let mut texts: Vec<LicenceText<'a>> = texts.collect();
    if texts.len() > 1 {
        let mut seen = BTreeSet::new();
        texts.retain(|text| seen.insert(*text));
    }
    texts
}

/// How much of a text of the SBOM is shown: a message is for people, and may not grow with the SBOM.
const MOST_SHOWN: usize = 200;

/// The text, shortened if it is long.
pub(crate) fn clipped(text: &str) -> String {
    if text.len() <= MOST_SHOWN {
        return text.to_owned();
    }
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A text that says something: it is not empty, and none of the words that stand for nothing.
fn telling(text: &str) -> Option<&str> {
    let text = text.trim();
    let nothing = ["", "NONE", "NOASSERTION"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!nothing).then_some(text)
}

/// Whether a text that some identifier has, of whatever type, is a package URL by its looks.
fn looks_like_purl(text: &str) -> bool {
    text.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkg:"))
}

/// The digests of what the SBOM is about, of pairs of algorithm and value. Only SHA-256 is held against the release.
fn digests<'a>(kind: PackageKind, hashes: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let is_sha256 = |algorithm: &str| ["SHA-256", "SHA256"].iter().any(|name| algorithm.eq_ignore_ascii_case(name));
    match kind {
        PackageKind::Subject => hashes
            .filter(|(algorithm, _)| is_sha256(algorithm))
            .map(|(_, value)| format!("sha256:{}", value.to_ascii_lowercase()))
            .collect(),
        PackageKind::Library | PackageKind::Other => Vec::new(),
    }
}

//! CycloneDX documents, as far as the policy needs them.
//!
//! Read straight into these types, so that a mistake is named with its place in the document. What stands beyond them is
//! passed over: the standard lets producers add to it.

use lockgate_plugin::Pointer;
use lockgate_plugin::types::Evidence;
use serde::Deserialize;

/// What the standard calls its JSON form.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

/// The versions of the standard that are understood.
const VERSIONS: [&str; 3] = ["1.4", "1.5", "1.6"];

/// Why a document is of no use.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is something else.
    OtherFormat(String),
    /// It is broken.
    Broken(String),
}

/// The bill of materials.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sbom {
    bom_format: Option<String>,
    spec_version: Option<String>,
    /// What the standard of another format calls its version.
    spdx_version: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    #[serde(default)]
    components: Vec<Package>,
}

/// What the bill is about.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) component: Option<Package>,
}

/// One entry: the standard says component, here that word is the release's.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) purl: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    pub(crate) licenses: Vec<LicenceEntry>,
    #[serde(default)]
    pub(crate) hashes: Vec<Hash>,
    /// The packages that it is made of.
    #[serde(default)]
    components: Vec<Package>,
}

/// One entry of a package's licences: an SPDX id, a name, or an SPDX expression.
#[derive(Debug, Deserialize)]
pub(crate) struct LicenceEntry {
    pub(crate) license: Option<Licence>,
    pub(crate) expression: Option<String>,
}

/// A licence by id or by name.
#[derive(Debug, Deserialize)]
pub(crate) struct Licence {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
}

/// A hash of a package's content.
#[derive(Debug, Deserialize)]
pub(crate) struct Hash {
    pub(crate) alg: String,
    pub(crate) content: String,
}

impl Sbom {
    /// Reads the evidence.
    pub(crate) fn read(evidence: &Evidence) -> Result<Self, Unread> {
        let begin = evidence.content.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        if begin == Some(b'<') {
            return Err(Unread::OtherFormat("the SBOM is XML, and only JSON is understood".to_owned()));
        }
        let sbom: Self =
            evidence.json().map_err(|error| Unread::Broken(format!("the SBOM cannot be read: {error}")))?;
        let other = |what: &str| {
            Err(Unread::OtherFormat(format!("the SBOM {what}, and only CycloneDX 1.4 to 1.6 is understood")))
        };
        match (sbom.bom_format.as_deref(), sbom.spec_version.as_deref(), sbom.spdx_version.as_deref()) {
            (Some("CycloneDX"), Some(version), _) if VERSIONS.contains(&version) => Ok(sbom),
            (Some("CycloneDX"), Some(version), _) => other(&format!("is CycloneDX {version}")),
            (Some("CycloneDX"), None, _) => Err(Unread::Broken("the SBOM does not say its `specVersion`".to_owned())),
            (Some(format), ..) => other(&format!("is of the format `{format}`")),
            (None, _, Some(version)) => other(&format!("is {version}")),
            (None, _, None) => other("does not say its `bomFormat`"),
        }
    }

    /// Every package that is delivered, those within others included, with its place in the document.
    pub(crate) fn each_package(&self, look: &mut dyn FnMut(&Package, &Pointer)) {
        each(&self.components, &Pointer::root(), look);
    }
}

fn each(packages: &[Package], within: &Pointer, look: &mut dyn FnMut(&Package, &Pointer)) {
    for (index, package) in packages.iter().enumerate() {
        // What is excluded was needed to build the release and is not part of it.
        if package.scope.as_deref() == Some("excluded") {
            continue;
        }
        let place = within.key("components").index(index);
        look(package, &place);
        each(&package.components, &place, look);
    }
}

impl Package {
    /// What people know it by.
    pub(crate) fn in_words(&self) -> String {
        match (&self.purl, &self.version) {
            (Some(purl), _) => format!("`{purl}`"),
            (None, Some(version)) => format!("`{}@{version}`", self.name),
            (None, None) => format!("`{}`", self.name),
        }
    }

    /// Whether it is something that a package registry holds, and so should have a package URL.
    pub(crate) fn is_library(&self) -> bool {
        matches!(self.kind.as_str(), "library" | "framework")
    }

    /// Its licences as they are written; what follows each other holds together.
    pub(crate) fn licence_text(&self) -> String {
        let texts: Vec<&str> = self.licenses.iter().filter_map(LicenceEntry::text).collect();
        if texts.is_empty() { "none".to_owned() } else { texts.join(" AND ") }
    }
}

impl LicenceEntry {
    /// The licence as it is written.
    pub(crate) fn text(&self) -> Option<&str> {
        let license = self.license.as_ref();
        let text = self.expression.as_deref().or(license.and_then(|it| it.id.as_deref().or(it.name.as_deref())));
        text.map(str::trim).filter(|text| !text.is_empty())
    }
}

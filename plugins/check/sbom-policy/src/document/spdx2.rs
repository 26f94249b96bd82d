//! SPDX 2.

use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::text::{Collect, Text};
use super::word::{Vocabulary, Word};
use super::{
    LicenceText, Package, PackageKind, Place, References, Unread, Visit, digests, distinct, looks_like_purl,
    no_version, other_format, telling,
};

/// The versions of the standard that are read.
const VERSIONS: [&str; 2] = ["SPDX-2.2", "SPDX-2.3"];

/// What a package is for.
#[derive(Debug)]
struct Purpose;

impl Vocabulary for Purpose {
    const WHAT: &'static str = "purpose of a package in SPDX 2";
    const WORDS: &'static [&'static str] = &[
        "LIBRARY",
        "FRAMEWORK",
        "APPLICATION",
        "CONTAINER",
        "OPERATING-SYSTEM",
        "DEVICE",
        "FIRMWARE",
        "SOURCE",
        "ARCHIVE",
        "FILE",
        "INSTALL",
        "OTHER",
    ];
}

/// Refuses a version that is not read.
pub(super) fn check_version(version: &str) -> Result<(), Unread> {
    match version.trim() {
        "" => Err(no_version("spdxVersion")),
        version if VERSIONS.contains(&version) => Ok(()),
        version => Err(other_format(&format!("is `{version}`"))),
    }
}

#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(super) describes: Vec<Text<'a>>,
    pub(super) packages: Vec<Element<'a>>,
    pub(super) relationships: Described<'a>,
    pub(super) extracted_licences: Vec<ExtractedLicence<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Element<'a> {
    #[serde(rename = "SPDXID", borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version_info: Option<Text<'a>>,
    #[serde(borrow)]
    license_concluded: Option<Text<'a>>,
    #[serde(borrow)]
    license_declared: Option<Text<'a>>,
    #[serde(default, borrow)]
    license_info_from_files: Vec<Text<'a>>,
    #[serde(default, borrow)]
    external_refs: Vec<ExternalRef<'a>>,
    #[serde(default, borrow)]
    checksums: Vec<Checksum<'a>>,
    primary_package_purpose: Option<Word<Purpose>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    #[serde(borrow)]
    reference_type: Text<'a>,
    #[serde(borrow)]
    reference_locator: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    #[serde(borrow)]
    algorithm: Text<'a>,
    #[serde(borrow)]
    checksum_value: Text<'a>,
}

/// A licence that only the document knows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtractedLicence<'a> {
    #[serde(borrow)]
    license_id: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship<'a> {
    #[serde(borrow)]
    spdx_element_id: Text<'a>,
    #[serde(borrow)]
    related_spdx_element: Text<'a>,
    #[serde(borrow)]
    relationship_type: Text<'a>,
}

/// The elements that the document describes, of all its relationships.
#[derive(Debug, Default)]
pub(super) struct Described<'a>(Vec<Text<'a>>);

impl<'a> Collect<Relationship<'a>> for Described<'a> {
    fn take(&mut self, relationship: Relationship<'a>) {
        const DOCUMENT: &str = "SPDXRef-DOCUMENT";
        let Relationship { spdx_element_id: one, related_spdx_element: other, relationship_type: kind } = relationship;
        match &*kind {
            "DESCRIBES" if &*one == DOCUMENT => self.0.push(other),
            "DESCRIBED_BY" if &*other == DOCUMENT => self.0.push(one),
            _ => {}
        }
    }
}

impl Document<'_> {
    fn described(&self) -> Vec<(usize, &Element<'_>)> {
        let ids: FxHashSet<&str> = self.describes.iter().chain(&self.relationships.0).map(|id| &**id).collect();
        self.packages.iter().enumerate().filter(|(_, package)| ids.contains(&*package.id)).collect()
    }

    pub(super) fn subjects(&self) -> Vec<Package<'_>> {
        self.described().into_iter().map(|(_, package)| package.package(PackageKind::Subject)).collect()
    }

    pub(super) fn each_package(&self, visit: &mut Visit<'_>) {
        let list = Place::Root.member("packages");
        // A document that describes several packages says little of what it is about: they are packages as any other.
        let subject = match self.described().as_slice() {
            [(index, _)] => Some(*index),
            _ => None,
        };
        for (index, package) in self.packages.iter().enumerate() {
            let kind = match package.primary_package_purpose.as_deref() {
                _ if subject == Some(index) => PackageKind::Subject,
                None | Some("LIBRARY" | "FRAMEWORK") => PackageKind::Library,
                Some(_) => PackageKind::Other,
            };
            visit(&package.package(kind), &list.item(index));
        }
    }

    pub(super) fn references(&self) -> References<'_> {
        let mut references = References::new();
        for licence in &self.extracted_licences {
            if let Some(name) = licence.name.as_deref().and_then(telling) {
                references.entry(licence.license_id.trim().to_ascii_lowercase()).or_default().push(name);
            }
        }
        references
    }
}

impl ExternalRef<'_> {
    /// Whether it is a package URL, by its type or by its looks: types are written in many ways.
    fn is_purl(&self) -> bool {
        let kind = self.reference_type.rsplit(['/', '#']).next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("purl") || looks_like_purl(&self.reference_locator)
    }
}

impl Element<'_> {
    fn package(&self, kind: PackageKind) -> Package<'_> {
        let stated = [&self.license_concluded, &self.license_declared].into_iter().flatten();
        let purls = self.external_refs.iter().filter(|external| external.is_purl());
        Package {
            kind,
            name: &self.name,
            version: self.version_info.as_deref().and_then(telling),
            purls: purls.map(|external| &*external.reference_locator).collect(),
            licences: distinct(
                stated.chain(&self.license_info_from_files).filter_map(|text| telling(text)).map(LicenceText::Stated),
            ),
            digests: digests(
                kind,
                self.checksums.iter().map(|checksum| (&*checksum.algorithm, &*checksum.checksum_value)),
            ),
        }
    }
}

//! SPDX 3: a graph of elements, in JSON-LD.

mod in_place;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer};

use super::text::{Collect, Text, collected};
use super::word::Word;
use super::{
    LicenceText, Package, PackageKind, Place, References, Unread, Visit, clipped, digests, distinct, looks_like_purl,
    other_format, telling,
};
pub(super) use in_place::PassedOver;
use terms::{ElementType, Purpose, RelationshipType};

/// The address of the `@context` begins and ends so, with the version between.
const CONTEXT: (&str, &str) = ("https://spdx.org/rdf/", "/spdx-context.jsonld");

/// Where the licences of the SPDX list have their addresses.
const LISTED: [&str; 2] = ["https://spdx.org/licenses/", "http://spdx.org/licenses/"];

/// The version that an address of a `@context` names, if it is one of SPDX.
pub(super) fn version(context: &str) -> Option<&str> {
    context.strip_prefix(CONTEXT.0)?.strip_suffix(CONTEXT.1)
}

/// Refuses a version that is not read.
pub(super) fn check_version(version: &str) -> Result<(), Unread> {
    match version.strip_prefix("3.0.") {
        Some(patch) if !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(other_format(&format!("is SPDX {version}"))),
    }
}

#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// The id of each element, in their order.
    ids: Vec<Option<Text<'a>>>,
    packages: Vec<SoftwarePackage<'a>>,
    /// The licences of packages and files, by the index of their element. Nothing depends on the order of the map.
    licences_of: FxHashMap<usize, Vec<LicenceReference<'a>>>,
    /// The indexes of the elements that the document says it is about.
    roots: BTreeSet<usize>,
    /// Licences, by the index of their element.
    licences: BTreeMap<usize, Licence<'a>>,
    /// References within licence expressions, each with the index of the element that it stands for.
    custom_ids: Vec<(Text<'a>, usize)>,
}

/// Reads the list of all elements.
pub(super) fn graph<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Graph<'de>>, D::Error> {
    collected(deserializer).map(Some)
}

/// An element of any type, with the members that are needed of one type or another.
#[derive(Debug, Deserialize)]
pub(super) struct Element<'a> {
    #[serde(rename = "type", alias = "@type")]
    kind: Word<ElementType>,
    #[serde(rename = "spdxId", alias = "@id", borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(rename = "specVersion", borrow)]
    spec_version: Option<Text<'a>>,
    #[serde(rename = "rootElement", default, borrow)]
    root_elements: Vec<Text<'a>>,
    #[serde(rename = "software_packageVersion", borrow)]
    version: Option<Text<'a>>,
    #[serde(rename = "software_packageUrl", borrow)]
    purl: Option<Text<'a>>,
    #[serde(rename = "software_primaryPurpose")]
    purpose: Option<Word<Purpose>>,
    #[serde(rename = "externalIdentifier", default, borrow)]
    external_identifiers: Vec<ExternalIdentifier<'a>>,
    #[serde(rename = "verifiedUsing", default, borrow)]
    verified_using: Vec<IntegrityMethod<'a>>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
    #[serde(default, borrow)]
    to: Vec<Text<'a>>,
    #[serde(rename = "relationshipType")]
    relationship: Option<Word<RelationshipType>>,
    #[serde(rename = "simplelicensing_licenseExpression", borrow)]
    expression: Option<Text<'a>>,
    #[serde(rename = "simplelicensing_customIdToUri", default, borrow)]
    custom_ids: Vec<DictionaryEntry<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalIdentifier<'a> {
    #[serde(borrow)]
    external_identifier_type: Text<'a>,
    #[serde(borrow)]
    identifier: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntegrityMethod<'a> {
    #[serde(borrow)]
    algorithm: Option<Text<'a>>,
    #[serde(borrow)]
    hash_value: Option<Text<'a>>,
}

/// What a reference within a licence expression stands for.
#[derive(Debug, Deserialize)]
struct DictionaryEntry<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

/// The elements that are needed, of all those in the document.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    /// The id of each element, in their order.
    ids: Vec<Option<Text<'a>>>,
    packages: Vec<SoftwarePackage<'a>>,
    /// Which licences packages and files have: from, and to.
    licensed: Vec<(Text<'a>, Vec<Text<'a>>)>,
    /// The ids of elements that the document says it is about.
    roots: Vec<Text<'a>>,
    /// Licences, each with the index of its element.
    licences: Vec<(usize, Licence<'a>)>,
    custom_ids: Vec<DictionaryEntry<'a>>,
    /// A version of SPDX that is not read, with the index of the element that names it.
    other_version: Option<(usize, Text<'a>)>,
    /// The index of a relationship that does not say its type.
    relationship_without_type: Option<usize>,
}

#[derive(Debug)]
struct SoftwarePackage<'a> {
    /// The index of the element.
    index: usize,
    library: bool,
    name: Option<Text<'a>>,
    version: Option<Text<'a>>,
    purl: Option<Text<'a>>,
    external_identifiers: Vec<ExternalIdentifier<'a>>,
    verified_using: Vec<IntegrityMethod<'a>>,
}

#[derive(Debug)]
enum Licence<'a> {
    /// An SPDX expression.
    Expression(Text<'a>),
    /// A licence that SPDX does not know, by its name.
    Custom(Option<Text<'a>>),
    /// A licence that is made up of others, element by element, or is of a type that is not known.
    Other,
}

impl<'a> Collect<Element<'a>> for Graph<'a> {
    fn take(&mut self, element: Element<'a>) {
        let index = self.ids.len();
        self.ids.push(element.id);
        match &*element.kind {
            kind if kind.ends_with("Relationship") => match element.relationship.as_deref() {
                Some("hasConcludedLicense" | "hasDeclaredLicense") => {
                    self.licensed.extend(element.from.map(|from| (from, element.to)));
                }
                Some("describes") => self.roots.extend(element.to),
                Some(_) => {}
                None => {
                    self.relationship_without_type.get_or_insert(index);
                }
            },
            "CreationInfo" => {
                if let Some(version) = element.spec_version
                    && check_version(&version).is_err()
                {
                    self.other_version.get_or_insert((index, version));
                }
            }
            "SpdxDocument" | "software_Sbom" | "Bom" => self.roots.extend(element.root_elements),
            kind @ ("software_Package" | "ai_AIPackage" | "dataset_DatasetPackage") => {
                let purpose = matches!(element.purpose.as_deref(), None | Some("library" | "framework"));
                self.packages.push(SoftwarePackage {
                    index,
                    library: kind == "software_Package" && purpose,
                    name: element.name,
                    version: element.version,
                    purl: element.purl,
                    external_identifiers: element.external_identifiers,
                    verified_using: element.verified_using,
                });
            }
            kind if kind.starts_with("simplelicensing_") || kind.starts_with("expandedlicensing_") => {
                let licence = match kind {
                    "simplelicensing_LicenseExpression" => {
                        element.expression.map_or(Licence::Other, Licence::Expression)
                    }
                    "simplelicensing_SimpleLicensingText" | "expandedlicensing_CustomLicense" => {
                        Licence::Custom(element.name)
                    }
                    // One of the SPDX list, whose id tells which.
                    "expandedlicensing_ListedLicense" => return,
                    _ => Licence::Other,
                };
                self.custom_ids.extend(element.custom_ids);
                self.licences.push((index, licence));
            }
            _ => {}
        }
    }
}

/// What a relationship says of the licence of an element.
#[derive(Debug)]
enum LicenceReference<'a> {
    /// The index of an element of the document.
    Within(usize),
    /// An id that no element of the document has.
    Outside(Text<'a>),
}

impl<'a> Document<'a> {
    /// Finds what belongs together. Ids are long and begin alike, so each is looked up once, and after that the index of its
    /// element stands for it.
    pub(super) fn new(graph: Option<Graph<'a>>) -> Result<Self, Unread> {
        let Some(graph) = graph else {
            return Err(Unread::Broken("the SBOM has no `@graph`, which lists its elements".to_owned()));
        };
        let Graph { ids, packages, licensed, roots, licences, custom_ids, other_version, relationship_without_type } =
            graph;
        if let Some((index, version)) = &other_version {
            return Err(other_format(&format!("is of SPDX {} at `/@graph/{index}`", clipped(version))));
        }
        let broken = |why: String| Err(Unread::Broken(format!("the SBOM cannot be read: {why}")));
        if let Some(index) = relationship_without_type {
            return broken(format!("the relationship at `/@graph/{index}` has no `relationshipType`"));
        }
        let mut elements: FxHashMap<&str, usize> = FxHashMap::default();
        elements.reserve(ids.len());
        for (index, id) in ids.iter().enumerate() {
            if let Some(id) = id.as_deref()
                && let Some(earlier) = elements.insert(id, index)
            {
                let id = clipped(id);
                return broken(format!("`/@graph/{earlier}` and `/@graph/{index}` have the same id, `{id}`"));
            }
        }
        let mut licences_of: FxHashMap<usize, Vec<LicenceReference<'a>>> = FxHashMap::default();
        for (from, to) in licensed {
            // What has licences and is not in the document is none of its packages.
            let Some(from) = elements.get(&*from) else { continue };
            licences_of.entry(*from).or_default().extend(to.into_iter().map(|id| match elements.get(&*id) {
                Some(element) => LicenceReference::Within(*element),
                None => LicenceReference::Outside(id),
            }));
        }
        let roots: BTreeSet<usize> = roots.iter().filter_map(|id| elements.get(&**id).copied()).collect();
        let custom_ids =
            custom_ids.into_iter().filter_map(|entry| Some((entry.key, *elements.get(&*entry.value?)?))).collect();
        Ok(Self { packages, licences_of, roots, licences: licences.into_iter().collect(), custom_ids, ids })
    }

    pub(super) fn subjects(&self) -> Vec<Package<'_>> {
        let described = self.packages.iter().filter(|package| self.roots.contains(&package.index));
        described.map(|package| self.package(package, PackageKind::Subject)).collect()
    }

    pub(super) fn each_package(&self, visit: &mut Visit<'_>) {
        // A document that describes several packages says little of what it is about: they are packages as any other.
        let mut described = self.packages.iter().filter(|package| self.roots.contains(&package.index));
        let subject = match (described.next(), described.next()) {
            (Some(package), None) => Some(package.index),
            _ => None,
        };
        let list = Place::Root.member("@graph");
        for package in &self.packages {
            let kind = match package.library {
                _ if subject == Some(package.index) => PackageKind::Subject,
                true => PackageKind::Library,
                false => PackageKind::Other,
            };
            visit(&self.package(package, kind), &list.item(package.index));
        }
    }

    pub(super) fn references(&self) -> References<'_> {
        let mut references = References::new();
        for (key, element) in &self.custom_ids {
            if let Some(Licence::Custom(Some(name))) = self.licences.get(element)
                && let Some(name) = telling(name)
            {
                let names = references.entry(key.trim().to_ascii_lowercase()).or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        references
    }

    /// The id of the element with that index.
    fn id(&self, index: usize) -> Option<&str> {
        self.ids.get(index)?.as_deref()
    }

    fn package(&self, package: &'a SoftwarePackage<'_>, kind: PackageKind) -> Package<'_> {
        let licences = self.licences_of.get(&package.index).into_iter().flatten();
        let purls = package.external_identifiers.iter().filter(|identifier| identifier.is_purl());
        let purls = purls.map(|identifier| &*identifier.identifier);
        let mut purls: Vec<&str> = package.purl.as_deref().into_iter().chain(purls).collect();
        purls.dedup();
        let hashes = package.verified_using.iter();
        let hashes = hashes.filter_map(|method| Some((method.algorithm.as_deref()?, method.hash_value.as_deref()?)));
        Package {
            kind,
            name: package.name.as_deref().or_else(|| self.id(package.index)).unwrap_or_default(),
            version: package.version.as_deref().and_then(telling),
            purls,
            licences: distinct(licences.filter_map(|licence| self.licence_text(licence))),
            digests: digests(kind, hashes),
        }
    }

    /// What a licence is called.
    fn licence_text<'g>(&'g self, licence: &'g LicenceReference<'_>) -> Option<LicenceText<'g>> {
        let (id, element) = match licence {
            LicenceReference::Within(index) => (self.id(*index).unwrap_or_default(), self.licences.get(index)),
            LicenceReference::Outside(id) => (&**id, None),
        };
        match element {
            Some(Licence::Expression(text)) => telling(text).map(LicenceText::Stated),
            Some(Licence::Custom(name)) => {
                Some(name.as_deref().and_then(telling).map_or(LicenceText::Unreadable(id), LicenceText::Stated))
            }
            Some(Licence::Other) => Some(LicenceText::Unreadable(id)),
            None => match LISTED.iter().find_map(|listed| id.strip_prefix(listed)) {
                Some(listed) => Some(LicenceText::Stated(listed)),
                None if says_nothing(id) => None,
                None => Some(LicenceText::Unreadable(id)),
            },
        }
    }
}

impl ExternalIdentifier<'_> {
    /// Whether it is a package URL, by its type or by its looks: types are written in many ways.
    fn is_purl(&self) -> bool {
        let kind = self.external_identifier_type.rsplit('/').next().unwrap_or_default();
        let is_one = ["packageUrl", "purl"].iter().any(|purl| kind.eq_ignore_ascii_case(purl));
        is_one || looks_like_purl(&self.identifier)
    }
}

/// Whether that is what SPDX calls a licence that is not told.
fn says_nothing(id: &str) -> bool {
    let own = ["https://spdx.org/rdf/", "spdx:", "expandedlicensing_"].iter().any(|start| id.starts_with(start));
    let last = id.rsplit(['/', '_']).next().unwrap_or_default();
    own && matches!(last, "NoAssertionLicense" | "NoneLicense" | "NoAssertionElement" | "NoneElement")
}

//! CycloneDX.

use serde::Deserialize;

use super::text::Text;
use super::word::{Vocabulary, Word};
use super::{
    LicenceText, Package, PackageKind, Place, Unread, Visit, digests, distinct, no_version, other_format, telling,
};

/// What the standard calls its JSON form.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

/// The versions of the standard that are read.
const VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

/// What a component can be.
#[derive(Debug)]
struct ComponentType;

impl Vocabulary for ComponentType {
    const WHAT: &'static str = "type of component in CycloneDX";
    const WORDS: &'static [&'static str] = &[
        "library",
        "framework",
        "application",
        "file",
        "operating-system",
        "container",
        "device",
        "device-driver",
        "firmware",
        "platform",
        "data",
        "machine-learning-model",
        "cryptographic-asset",
    ];
}

/// Whether a component is part of the release.
#[derive(Debug)]
struct Scope;

impl Vocabulary for Scope {
    const WHAT: &'static str = "scope of a component in CycloneDX";
    const WORDS: &'static [&'static str] = &["required", "optional", "excluded"];
}

/// Refuses a version that is not read.
pub(super) fn check_version(version: Option<&str>) -> Result<(), Unread> {
    match version.map(str::trim).filter(|version| !version.is_empty()) {
        Some(version) if VERSIONS.contains(&version) => Ok(()),
        Some(version) => Err(other_format(&format!("is CycloneDX {version}"))),
        None => Err(no_version("specVersion")),
    }
}

#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(super) metadata: Option<Metadata<'a>>,
    pub(super) components: Vec<Component<'a>>,
}

/// What the bill is about.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    component: Option<Component<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Component<'a> {
    #[serde(rename = "type")]
    kind: Word<ComponentType>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
    #[serde(borrow)]
    purl: Option<Text<'a>>,
    scope: Option<Word<Scope>>,
    #[serde(default, borrow)]
    licenses: Vec<LicenceChoice<'a>>,
    #[serde(borrow)]
    evidence: Option<ComponentEvidence<'a>>,
    #[serde(default, borrow)]
    hashes: Vec<Hash<'a>>,
    /// The components that it is made of.
    #[serde(default, borrow)]
    components: Vec<Component<'a>>,
}

/// What was found out by looking at a component.
#[derive(Debug, Deserialize)]
struct ComponentEvidence<'a> {
    #[serde(default, borrow)]
    licenses: Vec<LicenceChoice<'a>>,
}

/// One entry of a component's licences.
#[derive(Debug, Deserialize)]
struct LicenceChoice<'a> {
    #[serde(borrow)]
    license: Option<Licence<'a>>,
    #[serde(borrow)]
    expression: Option<Text<'a>>,
}

/// A licence by id or by name. The standard wants one of the two; some tools write both.
#[derive(Debug, Deserialize)]
struct Licence<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Hash<'a> {
    #[serde(borrow)]
    alg: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
}

impl Document<'_> {
    pub(super) fn subject(&self) -> Option<Package<'_>> {
        let component = self.metadata.as_ref()?.component.as_ref()?;
        Some(component.package(PackageKind::Subject))
    }

    pub(super) fn each_package(&self, visit: &mut Visit<'_>) {
        if let Some(subject) = self.metadata.as_ref().and_then(|metadata| metadata.component.as_ref()) {
            let metadata = Place::Root.member("metadata");
            let place = metadata.member("component");
            visit(&subject.package(PackageKind::Subject), &place);
            each(&subject.components, &place, visit);
        }
        each(&self.components, &Place::Root, visit);
    }
}

fn each(components: &[Component<'_>], within: &Place<'_>, visit: &mut Visit<'_>) {
    let list = within.member("components");
    for (index, component) in components.iter().enumerate() {
        // What is excluded was needed to build the release and is not part of it.
        if component.scope.as_deref() == Some("excluded") {
            continue;
        }
        let kind = match &*component.kind {
            "library" | "framework" => PackageKind::Library,
            _ => PackageKind::Other,
        };
        let place = list.item(index);
        visit(&component.package(kind), &place);
        each(&component.components, &place, visit);
    }
}

impl Component<'_> {
    fn package(&self, kind: PackageKind) -> Package<'_> {
        let evidence = self.evidence.iter().flat_map(|evidence| &evidence.licenses);
        Package {
            kind,
            name: &self.name,
            version: self.version.as_deref(),
            purls: self.purl.as_deref().into_iter().collect(),
            licences: distinct(self.licenses.iter().chain(evidence).flat_map(LicenceChoice::texts)),
            digests: digests(kind, self.hashes.iter().map(|hash| (&*hash.alg, &*hash.content))),
        }
    }
}

impl LicenceChoice<'_> {
    /// All that the entry says.
    fn texts(&self) -> impl Iterator<Item = LicenceText<'_>> {
        let licence = self.license.as_ref();
        let id = licence.and_then(|licence| licence.id.as_deref());
        let name = licence.and_then(|licence| licence.name.as_deref());
        let says_nothing = self.expression.is_none() && id.is_none() && name.is_none();
        let (expression, id) = (self.expression.as_deref().and_then(telling), id.and_then(telling));
        let name = name.and_then(telling).map(|name| match id {
            Some(_) => LicenceText::Described(name),
            None => LicenceText::Stated(name),
        });
        let stated = expression.into_iter().chain(id).map(LicenceText::Stated);
        let nothing = says_nothing.then_some(LicenceText::Unreadable("a licence without id, name and expression"));
        stated.chain(name).chain(nothing)
    }
}

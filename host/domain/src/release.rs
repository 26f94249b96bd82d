//! The product release: the components to deploy, and their known defects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{id, ids, name, names, some_text, text};
use crate::{Digest, Timestamp};

/// The kinds of component that a release can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// A device.
    Hardware,
    /// A program, library, image or package.
    Software,
    /// A text for people.
    Documentation,
    /// A way of working.
    Process,
    /// A right to use something.
    Licence,
    /// Data that is deployed as such.
    Data,
    /// None of these.
    Other,
}

/// One part of a release, or of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Unique within its release or instance.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// What it is.
    pub kind: ComponentKind,
    /// As its producer writes it.
    #[serde(deserialize_with = "name")]
    pub version: String,
    /// The digest of its content; absent for what has no bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The IANA media type of its content.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub media_type: Option<String>,
    /// The repository it was taken from, as a URI.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub origin: Option<String>,
}

/// What tells a component from any other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentIdentity {
    /// Unique within its release.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// As its producer writes it.
    #[serde(deserialize_with = "name")]
    pub version: String,
    /// The digest of its content; absent for what has no bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// How far a product release has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseStatus {
    /// Still being built or tested.
    Draft,
    /// Accepted by whoever tests it.
    Accepted,
    /// Accepted and published: it can be chosen for deployment.
    Published,
    /// Taken back: it must not be deployed.
    Withdrawn,
}

/// The release notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseNotes {
    /// Where they can be read.
    #[serde(deserialize_with = "text")]
    pub uri: String,
    /// The digest of their text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The ids of the defects that the notes list.
    #[serde(default, deserialize_with = "ids")]
    pub defects: Vec<String>,
}

/// How far a defect has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefectStatus {
    /// Known, nothing decided.
    Open,
    /// Known, and accepted for this release.
    Accepted,
    /// Repaired in this release.
    Fixed,
}

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth saying.
    Info,
    /// Hardly matters.
    Low,
    /// Matters.
    Medium,
    /// Matters a lot.
    High,
    /// Matters more than anything else.
    Critical,
}

/// A known flaw of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// Unique within the release.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// One line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was decided about it.
    pub status: DefectStatus,
}

/// How far a knowledge item has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnowledgeStatus {
    /// Being written.
    Draft,
    /// Being reviewed.
    InReview,
    /// Reviewed and found right.
    Validated,
    /// Validated and visible to its readers.
    Published,
    /// No longer valid.
    Archived,
}

/// What operators, service desk and users need to know about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeItem {
    /// Unique within the release.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// One line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// How far it has come.
    pub status: KnowledgeStatus,
    /// Who wrote it.
    #[serde(deserialize_with = "text")]
    pub author: String,
    /// From this moment on it is no longer valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A product release: what is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Unique among all releases of all products.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// For people.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// As the product's owner counts.
    #[serde(deserialize_with = "name")]
    pub version: String,
    /// One paragraph.
    #[serde(default)]
    pub description: String,
    /// How far it has come.
    pub status: ReleaseStatus,
    /// The digest of the release as a whole, which protects it from tampering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Free words.
    #[serde(default, deserialize_with = "names")]
    pub tags: Vec<String>,
    /// All that is in it.
    #[serde(deserialize_with = "distinct")]
    pub components: Vec<Component>,
    /// The release notes, once they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<ReleaseNotes>,
    /// The known defects.
    #[serde(default, deserialize_with = "distinct")]
    pub defects: Vec<Defect>,
    /// What people need to know.
    #[serde(default, deserialize_with = "distinct")]
    pub knowledge_items: Vec<KnowledgeItem>,
}

impl Release {
    /// The identities of the release's components, in order of name.
    pub fn component_identities(&self) -> Vec<ComponentIdentity> {
        let identity = |component: &Component| ComponentIdentity {
            name: component.name.clone(),
            version: component.version.clone(),
            digest: component.digest,
        };
        let mut identities: Vec<_> = self.components.iter().map(identity).collect();
        identities.sort();
        identities
    }
}

keyed!(Component: name, ComponentIdentity: name, Defect: id, KnowledgeItem: id);

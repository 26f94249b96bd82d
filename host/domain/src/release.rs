//! The product release: the components to deploy, and their known defects.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::{distinct, keyed};
use crate::name::{id, ids, labels, name, names, some_id, some_name, some_text, text};
use crate::{ConfigurationItem, Digest, Duration, FulfillmentBook, Instance, InstanceStatus, PersonId, Timestamp};

/// The kinds of component that a release can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// A physical device.
    Hardware,
    /// A program, library, image or package.
    Software,
    /// A document for people.
    Documentation,
    /// A documented way of working.
    Process,
    /// A licence: the right to use something.
    Licence,
    /// Data that is deployed as such.
    Data,
    /// A component of another kind.
    Other,
}

/// A component of a release or of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The name of the component, unique within its release or instance.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The kind of the component.
    pub kind: ComponentKind,
    /// The version of the component, as its producer writes it.
    #[serde(deserialize_with = "name")]
    pub version: String,
    /// The SHA-256 digest of the component's content. Absent if the component has no bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The IANA media type of the component's content.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub media_type: Option<String>,
    /// The repository that the component was taken from, as a URI.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub origin: Option<String>,
    /// The serial number of a physical device.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub serial: Option<String>,
    /// The id of the order that provides the component.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub order: Option<String>,
    /// The entitlement that a licence gives, as its licensor names it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub entitlement: Option<String>,
    /// The migration that brings data into its new form, for example the name of a script.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub migration: Option<String>,
    /// How long data is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Duration>,
    /// The id of the person who reviewed a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<PersonId>,
}

impl Component {
    /// A component of which nothing else is known.
    pub fn new(name: impl Into<String>, kind: ComponentKind, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            version: version.into(),
            digest: None,
            media_type: None,
            origin: None,
            serial: None,
            order: None,
            entitlement: None,
            migration: None,
            retention: None,
            reviewer: None,
        }
    }

    /// The identity of the component.
    pub fn identity(&self) -> ComponentIdentity {
        ComponentIdentity { name: self.name.clone(), version: self.version.clone(), digest: self.digest }
    }
}

/// The identity of a component: name, version and digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentIdentity {
    /// The name of the component, unique within its release.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The version of the component, as its producer writes it.
    #[serde(deserialize_with = "name")]
    pub version: String,
    /// The SHA-256 digest of the component's content. Absent if the component has no bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// The status of a product release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseStatus {
    /// The release is still being built or tested.
    Draft,
    /// The people who test the release have accepted it.
    Accepted,
    /// The release is accepted and published: it can be chosen for deployment.
    Published,
    /// The release was withdrawn: it must not be deployed.
    Withdrawn,
}

/// The release notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseNotes {
    /// The address of the release notes, as a URI.
    #[serde(deserialize_with = "text")]
    pub uri: String,
    /// The SHA-256 digest of the text of the release notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The ids of the defects that the notes list.
    #[serde(default, deserialize_with = "ids")]
    pub defects: Vec<String>,
}

/// The status of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefectStatus {
    /// The defect is known, and nothing is decided about it.
    Open,
    /// The defect is known, and accepted for this release.
    Accepted,
    /// The defect is repaired in this release.
    Fixed,
}

/// The severity of a defect, event, incident or finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For information only.
    Info,
    /// Of little importance.
    Low,
    /// Of some importance.
    Medium,
    /// Of great importance.
    High,
    /// Of the greatest importance.
    Critical,
}

impl Severity {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A known defect of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The id of the defect, unique within the release.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The title of the defect, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The severity of the defect.
    pub severity: Severity,
    /// The status of the defect: open, accepted or fixed.
    pub status: DefectStatus,
}

/// The status of a knowledge item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnowledgeStatus {
    /// The item is being written.
    Draft,
    /// The item is being reviewed.
    InReview,
    /// The item was reviewed and found correct.
    Validated,
    /// The item is validated and visible to its readers.
    Published,
    /// The item is no longer valid.
    Archived,
}

/// What operators, service desk and users need to know about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeItem {
    /// The id of the knowledge item, unique within the release.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The title of the knowledge item, on one line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The kind of knowledge item, for example `article`, `faq` or `known-error`.
    #[serde(default = "other", deserialize_with = "name")]
    pub kind: String,
    /// The status of the knowledge item.
    pub status: KnowledgeStatus,
    /// The author of the knowledge item.
    #[serde(deserialize_with = "text")]
    pub author: String,
    /// From when on the item is no longer valid (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

fn other() -> String {
    "other".to_owned()
}

impl BlueprintInstance {
    /// The desired instance that it stands for, in an environment. A name that is no component of the release is left out:
    /// see [`Release::unknown_components`].
    fn desired(&self, release: &Release, environment: &str) -> Instance {
        let is_meant = |component: &&Component| self.components.is_empty() || self.components.contains(&component.name);
        Instance {
            id: self.id.clone(),
            name: self.name.clone(),
            environment: environment.to_owned(),
            release: Some(release.id.clone()),
            status: InstanceStatus::Running,
            components: release.components.iter().filter(is_meant).cloned().collect(),
            configuration: self.configuration.clone(),
            owner: self.owner.clone(),
            location: self.location.clone(),
            consumers: None,
            monitored: true,
            documented: true,
            created: None,
            modified: None,
        }
    }
}

/// A product release: what is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The id of the release, unique among all releases of all products.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of the product that the release belongs to. Absent: nobody says which.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub product: Option<String>,
    /// The name of the release, for display.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The version of the release, in the numbering of the product's owner.
    #[serde(deserialize_with = "name")]
    pub version: String,
    /// The description of the release, in one paragraph.
    #[serde(default)]
    pub description: String,
    /// The status of the release.
    pub status: ReleaseStatus,
    /// The digest of the release as a whole, which protects it from tampering. If it is absent, the host computes it once
    /// all components that have bytes have digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How the release came to be, for example `in-house` or `supplier`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub sourcing: Option<String>,
    /// The id of the supplier of the release.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub supplier: Option<String>,
    /// Tags: any words that describe the release.
    #[serde(default, deserialize_with = "names")]
    pub tags: Vec<String>,
    /// The organization's own fields, by name.
    #[serde(default, deserialize_with = "labels")]
    pub attributes: BTreeMap<String, String>,
    /// All components of the release.
    #[serde(deserialize_with = "distinct")]
    pub components: Vec<Component>,
    /// The release notes, once they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<ReleaseNotes>,
    /// The known defects of the release.
    #[serde(default, deserialize_with = "distinct")]
    pub defects: Vec<Defect>,
    /// The knowledge items: what operators, service desk and users need to know.
    #[serde(default, deserialize_with = "distinct")]
    pub knowledge_items: Vec<KnowledgeItem>,
    /// The release blueprint: what the release lays down for each environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub blueprint: Vec<EnvironmentBlueprint>,
}

/// What a release lays down for one environment: the instances that must exist there, and the procedures that fulfill
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentBlueprint {
    /// The name of the environment, unique within the release.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// The instances that must exist after the deployment. The desired instances are derived from them. Empty: the
    /// deployment states its desired instances itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub instances: Vec<BlueprintInstance>,
    /// The fulfillment books: the procedures for this environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub fulfillment_books: Vec<FulfillmentBook>,
}

/// An instance that a release lays down for an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlueprintInstance {
    /// The id of the instance, unique among the instances of its product.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name of the instance, for display.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The names of the components of the release that the instance has. Empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "names")]
    pub components: Vec<String>,
    /// The configured values of the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "distinct")]
    pub configuration: Vec<ConfigurationItem>,
    /// The owner of the instance, for example a team or an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub owner: Option<String>,
    /// The place of the instance, for example a host, a data centre or a slot.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub location: Option<String>,
}

impl Release {
    /// The identities of the release's components, in order of name.
    pub fn component_identities(&self) -> Vec<ComponentIdentity> {
        let mut identities: Vec<_> = self.components.iter().map(Component::identity).collect();
        identities.sort();
        identities
    }

    /// The digest of the release as a whole: the SHA-256 digest of the canonical JSON (RFC 8785) of an object with the
    /// identities of the components in the order of their names, as `components`, and the blueprint in the order of its
    /// environments, as `blueprint`, if there is one.
    #[expect(clippy::expect_used, reason = "texts and digests have a canonical form")]
    pub fn computed_digest(&self) -> Digest {
        #[derive(Serialize)]
        struct Content<'a> {
            components: Vec<ComponentIdentity>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            blueprint: Vec<&'a EnvironmentBlueprint>,
        }
        let mut blueprint: Vec<&EnvironmentBlueprint> = self.blueprint.iter().collect();
        blueprint.sort_by_key(|laid_down| &laid_down.environment);
        Digest::of_canonical(&Content { components: self.component_identities(), blueprint })
            .expect("texts and digests have a canonical form")
    }

    /// The desired instances that the blueprint lays down for an environment. None if it lays down none.
    pub fn desired_instances(&self, environment: &str) -> Option<Vec<Instance>> {
        let laid_down = self.blueprint_for(environment).filter(|laid_down| !laid_down.instances.is_empty())?;
        Some(laid_down.instances.iter().map(|instance| instance.desired(self, environment)).collect())
    }

    /// The names in the blueprint that are no component of the release, with the place of each as a JSON Pointer into the
    /// release.
    pub fn unknown_components(&self) -> Vec<(String, &str)> {
        let mut found = Vec::new();
        for (index, laid_down) in self.blueprint.iter().enumerate() {
            for (place, instance) in laid_down.instances.iter().enumerate() {
                let unknown = instance.components.iter().enumerate();
                let unknown = unknown.filter(|(_, name)| self.components.iter().all(|known| known.name != **name));
                found.extend(unknown.map(|(at, name)| {
                    (format!("/blueprint/{index}/instances/{place}/components/{at}"), name.as_str())
                }));
            }
        }
        found
    }

    /// The components that have bytes, and no digest.
    pub fn unprotected_components(&self) -> impl Iterator<Item = &Component> {
        let has_bytes = |component: &&Component| {
            matches!(component.kind, ComponentKind::Software | ComponentKind::Documentation | ComponentKind::Data)
        };
        self.components.iter().filter(has_bytes).filter(|component| component.digest.is_none())
    }

    /// Sets the digest to the [computed one](Self::computed_digest), if there is none, and all components that have bytes
    /// have digests.
    pub fn protect(&mut self) {
        if self.digest.is_none() && self.unprotected_components().next().is_none() {
            self.digest = Some(self.computed_digest());
        }
    }

    /// What the release lays down for an environment.
    pub fn blueprint_for(&self, environment: &str) -> Option<&EnvironmentBlueprint> {
        self.blueprint.iter().find(|laid_down| laid_down.environment == environment)
    }
}

keyed!(
    Component: name, ComponentIdentity: name, Defect: id, KnowledgeItem: id, EnvironmentBlueprint: environment,
    BlueprintInstance: id,
);

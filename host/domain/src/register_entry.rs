//! The entries of the registers: a value, who attests it, and for how long.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::distinct::{distinct, keyed};
use crate::join::NAMED;
use crate::name::{finite, ids, name, names, some_name};
use crate::registered_key::keys;
use crate::rules::{ReleaseMistake, release_mistakes};
use crate::{
    Attester, AuditFinding, Capacity, Change, CredentialKind, Digest, Environment, Event, FulfillmentBook, Incident,
    Instance, Interaction, KnowledgeItem, Kpi, Monitor, Order, PersonId, PersonKind, Product, RegisteredKey, Release,
    Runbook, ServiceContract, Supplier, TeamName, Timestamp, ValueError, ValueFault, closest, read_value,
};

/// A competence of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Competence {
    /// The name of the competence, for example `database-migration`.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The level of the competence, in the organization's own words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub level: Option<String>,
    /// From when on the competence must be shown again (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// A person in the register of people. It informs policies and gives nobody a right: rights come from credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisteredPerson {
    /// The id of the person, unique and stable, for example an account name or an e-mail address.
    pub id: PersonId,
    /// The name of the person, for display.
    #[serde(default)]
    pub name: String,
    /// The kind: a human being, a service or an agent.
    #[serde(default)]
    pub kind: PersonKind,
    /// The roles that the person has in the organization.
    #[serde(default, deserialize_with = "names")]
    pub roles: Vec<String>,
    /// The team that the person belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    pub team: Option<String>,
    /// The competences of the person.
    #[serde(default, deserialize_with = "distinct")]
    pub competences: Vec<Competence>,
    /// The keys with which the person signs evidence; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "keys")]
    #[schemars(length(max = 16))]
    pub keys: Vec<RegisteredKey>,
}

keyed!(Competence: name);

/// How the entries of a register find their way into the snapshot of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinRule {
    /// The deployment names the entry by its id.
    ById,
    /// The entry says which products or environments it concerns.
    ByConcern,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $value:ty, $key:ident, $rule:ident;)+) => {
        /// A register: what an organization knows of one kind of thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum RegisterKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl RegisterKind {
            /// All registers, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that paths, files and grants use.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The name of the member of a value that is its id.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($key),)+
                }
            }

            /// How its entries find their way into a snapshot.
            pub fn rule(self) -> JoinRule {
                match self {
                    $(Self::$variant => JoinRule::$rule,)+
                }
            }

            fn typed_form(self, value: &Value) -> Result<Value, ValueError> {
                match self {
                    $(Self::$variant => normalized::<$value>(value),)+
                }
            }

            /// The JSON Schema of a value.
            pub fn schema(self, generator: &mut SchemaGenerator) -> Schema {
                match self {
                    $(Self::$variant => generator.subschema_for::<$value>(),)+
                }
            }
        }
    };
}

fn normalized<T: for<'de> Deserialize<'de> + Serialize>(value: &Value) -> Result<Value, ValueError> {
    let typed: T = read_value(value)?;
    serde_json::to_value(typed).map_err(ValueError::custom)
}

kinds! {
    /// The changes, which authorise deployments.
    Changes "changes" Change, id, ById;
    /// The environments.
    Environments "environments" Environment, name, ById;
    /// The products.
    Products "products" Product, id, ById;
    /// The product releases.
    Releases "releases" Release, id, ById;
    /// The actual product instances: the inventory of what runs.
    Instances "instances" Instance, id, ByConcern;
    /// The people, with their roles and competences.
    People "people" RegisteredPerson, id, ById;
    /// The suppliers.
    Suppliers "suppliers" Supplier, id, ById;
    /// The knowledge items.
    KnowledgeItems "knowledge-items" KnowledgeItem, id, ById;
    /// The orders.
    Orders "orders" Order, id, ByConcern;
    /// The fulfillment books.
    FulfillmentBooks "fulfillment-books" FulfillmentBook, id, ByConcern;
    /// The service contracts.
    ServiceContracts "service-contracts" ServiceContract, id, ByConcern;
    /// The key performance indicators.
    Kpis "kpis" Kpi, id, ByConcern;
    /// The monitors.
    Monitors "monitors" Monitor, id, ByConcern;
    /// The events.
    Events "events" Event, id, ByConcern;
    /// The incidents.
    Incidents "incidents" Incident, id, ByConcern;
    /// The interactions with consumers.
    Interactions "interactions" Interaction, id, ByConcern;
    /// The runbooks.
    Runbooks "runbooks" Runbook, id, ByConcern;
    /// The findings of audits and assessments.
    AuditFindings "audit-findings" AuditFinding, id, ByConcern;
    /// The capacities of products.
    Capacities "capacities" Capacity, id, ByConcern;
}

impl RegisterKind {
    /// Reads a value, and writes it in its normal form: with all members that have a default.
    ///
    /// # Errors
    /// If it is no value of this register, or contradicts itself, as a release does whose digest is not that of its
    /// components.
    pub fn normalized(self, value: &Value) -> Result<Value, ValueError> {
        if self != Self::Releases {
            return self.typed_form(value);
        }
        let mut release: Release = read_value(value)?;
        release.protect();
        match release_mistakes(&release).into_iter().next() {
            Some(ReleaseMistake { pointer, message, remedy, .. }) => {
                Err(ValueError { pointer, fault: ValueFault::Other(format!("{message}: {remedy}")) })
            }
            None => serde_json::to_value(release).map_err(ValueError::custom),
        }
    }

    /// The place of its entries in the snapshot, as a JSON Pointer: that of the entry that the deployment names, or of the list.
    pub fn pointer(self) -> String {
        match self {
            Self::Instances => "/actual_instances".to_owned(),
            Self::KnowledgeItems => "/release/knowledge_items".to_owned(),
            Self::People => "/people".to_owned(),
            _ => match NAMED.iter().find(|(_, named)| *named == self) {
                Some((member, _)) => format!("/{member}"),
                None => format!("/registers/{}", self.as_str().replace('-', "_")),
            },
        }
    }

    /// The register whose entry, or list of entries, a place of the snapshot belongs to. None if it belongs to none.
    pub fn at(pointer: &str) -> Option<Self> {
        let is_at = |kind: &Self| {
            let below = pointer.strip_prefix(&kind.pointer());
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        Self::ALL.iter().copied().filter(is_at).max_by_key(|kind| kind.pointer().len())
    }

    /// The right to attest entries of this register, as messages name it.
    pub fn right(self) -> String {
        format!("attest:{}", self.as_str())
    }

    /// The id that a value has.
    pub fn id_of(self, value: &Value) -> Option<&str> {
        value.get(self.key()).and_then(Value::as_str)
    }

    /// The form of an id in which two ids of this register are compared.
    pub fn normal_id(self, id: &str) -> String {
        match self {
            Self::People => PersonId::new(id).map_or_else(|_| id.to_owned(), |id| id.normal().to_owned()),
            _ => id.to_owned(),
        }
    }
}

impl fmt::Display for RegisterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no register.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no register `{name}`: {}", suggestion(.name))]
pub struct NoSuchRegister {
    name: String,
}

fn suggestion(name: &str) -> String {
    let known = RegisterKind::ALL.iter().map(|kind| kind.as_str());
    match closest(name, known.clone()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("the registers are `{}`", known.collect::<Vec<_>>().join("`, `")),
    }
}

impl FromStr for RegisterKind {
    type Err = NoSuchRegister;

    fn from_str(name: &str) -> Result<Self, NoSuchRegister> {
        let found = Self::ALL.iter().find(|kind| kind.as_str() == name);
        found.copied().ok_or_else(|| NoSuchRegister { name: name.to_owned() })
    }
}

/// What an entry concerns. An entry joins the snapshot of a deployment of one of the products, in one of the
/// environments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EntryConcerns {
    /// The ids of the products. Empty: every product of the environments.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "ids")]
    pub products: Vec<String>,
    /// The names of the environments. Empty: every environment.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "ids")]
    pub environments: Vec<String>,
}

impl EntryConcerns {
    /// Whether neither a product nor an environment is named.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty() && self.environments.is_empty()
    }

    /// Whether they include this product in this environment.
    pub fn include(&self, product: &str, environment: &str) -> bool {
        let has = |list: &[String], one: &str| list.is_empty() || list.iter().any(|listed| listed == one);
        !self.is_empty() && has(&self.products, product) && has(&self.environments, environment)
    }
}

/// The most products and environments that an entry concerns.
const MOST_CONCERNS: usize = 100;

/// An entry does not say which deployments it is about, or says it where the deployments name it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConcerns {
    /// Deployments name the entries of this register by their ids.
    #[error("an entry of `{0}` concerns the deployments that name it: leave out `concerns`")]
    NamedById(RegisterKind),
    /// An instance without a product.
    #[error("an instance is one of a product: write `\"concerns\": {{\"products\": [\"…\"]}}` with its id")]
    InstanceOfNothing,
    /// An instance is in another environment than those that the entry concerns.
    #[error(
        "the instance is in `{environment}`, which is not among the environments that the entry concerns: leave \
         `concerns.environments` out"
    )]
    InstanceElsewhere {
        /// The name of the environment of the instance.
        environment: String,
    },
    /// Nothing is concerned.
    #[error(
        "an entry of `{0}` concerns products or environments: write for example `\"concerns\": {{\"products\": [\"…\"]}}`"
    )]
    Nothing(RegisterKind),
    /// Too much is concerned.
    #[error("an entry concerns at most {MOST_CONCERNS} products and environments, and this one {0}: split it")]
    TooMany(usize),
}

impl EntryConcerns {
    /// Checks that an entry says which deployments it is about, and only where no deployment names it.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self, register: RegisterKind, value: &Value) -> Result<(), InvalidConcerns> {
        let count = self.products.len() + self.environments.len();
        match register.rule() {
            JoinRule::ById if !self.is_empty() => Err(InvalidConcerns::NamedById(register)),
            JoinRule::ByConcern if register == RegisterKind::Instances && self.products.is_empty() => {
                Err(InvalidConcerns::InstanceOfNothing)
            }
            JoinRule::ByConcern if self.is_empty() => Err(InvalidConcerns::Nothing(register)),
            _ if count > MOST_CONCERNS => Err(InvalidConcerns::TooMany(count)),
            _ if register == RegisterKind::Instances => self.check_place(value),
            _ => Ok(()),
        }
    }

    /// Checks that an instance is in one of the environments, if some are named.
    fn check_place(&self, instance: &Value) -> Result<(), InvalidConcerns> {
        match instance.get("environment").and_then(Value::as_str) {
            Some(environment)
                if !self.environments.is_empty() && !self.environments.iter().any(|at| at == environment) =>
            {
                Err(InvalidConcerns::InstanceElsewhere { environment: environment.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

/// An entry of a register to write: what a client sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegisterEntry {
    /// The value. Its schema is that of the register.
    pub value: Value,
    /// The products and environments that the entry concerns. Required in registers whose entries no deployment names
    /// by id.
    #[serde(default, skip_serializing_if = "EntryConcerns::is_empty")]
    pub concerns: EntryConcerns,
    /// The time for which you say it (RFC 3339). Absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// From when on it is no longer valid (RFC 3339). Absent: it stays valid until it is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// Who attested an entry, when, and with which credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The id of the person or service.
    pub by: PersonId,
    /// The kind of the credential.
    pub kind: CredentialKind,
    /// The roles that it gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "names")]
    pub roles: Vec<String>,
    /// The name of the credential. It is not secret.
    pub credential: String,
    /// When the entry was recorded (RFC 3339).
    pub recorded: Timestamp,
}

/// An entry of a register: a version of it, as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEntry {
    /// The register.
    pub register: RegisterKind,
    /// The id of the entry, unique in the register of its team, or of all teams.
    pub id: String,
    /// The team that the entry belongs to. Absent: it is shared by all teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The value. Absent if the entry was withdrawn, or the value was deleted by retention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The digest of the canonical JSON of the value. Absent if the entry was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The products and environments that the entry concerns.
    #[serde(default, skip_serializing_if = "EntryConcerns::is_empty")]
    pub concerns: EntryConcerns,
    /// The time for which the attester says it (RFC 3339).
    pub as_of: Timestamp,
    /// From when on it is no longer valid (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Who attested it.
    pub attested: Attestation,
    /// The version of the entry, which is also its `ETag`.
    pub version: u64,
    /// The version that this one supersedes. Absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u64>,
}

/// Values that a key performance indicator had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSamples {
    /// The values, in any order; at most 1,000.
    #[schemars(length(min = 1, max = 1000))]
    pub samples: Vec<Sample>,
}

/// A value that a key performance indicator had.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// When it was measured (RFC 3339).
    pub at: Timestamp,
    /// The value, in the unit of the indicator.
    #[serde(deserialize_with = "finite")]
    pub value: f64,
}

/// A rule that says who may attest entries of registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AttestRule {
    /// The registers.
    pub registers: BTreeSet<RegisterKind>,
    /// Who may attest their entries: roles, for example `change-authority`, services, for example `service:itsm`, or persons,
    /// for example `person:rita`.
    #[serde(deserialize_with = "with_credential")]
    pub by: BTreeSet<Attester>,
    /// The teams whose entries they may attest. Absent: those of all teams that their credential covers, and shared entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<BTreeSet<TeamName>>,
}

/// Reads those who may attest entries, with a credential: a supplier has only keys.
fn with_credential<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Attester>, D::Error> {
    let by = BTreeSet::<Attester>::deserialize(deserializer)?;
    match by.iter().find(|attester| matches!(attester, Attester::Supplier(_))) {
        Some(supplier) => Err(D::Error::custom(format_args!(
            "`{supplier}` signs evidence, and writes no entries of registers: name a role, a service or a person"
        ))),
        None => Ok(by),
    }
}

/// Who may attest entries of which register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttestRules(Vec<AttestRule>);

/// The roles that may attest entries of a register if no rule names it.
pub fn usual_attesters(register: RegisterKind) -> &'static [&'static str] {
    use RegisterKind as R;
    match register {
        R::Changes => &["change-authority"],
        R::Environments | R::Instances | R::Monitors | R::Events | R::Kpis | R::Capacities | R::Runbooks => {
            &["operations-manager"]
        }
        R::Products => &["product-manager", "product-owner"],
        R::Releases | R::KnowledgeItems => &["release-manager"],
        R::Incidents | R::Interactions => &["operations-manager", "service-desk"],
        R::Orders | R::ServiceContracts | R::Suppliers => &["service-owner"],
        R::FulfillmentBooks => &["operations-manager", "release-manager"],
        R::People => &["governance"],
        R::AuditFindings => &["auditor", "governance"],
    }
}

impl AttestRules {
    /// The rules of a configuration. They replace the usual attesters of the registers that they name.
    pub fn new(rules: Vec<AttestRule>) -> Self {
        Self(rules)
    }

    /// Who may attest entries of this register for a team, or shared ones.
    pub fn attesters(&self, register: RegisterKind, team: Option<&TeamName>) -> Vec<Attester> {
        let named: Vec<&AttestRule> = self.0.iter().filter(|rule| rule.registers.contains(&register)).collect();
        if named.is_empty() {
            return usual_attesters(register).iter().map(|role| Attester::Role((*role).to_owned())).collect();
        }
        let covers = |rule: &&&AttestRule| match (&rule.teams, team) {
            (None, _) => true,
            (Some(teams), Some(team)) => teams.contains(team),
            (Some(_), None) => false,
        };
        let found: BTreeSet<Attester> = named.iter().filter(covers).flat_map(|rule| rule.by.iter().cloned()).collect();
        found.into_iter().collect()
    }

    /// Who may attest entries of this register for some team, or shared ones.
    pub fn attesters_for_any_team(&self, register: RegisterKind) -> BTreeSet<Attester> {
        let named = self.0.iter().filter(|rule| rule.registers.contains(&register));
        match named.clone().next() {
            None => self.attesters(register, None).into_iter().collect(),
            Some(_) => named.flat_map(|rule| rule.by.iter().cloned()).collect(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_release_whose_digest_is_not_that_of_its_components_is_no_value() {
        let component = json!({"name": "shop", "kind": "software", "version": "2"});
        let of = |more: Value| {
            let mut release = json!({"id": "shop-2", "name": "Shop", "version": "2", "status": "published",
                                     "components": [component]});
            release.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            RegisterKind::Releases.normalized(&release)
        };
        let right: Release = serde_json::from_value(of(json!({})).unwrap()).unwrap();
        assert_eq!(right.digest, None, "a component with bytes has no digest");
        assert!(of(json!({"digest": right.computed_digest()})).is_ok());
        let protected = json!([{"name": "shop", "kind": "software", "version": "2", "digest": Digest::of(b"shop")}]);
        let protected: Release = serde_json::from_value(of(json!({"components": protected})).unwrap()).unwrap();
        assert_eq!(protected.digest, Some(protected.computed_digest()));
        let wrong = of(json!({"digest": Digest::of(b"image")})).unwrap_err();
        assert_eq!(wrong.pointer, "/digest");
        assert!(wrong.to_string().contains(&right.computed_digest().to_string()), "the way out: {wrong}");
        let unknown =
            of(json!({"blueprint": [{"environment": "live", "instances": [{"id": "a", "components": ["x"]}]}]}));
        assert_eq!(unknown.unwrap_err().pointer, "/blueprint/0/instances/0/components/0");
    }

    #[test]
    fn every_register_is_read_back_from_its_name_and_a_slip_is_corrected() {
        for kind in RegisterKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
        }
        let error = "change".parse::<RegisterKind>().unwrap_err().to_string();
        assert_eq!(error, "there is no register `change`: did you mean `changes`?");
    }

    #[test]
    fn bounds_of_an_indicator_that_no_value_meets_are_refused() {
        let of = |least: f64, most: f64| {
            let kpi = json!({"id": "k", "metric": "m", "unit": "ms", "at_least": least, "at_most": most});
            RegisterKind::Kpis.normalized(&kpi).map_err(|error| error.to_string())
        };
        assert!(of(1.0, 1.0).is_ok());
        let message = "`at_least` is 200 and `at_most` is 100: no value is good, so correct one of them";
        assert_eq!(of(200.0, 100.0), Err(message.to_owned()));
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused() {
        use serde::de::IntoDeserializer as _;
        use serde::de::value::{Error, F64Deserializer};
        let read = |number: f64| {
            let number: F64Deserializer<Error> = number.into_deserializer();
            finite(number).map_err(|error| error.to_string())
        };
        assert_eq!(read(1.5), Ok(1.5));
        assert_eq!(read(f64::INFINITY), Err("inf is not finite: write a number".to_owned()));
        assert_eq!(read(f64::NAN), Err("NaN is not finite: write a number".to_owned()));
    }

    #[test]
    fn a_place_of_the_snapshot_belongs_to_the_register_that_holds_it() {
        for kind in RegisterKind::ALL {
            assert_eq!(RegisterKind::at(&kind.pointer()), Some(*kind));
        }
        for (place, kind) in [
            ("/change/approval", Some(RegisterKind::Changes)),
            ("/release/status", Some(RegisterKind::Releases)),
            ("/release/knowledge_items/0/status", Some(RegisterKind::KnowledgeItems)),
            ("/actual_instances/3", Some(RegisterKind::Instances)),
            ("/registers/service_contracts/0", Some(RegisterKind::ServiceContracts)),
            ("/changes", None),
            ("/approvals/0", None),
        ] {
            assert_eq!(RegisterKind::at(place), kind, "{place}");
        }
    }

    #[test]
    fn every_register_of_the_snapshot_is_one() {
        for name in crate::Registers::NAMES {
            assert!(name.parse::<RegisterKind>().is_ok(), "{name}");
        }
    }

    #[test]
    fn a_value_is_read_by_the_type_of_its_register_and_gets_its_defaults() {
        let normal = RegisterKind::Products.normalized(&json!({"id": "shop"})).unwrap();
        assert_eq!(normal, json!({"id": "shop", "name": "", "depends_on": [], "segments": [], "attributes": {}}));
        let wrong = RegisterKind::Products.normalized(&json!({"id": "shop", "owners": "x"})).unwrap_err();
        assert_eq!(wrong.pointer, "/owners");
        let live = json!({"name": "live", "kind": "live", "control": "full"});
        let normal = RegisterKind::Environments.normalized(&live).unwrap();
        assert_eq!(RegisterKind::Environments.id_of(&normal), Some("live"));
        assert_eq!(normal.get("live"), Some(&json!(true)));
    }

    #[test]
    fn concerns_need_a_product_or_an_environment_and_both_must_fit() {
        let concerns = |products: &[&str], environments: &[&str]| EntryConcerns {
            products: products.iter().map(|name| (*name).to_owned()).collect(),
            environments: environments.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(concerns(&["shop"], &[]).include("shop", "live"));
        assert!(concerns(&[], &["live"]).include("shop", "live"));
        assert!(concerns(&["shop"], &["live"]).include("shop", "live"));
        assert!(!concerns(&["shop"], &["test"]).include("shop", "live"));
        assert!(!concerns(&["pay"], &["live"]).include("shop", "live"));
        assert!(!concerns(&[], &[]).include("shop", "live"));
    }

    #[test]
    fn a_rule_replaces_the_usual_attesters_and_may_be_for_some_teams() {
        let shop: TeamName = "shop".parse().unwrap();
        let names = |rules: &AttestRules, team: Option<&TeamName>| {
            let attesters = rules.attesters(RegisterKind::Changes, team);
            attesters.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&AttestRules::default(), None), ["change-authority"]);
        let rule = |by: &str, teams: Option<BTreeSet<TeamName>>| AttestRule {
            registers: BTreeSet::from([RegisterKind::Changes]),
            by: BTreeSet::from([by.parse().unwrap()]),
            teams,
        };
        let rules = AttestRules::new(vec![
            rule("service:itsm", None),
            rule("shop-board", Some(BTreeSet::from([shop.clone()]))),
        ]);
        assert_eq!(names(&rules, None), ["service:itsm"]);
        assert_eq!(names(&rules, Some(&shop)), ["shop-board", "service:itsm"]);
        assert_eq!(names(&rules, Some(&"billing".parse().unwrap())), ["service:itsm"]);
    }
}

//! Provenance: who says a fact of the snapshot, when, and with which credential.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::{check_id, check_name, id, names};
use crate::{
    CredentialKind, Digest, NameFault, PersonId, RegisterEntry, RegisterKind, Timestamp, Verification,
    unknown_credential,
};

/// The source of a fact, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FactSource {
    /// The person who requested the deployment says it.
    #[default]
    Told,
    /// A piece of evidence says it.
    Evidence,
    /// The owner of the fact attested it in a register.
    Register,
    /// Lockgate itself recorded it.
    Ledger,
}

impl FactSource {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Evidence => "evidence",
            Self::Register => "register",
            Self::Ledger => "ledger",
        }
    }
}

/// Who says a fact, when, and with which credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The source of the fact.
    pub source: FactSource,
    /// The id of the person or service that says it. Absent if nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attester: Option<PersonId>,
    /// The kind of the attester's credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// The roles that the attester held at that time.
    #[serde(default, deserialize_with = "names")]
    pub roles: Vec<String>,
    /// The credential with which it was said; `unknown` if nobody knows it.
    #[serde(default = "unknown_credential")]
    pub credential: String,
    /// The time for which the attester says it (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// When it was recorded (RFC 3339); the server sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Timestamp>,
    /// From when on it is no longer valid (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The digest of the value in the register, or of the evidence. Absent for a whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Digest>,
    /// The result of verifying its signature.
    #[serde(default)]
    pub verification: Verification,
}

/// An entry of a list that no longer says anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LapsedEntry {
    /// The register.
    pub register: RegisterKind,
    /// The id of the entry.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Who attested it last, and until when it was valid; or who withdrew it.
    pub said: Provenance,
    /// Whether it was withdrawn, or attested to concern something else. Otherwise it expired.
    #[serde(default)]
    pub withdrawn: bool,
    /// What others said before, the newest last, if it was withdrawn: the last of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<EarlierStatement>,
}

/// What somebody said of an entry before others did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierStatement {
    /// Who said it.
    pub said: Provenance,
    /// Whether that was a withdrawal.
    pub withdrew: bool,
}

impl Provenance {
    /// Who says an entry of a register.
    #[must_use]
    pub fn of_entry(entry: &RegisterEntry) -> Self {
        let RegisterEntry { digest, as_of, valid_until, attested, .. } = entry;
        Self {
            attester: Some(attested.by.clone()),
            kind: Some(attested.kind),
            roles: attested.roles.clone(),
            credential: attested.credential.clone(),
            as_of: Some(*as_of),
            recorded: Some(attested.recorded),
            valid_until: *valid_until,
            entry: *digest,
            ..Self::from_source(FactSource::Register)
        }
    }

    /// A fact from this source of which nothing else is known.
    #[must_use]
    pub fn from_source(source: FactSource) -> Self {
        Self {
            source,
            attester: None,
            kind: None,
            roles: Vec::new(),
            credential: unknown_credential(),
            as_of: None,
            recorded: None,
            valid_until: None,
            entry: None,
            verification: Verification::Absent,
        }
    }

    /// The provenance of the fact at a JSON Pointer: that of the nearest place around it that has one. What no place
    /// tells, the requester told.
    pub fn at(known: &BTreeMap<String, Self>, pointer: &str) -> Self {
        let mut place = pointer;
        loop {
            if let Some(found) = known.get(place) {
                return found.clone();
            }
            match place.rsplit_once('/') {
                Some((around, _)) if !around.is_empty() => place = around,
                _ => return Self::from_source(FactSource::Told),
            }
        }
    }
}

/// Who may attest: the people who hold a role, one service, one person, or one supplier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attester {
    /// Everybody who holds this role.
    Role(String),
    /// The service with this id.
    Service(PersonId),
    /// The person with this id: by a credential, or with a key of the register of people.
    Person(PersonId),
    /// The supplier with this id, with a key of the register of suppliers. It attests nothing but evidence that it signed.
    Supplier(String),
}

/// What stands in front of the id of a service.
const SERVICE: &str = "service:";
/// What stands in front of the id of a person.
const PERSON: &str = "person:";
/// What stands in front of the id of a supplier.
const SUPPLIER: &str = "supplier:";

impl Attester {
    /// Whether it is somebody with this id, this kind of credential and these roles.
    pub fn is(&self, id: &PersonId, kind: CredentialKind, roles: &[String]) -> bool {
        match self {
            Self::Role(role) => roles.contains(role),
            Self::Service(service) => kind == CredentialKind::Service && service == id,
            Self::Person(person) => kind == CredentialKind::Person && person == id,
            Self::Supplier(_) => false,
        }
    }

    /// Whether it is the holder of a key, as [`Evidence::signers`](crate::Evidence::signers) names it. The roles that a
    /// register tells of a person do not count.
    pub fn is_signer(&self, signer: &str) -> bool {
        match signer.parse() {
            Ok(signer @ (Self::Person(_) | Self::Supplier(_))) => *self == signer,
            _ => false,
        }
    }
}

impl fmt::Display for Attester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => f.write_str(role),
            Self::Service(id) => write!(f, "{SERVICE}{id}"),
            Self::Person(id) => write!(f, "{PERSON}{id}"),
            Self::Supplier(id) => write!(f, "{SUPPLIER}{id}"),
        }
    }
}

/// The text names nobody who may attest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAttester {
    /// The name of a role is no name.
    #[error("the name of a role {0}")]
    Role(NameFault),
    /// The id of a service or person is no id.
    #[error("{0}")]
    Person(crate::InvalidName),
    /// The id of a supplier is no id.
    #[error("after `supplier:`, {0}")]
    Supplier(crate::InvalidName),
}

impl FromStr for Attester {
    type Err = InvalidAttester;

    fn from_str(text: &str) -> Result<Self, InvalidAttester> {
        if let Some(id) = text.strip_prefix(SERVICE) {
            return PersonId::new(id).map(Self::Service).map_err(InvalidAttester::Person);
        }
        if let Some(id) = text.strip_prefix(PERSON) {
            return PersonId::new(id).map(Self::Person).map_err(InvalidAttester::Person);
        }
        if let Some(id) = text.strip_prefix(SUPPLIER) {
            check_id(id).map_err(InvalidAttester::Supplier)?;
            return Ok(Self::Supplier(id.to_owned()));
        }
        check_name(text).map_err(InvalidAttester::Role)?;
        Ok(Self::Role(text.to_owned()))
    }
}

impl Serialize for Attester {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Attester {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Attester {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Attester".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "Who may attest: a role, for example `change-authority`, a service, for example `service:itsm`, a \
                            person, for example `person:rita`, or the supplier whose key signed the evidence, for example \
                            `supplier:acme`."
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_fact_has_the_provenance_of_the_nearest_place_around_it() {
        let of = |source| Provenance::from_source(source);
        let known = BTreeMap::from([
            ("/change".to_owned(), of(FactSource::Register)),
            ("/registers/kpis".to_owned(), of(FactSource::Register)),
            ("/registers/kpis/1".to_owned(), of(FactSource::Evidence)),
        ]);
        let source = |pointer| Provenance::at(&known, pointer).source;
        assert_eq!(source("/change"), FactSource::Register);
        assert_eq!(source("/change/window/start"), FactSource::Register);
        assert_eq!(source("/changes"), FactSource::Told);
        assert_eq!(source("/registers/kpis/0/latest"), FactSource::Register);
        assert_eq!(source("/registers/kpis/1/latest"), FactSource::Evidence);
        assert_eq!(source("/registers/kpis/10"), FactSource::Register);
        assert_eq!(source(""), FactSource::Told);
    }

    #[test]
    fn a_role_is_held_and_a_service_is_one_credential() {
        let ada = PersonId::new("ada").unwrap();
        let roles = ["change-authority".to_owned()];
        let role: Attester = "change-authority".parse().unwrap();
        assert!(role.is(&ada, CredentialKind::Person, &roles));
        assert!(!role.is(&ada, CredentialKind::Person, &[]));
        let service: Attester = "service:Ada".parse().unwrap();
        assert!(service.is(&ada, CredentialKind::Service, &[]));
        assert!(!service.is(&ada, CredentialKind::Person, &roles), "a person is no service");
        assert_eq!(service.to_string(), "service:Ada");
        let person: Attester = "person:Ada".parse().unwrap();
        assert!(person.is(&ada, CredentialKind::Person, &[]));
        assert!(!person.is(&ada, CredentialKind::Service, &roles), "a service is no person");
        assert!("".parse::<Attester>().is_err());
        assert!("service:".parse::<Attester>().is_err());
    }

    #[test]
    fn a_supplier_attests_with_its_key_alone() {
        let acme: Attester = "supplier:acme".parse().unwrap();
        assert_eq!(acme.to_string(), "supplier:acme");
        assert!(acme.is_signer("supplier:acme"));
        assert!(!acme.is_signer("supplier:Acme") && !acme.is_signer("person:acme") && !acme.is_signer("acme"));
        let id = PersonId::new("acme").unwrap();
        let roles = ["acme".to_owned(), "supplier:acme".to_owned()];
        assert!(CredentialKind::ALL.iter().all(|kind| !acme.is(&id, *kind, &roles)));
        let person: Attester = "person:rita".parse().unwrap();
        assert!(person.is_signer("person:Rita") && !person.is_signer("supplier:rita"));
        let role: Attester = "rita".parse().unwrap();
        assert!(!role.is_signer("rita") && !role.is_signer("person:rita"));
        let error = "supplier:".parse::<Attester>().unwrap_err().to_string();
        assert_eq!(error, "after `supplier:`, the id is empty: write one");
    }
}

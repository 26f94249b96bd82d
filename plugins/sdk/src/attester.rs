//! Those who may attest evidence.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::settings::unclear_name;
use crate::types::{Evidence, Verification, person_kind};
use crate::{Evaluation, Pointer};

/// Who may attest evidence: the people who hold a role, one service, one person, or one supplier.
///
/// Its text is a role, or an id behind `service:`, `person:` or `supplier:`, as in `by` of a deployment model. In settings, the
/// host converts ids of services and people to the form that a snapshot has; the id of a supplier and a role stay as they are.
/// It refuses an id in letters that it does not let stand beside Latin ones, for example Cyrillic: the prefix is Latin. Name a
/// role then.
///
/// ```
/// use lockgate_plugin::Attester;
///
/// assert_eq!("change-authority".parse(), Ok(Attester::Role("change-authority".to_owned())));
/// let acme: Attester = "supplier:acme".parse().unwrap();
/// assert_eq!((acme.to_string().as_str(), acme), ("supplier:acme", Attester::Supplier("acme".to_owned())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attester {
    /// Everybody who holds this role. A signature never stands for a role.
    Role(String),
    /// The service with this id, by its credential.
    Service(String),
    /// The person with this id: by a credential, or with a key of the register of people.
    Person(String),
    /// The supplier with this id, with a key of the register of suppliers. A supplier has no credential.
    Supplier(String),
}

/// What stands in front of the id of a service.
const SERVICE: &str = "service:";
/// What stands in front of the id of a person.
const PERSON: &str = "person:";
/// What stands in front of the id of a supplier.
const SUPPLIER: &str = "supplier:";

impl Attester {
    /// Whether it is the one who attached the evidence.
    pub(crate) fn attached(&self, by: &AttachedBy) -> bool {
        let AttachedBy { id, kind, roles } = by;
        match self {
            Self::Role(role) => kind.is_some() && roles.contains(role),
            Self::Service(service) => kind.as_deref() == Some(person_kind::SERVICE) && service == id,
            Self::Person(person) => kind.as_deref() == Some(person_kind::PERSON) && person == id,
            Self::Supplier(_) => false,
        }
    }

    /// Whether it is one of those who signed the evidence.
    pub(crate) fn is_among(&self, signers: &[Self]) -> bool {
        signers.contains(self)
    }

    /// Whether its key can attest, in place of a credential.
    pub(crate) fn has_keys(&self) -> bool {
        matches!(self, Self::Person(_) | Self::Supplier(_))
    }
}

/// The one who attached a piece of evidence.
#[derive(Debug)]
pub(crate) struct AttachedBy {
    id: String,
    /// The kind of the credential. None if nobody knows it.
    kind: Option<String>,
    /// The roles that the one held at that time.
    roles: Vec<String>,
}

impl AttachedBy {
    /// The one whom the host recorded. None if nobody knows it.
    pub(crate) fn of(evidence: &Evidence, evaluation: &Evaluation<'_>) -> Option<Self> {
        let id = evidence.attester.clone()?;
        let place = Pointer::root().key("evidence").key(&evidence.name);
        // Who attached the evidence is told, even if the rest cannot be read.
        let said = evaluation.provenance(place.as_str()).ok().flatten();
        let said = said.filter(|said| said.attester.as_ref() == Some(&id));
        let (kind, roles) = said.map_or_else(Default::default, |said| (said.kind, said.roles));
        Some(Self { id, kind, roles })
    }
}

impl fmt::Display for AttachedBy {
    /// `service:acme`, or the id alone if nobody knows the kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{kind}:{}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// Those whose keys verified the signatures of the evidence: people and suppliers, each once. Nobody if it is not verified.
pub(crate) fn signers(evidence: &Evidence) -> Vec<Attester> {
    let is_verified = evidence.verification == Verification::Verified;
    let keys = evidence.verified_by.as_deref().filter(|_| is_verified).unwrap_or_default().lines();
    let holders = keys.filter_map(|key| key.rsplit_once('#')?.0.parse().ok());
    let mut signers = Vec::new();
    for holder in holders.filter(Attester::has_keys) {
        // A key is named by the id that its register has, which may be in upper case, unlike other ids of people.
        let holder = match holder {
            Attester::Person(id) => Attester::Person(id.to_ascii_lowercase()),
            other => other,
        };
        if !signers.contains(&holder) {
            signers.push(holder);
        }
    }
    signers
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

impl From<&Attester> for String {
    fn from(attester: &Attester) -> Self {
        attester.to_string()
    }
}

impl FromStr for Attester {
    type Err = String;

    /// Reads a role, or an id behind `service:`, `person:` or `supplier:`.
    fn from_str(text: &str) -> Result<Self, String> {
        for (prefix, with) in
            [(SERVICE, Self::Service as fn(String) -> Self), (PERSON, Self::Person), (SUPPLIER, Self::Supplier)]
        {
            if let Some(id) = text.strip_prefix(prefix) {
                return match unclear_name(id) {
                    None => Ok(with(id.to_owned())),
                    Some(_) if id.is_empty() => Err(format!("the id after `{prefix}` is empty: write one")),
                    Some(fault) => Err(format!("after `{prefix}`, {fault}")),
                };
            }
        }
        match unclear_name(text) {
            None => Ok(Self::Role(text.to_owned())),
            Some(fault) => Err(fault),
        }
    }
}

impl Serialize for Attester {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Attester {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Attester {
    fn schema_name() -> Cow<'static, str> {
        "Attester".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Only ids of services and people have a normal form: the second branch keeps it from suppliers and roles.
        let is_id = "^(service|person):";
        json_schema!({
            "type": "string",
            "minLength": 1,
            "format": "lockgate-name",
            "anyOf": [{ "pattern": is_id, "format": "lockgate-person" }, { "not": { "pattern": is_id } }],
            "description": "A role, for example `release-manager`, a service, for example `service:ci`, a person, for example \
                            `person:rita`, or a supplier whose key signs, for example `supplier:acme`."
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;
    use crate::testing::{Fixture, configure};
    use crate::{Plugin, SettingsFinding};

    fn attester(text: &str) -> Attester {
        text.parse().unwrap()
    }

    fn attached_by(id: &str, kind: Option<&str>, roles: &[&str]) -> AttachedBy {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        AttachedBy { id: id.to_owned(), kind: kind.map(str::to_owned), roles }
    }

    /// Evidence that was verified with these keys, each in a line.
    fn signed(verification: Verification, keys: &str) -> Evidence {
        let mut fixture = Fixture::new().with_evidence("report", "text/plain", "");
        for file in fixture.evidence.values_mut() {
            (file.head.verification, file.head.verified_by) = (verification, Some(keys.to_owned()));
        }
        fixture.evaluation().evidence("report").unwrap()
    }

    #[test]
    fn a_credential_counts_for_a_role_and_for_the_id_of_its_kind() {
        let person = attached_by("ada", Some("person"), &["tester"]);
        let service = attached_by("ada", Some("service"), &["acme", "supplier:ada"]);
        let agent = attached_by("ada", Some("agent"), &[]);
        let unknown = attached_by("ada", None, &["tester"]);
        let who = |attester: &Attester| [&person, &service, &agent, &unknown].map(|by| attester.attached(by));
        assert_eq!(who(&attester("tester")), [true, false, false, false]);
        assert_eq!(who(&attester("person:ada")), [true, false, false, false]);
        assert_eq!(who(&attester("service:ada")), [false, true, false, false]);
        assert_eq!(who(&attester("supplier:ada")), [false; 4], "a supplier has no credential");
        assert_eq!(who(&attester("ada")), [false; 4], "an id is no role");
        assert_eq!((service.to_string().as_str(), unknown.to_string().as_str()), ("service:ada", "ada"));
    }

    #[test]
    fn those_who_signed_are_people_and_suppliers_with_a_verified_key() {
        let keys = "supplier:Acme#build\nperson:Rita#k\nsupplier:Acme#old";
        let expected = [attester("supplier:Acme"), attester("person:rita")];
        assert_eq!(signers(&signed(Verification::Verified, keys)), expected);
        for verification in [Verification::Absent, Verification::Unchecked, Verification::Failed] {
            assert_eq!(signers(&signed(verification, keys)), [], "{verification:?}");
        }
        for other in ["service:ci#k", "tester#k", "supplier:acme", "supplier:#k", ""] {
            assert_eq!(signers(&signed(Verification::Verified, other)), [], "{other}");
        }
        assert!(!attester("rita").is_among(&[attester("person:rita")]), "no signature stands for a role");
    }

    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Settings {
        by: Vec<Attester>,
    }

    impl Plugin for Settings {
        type Settings = Self;
        fn configure(settings: Self) -> Result<Self, Vec<SettingsFinding>> {
            Ok(settings)
        }
    }

    #[test]
    fn settings_name_roles_and_ids_and_what_is_neither_is_refused_with_its_place() {
        let read: Settings =
            configure(r#"{ "by": ["tester", "service:ci", "person:rita", "supplier:Acme"] }"#).unwrap();
        let written: Vec<String> = read.by.iter().map(String::from).collect();
        assert_eq!(written, ["tester", "service:ci", "person:rita", "supplier:Acme"]);
        assert!(matches!(&read.by[3], Attester::Supplier(id) if id == "Acme"));
        let refused = |text: &str| {
            let found = configure::<Settings>(&format!(r#"{{ "by": ["tester", "{text}"] }}"#)).unwrap_err();
            assert_eq!(found[0].pointer, "/by/1");
            found[0].message.clone()
        };
        assert_eq!(refused(""), "the text must not be empty");
        assert_eq!(refused("supplier:"), "the id after `supplier:` is empty: write one");
        assert_eq!(refused("person: rita"), "after `person:`, ` rita` starts or ends with a blank: remove it");
        assert_eq!(refused("rita "), "`rita ` starts or ends with a blank: remove it");
    }
}

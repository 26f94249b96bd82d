//! The people that a deployment names, as the register of people knows them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::distinct::distinct;
use crate::join::{JoinError, RegisterSource, typed};
use crate::name::{names, some_name};
use crate::{
    Competence, Deployment, FactSource, PersonId, PersonKind, Provenance, RegisterKind, RegisteredPerson, Timestamp,
    escaped_token,
};

/// A person that a deployment names, as the register of people knows them. Their id is the key under which they stand, and
/// their display name and their keys are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedPerson {
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
}

/// Reads people by their ids, and brings the ids into their normal form: for `serde`'s `deserialize_with`.
pub(crate) fn people_by_id<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, NamedPerson>>, D::Error> {
    let written = BTreeMap::<PersonId, NamedPerson>::deserialize(deserializer)?;
    Ok(Some(written.into_iter().map(|(id, person)| (id.normal().to_owned(), person)).collect()))
}

impl From<RegisteredPerson> for NamedPerson {
    fn from(person: RegisteredPerson) -> Self {
        let RegisteredPerson { id: _, name: _, kind, roles, team, competences, keys: _ } = person;
        Self { kind, roles, team, competences }
    }
}

impl Deployment {
    /// The ids of the people that the deployment names: who requests it, contributes, approves and decides for whom, who asked for,
    /// approved and carries out the change, who decided what happens to data, and who reviewed a component.
    pub fn named_people(&self) -> BTreeSet<PersonId> {
        let people = self.contributors.iter().chain([&self.requester]).map(|person| &person.id);
        let answered =
            self.approvals.iter().flat_map(|approval| [Some(&approval.person.id), approval.on_behalf_of.as_ref()]);
        let change = &self.change;
        let of_change = [&change.requested_by, &change.approved_by, &change.assignee].map(Option::as_ref);
        let retention = self.plan.as_ref().and_then(|plan| plan.data_retention.as_ref());
        let decided = retention.map(|retention| &retention.decided_by);
        let reviewed = self.release.components.iter().map(|component| component.reviewer.as_ref());
        people.chain(answered.chain(of_change).chain([decided]).chain(reviewed).flatten()).cloned().collect()
    }
}

/// Joins a deployment with the register of people: each person that it [names](Deployment::named_people) and that the register
/// knows. If nobody keeps the register, nothing changes. Returns the moment from which on the result is out of date,
/// because what was attested of a person expires then.
///
/// # Errors
/// If the register cannot be read.
pub fn join_people<S: RegisterSource>(
    deployment: &mut Deployment,
    source: &mut S,
    now: Timestamp,
) -> Result<Option<Timestamp>, JoinError<S::Error>> {
    if !source.is_kept(RegisterKind::People).map_err(JoinError::Source)? {
        return Ok(None);
    }
    let (mut people, mut until) = (BTreeMap::new(), None);
    for id in deployment.named_people() {
        let found = source.entry(RegisterKind::People, id.normal()).map_err(JoinError::Source)?;
        let Some(fact) = found else { continue };
        if let Some(end) = fact.provenance.valid_until {
            if end <= now {
                continue;
            }
            until = Some(until.map_or(end, |until: Timestamp| until.min(end)));
        }
        let person: RegisteredPerson = typed(&fact)?;
        deployment.provenance.insert(format!("/people/{}", escaped_token(id.normal())), fact.provenance);
        people.insert(id.normal().to_owned(), NamedPerson::from(person));
    }
    deployment.provenance.insert("/people".to_owned(), Provenance::from_source(FactSource::Register));
    deployment.people = Some(people);
    Ok(until)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::convert::Infallible;

    use serde_json::{Value, json};

    use super::*;
    use crate::EntryConcerns;
    use crate::join::RegisteredFact;

    /// A register of people; none if nobody keeps it.
    struct People(Option<Vec<(Value, Option<&'static str>)>>);

    impl RegisterSource for People {
        type Error = Infallible;

        fn is_kept(&mut self, register: RegisterKind) -> Result<bool, Infallible> {
            Ok(register == RegisterKind::People && self.0.is_some())
        }

        fn entry(&mut self, register: RegisterKind, id: &str) -> Result<Option<RegisteredFact>, Infallible> {
            let entries = self.0.iter().flatten();
            let mut found = entries.filter(|(value, _)| value.get("id").and_then(Value::as_str) == Some(id));
            Ok(found.next().map(|(value, valid_until)| RegisteredFact {
                register,
                id: id.to_owned(),
                value: value.clone(),
                concerns: EntryConcerns::default(),
                provenance: Provenance {
                    attester: Some(PersonId::new("hr").unwrap()),
                    valid_until: valid_until.map(|moment| moment.parse().unwrap()),
                    ..Provenance::from_source(FactSource::Register)
                },
            }))
        }

        fn concerning(&mut self, _: &str, _: &str) -> Result<Vec<RegisteredFact>, Infallible> {
            Ok(Vec::new())
        }

        fn withdrawn(&mut self, _: &str, _: &str) -> Result<Vec<crate::LapsedEntry>, Infallible> {
            Ok(Vec::new())
        }
    }

    fn deployment() -> Deployment {
        let mut document: Value =
            serde_json::from_str(include_str!("../../../examples/new-version/deployment.json")).unwrap();
        document["requester"] = json!({"id": "Ada@Example.org"});
        document["contributors"] = json!([{"id": "a/b~c"}]);
        document["change"]["assignee"] = json!("cleo");
        document["release"]["components"][0]["reviewer"] = json!("rita");
        serde_json::from_value(document).unwrap()
    }

    fn joined(people: People) -> (Deployment, Option<Timestamp>) {
        let mut deployment = deployment();
        let until = join_people(&mut deployment, &mut { people }, "2026-11-24T20:00:00Z".parse().unwrap()).unwrap();
        (deployment, until)
    }

    #[test]
    fn the_people_that_a_deployment_names_are_joined_without_their_names_and_expired_entries_do_not_count() {
        let competent = json!([{"name": "database", "level": "expert"}]);
        let register = vec![
            (json!({"id": "ada@example.org", "name": "Ada L.", "competences": competent}), None),
            (json!({"id": "a/b~c", "roles": ["developer"]}), Some("2027-01-01T00:00:00Z")),
            (json!({"id": "cleo"}), Some("2026-11-24T20:00:00Z")),
            (json!({"id": "rita"}), Some("2026-12-01T00:00:00Z")),
            (json!({"id": "nobody-asked"}), None),
        ];
        let (deployment, until) = joined(People(Some(register)));
        let people = deployment.people.as_ref().unwrap();
        assert_eq!(people.keys().map(String::as_str).collect::<Vec<_>>(), ["a/b~c", "ada@example.org", "rita"]);
        assert_eq!(people["ada@example.org"].competences[0].name, "database");
        assert!(!json!(deployment).to_string().contains("Ada L."), "no display name");
        assert_eq!(until, Some("2026-12-01T00:00:00Z".parse().unwrap()));
        let said = Provenance::at(&deployment.provenance, "/people/a~1b~0c/competences");
        assert_eq!(said.attester, Some(PersonId::new("hr").unwrap()));
    }

    #[test]
    fn nobody_keeping_people_differs_from_knowing_none_of_them() {
        assert_eq!(joined(People(None)).0.people, None);
        assert_eq!(joined(People(Some(Vec::new()))).0.people, Some(BTreeMap::new()));
    }

    #[test]
    fn written_ids_are_brought_into_their_normal_form() {
        let mut document = json!(deployment());
        document["people"] = json!({"Ada@Example.org": {}});
        let read: Deployment = serde_json::from_value(document).unwrap();
        assert!(read.people.unwrap().contains_key("ada@example.org"));
    }
}

//! Requests a deployment, and revises its document.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_domain::drift::HOST_FACTS;
use lockgate_domain::join::{NAMED, complete};
use lockgate_domain::{
    CredentialKind, Deployment, Person, PersonKind, Right, TeamName, Teams, canonical_json, escaped_token,
    is_path_step, read_value,
};
use lockgate_ledger::{ContentBlob, check_stream_name};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::booking::environment_stream;
use super::change_view::{change_stream, link};
use super::locate::deployment_stream;
use super::product_history::product_stream;
use super::read::{LoadedDeployment, ReadMode, with_involved};
use super::registers::LedgerRegisters;
use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, DeploymentView, InputError, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, DeploymentState, EventActor, StagePosition};

/// The members of a deployment with entries that registers complete.
const LISTS: [&str; 2] = ["actual_instances", "registers"];

/// The longest id, in bytes.
const LONGEST_ID: usize = 128;

/// A deployment to request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeployment {
    /// The team that owns the deployment. It may be absent if you are in one team only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The document of the deployment, without the members that people and the host add later (`involved`, `approvals`,
    /// `approved`, `waivers`, `overrides`, `overlaps`, `stops`, `late_reviews`, `history`, `progress`, `analysis`, `gates_passed`, `hand_over`, `people`, `samples`, `sample_intervals`, `provenance`). Its
    /// `change`, `environment`, `product` and `release` may be the id of an entry of a register. A value that differs from
    /// that of the entry is refused.
    #[schemars(schema_with = "written_deployment")]
    pub deployment: Value,
}

/// The schema of a deployment whose change, environment, product and release may be named by id.
fn written_deployment(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Deployment::json_schema(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (member, register) in NAMED {
            if let Some(whole) = properties.get_mut(member) {
                let whole = whole.take();
                let description = format!("The whole, or the id of an entry of the register `{register}`.");
                let named = json!({"type": "string", "minLength": 1});
                if let Some(place) = properties.get_mut(member) {
                    *place = json!({"description": description, "anyOf": [whole, named]});
                }
            }
        }
    }
    schema
}

impl DeploymentService {
    /// Requests a deployment.
    ///
    /// # Errors
    /// If the actor may not request, the id is taken, or the document cannot be requested.
    pub fn request(
        &self,
        write: &WriteContext<'_>,
        new: &NewDeployment,
    ) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        let actor = write.actor;
        actor.require(Right::Request)?;
        let permit = || {
            let team = team_of(actor, new.team.as_ref())?;
            let deployment = self.completed(&team, new.deployment.clone(), "/deployment")?;
            let deployment = with_known_requester(actor, &deployment);
            check(actor, &deployment, "/deployment")?;
            Ok((team, deployment))
        };
        self.once(write, &("request", new), permit, |(team, deployment), digest| {
            let deployment = &deployment;
            check_names(&team, deployment)?;
            let id = deployment.id.as_str();
            if self.0.storage.version(&deployment_stream(&team, id))? > 0 {
                return Err(ServiceError::Exists { what: "deployment", id: id.to_owned() });
            }
            let content = content_of(deployment)?;
            let event = DeploymentEvent::Requested {
                team,
                product: deployment.product.id.clone(),
                environment: deployment.environment.name.clone(),
                release: deployment.release.id.clone(),
                document: content.digest(),
                people: deployment.everybody_involved(),
            };
            let missing = || ServiceError::Damaged("a request begins no deployment".to_owned());
            let state = DeploymentState::begin(&event, &EventActor::from(actor), write.now).ok_or_else(missing)?;
            let document = with_involved(deployment.clone(), &state);
            let loaded = LoadedDeployment::first(id, state, Arc::new(document));
            let value = self.view(&loaded, write.now)?;
            let entries = vec![link(&loaded, &deployment.change.id, write.now)?];
            let change = WriteChange { content: vec![content], entries, ..WriteChange::of(event) };
            let append = self.append_of(write, &loaded, 0, change)?;
            self.0.teams.remove(id);
            self.commit(write, digest, append, Some(&loaded), value)
        })
    }

    /// The deployment that was written, with the entries of the registers that it names. `at` is its place in the
    /// request.
    fn completed(&self, team: &TeamName, mut written: Value, at: &str) -> Result<Deployment, ServiceError> {
        let mut registers = LedgerRegisters::new(self, team, ReadMode::Fresh, []);
        let mut found = complete(&mut written, &mut registers)?;
        if !found.is_empty() {
            for contradiction in &mut found {
                contradiction.pointer.insert_str(0, at);
            }
            return Err(ServiceError::Contradicts(found));
        }
        read_completed(&written, at)
    }

    /// The deployment after a patch. What the patch states is completed and compared with the registers; what it does not
    /// state may have become out of date, and contradicts nothing.
    fn revised(
        &self,
        team: &TeamName,
        (before, patch): (&Value, &Value),
        mut after: Value,
    ) -> Result<Deployment, ServiceError> {
        let mut stated = Map::new();
        for (member, register) in NAMED {
            let id = before.pointer(&format!("/{member}/{}", register.key())).cloned().unwrap_or_default();
            let told = match patch.get(member) {
                Some(Value::Object(told)) => {
                    let mut told: Map<String, Value> = told
                        .iter()
                        .filter(|(_, value)| !value.is_null())
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect();
                    told.entry(register.key()).or_insert(id);
                    Value::Object(told)
                }
                Some(told) => told.clone(),
                None => id,
            };
            stated.insert(member.to_owned(), told);
        }
        for list in LISTS {
            if let (Some(_), Some(list_after)) = (patch.get(list), after.get(list)) {
                stated.insert(list.to_owned(), list_after.clone());
            }
        }
        let mut completed = Value::Object(stated.clone());
        let mut registers = LedgerRegisters::new(self, team, ReadMode::Fresh, []);
        let found = complete(&mut completed, &mut registers)?;
        if !found.is_empty() {
            return Err(ServiceError::Contradicts(found));
        }
        for (member, _) in NAMED {
            let is_completed = completed.get(member) != stated.get(member);
            if let (Some(_), Some(value), Some(place), true) =
                (patch.get(member), completed.get(member), after.get_mut(member), is_completed)
            {
                place.clone_from(value);
            }
        }
        for list in LISTS {
            if let (Some(value), Some(place)) = (completed.get(list), after.get_mut(list)) {
                place.clone_from(value);
            }
        }
        read_completed(&after, "")
    }

    /// Changes the document of a deployment by a JSON merge patch (RFC 7396).
    ///
    /// # Errors
    /// If the actor may not revise, the deployment has ended, or the result is not a document.
    pub fn revise(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        patch: &Value,
    ) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        write.actor.require(Right::Request)?;
        self.once(
            write,
            &("revise", at, write.if_match, patch),
            || self.load(write.actor, at),
            |loaded, digest| {
                loaded.matches(write)?;
                if loaded.state.position.ended().is_some() {
                    return Err(super::RuleRefusal::Over { what: "deployment", id: at.id.to_owned() }.into());
                }
                let before = json!(Deployment { involved: BTreeSet::new(), ..(*loaded.document).clone() });
                let mut after = before.clone();
                if patch.pointer("/environment/kind").is_some()
                    && let Some(environment) = after.get_mut("environment").and_then(Value::as_object_mut)
                {
                    // Whether it is live followed from the kind before, and follows from the new one.
                    environment.remove("live");
                }
                json_patch::merge(&mut after, patch);
                let deployment = self.revised(&loaded.state.team, (&before, patch), after)?;
                if deployment.id != loaded.id {
                    let message = format!("the id of a deployment stays what it is: `{}`", loaded.id);
                    return Err(ServiceError::Invalid(vec![InputError::new("/id", message)]));
                }
                check_revision(write.actor, &loaded.document, &deployment)?;
                if check_stream_name(&change_stream(&loaded.state.team, &deployment.change.id)).is_err() {
                    let rule = "the id of the change is not allowed: with the name of the team it has 500 bytes at most, and no \
                                control character";
                    return Err(ServiceError::Invalid(vec![InputError::new("/change/id", rule)]));
                }
                let after = json!(deployment);
                let names = before.as_object().into_iter().chain(after.as_object()).flat_map(|object| object.keys());
                let mut changed: Vec<String> =
                    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
                changed.sort_unstable();
                changed.dedup();
                // On the way back it counts that the instances are as they were: somebody has looked at them again.
                let is_rolling_back = matches!(loaded.state.position, StagePosition::RollingBack { .. });
                if changed.is_empty() && is_rolling_back && patch.get("actual_instances").is_some() {
                    changed.push("actual_instances".to_owned());
                }
                if changed.is_empty() {
                    let value = self.view(&loaded, write.now)?;
                    return Ok(WriteAnswer { value, version: loaded.state.version, repeated: false, stream: None });
                }
                let content = content_of(&deployment)?;
                let people = deployment.everybody_involved();
                let event = DeploymentEvent::Revised { document: content.digest(), changed, people };
                let is_linked = loaded.document.change.id == deployment.change.id;
                let entries = match is_linked {
                    true => Vec::new(),
                    false => vec![link(&loaded, &deployment.change.id, write.now)?],
                };
                let change = WriteChange { content: vec![content], entries, ..WriteChange::of(event) };
                self.record(write, digest, &loaded, change, |after| {
                    let document = Arc::new(with_involved(deployment, &after.state));
                    self.view(&LoadedDeployment { document, ..after.clone() }, write.now)
                })
            },
        )
    }
}

/// Reads a deployment that was completed. `at` is its place in the request.
fn read_completed(written: &Value, at: &str) -> Result<Deployment, ServiceError> {
    let named = NAMED.iter().filter_map(|(member, register)| Some((member, register, written.get(member)?.as_str()?)));
    let unknown = named.map(|(member, register, id)| {
        let message = format!(
            "the register `{register}` has no entry `{id}` that your team sees: have it attested, or write the whole {member}"
        );
        InputError::new(format!("{at}/{member}"), message)
    });
    let unknown: Vec<InputError> = unknown.collect();
    if !unknown.is_empty() {
        return Err(ServiceError::Invalid(unknown));
    }
    read_value(written).map_err(|error| {
        let InputError { pointer, message } = error.into();
        ServiceError::Invalid(vec![InputError::new(format!("{at}{pointer}"), message)])
    })
}

/// The document, with the kind and the roles of the requester as the credential says them, if the requester asks in person. What
/// somebody says of another requester is no credential: it gives no roles, and only a service can ask for another service.
fn with_known_requester(actor: &Actor, deployment: &Deployment) -> Deployment {
    let mut deployment = deployment.clone();
    let Person { id, kind, roles, .. } = &mut deployment.requester;
    if *id == actor.person.id {
        *kind = actor.as_person().kind;
        *roles = actor.person.roles.clone();
    } else {
        roles.clear();
        if actor.kind != CredentialKind::Service && *kind == PersonKind::Service {
            *kind = PersonKind::Person;
        }
    }
    deployment
}

fn content_of(deployment: &Deployment) -> Result<ContentBlob, ServiceError> {
    Ok(ContentBlob::new("deployment", "application/json", Arc::new(canonical_json(deployment)?)))
}

fn team_of(actor: &Actor, named: Option<&TeamName>) -> Result<TeamName, ServiceError> {
    let wrong = |message: String| ServiceError::Invalid(vec![InputError::new("/team", message)]);
    let Some(team) = named.or_else(|| actor.teams.only()) else {
        return Err(wrong("`team` is required: you are in several teams".to_owned()));
    };
    if actor.teams.include(team) {
        return Ok(team.clone());
    }
    let own = match &actor.teams {
        Teams::Named(teams) => teams.iter().map(|team| format!("`{team}`")).collect::<Vec<_>>().join(", "),
        Teams::All => String::new(),
    };
    Err(wrong(format!("`{}` is not in team `{team}`: write one of {own}", actor.person.id)))
}

/// Refuses fields in a document that only the host may set.
fn check(actor: &Actor, deployment: &Deployment, at: &str) -> Result<(), ServiceError> {
    let mut mistakes = Vec::new();
    let id = &deployment.id;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(plain) || is_path_step(id) {
        let rule =
            format!("the id has 1 to {LONGEST_ID} letters, digits, `.`, `-`, `_` or `:`, and is not `.` or `..`");
        mistakes.push(InputError::new(format!("{at}/id"), rule));
    }
    mistakes.extend(of_the_host(deployment, at));
    let requester = &deployment.requester.id;
    if *requester != actor.person.id && !actor.may(Right::RequestForOthers) {
        let message = format!(
            "`{}` asks, not `{requester}`: it takes the right `request-for-others` to ask for others",
            actor.person.id
        );
        mistakes.push(InputError::new(format!("{at}/requester/id"), message));
    }
    if mistakes.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(mistakes)) }
}

/// Checks the names that later entries need: those for taking up the environment, and for how the deployment ended.
fn check_names(team: &str, deployment: &Deployment) -> Result<(), ServiceError> {
    let streams = [
        ("product/id", product_stream(team, &deployment.product.id), "the id of the product"),
        ("change/id", change_stream(team, &deployment.change.id), "the id of the change"),
        ("environment/name", environment_stream(&deployment.environment.name), "the name of the environment"),
    ];
    let mistakes: Vec<InputError> = streams
        .into_iter()
        .filter(|(_, stream, _)| check_stream_name(stream).is_err())
        .map(|(at, _, what)| {
            let rule = "with the name of the team it has 500 bytes at most, and no control character";
            InputError::new(format!("/deployment/{at}"), format!("{what} is not allowed: {rule}"))
        })
        .collect();
    if mistakes.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(mistakes)) }
}

fn check_revision(actor: &Actor, before: &Deployment, after: &Deployment) -> Result<(), ServiceError> {
    let mut mistakes = of_the_host(after, "");
    if !before.requester.id.is_written_like(&after.requester.id) && !actor.may(Right::RequestForOthers) {
        mistakes.push(InputError::new("/requester/id", "the requester stays who it is"));
    }
    if before.requester.id == after.requester.id && before.requester.kind != after.requester.kind {
        mistakes.push(InputError::new("/requester/kind", "the requester stays of the kind that the credential said"));
    }
    if before.requester.id == after.requester.id && before.requester.roles != after.requester.roles {
        mistakes.push(InputError::new("/requester/roles", "the requester keeps the roles of the request"));
    }
    // People who contributed stay known. Otherwise a person could leave the list in order to approve.
    let gone = before.contributors.iter().filter(|was| !after.contributors.iter().any(|is| is.id == was.id));
    for person in gone {
        let message = format!("`{}` contributed, and stays among the contributors", person.id);
        mistakes.push(InputError::new("/contributors", message));
    }
    for (name, same) in [
        ("product", before.product.id == after.product.id),
        ("environment", before.environment.name == after.environment.name),
    ] {
        if !same {
            let message = format!("the {name} of a deployment stays what it is: ask for another deployment");
            mistakes.push(InputError::new(format!("/{name}"), message));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(mistakes)) }
}

fn of_the_host(deployment: &Deployment, at: &str) -> Vec<InputError> {
    let Deployment {
        involved,
        approvals,
        approved,
        waivers,
        overrides,
        overlaps,
        stops,
        late_reviews,
        history,
        progress,
        analysis,
        gates_passed,
        hand_over,
        people,
        samples,
        sample_intervals,
        lapsed,
        provenance,
        facts,
        ..
    } = deployment;
    let said = [
        ("involved", !involved.is_empty(), "the host keeps who was ever involved"),
        ("approvals", !approvals.is_empty(), "people approve by `POST …/approvals`, each with their own credential"),
        ("approved", approved.is_some(), "it is what the exit of plan-and-approve decided"),
        ("waivers", !waivers.is_empty(), "waivers are granted by `POST /api/v1/waivers`"),
        ("overrides", !overrides.is_empty(), "overrides are taken by `POST …/overrides`"),
        ("overlaps", !overlaps.is_empty(), "the host finds them itself"),
        ("stops", !stops.is_empty(), "the line is stopped by `POST /api/v1/stops`"),
        ("late_reviews", !late_reviews.is_empty(), "the host keeps which reviews of overrides are late"),
        ("progress", progress.is_some(), "the host keeps how far the rollout has come"),
        ("gates_passed", !gates_passed.is_empty(), "the host keeps which gates were passed"),
        ("hand_over", hand_over.is_some(), "it is proposed by `POST …/hand-over`, and accepted by those who take over"),
        ("analysis", analysis.is_some(), "a step of the rollout asks for it"),
        ("people", people.is_some(), "the host takes them from the register `people`"),
        ("samples", samples.is_some(), "the host takes them from the register `kpis`"),
        ("sample_intervals", sample_intervals.is_some(), "the host takes them from the register `kpis`"),
        ("lapsed", !lapsed.is_empty(), "the host finds the entries that expired itself"),
        ("provenance", !provenance.is_empty(), "the host keeps who says each fact"),
        ("history", !history.is_empty(), "the host keeps how the earlier deployments of the product ended"),
    ];
    let host_facts = facts.keys().filter(|name| name.starts_with(HOST_FACTS)).map(|name| {
        let message = format!("facts whose names begin with `{HOST_FACTS}` are those that the host finds itself");
        InputError::new(format!("{at}/facts/{}", escaped_token(name)), message)
    });
    let said = said.into_iter().filter(|(_, said, _)| *said);
    let said =
        said.map(|(name, _, why)| InputError::new(format!("{at}/{name}"), format!("`{name}` is not handed in: {why}")));
    said.chain(host_facts).collect()
}

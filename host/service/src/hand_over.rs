//! Hands what was deployed over to those who operate it, and shows which exposures that opened.
//!
//! The people who carry a deployment out propose the hand-over, and say what those who take over get. Somebody else accepts it: the
//! person who takes over, or a member of the team. The ids are those of the registers that concern the deployment, so nobody is handed
//! a runbook that does not exist.

use lockgate_domain::{
    CredentialKind, Deployment, Exposure, HandOver, PersonId, Receiver, Right, Scenario, Stage, TeamName, fields,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::{LoadedDeployment, Page, PageRequest, body};
use super::write::{RecordedEvent, WriteChange};
use super::{
    DeploymentRef, DeploymentService, DeploymentView, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext,
};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, StagePosition};

/// A hand-over to propose. It names at least one thing that those who take over get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHandOver {
    /// Who takes over: a person or a team.
    pub receiver: Receiver,
    /// The ids of the runbooks that they get, from the register `runbooks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runbooks: Vec<String>,
    /// The ids of the knowledge items of the release that they get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knowledge_items: Vec<String>,
    /// The ids of the contracts that they keep from now on, from the register `service-contracts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_contracts: Vec<String>,
    /// The ids of the monitors that they watch from now on, from the register `monitors`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<String>,
    /// A note for those who take over.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub note: Option<String>,
}

fn some_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    fields::text(deserializer).map(Some)
}

/// An exposure that a deployment opened: it is operational, and the Release stream decides whether its users get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenExposure {
    /// The id of the deployment.
    pub deployment: String,
    /// The team that owns the deployment.
    pub team: TeamName,
    /// The id of the product.
    pub product: String,
    /// The id of the release.
    pub release: String,
    /// The name of the environment.
    pub environment: String,
    /// Who opened it, and when.
    #[serde(flatten)]
    pub exposure: Exposure,
}

impl DeploymentService {
    /// Proposes to hand a deployment over to those who operate it. A new proposal replaces the earlier one, also if that was accepted.
    ///
    /// # Errors
    /// If the actor may not drive the deployment, nothing is deployed yet, or the proposal names something that does not exist.
    pub fn propose_hand_over(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        new: &NewHandOver,
    ) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        write.actor.require(Right::Drive)?;
        self.once(
            write,
            &("propose-hand-over", at, new, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                can_be_handed_over(&loaded)?;
                let mistakes = mistakes(new, &self.joined(&loaded, write.now)?);
                if !mistakes.is_empty() {
                    return Err(ServiceError::Invalid(mistakes));
                }
                let NewHandOver { receiver, runbooks, knowledge_items, service_contracts, monitors, note } =
                    new.clone();
                let hand_over = HandOver {
                    receiver,
                    runbooks,
                    knowledge_items,
                    service_contracts,
                    monitors,
                    note,
                    proposed_by: write.actor.person.id.clone(),
                    proposed: write.now,
                    accepted_by: None,
                    accepted: None,
                };
                let change = WriteChange::of(DeploymentEvent::HandOverProposed { hand_over });
                self.record(write, digest, &loaded, change, |after| self.view(after, write.now))
            },
        )
    }

    /// Accepts the hand-over of a deployment, for oneself or for one's team.
    ///
    /// # Errors
    /// If the actor may not take over, is not the one who takes over, proposed the hand-over, or uses no credential of a person; or if
    /// nobody proposed a hand-over, or somebody accepted it already.
    pub fn accept_hand_over(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
    ) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        write.actor.require(Right::TakeOver)?;
        self.once(
            write,
            &("accept-hand-over", at, write.if_match),
            || self.load(write.actor, at),
            |loaded, digest| {
                can_be_handed_over(&loaded)?;
                let Some(hand_over) = &loaded.state.hand_over else {
                    return Err(RuleRefusal::NoHandOver { id: loaded.id.clone() }.into());
                };
                may_accept(write.actor, hand_over)?;
                let change = WriteChange::of(DeploymentEvent::HandOverAccepted);
                self.record(write, digest, &loaded, change, |after| self.view(after, write.now))
            },
        )
    }

    /// The exposures that deployments opened in live environments, newest first.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn exposures(&self, actor: &Actor, page: PageRequest) -> Result<Page<OpenExposure>, ServiceError> {
        actor.require(Right::Read)?;
        self.paged(&actor.teams, None, EXPOSURE_OPENED, page, |entry| {
            let RecordedEvent { by, event } = body(entry)?;
            let (Some(id), Some(team)) = (&entry.id, &entry.team) else { return Ok(None) };
            let DeploymentEvent::ExposureOpened { product, release, environment } = event else { return Ok(None) };
            let team = team.parse().map_err(|error| {
                ServiceError::Damaged(format!("entry {} is of a team that is none: {error}", entry.index))
            })?;
            let exposure = Exposure { opened_by: by.person, opened: entry.at };
            Ok(Some(OpenExposure { deployment: id.clone(), team, product, release, environment, exposure }))
        })
    }

    /// The event that a deployment has opened an exposure by becoming operational. None if its environment is not live, or it is a
    /// removal.
    pub(super) fn opened_exposure(
        &self,
        write: &WriteContext<'_>,
        loaded: &LoadedDeployment,
    ) -> Result<Option<DeploymentEvent>, ServiceError> {
        let deployment = self.joined(loaded, write.now)?;
        let is_open = deployment.environment.live && deployment.scenario != Scenario::Removal;
        Ok(is_open.then(|| DeploymentEvent::ExposureOpened {
            product: deployment.product.id.clone(),
            release: deployment.release.id.clone(),
            environment: deployment.environment.name.clone(),
        }))
    }
}

/// The kind of the entries that open an exposure.
const EXPOSURE_OPENED: &str = "exposure-opened";

/// Checks that something is deployed that can be handed over.
fn can_be_handed_over(loaded: &LoadedDeployment) -> Result<(), ServiceError> {
    match loaded.state.position {
        StagePosition::AwaitingEntrance { stage: Stage::Validate | Stage::Observe }
        | StagePosition::InProgress { stage: Stage::Validate | Stage::Observe } => Ok(()),
        position => Err(RuleRefusal::NothingToHandOver { id: loaded.id.clone(), position }.into()),
    }
}

/// Checks that the actor is one of those who take over, in person, and not the one who proposed it.
fn may_accept(actor: &Actor, hand_over: &HandOver) -> Result<(), RuleRefusal> {
    let person = actor.person.id.clone();
    if let Some(by) = &hand_over.accepted_by {
        return Err(RuleRefusal::HandOverAccepted { by: by.clone() });
    }
    if person == hand_over.proposed_by {
        return Err(RuleRefusal::OwnHandOver { person });
    }
    let Receiver { person: named, team } = &hand_over.receiver;
    let is_named = named.as_ref().is_some_and(|named: &PersonId| *named == person);
    let is_in_team = team.as_ref().is_some_and(|team| actor.teams.include(team));
    if !is_named && !is_in_team {
        return Err(RuleRefusal::NotReceiver { person, receiver: hand_over.receiver.clone() });
    }
    match actor.kind {
        CredentialKind::Person => Ok(()),
        kind => Err(RuleRefusal::PersonTakesOver { person, kind }),
    }
}

/// What is wrong with a proposal for a deployment.
fn mistakes(new: &NewHandOver, deployment: &Deployment) -> Vec<InputError> {
    let mut mistakes = Vec::new();
    if !new.receiver.is_one() {
        mistakes.push(InputError::new("/receiver", "name who takes over: either a `person` or a `team`"));
    }
    let registers = &deployment.registers;
    let runbooks: Option<Vec<&str>> =
        registers.runbooks.as_ref().map(|all| all.iter().map(|one| one.id.as_str()).collect());
    let contracts = registers.service_contracts.as_ref().map(|all| all.iter().map(|one| one.id.as_str()).collect());
    let monitors = registers.monitors.as_ref().map(|all| all.iter().map(|one| one.id.as_str()).collect());
    let knowledge = deployment.release.knowledge_items.iter().map(|item| item.id.as_str()).collect();
    let lists = [
        ("runbooks", new.runbooks.as_slice(), "the register `runbooks`", runbooks),
        ("knowledge_items", &new.knowledge_items, "the release", Some(knowledge)),
        ("service_contracts", &new.service_contracts, "the register `service-contracts`", contracts),
        ("monitors", &new.monitors, "the register `monitors`", monitors),
    ];
    if lists.iter().all(|(_, named, ..)| named.is_empty()) {
        let message =
            "say what they get: name at least one of `runbooks`, `knowledge_items`, `service_contracts` and `monitors`";
        mistakes.push(InputError::new("", message));
    }
    for (member, named, place, known) in lists {
        for (index, id) in named.iter().enumerate() {
            let at = format!("/{member}/{index}");
            let message = match &known {
                _ if named.iter().take(index).any(|earlier| earlier == id) => {
                    format!("`{id}` is in the list twice: remove one")
                }
                Some(known) if known.contains(&id.as_str()) => continue,
                Some(known) if known.is_empty() => {
                    format!("{place} has nothing for this deployment, so no `{id}`: have it attested first")
                }
                Some(known) => {
                    let known = known.join("`, `");
                    format!("{place} has no `{id}` for this deployment: it has `{known}`")
                }
                None => format!("nobody keeps {place}, so nobody knows `{id}`: have it attested first"),
            };
            mistakes.push(InputError::new(at, message));
        }
    }
    mistakes
}

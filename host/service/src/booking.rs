//! Bookings: deployments that are planned or under way, and where they could get in the way of others: in an environment, at
//! a product, or at a resource.
//!
//! A booking stands in one stream for each of these places. A deployment looks into the streams in which a booking that
//! concerns it must stand, and a decision expects their versions. So of two deployments that concern each other, the
//! second to be decided sees the first, whichever server decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_domain::{
    Deployment, Digest, Gate, Overlap, OverlapRelation, Phase, Right, Stage, TeamName, TimeWindow, Timestamp,
};
use lockgate_ledger::{EntryDraft, ExpectedVersion, check_stream_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::{FollowedStream, LoadedDeployment, ReadMode, body, follow};
use super::{DeploymentRef, DeploymentService, ServiceError};
use crate::authority::Actor;
use crate::lifecycle::StagePosition;

/// The kind of the entries that release a booking.
const RELEASED: &str = "released";
/// The kind of the entries for a deployment that begins to change its environment.
const UNDER_WAY: &str = "under-way";
/// The kind of the entries for a deployment whose plan was approved.
const PLANNED: &str = "planned";

/// The stream of the bookings in an environment.
pub(super) fn environment_stream(name: &str) -> String {
    format!("environment/{name}")
}

/// The stream of the bookings at a product or a resource. A name that no stream can have is replaced by its digest.
fn booking_stream(place: &str, name: &str) -> String {
    let stream = format!("bookings/{place}/{name}");
    match check_stream_name(&stream) {
        Ok(()) => stream,
        Err(_) => format!("bookings/{place}/{}", Digest::of(name.as_bytes())),
    }
}

/// The stream of the bookings of a product's own deployments.
fn product_bookings(product: &str) -> String {
    booking_stream("product", product)
}

/// The stream of the bookings of products that depend on this one.
fn dependent_bookings(product: &str) -> String {
    booking_stream("dependents-of", product)
}

fn resource_bookings(resource: &str) -> String {
    booking_stream("resource", resource)
}

/// The streams that hold all bookings which may concern a deployment, in order.
pub(super) fn streams_to_look_at(deployment: &Deployment) -> Vec<String> {
    let Deployment { product, environment, plan, .. } = deployment;
    let mut streams = BTreeSet::from([
        environment_stream(&environment.name),
        product_bookings(&product.id),
        dependent_bookings(&product.id),
    ]);
    streams.extend(product.depends_on.iter().map(|id| product_bookings(id)));
    streams.extend(plan.iter().flat_map(|plan| &plan.resources).map(|id| resource_bookings(id)));
    streams.into_iter().collect()
}

/// A deployment that is planned or under way: the body of its booking's entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct BookedDeployment {
    team: TeamName,
    deployment: String,
    product: String,
    environment: String,
    /// Whether consumers depend on the environment.
    live: bool,
    depends_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<TimeWindow>,
}

impl BookedDeployment {
    fn of(loaded: &LoadedDeployment, deployment: &Deployment) -> Self {
        let plan = deployment.plan.as_ref();
        Self {
            team: loaded.state.team.clone(),
            deployment: loaded.id.clone(),
            product: deployment.product.id.clone(),
            environment: deployment.environment.name.clone(),
            live: deployment.environment.live,
            depends_on: deployment.product.depends_on.clone(),
            resources: plan.map(|plan| plan.resources.clone()).unwrap_or_default(),
            slot: plan.and_then(|plan| plan.slot),
        }
    }

    /// The streams in which the booking stands.
    fn streams(&self) -> BTreeSet<String> {
        let mut streams = BTreeSet::from([environment_stream(&self.environment), product_bookings(&self.product)]);
        streams.extend(self.depends_on.iter().map(|id| dependent_bookings(id)));
        streams.extend(self.resources.iter().map(|id| resource_bookings(id)));
        streams
    }

    fn entry(&self, stream: &str, kind: &str, now: Timestamp) -> Result<EntryDraft, ServiceError> {
        Ok(EntryDraft::new(stream, kind, now, self)?.of_team(&self.team)?)
    }

    /// How the booked deployment relates to another one by environment and product, as a team may know it. None: not at
    /// all.
    fn relation(&self, team: &TeamName, deployment: &Deployment) -> Option<OverlapRelation> {
        let Deployment { product, environment, .. } = deployment;
        let by_product = if self.product == product.id {
            Some(OverlapRelation::SameProduct)
        } else if product.depends_on.contains(&self.product) {
            Some(OverlapRelation::DependedOn)
        } else if self.depends_on.contains(&product.id) {
            Some(OverlapRelation::Dependent)
        } else {
            None
        };
        if self.environment == environment.name {
            return Some(match by_product {
                None => OverlapRelation::SameEnvironment,
                // The exact relation would reveal the other team's product.
                Some(_) if self.team != *team => OverlapRelation::Conflicting,
                Some(relation) => relation,
            });
        }
        let both_live = self.live && environment.live;
        by_product.map(|relation| match relation {
            OverlapRelation::DependedOn | OverlapRelation::Dependent if both_live && self.team == *team => relation,
            OverlapRelation::DependedOn | OverlapRelation::Dependent if both_live => OverlapRelation::Conflicting,
            _ => OverlapRelation::Related,
        })
    }

    /// The relations of the booked deployment to another one: by environment and product, then by each resource that both
    /// need, in the order of their ids.
    fn relations<'a>(
        &'a self,
        team: &TeamName,
        deployment: &Deployment,
    ) -> impl Iterator<Item = (OverlapRelation, Option<&'a str>)> {
        let needed: BTreeSet<&str> =
            deployment.plan.iter().flat_map(|plan| &plan.resources).map(String::as_str).collect();
        let own: BTreeSet<&str> = self.resources.iter().map(String::as_str).collect();
        let shared: Vec<&str> = own.into_iter().filter(|resource| needed.contains(resource)).collect();
        let by_place = self.relation(team, deployment).map(|relation| (relation, None));
        by_place.into_iter().chain(shared.into_iter().map(|id| (OverlapRelation::SharedResource, Some(id))))
    }
}

/// The bookings of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamBookings {
    /// By team and deployment id. The flag says whether the deployment is under way.
    bookings: BTreeMap<(TeamName, String), (BookedDeployment, bool)>,
}

impl StreamBookings {
    /// The deployments of a product that are under way: their teams and ids.
    pub(super) fn under_way(&self, product: &str) -> impl Iterator<Item = (&TeamName, &String)> {
        let of_product = move |(_, (booked, under_way)): &(&(TeamName, String), &(BookedDeployment, bool))| {
            *under_way && booked.product == product
        };
        self.bookings.iter().filter(of_product).map(|((team, id), _)| (team, id))
    }
}

/// The bookings of the streams that a deployment looks at, each up to a version.
#[derive(Default)]
pub(super) struct KnownBookings(Vec<(String, Arc<FollowedStream<StreamBookings>>)>);

impl KnownBookings {
    /// The names of the streams, in order.
    pub(super) fn streams(&self) -> Vec<String> {
        self.0.iter().map(|(stream, _)| stream.clone()).collect()
    }

    /// The versions of the streams, in their order.
    pub(super) fn versions(&self) -> Vec<u64> {
        self.0.iter().map(|(_, bookings)| bookings.version).collect()
    }

    /// The versions that the streams must still have when something that depends on the bookings is written.
    pub(super) fn expected(&self) -> Vec<ExpectedVersion> {
        let expected = |(stream, bookings): &(String, Arc<FollowedStream<StreamBookings>>)| ExpectedVersion {
            stream: stream.clone(),
            version: bookings.version,
        };
        self.0.iter().map(expected).collect()
    }

    /// The bookings of other deployments, in the order of their teams and ids, each with whether it is under way.
    fn others(&self, team: &TeamName, id: &str) -> impl Iterator<Item = (&BookedDeployment, bool)> {
        let mut others: BTreeMap<&(TeamName, String), (&BookedDeployment, bool)> = BTreeMap::new();
        for (key, (booked, under_way)) in self.0.iter().flat_map(|(_, bookings)| &bookings.says.bookings) {
            if (&key.0, key.1.as_str()) != (team, id) {
                others.entry(key).and_modify(|(_, known)| *known |= *under_way).or_insert((booked, *under_way));
            }
        }
        others.into_values()
    }

    /// The other deployments that are under way or have a slot that meets the deployment's.
    pub(super) fn overlaps(&self, team: &TeamName, deployment: &Deployment) -> Vec<Overlap> {
        self.near(team, deployment, |_| false).map(|(overlap, _)| overlap).collect()
    }

    /// As [`overlaps`](Self::overlaps), with those too whose slot meets the change window. Without a change window, all.
    fn around(&self, team: &TeamName, deployment: &Deployment) -> Vec<Booking> {
        let window = deployment.change.window;
        let is_around = |slot| window.is_none() || meet(window, slot);
        self.near(team, deployment, is_around).map(|(overlap, meets_slot)| Booking::of(overlap, meets_slot)).collect()
    }

    /// The other deployments that are under way, or have a slot that meets the deployment's or that is near, as its team may see
    /// them: for another team's deployment the environment and the times, but neither its id nor its product. Each with
    /// whether its slot meets the deployment's. One that needs the same resources appears once more for each of them.
    fn near(
        &self,
        team: &TeamName,
        deployment: &Deployment,
        is_near: impl Fn(Option<TimeWindow>) -> bool,
    ) -> impl Iterator<Item = (Overlap, bool)> {
        let slot = deployment.plan.as_ref().and_then(|plan| plan.slot);
        self.others(team, &deployment.id)
            .map(move |(other, under_way)| (other, under_way, meet(slot, other.slot)))
            .filter(move |(other, under_way, meets_slot)| *under_way || *meets_slot || is_near(other.slot))
            .flat_map(move |(other, under_way, meets_slot)| {
                other.relations(team, deployment).map(move |(relation, shared)| {
                    let own = |name: &String| (other.team == *team).then(|| name.clone());
                    let overlap = Overlap {
                        deployment: own(&other.deployment),
                        product: own(&other.product),
                        environment: other.environment.clone(),
                        window: other.slot,
                        shared: shared.map(str::to_owned),
                        relation,
                        under_way,
                    };
                    (overlap, meets_slot)
                })
            })
    }
}

/// Whether two times have a moment in common.
fn meet(one: Option<TimeWindow>, other: Option<TimeWindow>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.start < other.end && other.start < one.end)
}

/// Another deployment that is planned or under way, and concerns this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Booking {
    /// The id of the other deployment. Absent if it belongs to another team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The id of its product. Absent if it belongs to another team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The name of its environment.
    pub environment: String,
    /// The time slot that is booked for it. Absent if its plan has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// The id of a resource that both need. Such a deployment appears once for each resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<String>,
    /// The relation of the other deployment to this one.
    pub relation: OverlapRelation,
    /// Whether the other deployment is under way. Otherwise it is planned.
    pub under_way: bool,
    /// Whether its slot meets the slot that this deployment asks for.
    pub meets_slot: bool,
}

impl Booking {
    fn of(overlap: Overlap, meets_slot: bool) -> Self {
        let Overlap { deployment, product, environment, window, shared, relation, under_way } = overlap;
        Self { deployment, product, environment, window, shared, relation, under_way, meets_slot }
    }
}

impl DeploymentService {
    /// The bookings of a stream, up to at least this version.
    pub(super) fn bookings_at(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<StreamBookings>>, ServiceError> {
        follow(&*self.0.storage, &self.0.bookings, stream, version, |known, entry| {
            let booked: BookedDeployment = body(&entry)?;
            let key = (booked.team.clone(), booked.deployment.clone());
            match entry.kind.as_str() {
                RELEASED => known.bookings.remove(&key),
                kind => known.bookings.insert(key, (booked, kind == UNDER_WAY)),
            };
            Ok(())
        })
    }

    /// The bookings of streams, each up to at least this version.
    pub(super) fn bookings_of<'a>(
        &self,
        streams: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Result<KnownBookings, ServiceError> {
        let read = |(stream, version): (&str, u64)| Ok((stream.to_owned(), self.bookings_at(stream, version)?));
        streams.into_iter().map(read).collect::<Result<_, ServiceError>>().map(KnownBookings)
    }

    /// The bookings that may concern a deployment. `read` has versions that were read before.
    pub(super) fn bookings_for(
        &self,
        as_of: ReadMode,
        deployment: &Deployment,
        read: &[(&str, u64)],
    ) -> Result<KnownBookings, ServiceError> {
        let streams = streams_to_look_at(deployment);
        let known: BTreeMap<&str, u64> = read.iter().copied().collect();
        let unknown: Vec<&str> =
            streams.iter().map(String::as_str).filter(|stream| !known.contains_key(stream)).collect();
        let mut versions = known;
        if !unknown.is_empty() {
            let read = as_of.versions(&*self.0.storage, &unknown)?;
            versions.extend(unknown.into_iter().zip(read));
        }
        self.bookings_of(streams.iter().map(|stream| {
            let stream = stream.as_str();
            (stream, versions.get(stream).copied().unwrap_or(0))
        }))
    }

    /// Other deployments that are under way, or planned for the same time, and concern this one: in its environment, by
    /// its product, or by a resource that both need.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn overlaps(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<Vec<Overlap>, ServiceError> {
        actor.require(Right::Read)?;
        let loaded = self.load(actor, at)?;
        let deployment = self.joined(&loaded, self.now())?;
        Ok(self.bookings_for(ReadMode::Fresh, &deployment, &[])?.overlaps(&loaded.state.team, &deployment))
    }

    /// Other deployments that concern this one and are under way, or are planned for a time that meets its change window
    /// or the slot that it asks for. Without a change window, all that are planned.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn bookings(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<Vec<Booking>, ServiceError> {
        actor.require(Right::Read)?;
        let loaded = self.load(actor, at)?;
        let deployment = self.joined(&loaded, self.now())?;
        Ok(self.bookings_for(ReadMode::Fresh, &deployment, &[])?.around(&loaded.state.team, &deployment))
    }

    /// The entries for a move that books a deployment, or releases its booking.
    pub(super) fn booking_entries(
        &self,
        loaded: &LoadedDeployment,
        after: StagePosition,
        deployment: &Deployment,
        now: Timestamp,
    ) -> Result<Vec<EntryDraft>, ServiceError> {
        let Some(kind) = booking_kind(loaded.state.position, after) else { return Ok(Vec::new()) };
        let key = (loaded.state.team.clone(), loaded.id.clone());
        // Product, environment and id stay what they are, but what the product depends on, and what the plan needs, may
        // have changed since the deployment was booked.
        let stream = environment_stream(&deployment.environment.name);
        let known = self.bookings_at(&stream, self.0.storage.version(&stream)?)?;
        let before = known.says.bookings.get(&key).map(|(booked, _)| booked);
        let mut entries = Vec::new();
        let mut released = before.map(BookedDeployment::streams).unwrap_or_default();
        if kind != RELEASED {
            let booked = BookedDeployment::of(loaded, deployment);
            for stream in booked.streams() {
                entries.push(booked.entry(&stream, kind, now)?);
                released.remove(&stream);
            }
        }
        if let Some(before) = before {
            for stream in released {
                entries.push(before.entry(&stream, RELEASED, now)?);
            }
        }
        Ok(entries)
    }
}

/// Whether a move books a deployment, or releases its booking.
pub(super) fn changes_booking(before: StagePosition, after: StagePosition) -> bool {
    booking_kind(before, after).is_some()
}

/// What a move does to the booking of a deployment. None: nothing.
fn booking_kind(before: StagePosition, after: StagePosition) -> Option<&'static str> {
    let exit = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
    if after.changes_environment() && !before.changes_environment() {
        Some(UNDER_WAY)
    } else if before.gate() == Some(exit) && after.stage() > before.stage() {
        Some(PLANNED)
    } else if before.changes_environment() && !after.changes_environment()
        || after.ended().is_some() && before.stage() >= Stage::Fulfill
        || after.stage() < before.stage()
    {
        Some(RELEASED)
    } else {
        None
    }
}

//! What is due next, as the ledger says: a projection that each process keeps for itself.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::join::RegisterSource as _;
use lockgate_domain::{Change, RegisterKind, TimeWindow};
use lockgate_ledger::{EntryQuery, StoredEntry};

use super::sources::DueDeployment;
use super::{DueAudience, DueItem, DueKind, DueMark};
use crate::delegation::Delegation;
use crate::granted::{Grant, end_stream};
use crate::read::{AT_ONCE, LoadedDeployment, ReadMode, body};
use crate::registers::LedgerRegisters;
use crate::stops::STOPS;
use crate::waiver::WaiverState;
use crate::{DeploymentService, ServiceError};

/// What the ledger holds of something that falls due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DueSubject {
    /// A deployment, by its stream.
    Deployment(String),
    Waiver(String),
    Delegation(String),
    /// All stops of the line.
    Stops,
}

/// An item, with who sees it.
#[derive(Clone, Debug)]
pub(super) struct AgendaItem {
    pub(super) item: DueItem,
    pub(super) audience: DueAudience,
    /// Whether it was recorded that its time has come.
    pub(super) recorded: bool,
}

/// The items of a subject.
#[derive(Default)]
struct SubjectItems {
    items: Vec<AgendaItem>,
    /// The id of the change of a deployment whose window may move.
    change: Option<String>,
}

/// What is due, now or later. Follows the ledger.
#[derive(Default)]
pub(crate) struct Agenda {
    /// The index in the log from which on further entries may follow. None: nothing was read yet.
    next: Option<u64>,
    subjects: BTreeMap<DueSubject, SubjectItems>,
    /// What is not recorded yet, by the time at which it is due.
    coming: BTreeSet<(DueMark, DueSubject)>,
    /// The deployments under each change.
    changes: BTreeMap<String, BTreeSet<String>>,
    /// The ids of the deployments under a change, by stream.
    ids: BTreeMap<String, String>,
    /// The deployments that have changed since they were read.
    stale: BTreeMap<String, String>,
    /// Whether stops have changed since they were read.
    stale_stops: bool,
}

impl Agenda {
    /// What is due first, and not recorded yet.
    pub(super) fn first(&self) -> Option<(DueMark, DueSubject)> {
        self.coming.first().cloned()
    }

    /// Has a subject read again at the next look at the ledger. Grants are told by their own entries.
    pub(super) fn look_again(&mut self, subject: &DueSubject) {
        match subject {
            DueSubject::Deployment(stream) => {
                let known = self.subjects.get(subject).and_then(|known| known.items.first());
                if let Some(id) = known.and_then(|known| known.item.deployment.clone()) {
                    self.stale.insert(stream.clone(), id);
                }
            }
            DueSubject::Stops => self.stale_stops = true,
            DueSubject::Waiver(_) | DueSubject::Delegation(_) => {}
        }
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &AgendaItem> {
        self.subjects.values().flat_map(|subject| &subject.items)
    }

    /// The item of a subject with this mark.
    pub(super) fn item(&self, subject: &DueSubject, mark: &DueMark) -> Option<&AgendaItem> {
        self.subjects.get(subject)?.items.iter().find(|known| known.item.mark == *mark)
    }

    fn put(&mut self, subject: DueSubject, items: SubjectItems) {
        self.remove(&subject);
        for known in items.items.iter().filter(|known| !known.recorded) {
            self.coming.insert((known.item.mark.clone(), subject.clone()));
        }
        if let (Some(change), DueSubject::Deployment(stream)) = (&items.change, &subject) {
            self.changes.entry(change.clone()).or_default().insert(stream.clone());
        }
        if !items.items.is_empty() || items.change.is_some() {
            self.subjects.insert(subject, items);
        }
    }

    fn remove(&mut self, subject: &DueSubject) {
        let Some(known) = self.subjects.remove(subject) else { return };
        for known in known.items {
            self.coming.remove(&(known.item.mark, subject.clone()));
        }
        if let (Some(change), DueSubject::Deployment(stream)) = (known.change, subject)
            && let Some(streams) = self.changes.get_mut(&change)
        {
            streams.remove(stream);
            if streams.is_empty() {
                self.changes.remove(&change);
            }
        }
    }

    /// Takes note of an entry of the log.
    fn take(&mut self, stored: &StoredEntry) -> Result<(), ServiceError> {
        let read = || stored.read().map_err(ServiceError::Damaged);
        let id = stored.id.as_deref();
        match (stored.kind.as_str(), stored.stream.split('/').next()) {
            (_, Some("deployment")) => {
                if let Some(id) = id {
                    self.stale.insert(stored.stream.clone(), id.to_owned());
                }
            }
            (WaiverState::KIND, _) => self.grant(DueSubject::Waiver, &body::<WaiverState>(&read()?)?),
            (Delegation::KIND, _) => self.grant(DueSubject::Delegation, &body::<Delegation>(&read()?)?),
            (_, Some(WaiverState::KIND)) => self.end(DueSubject::Waiver, id),
            (_, Some(Delegation::KIND)) => self.end(DueSubject::Delegation, id),
            (_, Some(STOPS)) => self.stale_stops = true,
            (_, Some("register")) => {
                // An entry of the register of changes may move the window of deployments.
                let change = id.and_then(|id| id.strip_prefix(&format!("{}/", RegisterKind::Changes)));
                let streams = change.and_then(|change| self.changes.get(change)).into_iter().flatten();
                let ids = streams.filter_map(|stream| Some((stream.clone(), self.ids.get(stream)?.clone())));
                self.stale.extend(ids.collect::<Vec<_>>());
            }
            _ => {}
        }
        Ok(())
    }

    fn grant<T: DueGrant>(&mut self, subject: fn(String) -> DueSubject, granted: &T) {
        let items = SubjectItems { items: vec![granted.expiry()], change: None };
        self.put(subject(granted.id().to_owned()), items);
    }

    fn end(&mut self, subject: fn(String) -> DueSubject, id: Option<&str>) {
        if let Some(id) = id {
            self.remove(&subject(id.to_owned()));
        }
    }
}

/// A grant that expires by itself.
pub(super) trait DueGrant: Grant {
    /// What falls due when it expires.
    const EXPIRED: DueKind;

    fn message(&self) -> String;

    fn audience(&self) -> DueAudience;

    fn expiry(&self) -> AgendaItem {
        let audience = self.audience();
        let team = match &audience {
            DueAudience::Team(team) => team.clone(),
            DueAudience::Delegation { teams, .. } => teams.only().cloned(),
        };
        let mark = DueMark { due: self.expires(), what: Self::EXPIRED, about: self.id().to_owned() };
        let item = DueItem {
            mark,
            message: self.message(),
            overdue: false,
            team,
            deployment: None,
            product: None,
            environment: None,
        };
        AgendaItem { item, audience, recorded: false }
    }

    /// The stream in which its end is recorded.
    fn stream_of_end(id: &str) -> String {
        end_stream::<Self>(id)
    }
}

impl DueGrant for WaiverState {
    const EXPIRED: DueKind = DueKind::WaiverExpired;

    fn message(&self) -> String {
        let waiver = &self.waiver;
        format!("the waiver of `{}` for `{}` no longer counts", waiver.owner, waiver.scope.bindings.join("`, `"))
    }

    fn audience(&self) -> DueAudience {
        DueAudience::Team(self.waiver.scope.team.clone())
    }

    fn expiry(&self) -> AgendaItem {
        let scope = &self.waiver.scope;
        let mark = DueMark { due: self.expires(), what: Self::EXPIRED, about: self.waiver.id.clone() };
        let item = DueItem {
            mark,
            message: self.message(),
            overdue: false,
            team: scope.team.clone(),
            deployment: scope.deployment.clone(),
            product: scope.product.clone(),
            environment: scope.environment.clone(),
        };
        AgendaItem { item, audience: self.audience(), recorded: false }
    }
}

impl DueGrant for Delegation {
    const EXPIRED: DueKind = DueKind::DelegationExpired;

    fn message(&self) -> String {
        format!("`{}` no longer answers as `{}` for `{}`", self.asked.to, self.asked.role, self.from)
    }

    fn audience(&self) -> DueAudience {
        DueAudience::Delegation { people: [self.from.clone(), self.asked.to.clone()], teams: self.teams.clone() }
    }
}

impl DeploymentService {
    /// Reads what the ledger has got since the last time, and works out what is due.
    pub(super) fn catch_up(&self, agenda: &mut Agenda) -> Result<(), ServiceError> {
        let storage = &*self.0.storage;
        let size = storage.head()?.size;
        let (mut from, kinds) = match agenda.next {
            Some(next) => (next, vec![None]),
            // Ends come after what they end, whatever their places.
            None => (0, FIRST_READ.map(|kind| Some(kind.to_owned())).to_vec()),
        };
        let first = from;
        for kind in kinds {
            from = first;
            while from < size {
                let query = EntryQuery {
                    kind: kind.clone(),
                    from,
                    before: Some(size),
                    limit: AT_ONCE,
                    ..EntryQuery::default()
                };
                let entries = storage.entries(&query)?;
                for stored in &entries {
                    agenda.take(stored)?;
                    from = stored.index + 1;
                }
                if entries.len() < AT_ONCE {
                    break;
                }
            }
        }
        agenda.stale_stops |= agenda.next.is_none();
        agenda.next = Some(size);
        self.read_stale(agenda)
    }

    fn read_stale(&self, agenda: &mut Agenda) -> Result<(), ServiceError> {
        while let Some((stream, id)) = agenda.stale.first_key_value().map(|(stream, id)| (stream.clone(), id.clone())) {
            let loaded = self.read_deployment(&stream, &id, self.0.storage.version(&stream)?)?;
            let items = self.items_of_deployment(&loaded)?;
            agenda.stale.remove(&stream);
            match items.change {
                Some(_) => drop(agenda.ids.insert(stream.clone(), id)),
                None => drop(agenda.ids.remove(&stream)),
            }
            agenda.put(DueSubject::Deployment(stream), items);
        }
        if agenda.stale_stops {
            let items = self.items_of_stops()?;
            agenda.put(DueSubject::Stops, items);
            agenda.stale_stops = false;
        }
        Ok(())
    }

    /// Whether something is still to be recorded of a deployment.
    pub(super) fn is_coming(&self, loaded: &LoadedDeployment, mark: &DueMark) -> Result<bool, ServiceError> {
        let items = self.items_of_deployment(loaded)?.items;
        Ok(items.iter().any(|known| !known.recorded && known.item.mark == *mark))
    }

    fn items_of_deployment(&self, loaded: &LoadedDeployment) -> Result<SubjectItems, ServiceError> {
        let document = &loaded.document;
        let is_over = loaded.state.position.ended().is_some();
        let window = if is_over { None } else { self.window_of(loaded)? };
        let occasions = DueDeployment { loaded, window }.occasions();
        let team = &loaded.state.team;
        let items = occasions.into_iter().map(|occasion| {
            let recorded = loaded.state.fell_due.contains(&occasion.mark);
            AgendaItem {
                item: DueItem {
                    mark: occasion.mark,
                    message: occasion.message,
                    overdue: recorded,
                    team: Some(team.clone()),
                    deployment: Some(loaded.id.clone()),
                    product: Some(document.product.id.clone()),
                    environment: Some(document.environment.name.clone()),
                },
                audience: DueAudience::Team(Some(team.clone())),
                recorded,
            }
            .kept_if(occasion.asks_for_work)
        });
        let items: Vec<AgendaItem> = items.flatten().collect();
        let change = (!is_over).then(|| RegisterKind::Changes.normal_id(&document.change.id));
        Ok(SubjectItems { items, change })
    }

    /// The window of a deployment's change: what the register of changes says of it, else what the deployment tells.
    fn window_of(&self, loaded: &LoadedDeployment) -> Result<Option<TimeWindow>, ServiceError> {
        let change = &loaded.document.change;
        let mut registers = LedgerRegisters::new(self, &loaded.state.team, ReadMode::Fresh, []);
        let Some(fact) = registers.entry(RegisterKind::Changes, &change.id)? else { return Ok(change.window) };
        let attested: Change = serde_json::from_value(fact.value)
            .map_err(|error| ServiceError::Damaged(format!("the change `{}`: {error}", change.id)))?;
        Ok(attested.window)
    }

    fn items_of_stops(&self) -> Result<SubjectItems, ServiceError> {
        let stops = self.stops_at(self.0.storage.version(STOPS)?)?;
        let items = stops.says.open().map(|known| {
            let stop = &known.stop;
            let mark = DueMark { due: stop.until, what: DueKind::StopExpired, about: stop.id.clone() };
            let message = format!("the line runs again for {}, which `{}` stopped", stop.scope.in_words(), stop.by);
            let item = DueItem {
                mark,
                message,
                overdue: false,
                team: stop.scope.team.clone(),
                deployment: None,
                product: stop.scope.product.clone(),
                environment: stop.scope.environment.clone(),
            };
            AgendaItem { item, audience: DueAudience::Team(stop.scope.team.clone()), recorded: false }
        });
        Ok(SubjectItems { items: items.collect(), change: None })
    }
}

impl AgendaItem {
    /// The item, unless it was recorded and asks for nothing.
    fn kept_if(self, asks_for_work: bool) -> Option<Self> {
        (!self.recorded || asks_for_work).then_some(self)
    }
}

/// The kinds of entries that a new agenda reads, each in the order of the log. From then on, it follows all entries.
const FIRST_READ: [&str; 7] = [
    "requested",
    WaiverState::KIND,
    "waiver-ended",
    "waiver-expired",
    Delegation::KIND,
    "delegation-ended",
    "delegation-expired",
];

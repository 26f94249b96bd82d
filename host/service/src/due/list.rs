//! The list of what is due, for people.

use std::fmt;
use std::str::FromStr;

use lockgate_domain::{Digest, Right, TeamName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agenda::AgendaItem;
use super::{DueItem, DueKind};
use crate::authority::Actor;
use crate::{DeploymentService, ServiceError};

/// Selects items. An item must meet all conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueFilter {
    /// Only items of this team.
    pub team: Option<TeamName>,
    /// Only items of the product with this id.
    pub product: Option<String>,
    /// Only items in the environment with this name.
    pub environment: Option<String>,
    /// Only items of the deployment with this id.
    pub deployment: Option<String>,
    /// Only items of this kind.
    pub what: Option<DueKind>,
    /// Only items whose time has come, or only those whose time has not.
    pub overdue: Option<bool>,
    /// Only items that are due before this moment.
    pub before: Option<Timestamp>,
}

impl DueFilter {
    fn has(&self, item: &DueItem) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        (self.team.is_none() || self.team == item.team)
            && is(&self.product, &item.product)
            && is(&self.environment, &item.environment)
            && is(&self.deployment, &item.deployment)
            && self.what.is_none_or(|what| what == item.mark.what)
            && self.overdue.is_none_or(|overdue| overdue == item.overdue)
            && self.before.is_none_or(|before| item.mark.due < before)
    }
}

/// The place of an item in the list: after it, the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueCursor {
    due: Timestamp,
    /// Tells items apart that are due at the same time.
    item: u64,
}

/// The text is no cursor of the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cursor: take `next` of the page before")]
pub struct InvalidDueCursor(pub String);

impl fmt::Display for DueCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.due.as_millis(), self.item)
    }
}

impl FromStr for DueCursor {
    type Err = InvalidDueCursor;

    fn from_str(text: &str) -> Result<Self, InvalidDueCursor> {
        let read = || {
            let (due, item) = text.rsplit_once('-')?;
            let item = u64::from_str_radix(item, 16).ok().filter(|_| item.len() == 16)?;
            Some(Self { due: Timestamp::from_millis(due.parse().ok()?), item })
        };
        read().ok_or_else(|| InvalidDueCursor(text.to_owned()))
    }
}

impl DueCursor {
    fn of(item: &DueItem) -> Result<Self, ServiceError> {
        let name = Digest::of_canonical(&(&item.mark, &item.team, &item.deployment))?.hex();
        let number = name.get(..16).and_then(|first| u64::from_str_radix(first, 16).ok());
        Ok(Self { due: item.mark.due, item: number.unwrap_or_default() })
    }
}

/// Selects a page of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuePageRequest {
    /// Only items after this place.
    pub after: Option<DueCursor>,
    /// The most items on the page.
    pub limit: usize,
}

/// A page of what is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DuePage {
    /// The items of the page, in the order in which they are due.
    pub items: Vec<DueItem>,
    /// The cursor of the next page. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl DeploymentService {
    /// What is due next, and what is overdue, of the actor's teams.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn due(&self, actor: &Actor, filter: &DueFilter, page: DuePageRequest) -> Result<DuePage, ServiceError> {
        actor.require(Right::Read)?;
        let now = self.now();
        let shown = |known: &AgendaItem| {
            let item = DueItem { overdue: known.item.mark.due <= now, ..known.item.clone() };
            filter.has(&item).then_some(item)
        };
        let mut items = Vec::new();
        {
            let mut agenda = self.0.agenda.lock();
            self.catch_up(&mut agenda)?;
            for item in agenda.items().filter(|known| known.audience.includes(actor)).filter_map(shown) {
                items.push((DueCursor::of(&item)?, item));
            }
        }
        items.sort_by_key(|(place, _)| *place);
        items.retain(|(place, _)| page.after.is_none_or(|after| *place > after));
        let next = match items.len() > page.limit {
            true => page.limit.checked_sub(1).and_then(|last| items.get(last)).map(|(place, _)| place.to_string()),
            false => None,
        };
        items.truncate(page.limit);
        Ok(DuePage { items: items.into_iter().map(|(_, item)| item).collect(), next })
    }
}

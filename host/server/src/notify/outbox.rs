//! What is sent next to a webhook, and what was not taken. All of it stands in the ledger, as values of one namespace:
//!
//! | key | value |
//! |---|---|
//! | `<webhook>/cursor` | the index of the next entry to read |
//! | `<webhook>/sender` | the server that sends now, and until when |
//! | `<webhook>/failing` | the event that is not taken, since when, how often it was tried, and why |
//! | `<webhook>/dead/<index>` | an event that was given up |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use lockgate_domain::{TeamName, Teams, Timestamp};
use lockgate_ledger::{Append, EntryQuery, Error, NamespaceValues, Storage, ValueChanges};
use lockgate_service::{DeploymentService, Notice, NoticeKind, ServiceError, WeakDeploymentService};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::EventMaker;
use super::webhook::{PostOutcome, Webhook};
use crate::config::WebhookConfig;
use crate::process::Lifecycle;

/// The namespace of the values.
const NAMESPACE: &str = "notifications";
/// How many entries are read at once.
const PAGE: usize = 256;
/// How often the ledger is searched for new entries.
const LOOK: Duration = Duration::from_millis(500);
/// How long a server sends alone, unless it says so again. It says so again after half of this.
const TURN_MILLIS: u64 = 30_000;
/// The first wait after a failure.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The server that sends to a webhook now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sender {
    server: String,
    until: Timestamp,
}

/// An event that a receiver did not take yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FailingEvent {
    /// The index of its entry in the audit log.
    pub index: u64,
    /// When it was tried first (RFC 3339).
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u64,
    /// Why the last attempt failed.
    pub message: String,
}

/// An event that was given up: the receiver refused it, or did not take it for too long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeadLetter {
    /// The index of its entry in the audit log.
    pub index: u64,
    /// The team that it concerns. Absent: all teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// When it was given up (RFC 3339).
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u64,
    /// Why it was given up.
    pub message: String,
    /// The event, as CloudEvents writes it. Absent if it could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
}

/// What is to be said of a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WebhookState {
    /// The name of the webhook.
    pub webhook: String,
    /// How many entries of the ledger were not looked at yet. Most are no events.
    pub behind: u64,
    /// The event that is not taken now. Absent if the last one was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<FailingEvent>,
    /// The events of your teams that were given up, the newest first.
    pub dead: Vec<DeadLetter>,
}

/// The states of all webhooks that ever sent, as members of these teams see them.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) fn states(storage: &dyn Storage, teams: &Teams) -> Result<Vec<WebhookState>, ServiceError> {
    let size = storage.head()?.size;
    let NamespaceValues { values, .. } = storage.values(NAMESPACE, "")?;
    let names: BTreeSet<&str> = values.keys().filter_map(|key| key.split('/').next()).collect();
    let state = |name: &str| {
        let cursor = read::<u64>(&values, &format!("{name}/cursor"))?.unwrap_or_default();
        let failing = read(&values, &format!("{name}/failing"))?;
        let dead = format!("{name}/dead/");
        let letters = values.range(dead.clone()..).take_while(|(key, _)| key.starts_with(&dead));
        let letters = letters.map(|(key, _)| read::<DeadLetter>(&values, key));
        let letters = letters.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        let seen = |letter: &DeadLetter| letter.team.as_ref().is_none_or(|team| teams.include(team));
        let dead = letters.into_iter().filter(seen).rev().collect();
        Ok(WebhookState { webhook: name.to_owned(), behind: size.saturating_sub(cursor), failing, dead })
    };
    names.into_iter().map(state).collect()
}

/// A value, if it is there.
fn read<T: for<'de> Deserialize<'de>>(
    values: &BTreeMap<String, Vec<u8>>,
    key: &str,
) -> Result<Option<T>, ServiceError> {
    let wrong = |error| ServiceError::Damaged(format!("the value `{key}` of `{NAMESPACE}`: {error}"));
    values.get(key).map(|bytes| serde_json::from_slice(bytes).map_err(wrong)).transpose()
}

/// Sends to one webhook.
struct Outbox {
    webhook: Webhook,
    config: WebhookConfig,
    wanted: BTreeSet<NoticeKind>,
    events: EventMaker,
    /// The id of this server.
    server: String,
}

/// What came of a round.
enum Round {
    /// There may be more to send at once.
    More,
    /// Everything was sent, or another server sends.
    Idle,
    /// The receiver did not take an event.
    Failed(Option<Duration>),
    /// The server has ended.
    Ended,
}

/// An event to be sent.
struct Letter {
    index: u64,
    team: Option<TeamName>,
    id: String,
    event: Result<Value, String>,
}

/// Sends events to a webhook until the shutdown.
pub(crate) async fn keep_notifying(
    service: WeakDeploymentService,
    lifecycle: Lifecycle,
    config: WebhookConfig,
    (base, log, server): (String, String, String),
) {
    let wanted = match config.events.is_empty() {
        true => NoticeKind::ALL.into(),
        false => config.events.clone(),
    };
    let (name, max_delay) = (config.name.clone(), Duration::from_millis(config.max_delay.as_millis()));
    let events = EventMaker::new(&base, &log);
    let outbox = std::sync::Arc::new(Outbox { webhook: Webhook::new(config.clone()), config, wanted, events, server });
    let mut delays = delays(max_delay);
    let mut failing = false;
    loop {
        let (sending, weak) = (outbox.clone(), service.clone());
        let wait = match tokio::task::spawn_blocking(move || sending.round(&weak)).await {
            Ok(Ok(Round::Ended)) => return,
            Ok(Ok(done @ (Round::More | Round::Idle))) => {
                if std::mem::take(&mut failing) {
                    tracing::info!(webhook = name, "events are taken again");
                }
                delays = self::delays(max_delay);
                if matches!(done, Round::More) { Duration::ZERO } else { LOOK }
            }
            Ok(Ok(Round::Failed(asked))) => {
                // Logs once, and not for each attempt. `GET /api/v1/notifications` says why.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(webhook = name, "an event was not taken: trying again");
                }
                let delay = delays.next().unwrap_or(max_delay);
                asked.map_or(delay, |asked| asked.clamp(delay, max_delay.max(delay)))
            }
            Ok(Err(error)) => {
                tracing::warn!(webhook = name, %error, "events cannot be sent: trying again");
                max_delay.min(Duration::from_secs(5))
            }
            // A panic is in the log already.
            Err(_) => max_delay,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = lifecycle.stopping() => {
                // Another server need not wait until the turn of this one is over.
                drop(tokio::task::spawn_blocking(move || outbox.end_turn(&service)).await);
                return;
            }
        }
    }
}

fn delays(max_delay: Duration) -> ExponentialBackoff {
    let delays = ExponentialBuilder::new().with_min_delay(FIRST_DELAY.min(max_delay));
    delays.with_max_delay(max_delay).with_jitter().without_max_times().build()
}

impl Outbox {
    fn key(&self, of: &str) -> String {
        format!("{}/{of}", self.config.name)
    }

    /// Sends the next event, if it is this server's turn.
    fn round(&self, service: &WeakDeploymentService) -> Result<Round, ServiceError> {
        let Some(letter) = ({
            let Some(service) = service.upgrade() else { return Ok(Round::Ended) };
            if !self.takes_turn(&service)? {
                return Ok(Round::Idle);
            }
            self.next(&service)?
        }) else {
            return Ok(Round::Idle);
        };
        // Nothing holds the ledger while the receiver takes its time.
        let seconds = service.upgrade().map_or(0, |service| service.now().as_millis() / 1000);
        let outcome = match &letter.event {
            Ok(event) => self.webhook.post(&letter.id, seconds, event),
            Err(message) => PostOutcome::Refused(format!("the event could not be made: {message}")),
        };
        let Some(service) = service.upgrade() else { return Ok(Round::Ended) };
        self.record(&service, letter, outcome)
    }

    /// Whether this server sends now. Of several servers, one does.
    fn takes_turn(&self, service: &DeploymentService) -> Result<bool, ServiceError> {
        let (storage, now) = (&**service.storage(), service.now());
        let NamespaceValues { version, values } = storage.values(NAMESPACE, &self.key(""))?;
        let sender: Option<Sender> = read(&values, &self.key("sender"))?;
        let until = now.saturating_add(lockgate_domain::Duration::from_millis(TURN_MILLIS));
        let half = now.saturating_add(lockgate_domain::Duration::from_millis(TURN_MILLIS / 2));
        let mut changes = BTreeMap::new();
        match &sender {
            Some(sender) if sender.server != self.server && sender.until > now => return Ok(false),
            Some(sender) if sender.server == self.server && sender.until > half => return Ok(true),
            _ => {}
        }
        if !values.contains_key(&self.key("cursor")) {
            // A new webhook gets what happens from now on.
            changes.insert(self.key("cursor"), Some(written(&storage.head()?.size)?));
        }
        changes.insert(self.key("sender"), Some(written(&Sender { server: self.server.clone(), until })?));
        let claim = ValueChanges { namespace: NAMESPACE.to_owned(), expect: Some(version), changes };
        match storage.append(Append { values: vec![claim], ..Append::default() }) {
            Ok(_) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the turn of this server, if it is its turn.
    fn end_turn(&self, service: &WeakDeploymentService) {
        let Some(service) = service.upgrade() else { return };
        let storage = &**service.storage();
        let end = || -> Result<(), ServiceError> {
            let NamespaceValues { version, values } = storage.values(NAMESPACE, &self.key("sender"))?;
            let sender: Option<Sender> = read(&values, &self.key("sender"))?;
            if sender.is_some_and(|sender| sender.server == self.server) {
                let changes = BTreeMap::from([(self.key("sender"), None)]);
                let values = vec![ValueChanges { namespace: NAMESPACE.to_owned(), expect: Some(version), changes }];
                storage.append(Append { values, ..Append::default() })?;
            }
            Ok(())
        };
        if let Err(error) = end() {
            tracing::debug!(webhook = self.config.name, %error, "the turn could not be ended: it ends by itself");
        }
    }

    /// The next event. None if there is none; then the cursor is behind the last entry.
    fn next(&self, service: &DeploymentService) -> Result<Option<Letter>, ServiceError> {
        let storage = &**service.storage();
        let cursor = storage.value(NAMESPACE, &self.key("cursor"))?;
        let values = cursor.into_iter().map(|bytes| (self.key("cursor"), bytes)).collect();
        let first: u64 = read(&values, &self.key("cursor"))?.unwrap_or_default();
        let (mut from, size) = (first, storage.head()?.size);
        while from < size {
            let query = EntryQuery { from, before: Some(size), limit: PAGE, ..EntryQuery::default() };
            let entries = storage.entries(&query)?;
            for stored in &entries {
                from = stored.index + 1;
                let Some(notice) = service.notice(stored, &self.wanted)?.filter(|notice| self.concerns(notice)) else {
                    continue;
                };
                let (id, event) = (self.events.id(&notice), self.events.event(&notice));
                return Ok(Some(Letter { index: notice.index, team: notice.team, id, event }));
            }
            if entries.is_empty() {
                break;
            }
        }
        if from > first {
            self.change(storage, BTreeMap::from([(self.key("cursor"), Some(written(&from)?))]))?;
        }
        Ok(None)
    }

    fn concerns(&self, notice: &Notice) -> bool {
        let teams = &self.config.teams;
        teams.is_empty() || notice.team.as_ref().is_none_or(|team| teams.contains(team))
    }

    /// Records what came of an event.
    fn record(&self, service: &DeploymentService, letter: Letter, outcome: PostOutcome) -> Result<Round, ServiceError> {
        let (storage, now) = (&**service.storage(), service.now());
        let taken = |changes: &mut BTreeMap<String, Option<Vec<u8>>>| -> Result<(), ServiceError> {
            changes.insert(self.key("cursor"), Some(written(&(letter.index + 1))?));
            changes.insert(self.key("failing"), None);
            Ok(())
        };
        let mut changes = BTreeMap::new();
        let (message, is_refused, asked) = match outcome {
            PostOutcome::Taken => {
                taken(&mut changes)?;
                self.change(storage, changes)?;
                return Ok(Round::More);
            }
            PostOutcome::Refused(message) => (message, true, None),
            PostOutcome::Failed(message, asked) => (message, false, asked),
        };
        let before = storage.value(NAMESPACE, &self.key("failing"))?;
        let before = before.into_iter().map(|bytes| (self.key("failing"), bytes)).collect();
        let before: Option<FailingEvent> = read(&before, &self.key("failing"))?;
        let before = before.filter(|before| before.index == letter.index);
        let since = before.as_ref().map_or(now, |before| before.since);
        let attempts = before.map_or(0, |before| before.attempts) + 1;
        if is_refused || since.saturating_add(self.config.give_up_after) <= now {
            taken(&mut changes)?;
            let (index, event) = (letter.index, letter.event.ok());
            let dead = DeadLetter { index, team: letter.team, at: now, attempts, message, event };
            changes.insert(self.key(&format!("dead/{index:020}")), Some(written(&dead)?));
            self.change(storage, changes)?;
            tracing::warn!(webhook = self.config.name, index, "an event was given up: it is kept as a dead letter");
            return Ok(Round::More);
        }
        let failing = FailingEvent { index: letter.index, since, attempts, message };
        changes.insert(self.key("failing"), Some(written(&failing)?));
        self.change(storage, changes)?;
        Ok(Round::Failed(asked))
    }

    fn change(&self, storage: &dyn Storage, changes: BTreeMap<String, Option<Vec<u8>>>) -> Result<(), ServiceError> {
        // Only the server whose turn it is writes here.
        let values = vec![ValueChanges { namespace: NAMESPACE.to_owned(), expect: None, changes }];
        storage.append(Append { values, ..Append::default() })?;
        Ok(())
    }
}

/// A value as the ledger keeps it.
fn written(value: &impl Serialize) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(value).map_err(|error| ServiceError::Damaged(format!("a value has no JSON form: {error}")))
}

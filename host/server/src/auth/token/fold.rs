//! The tokens, built from the stream `access` by reading it in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_domain::{CredentialKind, Digest, Principal, Right, Teams, Timestamp};
use lockgate_ledger::{EntryQuery, LogSource, Storage, StoredEntry};
use lockgate_service::authority::Actor;
use lockgate_service::lifecycle::EventActor;
use serde::Serialize;
use subtle::{Choice, ConstantTimeEq as _};

use super::TokenError;
use super::event::{ACCESS_STREAM, TokenEvent};
use crate::auth::CredentialRefusal;

/// How many entries are read at once.
const PAGE: usize = 1000;

/// An issued token in its present state. It does not contain the secret, which cannot be recovered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// The id: the second part of the token's text.
    pub id: String,
    /// The person it stands for, with their roles.
    pub person: Principal,
    /// The kind of holder.
    pub kind: CredentialKind,
    /// The teams whose deployments its holder sees.
    pub teams: Teams,
    /// The rights that it is limited to. None: all that the roles grant.
    pub scopes: Option<BTreeSet<Right>>,
    /// When it expires. None: never.
    pub expires: Option<Timestamp>,
    /// Its purpose.
    pub note: Option<String>,
    pub issued: Timestamp,
    /// The actor who issued it.
    pub issued_by: EventActor,
    /// When its secret was last replaced.
    pub rotated: Option<Timestamp>,
    pub revoked: Option<Revocation>,
    /// The periods in which it was valid, apart from its revocation, in order. A secret that is replaced after the
    /// token expired begins a new period.
    #[serde(skip)]
    spans: Vec<(Timestamp, Option<Timestamp>)>,
    /// The secrets that were issued for it, newest last.
    #[serde(skip)]
    accepted: Vec<IssuedSecret>,
}

/// The revocation of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    pub at: Timestamp,
    /// The actor who revoked it.
    pub by: EventActor,
    pub reason: Option<String>,
}

/// The state of a token at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenState {
    /// It is accepted.
    Valid,
    Expired,
    Revoked,
}

/// One secret of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IssuedSecret {
    digest: Digest,
    /// When it stops being valid, because another one replaced it.
    until: Option<Timestamp>,
}

impl Token {
    /// The state at this moment.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match (&self.revoked, self.expires) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(expires)) if expires <= now => TokenState::Expired,
            _ => TokenState::Valid,
        }
    }

    /// The time until which a replaced secret is still accepted, if there is one.
    pub fn overlap(&self, now: Timestamp) -> Option<Timestamp> {
        self.accepted.iter().filter_map(|accepted| accepted.until).filter(|until| *until > now).max()
    }

    /// The periods in which it was valid, in order. None: without an end.
    pub(super) fn valid_spans(&self) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
        let revoked = self.revoked.as_ref().map(|revocation| revocation.at);
        self.spans.iter().map(move |(from, until)| (*from, [*until, revoked].into_iter().flatten().min()))
    }

    /// Whether the text is one of the valid secrets. All are compared, each in constant time.
    pub(super) fn accepts(&self, digest: &Digest, now: Timestamp) -> bool {
        let equal = self.accepted.iter().fold(Choice::from(0), |found, accepted| {
            let current = accepted.until.is_none_or(|until| now < until);
            found | (accepted.digest.as_bytes().ct_eq(digest.as_bytes()) & Choice::from(u8::from(current)))
        });
        equal.into()
    }

    /// Checks that the token is still valid, whatever secret was presented.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), CredentialRefusal> {
        if let Some(revocation) = &self.revoked {
            return Err(CredentialRefusal::Revoked(revocation.at));
        }
        if let Some(at) = self.expires.filter(|expires| *expires <= now) {
            return Err(CredentialRefusal::Expired { what: "token", at });
        }
        Ok(())
    }

    /// The actor who holds it.
    pub(super) fn actor(&self) -> Actor {
        Actor {
            person: self.person.clone(),
            teams: self.teams.clone(),
            scopes: self.scopes.clone(),
            credential: format!("token:{}", self.id),
            kind: self.kind,
        }
    }
}

/// All tokens at one version of the stream.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    version: u64,
    /// The least index in the log that the next entry can have.
    next: u64,
    by_id: BTreeMap<String, Arc<Token>>,
}

impl Tokens {
    /// Reads the whole stream.
    ///
    /// # Errors
    /// If the ledger cannot be read, or has an entry about tokens that this version does not understand.
    pub fn read(storage: &dyn Storage) -> Result<Self, TokenError> {
        let mut tokens = Self::default();
        tokens.catch_up(storage)?;
        Ok(tokens)
    }

    /// Reads the entries that were added since.
    pub(super) fn catch_up(&mut self, storage: &dyn Storage) -> Result<(), TokenError> {
        loop {
            let stream = Some(ACCESS_STREAM.to_owned());
            let query = EntryQuery { stream, from: self.next, limit: PAGE, ..EntryQuery::default() };
            let entries = LogSource::entries(storage, &query)?;
            for entry in &entries {
                self.apply(entry).map_err(TokenError::Unreadable)?;
                (self.version, self.next) = (entry.sequence, entry.index + 1);
            }
            if entries.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The version of the stream at this state.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The token with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Token>> {
        self.by_id.get(id)
    }

    /// All tokens, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.by_id.values().map(Arc::as_ref)
    }

    fn apply(&mut self, stored: &StoredEntry) -> Result<(), String> {
        let Some((id, event)) = TokenEvent::read(stored)? else { return Ok(()) };
        let at = stored.at;
        if let TokenEvent::Issued(body) = event {
            let token = Token {
                id: id.clone(),
                person: body.person,
                kind: body.kind,
                teams: body.teams,
                scopes: body.scopes,
                expires: body.expires,
                note: body.note,
                issued: at,
                issued_by: body.by,
                rotated: None,
                revoked: None,
                spans: vec![(at, body.expires)],
                accepted: vec![IssuedSecret { digest: body.digest, until: None }],
            };
            if self.by_id.insert(id.clone(), Arc::new(token)).is_some() {
                return Err(format!("token `{id}` was issued twice: entry {} is not allowed", stored.index));
            }
            return Ok(());
        }
        let token = self.by_id.get_mut(&id);
        let token = token.ok_or_else(|| format!("entry {} refers to a missing token `{id}`", stored.index))?;
        let token = Arc::make_mut(token);
        match event {
            TokenEvent::Revoked(body) => {
                // Only the first revocation counts.
                token.revoked.get_or_insert(Revocation { at, by: body.by, reason: body.reason });
            }
            TokenEvent::Rotated(body) => {
                token.accepted.retain(|accepted| accepted.until.is_none_or(|until| at < until));
                for accepted in &mut token.accepted {
                    let until = accepted.until.unwrap_or(body.previous_until);
                    accepted.until = Some(until.min(body.previous_until));
                }
                token.accepted.push(IssuedSecret { digest: body.digest, until: None });
                match token.spans.last_mut() {
                    Some((_, until)) if until.is_none_or(|until| at < until) => *until = body.expires,
                    _ => token.spans.push((at, body.expires)),
                }
                token.expires = body.expires;
                token.rotated = Some(at);
            }
            TokenEvent::Issued(_) => {}
        }
        Ok(())
    }
}

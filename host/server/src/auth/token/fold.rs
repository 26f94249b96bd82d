//! What tokens there are: what the stream `access` says, read in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_domain::{CredentialKind, Digest, Person, Right, Teams, Timestamp};
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

/// A token that was issued, whatever became of it. Its secret is not here, and cannot be found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Names it: the second part of its text.
    pub id: String,
    /// Whom it stands for, and in which roles.
    pub person: Person,
    /// Who or what uses it.
    pub kind: CredentialKind,
    /// Whose deployments its holder sees.
    pub teams: Teams,
    /// What it is narrowed to; none: all that the roles grant.
    pub scopes: Option<BTreeSet<Right>>,
    /// From when on it is no longer taken; none: it never ends by itself.
    pub expires: Option<Timestamp>,
    /// What it is for.
    pub note: Option<String>,
    /// When it was issued.
    pub issued: Timestamp,
    /// By whom.
    pub issued_by: EventActor,
    /// When its secret was replaced last.
    pub rotated: Option<Timestamp>,
    /// When it was revoked, by whom and why.
    pub revoked: Option<Revocation>,
    /// When it was valid, but for its revocation, in order: a secret that is replaced after the token expired begins anew.
    #[serde(skip)]
    spans: Vec<(Timestamp, Option<Timestamp>)>,
    /// What was handed out for it, the last one at the end.
    #[serde(skip)]
    accepted: Vec<IssuedSecret>,
}

/// That a token was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: EventActor,
    /// Why.
    pub reason: Option<String>,
}

/// What a token is good for at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenState {
    /// It is taken.
    Valid,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

/// One text of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IssuedSecret {
    digest: Digest,
    /// When it is no longer taken, because another one took its place.
    until: Option<Timestamp>,
}

impl Token {
    /// What it is good for.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match (&self.revoked, self.expires) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(expires)) if expires <= now => TokenState::Expired,
            _ => TokenState::Valid,
        }
    }

    /// Until when a secret that was replaced is still taken, if one is.
    pub fn overlap(&self, now: Timestamp) -> Option<Timestamp> {
        self.accepted.iter().filter_map(|accepted| accepted.until).filter(|until| *until > now).max()
    }

    /// When it was valid, in order: from one moment until another, or for ever.
    pub(super) fn valid_spans(&self) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
        let revoked = self.revoked.as_ref().map(|revocation| revocation.at);
        self.spans.iter().map(move |(from, until)| (*from, [*until, revoked].into_iter().flatten().min()))
    }

    /// Whether the text was handed out for it and not replaced. All are compared, each in constant time.
    pub(super) fn accepts(&self, digest: &Digest, now: Timestamp) -> bool {
        let equal = self.accepted.iter().fold(Choice::from(0), |found, accepted| {
            let current = accepted.until.is_none_or(|until| now < until);
            found | (accepted.digest.as_bytes().ct_eq(digest.as_bytes()) & Choice::from(u8::from(current)))
        });
        equal.into()
    }

    /// Whether it is still good, whatever text of it was presented.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), CredentialRefusal> {
        if let Some(revocation) = &self.revoked {
            return Err(CredentialRefusal::Revoked(revocation.at));
        }
        if let Some(at) = self.expires.filter(|expires| *expires <= now) {
            return Err(CredentialRefusal::Expired { what: "token", at });
        }
        Ok(())
    }

    /// Who holds it.
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
    /// The index in the log that the next entry has at least.
    next: u64,
    by_id: BTreeMap<String, Arc<Token>>,
}

impl Tokens {
    /// Reads the whole stream.
    ///
    /// # Errors
    /// If the ledger cannot be read, or holds something about tokens that this version does not understand.
    pub fn read(storage: &dyn Storage) -> Result<Self, TokenError> {
        let mut tokens = Self::default();
        tokens.catch_up(storage)?;
        Ok(tokens)
    }

    /// Reads what was added since.
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

    /// The version of the stream that this is the state of.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// One token.
    pub fn get(&self, id: &str) -> Option<&Arc<Token>> {
        self.by_id.get(id)
    }

    /// All tokens, by id.
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
                // The first one counts.
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

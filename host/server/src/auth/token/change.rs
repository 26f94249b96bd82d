//! Changes of tokens. Each change is an entry of the ledger, and is durable when the function returns.

use std::collections::BTreeSet;

use lockgate_domain::{CredentialKind, Duration, PersonId, Principal, Right, Teams, Timestamp, check_line, check_name};
use lockgate_ledger::{Append, Error, ExpectedVersion, Storage, WriteAttempts};
use lockgate_service::lifecycle::EventActor;

use super::event::{ACCESS_STREAM, IssuedBody, RevokedBody, RotatedBody, TokenEvent};
use super::fold::{Token, Tokens};
use super::{ID_DIGITS, TokenError, TokenSecret, own_person, random};

/// The lifetime of the first administrator's token: long enough to issue others.
const FIRST_TOKEN_LASTS: Duration = Duration::from_millis(24 * 60 * 60 * 1000);

/// The properties of a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The person it stands for, with their roles.
    pub person: Principal,
    /// The kind of holder. None: the [usual](CredentialKind::usual_for) one for the roles.
    pub kind: Option<CredentialKind>,
    /// The teams whose deployments its holder sees.
    pub teams: Teams,
    /// The rights that it is limited to. None: all that the roles grant.
    pub scopes: Option<BTreeSet<Right>>,
    /// When it expires. People forget tokens that never expire.
    pub expires: Option<Timestamp>,
    /// What the token is for, in the words of the person who issued it.
    pub note: Option<String>,
    /// The actor who issues it.
    pub by: EventActor,
}

/// A token with its secret, which cannot be recovered later.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    pub token: Token,
    /// Its text.
    pub secret: TokenSecret,
}

/// Issues a token.
///
/// # Errors
/// If the properties are not allowed, or the ledger fails.
pub fn issue(storage: &dyn Storage, new: NewToken, now: Timestamp) -> Result<IssuedToken, TokenError> {
    checked(&new, now)?;
    append_issued(storage, new, now, None)
}

/// Issues a token for an administrator that lasts a day, if no entry about credentials exists yet: it gives access to
/// an endpoint that was just set up. None: such an entry exists.
///
/// # Errors
/// If the ledger fails.
pub fn first_administrator(storage: &dyn Storage, now: Timestamp) -> Result<Option<IssuedToken>, TokenError> {
    if storage.version(ACCESS_STREAM)? > 0 {
        return Ok(None);
    }
    let new = NewToken {
        person: own_person("administrator", "First administrator", &["administrator"]),
        kind: None,
        teams: Teams::All,
        scopes: None,
        expires: Some(now.saturating_add(FIRST_TOKEN_LASTS)),
        note: Some("issued at the first start".to_owned()),
        by: EventActor {
            person: PersonId::of_host("lockgate"),
            credential: "none".to_owned(),
            kind: CredentialKind::Service,
        },
    };
    match append_issued(storage, new, now, Some(0)) {
        Ok(issued) => Ok(Some(issued)),
        // Another process started at the same time.
        Err(TokenError::Ledger(Error::Conflict(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

fn append_issued(
    storage: &dyn Storage,
    new: NewToken,
    now: Timestamp,
    version: Option<u64>,
) -> Result<IssuedToken, TokenError> {
    let id = random(ID_DIGITS).map_err(TokenError::Random)?;
    let secret = TokenSecret::generate(&id).map_err(TokenError::Random)?;
    let NewToken { person, kind, teams, scopes, expires, note, by } = new;
    let kind = kind.unwrap_or_else(|| CredentialKind::usual_for(&person.roles));
    let body = IssuedBody { person, kind, teams, scopes, expires, note, by, digest: secret.digest() };
    let entry = TokenEvent::Issued(body).entry(&id, now)?;
    let expect = version.map(|version| ExpectedVersion { stream: ACCESS_STREAM.to_owned(), version });
    storage.append(Append { entries: vec![entry], expect: expect.into_iter().collect(), ..Append::default() })?;
    Ok(IssuedToken { token: reread(storage, &id)?, secret })
}

/// Revokes a token. This takes effect at once here, and within a second on every server with this ledger.
///
/// # Errors
/// If there is no such token, it was revoked before, or the ledger fails.
pub fn revoke(
    storage: &dyn Storage,
    id: &str,
    by: &EventActor,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Token, TokenError> {
    change(storage, id, now, |_| {
        Ok(TokenEvent::Revoked(RevokedBody { by: by.clone(), reason: reason.map(str::to_owned) }))
    })
}

/// Replaces the secret of a token. The old secrets stay valid for the given overlap; 0: not at all. If `expires` is
/// none, the token expires when it did before.
///
/// # Errors
/// If there is no such token, it was revoked, it would expire at once, or the ledger fails.
pub fn rotate(
    storage: &dyn Storage,
    id: &str,
    by: &EventActor,
    overlap: Duration,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<IssuedToken, TokenError> {
    let secret = TokenSecret::generate(id).map_err(TokenError::Random)?;
    let token = change(storage, id, now, |token| {
        let expires = expires.or(token.expires);
        if let Some(at) = expires.filter(|at| *at <= now) {
            return Err(TokenError::Invalid(format!("the token `{id}` expires at {at}: give a new expiry")));
        }
        let previous_until = now.saturating_add(overlap);
        Ok(TokenEvent::Rotated(RotatedBody { by: by.clone(), digest: secret.digest(), previous_until, expires }))
    })?;
    Ok(IssuedToken { token, secret })
}

/// Appends a change of a token. Reads again and repeats if another writer was faster.
fn change(
    storage: &dyn Storage,
    id: &str,
    now: Timestamp,
    event: impl Fn(&Token) -> Result<TokenEvent, TokenError>,
) -> Result<Token, TokenError> {
    let mut tokens = Tokens::read(storage)?;
    let mut attempts = WriteAttempts::begin();
    loop {
        let token = tokens.get(id).ok_or_else(|| TokenError::NotFound(id.to_owned()))?;
        if let Some(revocation) = &token.revoked {
            return Err(TokenError::Revoked { id: id.to_owned(), at: revocation.at });
        }
        let entries = vec![event(token)?.entry(id, now)?];
        let expect = vec![ExpectedVersion { stream: ACCESS_STREAM.to_owned(), version: tokens.version() }];
        match storage.append(Append { entries, expect, ..Append::default() }) {
            Err(Error::Conflict(_)) if attempts.lose() => tokens.catch_up(storage)?,
            outcome => {
                outcome?;
                break;
            }
        }
    }
    reread(storage, id)
}

fn reread(storage: &dyn Storage, id: &str) -> Result<Token, TokenError> {
    let tokens = Tokens::read(storage)?;
    tokens.get(id).map(|token| Token::clone(token)).ok_or_else(|| TokenError::NotFound(id.to_owned()))
}

fn checked(new: &NewToken, now: Timestamp) -> Result<(), TokenError> {
    let invalid = |message: String| Err(TokenError::Invalid(message));
    if new.person.roles.is_empty() {
        return invalid(format!("the token of `{}` would have no role: give one", new.person.id));
    }
    if let Some(at) = new.expires.filter(|at| *at <= now) {
        return invalid(format!("the expiry {at} is in the past: give a later time"));
    }
    if new.scopes.as_ref().is_some_and(BTreeSet::is_empty) {
        return invalid("the list of scopes is empty: give a scope, or leave the list out".to_owned());
    }
    let mut roles = BTreeSet::new();
    for role in &new.person.roles {
        if let Err(fault) = check_name(role) {
            return invalid(format!("a role {fault}"));
        }
        if !roles.insert(role) {
            return invalid(format!("the role `{role}` is given twice: give it once"));
        }
    }
    if let Err(fault) = check_line(&new.person.name) {
        return invalid(format!("the name {fault}"));
    }
    if matches!(&new.teams, Teams::Named(teams) if teams.is_empty()) {
        return invalid("the token would see no deployments: give a team, or all teams".to_owned());
    }
    Ok(())
}

//! API tokens: what happens to them, and who sees it when.

use lockgate_domain::{CredentialKind, Duration, Right, Teams, Timestamp};
use lockgate_ledger::{Append, EntryDraft, EntryQuery, LogSource as _, Storage as _};
use lockgate_server::auth::token::{
    ACCESS_STREAM, IssuedToken, NewToken, TokenError, TokenState, Tokens, first_administrator, issue, revoke, rotate,
};
use lockgate_server::auth::{AuthError, CredentialRefusal, LedgerFreshness};
use lockgate_service::authority::Actor;
use serde_json::json;

use crate::auth::support::{Ledger, ada, ask, at, issued, new_token, refused, session};

const UNAVAILABLE: &str = "credentials cannot be checked at the moment: retry after 1 s";

#[tokio::test]
async fn a_token_stands_for_whom_it_was_issued_for() {
    let ledger = Ledger::new();
    let scopes = Some([Right::Decide].into());
    let IssuedToken { token, secret } =
        issue(&*ledger.storage, NewToken { scopes: scopes.clone(), ..new_token() }, at(0)).unwrap();
    let actor = ask(&ledger.authenticator(), secret.expose(), at(1)).await;
    let credential = format!("token:{}", token.id);
    let teams = Teams::Named(["shop".parse().unwrap()].into());
    let kind = CredentialKind::Service;
    assert_eq!(actor, Ok(Actor { person: new_token().person, teams, scopes, credential, kind }));
}

#[tokio::test]
async fn a_token_is_of_the_kind_that_it_was_issued_with_or_that_is_usual_for_its_roles() {
    use CredentialKind::{Agent, Person, Service};
    let ledger = Ledger::new();
    let authenticator = ledger.authenticator();
    for (roles, kind, expected) in [
        (&["pipeline"][..], None, Service),
        (&["developer", "supplier"], None, Service),
        (&["release-manager"], None, Person),
        (&["pipeline"], Some(Agent), Agent),
        (&["pipeline"], Some(Person), Person),
        (&["release-manager"], Some(Service), Service),
    ] {
        let mut new = NewToken { kind, ..new_token() };
        new.person.roles = roles.iter().map(|&role| role.to_owned()).collect();
        let IssuedToken { token, secret } = issue(&*ledger.storage, new, at(0)).unwrap();
        let actor = ask(&authenticator, secret.expose(), at(1)).await.unwrap();
        assert_eq!((token.kind, actor.kind), (expected, expected), "{roles:?} {kind:?}");
    }
}

#[test]
fn entries_about_tokens_say_who_did_it_and_with_which_credential_of_which_kind() {
    let ledger = Ledger::new();
    let id = issued(&*ledger.storage).token.id;
    rotate(&*ledger.storage, &id, &ada(), Duration::default(), None, at(1)).unwrap();
    revoke(&*ledger.storage, &id, &ada(), None, at(2)).unwrap();
    let query = EntryQuery { stream: Some(ACCESS_STREAM.to_owned()), limit: 10, ..EntryQuery::default() };
    let entries = ledger.storage.entries(&query).unwrap();
    let bodies: Vec<_> = entries.iter().map(|entry| entry.read().unwrap().body).collect();
    let by = json!({"person": "ada", "credential": "account:ada", "kind": "person"});
    assert_eq!(bodies.iter().map(|body| &body["by"]).collect::<Vec<_>>(), [&by; 3]);
    assert_eq!(bodies[0]["kind"], "service", "of the token itself");
}

#[tokio::test]
async fn a_token_that_was_never_issued_is_not_known() {
    let ledger = Ledger::new();
    let IssuedToken { token, secret } = issued(&*ledger.storage);
    let authenticator = ledger.authenticator();
    let other = format!("lgt_{}_{}", token.id, "0".repeat(64));
    assert_eq!(ask(&authenticator, &other, at(1)).await, refused(CredentialRefusal::Unknown));
    let elsewhere = secret.expose().replace(&token.id, "000000000000");
    assert_eq!(ask(&authenticator, &elsewhere, at(1)).await, refused(CredentialRefusal::Unknown));
    let short = &secret.expose()[..80];
    let no_token = CredentialRefusal::NoToken("it has the prefix of an API token, and not the form");
    assert_eq!(ask(&authenticator, short, at(1)).await, refused(no_token));
}

#[tokio::test]
async fn a_token_expires_at_its_moment() {
    let ledger = Ledger::new();
    let new = NewToken { expires: Some(at(60)), ..new_token() };
    let IssuedToken { token, secret } = issue(&*ledger.storage, new, at(0)).unwrap();
    let authenticator = ledger.authenticator();
    let last = Timestamp::from_millis(at(60).as_millis() - 1);
    assert!(ask(&authenticator, secret.expose(), last).await.is_ok());
    let expired = CredentialRefusal::Expired { what: "token", at: at(60) };
    assert_eq!(ask(&authenticator, secret.expose(), at(60)).await, refused(expired));
    assert_eq!((token.state(last), token.state(at(60))), (TokenState::Valid, TokenState::Expired));
}

#[tokio::test]
async fn what_another_process_revokes_is_refused_within_a_second() {
    let ledger = Ledger::new();
    let IssuedToken { token, secret } = issued(&*ledger.storage);
    let authenticator = ledger.authenticator();
    assert!(ask(&authenticator, secret.expose(), at(1)).await.is_ok());
    revoke(&ledger.elsewhere(), &token.id, &ada(), Some("leaked"), at(1)).unwrap();
    assert_eq!(ask(&authenticator, secret.expose(), at(2)).await, refused(CredentialRefusal::Revoked(at(1))));
}

#[tokio::test]
async fn what_another_process_issues_is_taken_at_once() {
    let ledger = Ledger::new();
    let first = issued(&*ledger.storage);
    let authenticator = ledger.authenticator();
    assert!(ask(&authenticator, first.secret.expose(), at(1)).await.is_ok());
    let second = issued(&ledger.elsewhere());
    assert!(ask(&authenticator, second.secret.expose(), at(1)).await.is_ok());
}

#[tokio::test]
async fn after_a_rotation_both_secrets_are_taken_until_the_overlap_ends() {
    let ledger = Ledger::new();
    let old = issued(&*ledger.storage);
    let authenticator = ledger.authenticator();
    assert!(ask(&authenticator, old.secret.expose(), at(0)).await.is_ok());
    let minute = Duration::from_millis(60_000);
    let new = rotate(&ledger.elsewhere(), &old.token.id, &ada(), minute, None, at(10)).unwrap();
    assert_eq!(new.token.id, old.token.id);
    assert_eq!(new.token.overlap(at(10)), Some(at(70)));
    assert!(ask(&authenticator, new.secret.expose(), at(10)).await.is_ok());
    assert!(ask(&authenticator, old.secret.expose(), at(69)).await.is_ok());
    assert_eq!(ask(&authenticator, old.secret.expose(), at(70)).await, refused(CredentialRefusal::Unknown));
    assert!(ask(&authenticator, new.secret.expose(), at(70)).await.is_ok());
}

#[tokio::test]
async fn a_rotation_without_an_overlap_ends_all_secrets_before_it() {
    let ledger = Ledger::new();
    let first = issued(&*ledger.storage);
    let id = &first.token.id;
    let second = rotate(&*ledger.storage, id, &ada(), Duration::from_millis(60_000), None, at(1)).unwrap();
    let third = rotate(&*ledger.storage, id, &ada(), Duration::default(), Some(at(100)), at(2)).unwrap();
    let authenticator = ledger.authenticator();
    assert_eq!(ask(&authenticator, first.secret.expose(), at(2)).await, refused(CredentialRefusal::Unknown));
    assert_eq!(ask(&authenticator, second.secret.expose(), at(2)).await, refused(CredentialRefusal::Unknown));
    assert!(ask(&authenticator, third.secret.expose(), at(2)).await.is_ok());
    assert_eq!(third.token.expires, Some(at(100)));
}

#[test]
fn an_expired_token_is_rotated_only_with_a_new_end() {
    let ledger = Ledger::new();
    let new = NewToken { expires: Some(at(60)), ..new_token() };
    let id = issue(&*ledger.storage, new, at(0)).unwrap().token.id;
    let again = |expires| rotate(&*ledger.storage, &id, &ada(), Duration::default(), expires, at(60));
    let refused = again(None).unwrap_err().to_string();
    assert_eq!(refused, format!("the token `{id}` expires at {}: give a new expiry", at(60)));
    assert_eq!(again(Some(at(120))).unwrap().token.state(at(60)), TokenState::Valid);
}

#[test]
fn what_was_revoked_stays_revoked() {
    let ledger = Ledger::new();
    let id = issued(&*ledger.storage).token.id;
    let revoked = revoke(&*ledger.storage, &id, &ada(), None, at(1)).unwrap();
    assert_eq!(revoked.state(at(1)), TokenState::Revoked);
    for error in [
        revoke(&*ledger.storage, &id, &ada(), None, at(2)).unwrap_err(),
        rotate(&*ledger.storage, &id, &ada(), Duration::default(), None, at(2)).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), format!("the token `{id}` was revoked at {}: issue a new one", at(1)));
    }
    let unknown = revoke(&*ledger.storage, "000000000000", &ada(), None, at(2)).unwrap_err();
    assert!(matches!(unknown, TokenError::NotFound(_)), "{unknown}");
}

#[tokio::test]
async fn the_first_start_issues_one_administrator_and_no_later_one_does() {
    let ledger = Ledger::new();
    let first = first_administrator(&*ledger.storage, at(0)).unwrap().unwrap();
    let actor = ask(&ledger.authenticator(), first.secret.expose(), at(0)).await.unwrap();
    assert_eq!((actor.person.id.written(), actor.teams.clone()), ("administrator", Teams::All));
    assert!(actor.may(Right::Administer) && !actor.may(Right::Approve));
    assert!(first_administrator(&ledger.elsewhere(), at(1)).unwrap().is_none());
    revoke(&*ledger.storage, &first.token.id, &ada(), None, at(2)).unwrap();
    assert!(first_administrator(&*ledger.storage, at(3)).unwrap().is_none());
}

#[test]
fn two_that_start_at_the_same_time_make_one_administrator() {
    let ledger = Ledger::new();
    let start = || first_administrator(&ledger.elsewhere(), at(0)).unwrap().is_some();
    let started = std::thread::scope(|scope| {
        let threads = [scope.spawn(start), scope.spawn(start), scope.spawn(start)];
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|first| *first).count()
    });
    assert_eq!((started, Tokens::read(&*ledger.storage).unwrap().iter().count()), (1, 1));
}

#[test]
fn secrets_are_neither_in_the_ledger_nor_in_what_is_printed_for_debugging() {
    let ledger = Ledger::new();
    let first = issued(&*ledger.storage);
    let second = rotate(&*ledger.storage, &first.token.id, &ada(), Duration::default(), None, at(1)).unwrap();
    let entries = ledger.storage.entries(&EntryQuery { limit: 100, ..EntryQuery::default() }).unwrap();
    let mut written: String = entries.iter().map(|entry| String::from_utf8_lossy(&entry.leaf).into_owned()).collect();
    written += &format!("{first:?} {second:?}");
    for issued in [&first, &second] {
        let secret = issued.secret.expose().rsplit('_').next().unwrap();
        assert_eq!(secret.len(), 64);
        assert!(!written.contains(secret));
    }
}

#[tokio::test]
async fn an_entry_that_is_not_understood_stops_everything_rather_than_be_overlooked() {
    let ledger = Ledger::new();
    let IssuedToken { token, secret } = issued(&*ledger.storage);
    let write = |kind| {
        let entry = EntryDraft::new(ACCESS_STREAM, kind, at(1), &serde_json::json!({})).unwrap();
        let entries = vec![entry.with_id(&token.id).unwrap()];
        ledger.storage.append(Append { entries, ..Append::default() }).unwrap();
    };
    write("role-changed");
    let authenticator = ledger.authenticator();
    assert!(ask(&authenticator, secret.expose(), at(1)).await.is_ok());
    write("token-suspended");
    let outcome = ask(&authenticator, secret.expose(), at(2)).await;
    assert_eq!(outcome, Err(AuthError::Unavailable { reason: UNAVAILABLE.to_owned(), retry_after: 1 }));
    assert_eq!(ask(&authenticator, secret.expose(), at(2)).await, outcome);
}

#[test]
fn a_token_that_would_be_good_for_nothing_is_not_issued() {
    let ledger = Ledger::new();
    let said = |change: fn(&mut NewToken)| {
        let mut new = new_token();
        change(&mut new);
        issue(&*ledger.storage, new, at(0)).unwrap_err().to_string()
    };
    assert_eq!(said(|new| new.person.roles.clear()), "the token of `shop-pipeline` would have no role: give one");
    assert_eq!(
        said(|new| new.teams = Teams::Named([].into())),
        "the token would see no deployments: give a team, or all teams"
    );
    assert_eq!(
        said(|new| new.scopes = Some([].into())),
        "the list of scopes is empty: give a scope, or leave the list out"
    );
    assert_eq!(
        said(|new| new.expires = Some(at(0))),
        "the expiry 2027-01-15T08:00:00Z is in the past: give a later time"
    );
    assert_eq!(
        said(|new| new.person.roles.push("risk\u{202e}".to_owned())),
        "a role holds a character that changes the direction of text (U+202E) in `risk\\u{202e}`: remove it"
    );
    assert_eq!(ledger.storage.version(ACCESS_STREAM).unwrap(), 0);
}

#[tokio::test]
async fn a_session_is_refused_as_soon_as_its_token_would_be() {
    let ledger = Ledger::new();
    let IssuedToken { token, secret } =
        issue(&*ledger.storage, NewToken { expires: Some(at(60)), ..new_token() }, at(0)).unwrap();
    let authenticator = ledger.authenticator();
    let session = session(&authenticator, secret.expose(), at(1)).await;
    assert_eq!(session.check(at(2)).await, Ok(()));
    assert_eq!(session.check_blocking(at(2), LedgerFreshness::Now), Ok(()));
    let expired = AuthError::Refused(CredentialRefusal::Expired { what: "token", at: at(60) });
    assert_eq!(session.check(at(60)).await, Err(expired.clone()));
    assert_eq!(session.check_blocking(at(60), LedgerFreshness::LastSecond), Err(expired));

    rotate(&ledger.elsewhere(), &token.id, &ada(), Duration::from_millis(10_000), None, at(10)).unwrap();
    assert_eq!(session.check_blocking(at(19), LedgerFreshness::Now), Ok(()));
    assert_eq!(
        session.check_blocking(at(20), LedgerFreshness::Now),
        Err(AuthError::Refused(CredentialRefusal::Unknown))
    );
}

#[tokio::test]
async fn a_session_notices_a_revocation_within_a_second_and_at_once_where_it_has_to() {
    let ledger = Ledger::new();
    let IssuedToken { token, secret } = issued(&*ledger.storage);
    let authenticator = ledger.authenticator();
    let session = session(&authenticator, secret.expose(), at(1)).await;
    revoke(&ledger.elsewhere(), &token.id, &ada(), None, at(1)).unwrap();
    let revoked = Err(AuthError::Refused(CredentialRefusal::Revoked(at(1))));
    let same_second = Timestamp::from_millis(at(1).as_millis() + 999);
    assert_eq!(session.check(same_second).await, Ok(()));
    assert_eq!(session.check_blocking(same_second, LedgerFreshness::LastSecond), Ok(()));
    assert_eq!(session.check_blocking(same_second, LedgerFreshness::Now), revoked);
    // From there on, everybody knows.
    assert_eq!(session.check(same_second).await, revoked);

    let other = issued(&*ledger.storage);
    let session = self::session(&authenticator, other.secret.expose(), at(3)).await;
    revoke(&ledger.elsewhere(), &other.token.id, &ada(), None, at(3)).unwrap();
    assert_eq!(session.check(at(4)).await, Err(AuthError::Refused(CredentialRefusal::Revoked(at(3)))));
}

#[tokio::test]
async fn a_session_is_not_taken_for_good_while_the_ledger_cannot_be_understood() {
    let ledger = Ledger::new();
    let IssuedToken { token, secret } = issued(&*ledger.storage);
    let session = session(&ledger.authenticator(), secret.expose(), at(1)).await;
    let entry = EntryDraft::new(ACCESS_STREAM, "token-suspended", at(1), &json!({})).unwrap();
    let entries = vec![entry.with_id(&token.id).unwrap()];
    ledger.storage.append(Append { entries, ..Append::default() }).unwrap();
    let unavailable = Err(AuthError::Unavailable { reason: UNAVAILABLE.to_owned(), retry_after: 1 });
    assert_eq!(session.check_blocking(at(1), LedgerFreshness::Now), unavailable);
    assert_eq!(session.check(at(1)).await, unavailable);
}

//! What happens to those who try.

use lockgate_domain::Duration;
use lockgate_server::auth::token::{revoke, rotate};
use lockgate_server::auth::{AuthError, CredentialRefusal};

use crate::auth::support::{Ledger, ada, ask_from, at, issued, peer, refused};

const THREE_A_MINUTE: &str = "throttle = { failures = 3, per = '1m' }";

fn guess() -> String {
    format!("lgt_0123456789ab_{}", "0".repeat(64))
}

#[tokio::test]
async fn where_too_much_failed_further_failures_wait_and_what_is_valid_does_not() {
    let ledger = Ledger::new();
    let good = issued(&*ledger.storage).secret;
    let authenticator = ledger.authenticator_of(THREE_A_MINUTE);
    let (bad, other) = (Some(peer("192.0.2.1")), Some(peer("192.0.2.2")));
    for _ in 0..3 {
        assert_eq!(ask_from(&authenticator, &guess(), bad, at(0)).await, refused(CredentialRefusal::Unknown));
    }
    let throttled = Err(AuthError::Throttled { retry_after: 20 });
    assert_eq!(ask_from(&authenticator, &guess(), bad, at(0)).await, throttled);
    assert!(ask_from(&authenticator, good.expose(), bad, at(0)).await.is_ok());
    assert_eq!(ask_from(&authenticator, &guess(), other, at(0)).await, refused(CredentialRefusal::Unknown));
    assert_eq!(ask_from(&authenticator, &guess(), bad, at(20)).await, refused(CredentialRefusal::Unknown));
}

#[tokio::test]
async fn what_was_once_good_locks_nobody_out() {
    let ledger = Ledger::new();
    let (good, ended) = (issued(&*ledger.storage), issued(&*ledger.storage));
    revoke(&*ledger.storage, &ended.token.id, &ada(), None, at(0)).unwrap();
    let authenticator = ledger.authenticator_of(THREE_A_MINUTE);
    let from = Some(peer("192.0.2.1"));
    for _ in 0..10 {
        let outcome = ask_from(&authenticator, ended.secret.expose(), from, at(0)).await;
        assert_eq!(outcome, refused(CredentialRefusal::Revoked(at(0))));
    }
    assert!(ask_from(&authenticator, good.secret.expose(), from, at(0)).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_was_replaced_counts_as_one_that_never_was() {
    let ledger = Ledger::new();
    let old = issued(&*ledger.storage);
    rotate(&*ledger.storage, &old.token.id, &ada(), Duration::default(), None, at(0)).unwrap();
    let authenticator = ledger.authenticator_of(THREE_A_MINUTE);
    let from = Some(peer("192.0.2.1"));
    for _ in 0..3 {
        assert_eq!(
            ask_from(&authenticator, old.secret.expose(), from, at(0)).await,
            refused(CredentialRefusal::Unknown)
        );
    }
    let throttled = Err(AuthError::Throttled { retry_after: 20 });
    assert_eq!(ask_from(&authenticator, old.secret.expose(), from, at(0)).await, throttled);
}

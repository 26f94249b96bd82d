//! Identity tokens: which are taken, which are not and why, and how often their issuer is asked.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lockgate_domain::{CredentialKind, PersonId, Right, Teams};
use lockgate_server::auth::{AuthError, Authenticator, CredentialRefusal, LedgerFreshness};
use lockgate_service::authority::Actor;
use serde_json::{Value, json};

use crate::auth::issuer::Issuer;
use crate::auth::keys::{Key, encoded};
use crate::auth::rsa;
use crate::auth::support::{Ledger, ask, ask_from, at, peer, refused, session};

const AUDIENCE: &str = "https://lockgate.example.org";

/// As a CI system has them: of the issuer, for us, for ten minutes.
fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url(), "aud": AUDIENCE, "sub": "repo:acme/shop:environment:production",
        "repository": "acme/shop", "environment": "production", "iat": 1_800_000_000, "exp": 1_800_000_600,
    })
}

fn with(issuer: &Issuer, changes: Value) -> Value {
    let mut claims = claims(issuer);
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    claims
}

const RULES: &str = "
    [[oidc.rules]]
    when = { repository = 'acme/*', environment = ['production', 'staging'] }
    roles = ['pipeline']
    teams = ['shop']
    [[oidc.rules]]
    when = { repository = 'acme/*' }
    roles = ['developer']
    teams = ['shop']";

fn trusting(issuer: &Issuer, more: &str) -> (Ledger, Authenticator) {
    let ledger = Ledger::new();
    let config = format!("[[oidc]]\nissuer = '{}'\naudiences = ['{AUDIENCE}']\n{more}\n{RULES}", issuer.url());
    let authenticator = ledger.authenticator_of(&config);
    (ledger, authenticator)
}

fn unavailable(retry_after: u64) -> Result<Actor, AuthError> {
    let reason = "the issuer of the token cannot be reached, so the token cannot be verified".to_owned();
    Err(AuthError::Unavailable { reason, retry_after })
}

fn claim(claim: &str, problem: &'static str) -> CredentialRefusal {
    CredentialRefusal::Claim { claim: claim.to_owned(), problem }
}

#[tokio::test]
async fn a_job_signs_in_with_the_token_of_its_ci_system() {
    for key in [Key::ed("k1"), Key::ec("k1")] {
        let issuer = Issuer::publishing(&[&key]).await;
        let (_ledger, authenticator) = trusting(&issuer, "scopes = ['decide', 'drive']");
        let actor = ask(&authenticator, &key.sign(&claims(&issuer)), at(1)).await.unwrap();
        assert_eq!(actor.person.id.written(), "repo:acme/shop:environment:production");
        assert_eq!(actor.person.roles, ["pipeline"]);
        assert_eq!(actor.teams, Teams::Named(["shop".parse().unwrap()].into()));
        assert_eq!(actor.scopes, Some([Right::Decide, Right::Drive].into()));
        assert_eq!(actor.credential, format!("oidc:{}", issuer.url()));
    }
}

#[tokio::test]
async fn the_rule_that_fits_a_token_says_its_kind_and_else_its_roles_do() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let ledger = Ledger::new();
    let rule = |project: &str, role: &str, kind: &str| {
        format!("[[oidc.rules]]\nwhen.repository = 'acme/{project}'\nroles = ['{role}']\nall-teams = true\n{kind}\n")
    };
    let rules = [
        rule("shop", "pipeline", ""),
        rule("board", "change-authority", ""),
        rule("bot", "change-authority", "kind = 'agent'"),
    ];
    let head = format!("[[oidc]]\nissuer = '{}'\naudiences = ['{AUDIENCE}']\n", issuer.url());
    let authenticator = ledger.authenticator_of(&(head + &rules.concat()));
    for (project, kind) in
        [("shop", CredentialKind::Service), ("board", CredentialKind::Person), ("bot", CredentialKind::Agent)]
    {
        let token = key.sign(&with(&issuer, json!({ "repository": format!("acme/{project}") })));
        assert_eq!(ask(&authenticator, &token, at(1)).await.unwrap().kind, kind, "{project}");
    }
}

#[tokio::test]
async fn tokens_that_an_rsa_key_signed_are_verified() {
    let issuer = Issuer::publishing(&[]).await;
    // With a byte for the sign before the modulus, as some write it.
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(rsa::MODULUS).unwrap();
    let modulus = encoded([&[0][..], &modulus].concat());
    issuer.publish_all(vec![json!({ "kty": "RSA", "kid": "rsa", "n": modulus, "e": "AQAB" })]);
    let ledger = Ledger::new();
    let config = format!(
        "[[oidc]]\nissuer = 'https://issuer.example.org'\njwks-uri = '{}/keys'\naudiences = ['{AUDIENCE}']
         algorithms = ['RS256', 'PS256']\n{RULES}",
        issuer.url()
    );
    let authenticator = ledger.authenticator_of(&config);
    for token in [rsa::RS256, rsa::PS256] {
        let actor = ask(&authenticator, token, at(1)).await.unwrap();
        assert_eq!((actor.person.id.written(), actor.person.roles.as_slice()), ("rsa", &["developer".to_owned()][..]));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let changed = format!("{signed}.{first}{}", &signature[1..]);
        assert_eq!(ask(&authenticator, &changed, at(1)).await, refused(CredentialRefusal::Signature));
    }
}

#[tokio::test]
async fn a_token_is_taken_from_its_first_to_its_last_moment_give_or_take_the_leeway() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "leeway = '10s'");
    let token = key.sign(&claims(&issuer));
    let expired = CredentialRefusal::Expired { what: "token", at: at(600) };
    assert!(ask(&authenticator, &token, at(609)).await.is_ok());
    assert_eq!(ask(&authenticator, &token, at(610)).await, refused(expired));
    assert!(ask(&authenticator, &token, at(-10)).await.is_ok());
    let early = |moment| CredentialRefusal::NotYet { what: "token", at: at(moment) };
    assert_eq!(ask(&authenticator, &token, at(-11)).await, refused(early(0)));
    let later = key.sign(&with(&issuer, json!({ "nbf": 1_800_000_100 })));
    assert_eq!(ask(&authenticator, &later, at(89)).await, refused(early(100)));
    assert!(ask(&authenticator, &later, at(90)).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_with_its_identity_token_and_the_leeway() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "leeway = '10s'");
    let session = session(&authenticator, &key.sign(&claims(&issuer)), at(1)).await;
    let expired = AuthError::Refused(CredentialRefusal::Expired { what: "token", at: at(600) });
    assert_eq!(session.check(at(609)).await, Ok(()));
    assert_eq!(session.check(at(610)).await, Err(expired.clone()));
    assert_eq!(session.check_blocking(at(610), LedgerFreshness::Now), Err(expired));
}

#[tokio::test]
async fn a_token_without_an_end_or_with_one_that_is_no_moment_is_refused() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    for exp in [Value::Null, json!("tomorrow"), json!(-5), json!(true)] {
        let token = key.sign(&with(&issuer, json!({ "exp": exp })));
        assert_eq!(
            ask(&authenticator, &token, at(1)).await,
            refused(claim("exp", "is missing or unreadable")),
            "{exp}"
        );
    }
    let token = key.sign(&with(&issuer, json!({ "nbf": "yesterday" })));
    let problem = "is not a time in seconds since 1970";
    assert_eq!(ask(&authenticator, &token, at(1)).await, refused(claim("nbf", problem)));
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let audience = |audience| key.sign(&with(&issuer, json!({ "aud": audience })));
    let wrong = CredentialRefusal::Audience { expected: AUDIENCE.to_owned() };
    assert_eq!(ask(&authenticator, &audience(json!("https://other")), at(1)).await, refused(wrong.clone()));
    assert_eq!(ask(&authenticator, &audience(json!(["a", "b"])), at(1)).await, refused(wrong));
    assert!(ask(&authenticator, &audience(json!(["a", AUDIENCE])), at(1)).await.is_ok());
    let missing = claim("aud", "is missing or unreadable");
    assert_eq!(ask(&authenticator, &audience(Value::Null), at(1)).await, refused(missing));
}

#[tokio::test]
async fn an_issuer_that_nobody_configured_is_not_even_asked() {
    let (key, other) = (Key::ed("k1"), Key::ed("k1"));
    let (issuer, stranger) = (Issuer::publishing(&[&key]).await, Issuer::publishing(&[&other]).await);
    let (_ledger, authenticator) = trusting(&issuer, "");
    assert_eq!(ask(&authenticator, &other.sign(&claims(&stranger)), at(1)).await, refused(CredentialRefusal::Issuer));
    assert_eq!((issuer.asked(), stranger.asked()), (0, 0));
    let both = key.sign(&with(&issuer, json!({ "iss": [issuer.url()] })));
    assert_eq!(ask(&authenticator, &both, at(1)).await, refused(claim("iss", "is missing, or not a text")));
}

#[tokio::test]
async fn a_token_that_was_changed_or_signed_by_somebody_else_is_refused() {
    let (key, other) = (Key::ec("k1"), Key::ec("k1"));
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let token = key.sign(&claims(&issuer));
    let parts: Vec<&str> = token.split('.').collect();
    let better = encoded(with(&issuer, json!({ "environment": "production", "sub": "root" })).to_string());
    let changed = format!("{}.{better}.{}", parts[0], parts[2]);
    assert_eq!(ask(&authenticator, &changed, at(1)).await, refused(CredentialRefusal::Signature));
    assert_eq!(ask(&authenticator, &other.sign(&claims(&issuer)), at(1)).await, refused(CredentialRefusal::Signature));
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(ask(&authenticator, &unsigned, at(1)).await, refused(CredentialRefusal::Signature));
}

#[tokio::test]
async fn a_token_cannot_choose_how_it_is_verified() {
    let key = Key::ec("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let body = encoded(claims(&issuer).to_string());
    let unreadable = refused(CredentialRefusal::NoToken("its header is unreadable"));
    for none in ["none", "None", "NONE"] {
        let token = format!("{}.{body}.", encoded(json!({ "alg": none, "kid": "k1" }).to_string()));
        assert_eq!(ask(&authenticator, &token, at(1)).await, unreadable);
    }
    // The public key, taken for a shared secret.
    let message = format!("{}.{body}", encoded(json!({ "alg": "HS256", "kid": "k1" }).to_string()));
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.public_bytes());
    let token = format!("{message}.{}", encoded(ring::hmac::sign(&secret, message.as_bytes())));
    assert_eq!(ask(&authenticator, &token, at(1)).await, refused(CredentialRefusal::Algorithm));
    // An algorithm that is allowed, but not that of the key.
    let token = key.sign_as(&json!({ "alg": "EdDSA", "kid": "k1" }), &claims(&issuer).to_string());
    assert_eq!(ask(&authenticator, &token, at(1)).await, refused(CredentialRefusal::Key));
    // One that is not allowed here.
    let token = key.sign_as(&json!({ "alg": "ES384", "kid": "k1" }), &claims(&issuer).to_string());
    assert_eq!(ask(&authenticator, &token, at(1)).await, refused(CredentialRefusal::Algorithm));
}

#[tokio::test]
async fn a_token_cannot_bring_its_own_key() {
    let (key, own) = (Key::ec("k1"), Key::ec("k1"));
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let mut header = own.header();
    header["jwk"] = own.public();
    header["jku"] = json!("http://127.0.0.1:1/keys");
    let token = own.sign_as(&header, &claims(&issuer).to_string());
    assert_eq!(ask(&authenticator, &token, at(1)).await, refused(CredentialRefusal::Signature));
}

#[tokio::test]
async fn what_others_might_read_differently_is_not_read() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let claims = claims(&issuer).to_string();
    let header = |name: &str, value: Value| {
        let mut header = key.header();
        header[name] = value;
        key.sign_as(&header, &claims)
    };
    let no = |why| refused(CredentialRefusal::NoToken(why));
    let critical = header("crit", json!(["exp"]));
    assert_eq!(ask(&authenticator, &critical, at(1)).await, no("its header has `crit`, which is not supported"));
    assert_eq!(
        ask(&authenticator, &header("typ", json!("logout+jwt")), at(1)).await,
        no("its `typ` is neither `JWT` nor `at+jwt`")
    );
    assert!(ask(&authenticator, &header("typ", json!("application/at+JWT")), at(1)).await.is_ok());
    let twice = key.sign_as(&key.header(), &claims.replacen('{', "{\"sub\":\"root\",", 1));
    assert_eq!(ask(&authenticator, &twice, at(1)).await, no("its claims are unreadable"));
    let long = key.sign_as(&key.header(), &claims.replacen('{', &format!("{{\"x\":\"{}\",", "y".repeat(16_384)), 1));
    assert_eq!(ask(&authenticator, &long, at(1)).await, no("it is longer than 16 KiB"));
    assert_eq!(ask(&authenticator, "something", at(1)).await, no("it has the form of neither"));
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_they_are_old() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "keys = { refresh = '1m' }");
    let token = key.sign(&claims(&issuer));
    for moment in [0, 1, 59] {
        assert!(ask(&authenticator, &token, at(moment)).await.is_ok());
    }
    assert_eq!(issuer.asked(), 1);
    assert!(ask(&authenticator, &token, at(60)).await.is_ok());
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_key_that_the_issuer_no_longer_has_ends_with_the_next_refresh() {
    let (old, new) = (Key::ed("old"), Key::ed("new"));
    let issuer = Issuer::publishing(&[&old]).await;
    let (_ledger, authenticator) = trusting(&issuer, "keys = { refresh = '1m' }");
    let token = old.sign(&claims(&issuer));
    assert!(ask(&authenticator, &token, at(0)).await.is_ok());
    issuer.publish(&[&new]);
    assert!(ask(&authenticator, &token, at(59)).await.is_ok());
    assert_eq!(ask(&authenticator, &token, at(60)).await, refused(CredentialRefusal::Key));
}

#[tokio::test]
async fn a_new_key_is_found_at_once_but_the_issuer_is_not_asked_for_every_token() {
    let (old, new, never) = (Key::ed("old"), Key::ed("new"), Key::ed("never"));
    let issuer = Issuer::publishing(&[&old]).await;
    let (_ledger, authenticator) = trusting(&issuer, "keys = { retry = '30s' }");
    assert!(ask(&authenticator, &old.sign(&claims(&issuer)), at(0)).await.is_ok());
    issuer.publish(&[&old, &new]);
    assert!(ask(&authenticator, &new.sign(&claims(&issuer)), at(30)).await.is_ok());
    assert_eq!(issuer.asked(), 2);
    for _ in 0..10 {
        let token = never.sign(&claims(&issuer));
        assert_eq!(ask(&authenticator, &token, at(59)).await, refused(CredentialRefusal::Key));
    }
    assert_eq!(issuer.asked(), 2);
    assert_eq!(ask(&authenticator, &never.sign(&claims(&issuer)), at(60)).await, refused(CredentialRefusal::Key));
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn while_the_issuer_is_down_its_keys_count_for_a_while() {
    let (key, new) = (Key::ed("k1"), Key::ed("k2"));
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "keys = { refresh = '1m', stale = '2m', retry = '30s' }");
    let token = key.sign(&claims(&issuer));
    assert!(ask(&authenticator, &token, at(0)).await.is_ok());
    issuer.go_down();
    assert!(ask(&authenticator, &token, at(60)).await.is_ok());
    assert!(ask(&authenticator, &token, at(179)).await.is_ok());
    // Whether it has a key that is not known here, nobody can tell.
    assert_eq!(ask(&authenticator, &new.sign(&claims(&issuer)), at(179)).await, unavailable(30));
    assert_eq!(ask(&authenticator, &token, at(180)).await, unavailable(29));
    issuer.publish(&[&key]);
    assert_eq!(ask(&authenticator, &token, at(208)).await, unavailable(1));
    assert!(ask(&authenticator, &token, at(209)).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_no_fault_of_the_token() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    issuer.go_down();
    let (_ledger, authenticator) = trusting(&issuer, "");
    let token = key.sign(&claims(&issuer));
    for _ in 0..50 {
        assert_eq!(ask_from(&authenticator, &token, Some(peer("192.0.2.1")), at(0)).await, unavailable(30));
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn many_who_wait_for_keys_cause_one_request() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let token = key.sign(&claims(&issuer));
    let all = futures_util::future::join_all((0..20).map(|_| ask(&authenticator, &token, at(0)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_is_not_believed() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    issuer.call_itself("https://issuer.example.org");
    let (_ledger, authenticator) = trusting(&issuer, "");
    assert_eq!(ask(&authenticator, &key.sign(&claims(&issuer)), at(0)).await, unavailable(30));
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn keys_of_other_kinds_do_not_spoil_those_that_are_known() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[]).await;
    let mut encrypting = Key::ed("k2").public();
    encrypting["use"] = json!("enc");
    let secret = json!({ "kty": "oct", "kid": "k1", "k": "AAAA" });
    let unknown = json!({ "kty": "AKP", "kid": "k1", "alg": "ML-DSA-44", "pub": "AAAA" });
    issuer.publish_all(vec![secret, unknown, encrypting, json!(7), key.public()]);
    let (_ledger, authenticator) = trusting(&issuer, "");
    assert!(ask(&authenticator, &key.sign(&claims(&issuer)), at(0)).await.is_ok());
    // The only key that fits need not be named.
    let unnamed = key.sign_as(&json!({ "alg": "EdDSA" }), &claims(&issuer).to_string());
    assert!(ask(&authenticator, &unnamed, at(0)).await.is_ok());
}

#[tokio::test]
async fn of_several_keys_one_has_to_be_named() {
    let (one, other) = (Key::ed("k1"), Key::ed("k2"));
    let issuer = Issuer::publishing(&[&one, &other]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let unnamed = one.sign_as(&json!({ "alg": "EdDSA" }), &claims(&issuer).to_string());
    assert_eq!(ask(&authenticator, &unnamed, at(0)).await, refused(CredentialRefusal::Key));
}

#[tokio::test]
async fn the_first_rule_that_fits_says_who_it_is() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let roles = async |changes| {
        let actor = ask(&authenticator, &key.sign(&with(&issuer, changes)), at(0)).await;
        actor.map(|actor| actor.person.roles.join(" "))
    };
    let nobody = Err(AuthError::Refused(CredentialRefusal::NoRule { what: "token", section: "auth.oidc.rules" }));
    assert_eq!(roles(json!({})).await, Ok("pipeline".to_owned()));
    assert_eq!(roles(json!({ "environment": ["review", "staging"] })).await, Ok("pipeline".to_owned()));
    assert_eq!(roles(json!({ "environment": "review" })).await, Ok("developer".to_owned()));
    assert_eq!(roles(json!({ "environment": null })).await, Ok("developer".to_owned()));
    assert_eq!(roles(json!({ "repository": "acme-evil/shop" })).await, nobody);
    assert_eq!(roles(json!({ "repository": "acme/shop/../../evil" })).await, nobody);
    assert_eq!(roles(json!({ "repository": { "acme/shop": true } })).await, nobody);
}

#[tokio::test]
async fn claims_say_who_it_is_by_name_or_by_pointer() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let settings = "person = '/user/login'\nperson-prefix = 'ci:'\nname = 'display_name'";
    let (_ledger, authenticator) = trusting(&issuer, settings);
    let token = with(&issuer, json!({ "user": { "login": "ada" }, "display_name": "Ada" }));
    let person = ask(&authenticator, &key.sign(&token), at(0)).await.unwrap().person;
    assert_eq!((person.id.written(), person.name.as_str()), ("ci:ada", "Ada"));
    let nobody = claim("/user/login", "is missing, empty, or not a text: it has to hold the id of the person");
    assert_eq!(ask(&authenticator, &key.sign(&claims(&issuer)), at(0)).await, refused(nobody));
    let token = with(&issuer, json!({ "user": { "login": "ada\u{200b}" } }));
    let wrong = PersonId::new("ada\u{200b}").unwrap_err();
    let invisible = CredentialRefusal::PersonId { of: "/user/login".to_owned(), wrong };
    assert_eq!(ask(&authenticator, &key.sign(&token), at(0)).await, refused(invisible));
}

/// A rule must not match what people read otherwise.
#[tokio::test]
async fn claims_with_characters_that_people_do_not_see_are_refused_by_their_name() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "name = 'display_name'");
    for (claim, value) in [
        ("repository", json!("acme/shop\u{202e}")),
        ("repository", json!("acme/\u{9b}shop")),
        ("repository", json!(["acme/shop", "acme/sh\nop"])),
        ("display_name", json!("Ada \u{2066}L")),
    ] {
        let answer = ask(&authenticator, &key.sign(&with(&issuer, json!({ claim: value }))), at(0)).await;
        let Err(AuthError::Refused(refused @ CredentialRefusal::Characters { .. })) = answer else {
            panic!("{answer:?}")
        };
        assert!(refused.to_string().starts_with(&format!("`{claim}` holds a c")), "{refused}");
    }
    // A claim that no rule looks at makes no difference.
    let unused = with(&issuer, json!({ "run_name": "a\u{1b}[31m" }));
    assert!(ask(&authenticator, &key.sign(&unused), at(0)).await.is_ok());
}

#[tokio::test]
async fn an_address_counts_only_if_the_issuer_has_verified_it() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "person = 'email'");
    let verified = |verified| key.sign(&with(&issuer, json!({ "email": "ada@acme", "email_verified": verified })));
    assert_eq!(ask(&authenticator, &verified(json!(true)), at(0)).await.unwrap().person.id.written(), "ada@acme");
    let unverified = claim("email", "is not verified: `email_verified` is not `true`");
    for value in [json!(false), json!("true"), Value::Null] {
        assert_eq!(ask(&authenticator, &verified(value), at(0)).await, refused(unverified.clone()));
    }
}

#[tokio::test]
async fn refusals_do_not_repeat_the_token() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "");
    let token = key.sign(&with(&issuer, json!({ "aud": "secret-audience", "sub": "secret-subject" })));
    let error = ask(&authenticator, &token, at(0)).await.unwrap_err();
    let said = format!("{error} {error:?} {:?}", error.challenge("lockgate"));
    assert!(!said.contains("secret"), "{said}");
    assert!(token.split('.').all(|part| !said.contains(part)), "{said}");
}

#[tokio::test]
async fn a_blank_behind_the_prefix_makes_nobody_else() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "person = 'login'\nperson-prefix = 'corp:'");
    let of = |login: &str| key.sign(&with(&issuer, json!({ "login": login })));
    for login in ["kim", " kim", "kim "] {
        let actor = ask(&authenticator, &of(login), at(0)).await.unwrap();
        assert_eq!(actor.person.id.written(), "corp:kim");
    }
    let wrong = PersonId::new(" ").unwrap_err();
    let empty = CredentialRefusal::PersonId { of: "login".to_owned(), wrong };
    assert_eq!(ask(&authenticator, &of(" "), at(0)).await, refused(empty));
}

#[tokio::test]
async fn an_address_that_is_named_by_a_pointer_has_to_be_verified_too() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let (_ledger, authenticator) = trusting(&issuer, "person = '/email'");
    let token = key.sign(&with(&issuer, json!({ "email": "ada@acme", "email_verified": false })));
    let unverified = claim("/email", "is not verified: `email_verified` is not `true`");
    assert_eq!(ask(&authenticator, &token, at(0)).await, refused(unverified));
}

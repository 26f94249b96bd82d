//! Client certificates: who somebody is whom TLS has let in.

use lockgate_domain::{CredentialKind, Right, Teams};
use lockgate_server::auth::{AuthError, Authenticator, CredentialRefusal, PresentedCredentials};
use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

use crate::auth::support::{Ledger, at, bearer, issued, refused};

const RULES: &str = "
    [[certificates]]
    uri = 'spiffe://acme.example/ci/*'
    roles = ['pipeline']
    teams = ['shop']
    scopes = ['decide']
    [[certificates]]
    email = '*@acme.example'
    roles = ['change-authority']
    all-teams = true
    [[certificates]]
    dns = '*.deploy.acme.example'
    person = 'deployer'
    kind = 'agent'
    roles = ['pipeline']
    all-teams = true
    [[certificates]]
    subject = 'monitoring'
    kind = 'service'
    roles = ['user']
    all-teams = true";

/// Good from 2026 to 2028.
fn certificate(names: Vec<SanType>, common: &[&str]) -> Vec<u8> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.subject_alt_names = names;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    for name in common {
        parameters.distinguished_name.push(DnType::CommonName, *name);
    }
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2028, 1, 1));
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn email(address: &str) -> SanType {
    SanType::Rfc822Name(address.try_into().unwrap())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn authenticator() -> (Ledger, Authenticator) {
    let ledger = Ledger::new();
    let authenticator = ledger.authenticator_of(RULES);
    (ledger, authenticator)
}

fn nobody() -> CredentialRefusal {
    CredentialRefusal::NoRule { what: "client certificate", section: "auth.certificates" }
}

#[test]
fn a_name_in_the_certificate_says_who_it_is() {
    let (_ledger, authenticator) = authenticator();
    let of = |names, common: &[&str]| authenticator.of_certificate(&certificate(names, common), at(0)).unwrap();
    let pipeline = of(vec![uri("spiffe://acme.example/ci/shop")], &[]);
    assert_eq!(pipeline.person.id.written(), "spiffe://acme.example/ci/shop");
    assert_eq!(pipeline.person.roles, ["pipeline"]);
    assert_eq!(pipeline.teams, Teams::Named(["shop".parse().unwrap()].into()));
    assert_eq!(pipeline.scopes, Some([Right::Decide].into()));
    let ada = of(vec![email("ada@acme.example")], &["monitoring"]);
    assert_eq!((ada.person.id.written(), ada.teams), ("ada@acme.example", Teams::All));
    assert_eq!(of(vec![dns("A.deploy.acme.example")], &[]).person.id.written(), "deployer");
    assert_eq!(of(vec![dns("elsewhere.example")], &["monitoring"]).person.id.written(), "monitoring");
}

#[test]
fn the_rule_that_fits_a_certificate_says_its_kind_and_else_its_roles_do() {
    let (_ledger, authenticator) = authenticator();
    let kind = |names, common: &[&str]| authenticator.of_certificate(&certificate(names, common), at(0)).unwrap().kind;
    assert_eq!(kind(vec![uri("spiffe://acme.example/ci/shop")], &[]), CredentialKind::Service);
    assert_eq!(kind(vec![email("ada@acme.example")], &[]), CredentialKind::Person);
    assert_eq!(kind(vec![dns("a.deploy.acme.example")], &[]), CredentialKind::Agent);
    assert_eq!(kind(vec![], &["monitoring"]), CredentialKind::Service);
}

#[test]
fn the_credential_is_the_fingerprint() {
    let (_ledger, authenticator) = authenticator();
    let der = certificate(vec![email("ada@acme.example")], &[]);
    let actor = authenticator.of_certificate(&der, at(0)).unwrap();
    assert_eq!(actor.credential, format!("mtls:{}", lockgate_domain::Digest::of(&der)));
}

#[test]
fn a_certificate_that_no_rule_fits_is_nobodys() {
    let (_ledger, authenticator) = authenticator();
    let of = |names, common: &[&str]| authenticator.of_certificate(&certificate(names, common), at(0));
    assert_eq!(of(vec![], &[]), refused(nobody()));
    assert_eq!(of(vec![uri("spiffe://acme.example/ci/shop/deep")], &[]), refused(nobody()));
    // A name counts only as what it is, and a common name only if it is the only one.
    assert_eq!(of(vec![dns("monitoring"), uri("ada@acme.example")], &[]), refused(nobody()));
}

#[test]
fn a_certificate_that_expired_on_an_open_connection_is_refused() {
    let (_ledger, authenticator) = authenticator();
    let der = certificate(vec![email("ada@acme.example")], &[]);
    let end = 1_830_297_600 - 1_800_000_000;
    assert!(authenticator.of_certificate(&der, at(end)).is_ok());
    let expired = CredentialRefusal::Expired { what: "client certificate", at: at(end) };
    assert_eq!(authenticator.of_certificate(&der, at(end + 1)), refused(expired));
    let start = 1_767_225_600 - 1_800_000_000;
    let early = CredentialRefusal::NotYet { what: "client certificate", at: at(start) };
    assert_eq!(authenticator.of_certificate(&der, at(start - 1)), refused(early));
}

#[tokio::test]
async fn a_session_ends_with_its_certificate() {
    let (_ledger, authenticator) = authenticator();
    let der = certificate(vec![email("ada@acme.example")], &[]);
    let presented =
        PresentedCredentials { authorization: None, certificate: Some(&der), peer: None, now: at(0), system: at(0) };
    let session = authenticator.authenticate(presented).await.unwrap().session;
    let end = 1_830_297_600 - 1_800_000_000;
    let expired = AuthError::Refused(CredentialRefusal::Expired { what: "client certificate", at: at(end) });
    assert_eq!(session.check(at(end)).await, Ok(()));
    assert_eq!(session.check(at(end + 1)).await, Err(expired));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let (_ledger, authenticator) = authenticator();
    let broken = || refused(CredentialRefusal::Certificate("it is not an X.509 certificate"));
    assert_eq!(authenticator.of_certificate(b"", at(0)), broken());
    let mut longer = certificate(vec![email("ada@acme.example")], &[]);
    longer.push(0);
    assert_eq!(authenticator.of_certificate(&longer, at(0)), broken());
}

#[tokio::test]
async fn a_token_goes_before_the_certificate_and_a_wrong_one_is_not_made_good_by_it() {
    let (ledger, authenticator) = authenticator();
    let der = certificate(vec![email("ada@acme.example")], &[]);
    let token = issued(&*ledger.storage);
    let ask = async |authorization: Option<&_>| {
        let presented =
            PresentedCredentials { authorization, certificate: Some(&der), peer: None, now: at(0), system: at(0) };
        authenticator.authenticate(presented).await.map(|authenticated| authenticated.actor)
    };
    assert_eq!(ask(None).await.unwrap().person.id.written(), "ada@acme.example");
    let right = bearer(token.secret.expose());
    assert_eq!(ask(Some(&right)).await.unwrap().person.id.written(), "shop-pipeline");
    let wrong = bearer(&format!("lgt_0123456789ab_{}", "0".repeat(64)));
    assert_eq!(ask(Some(&wrong)).await, refused(CredentialRefusal::Unknown));
}

#[tokio::test]
async fn without_rules_a_certificate_is_no_credential() {
    let ledger = Ledger::new();
    let der = certificate(vec![email("ada@acme.example")], &[]);
    let presented =
        PresentedCredentials { authorization: None, certificate: Some(&der), peer: None, now: at(0), system: at(0) };
    assert_eq!(ledger.authenticator().authenticate(presented).await.err(), Some(AuthError::Missing));
}

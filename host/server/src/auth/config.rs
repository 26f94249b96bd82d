//! The section `[auth]` of the configuration: who is believed, and what they may do.
//!
//! Nothing in it is secret: API tokens live in the ledger, and of issuers and certificates only what is public is said
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::http::Uri;
use lockgate_domain::{CredentialKind, Duration, PersonId, Right, TeamName, check_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;

/// How requests are authenticated. API tokens are always taken; what else is, is said here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AuthConfig {
    /// What the endpoint calls itself when it asks for credentials (`WWW-Authenticate`). Default `lockgate`.
    pub realm: String,
    /// How many attempts may fail.
    pub throttle: ThrottleConfig,
    /// Whose identity tokens are taken: an OpenID Connect issuer each, for example a CI system.
    pub oidc: Vec<IssuerConfig>,
    /// What client certificates stand for. The first rule that fits one counts. Which authorities may sign them is said
    /// where TLS is.
    pub certificates: Vec<CertificateRule>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        let (oidc, certificates) = (Vec::new(), Vec::new());
        Self { realm: "lockgate".to_owned(), throttle: ThrottleConfig::default(), oidc, certificates }
    }
}

/// How many attempts to authenticate may fail from one address, before further failures are answered with 429 and a second later.
/// A valid credential is accepted all the same. For IPv6, an address is a network of 64 bits. What was once good (an expired
/// token) does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// How many may fail. Default 20.
    #[schemars(range(min = 1))]
    pub failures: u32,
    /// In which time. Default `1m`.
    pub per: Duration,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self { failures: 20, per: Duration::from_millis(60_000) }
    }
}

/// An OpenID Connect issuer, and who its tokens are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its URL, letter by letter as in the claim `iss`. HTTPS; HTTP only to this machine.
    pub issuer: String,
    /// Whom tokens have to be meant for (claim `aud`): one of these.
    #[schemars(length(min = 1))]
    pub audiences: Vec<String>,
    /// Where its keys are. Default: where its discovery document (`/.well-known/openid-configuration`) says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The algorithms that its tokens may be signed with. Default `RS256`, `ES256` and `EdDSA`.
    #[serde(default = "SigningAlgorithm::usual")]
    #[schemars(length(min = 1))]
    pub algorithms: BTreeSet<SigningAlgorithm>,
    /// The claim that says who it is, for ever the same and never somebody else. A claim by its name, or a JSON Pointer.
    /// Default `sub`. `email` is believed only if `email_verified` is true.
    #[serde(default = "subject")]
    pub person: String,
    /// What is put before that, so that people of two issuers cannot be taken for one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub person_prefix: String,
    /// The claim that has the name for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its tokens are narrowed to. Default: all that the roles grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Right>>,
    /// By how much clocks may differ. Default `60s`, at most `10m`.
    #[serde(default = "a_minute")]
    pub leeway: Duration,
    /// How its keys are kept.
    #[serde(default)]
    pub keys: KeysConfig,
    /// What its tokens are good for: the first rule that fits one says it. A token that no rule fits is refused.
    #[schemars(length(min = 1))]
    pub rules: Vec<ClaimRule>,
}

/// How the keys of an issuer are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KeysConfig {
    /// For how long they count without a look at the issuer. Default `1h`.
    pub refresh: Duration,
    /// How long to wait before the issuer is asked again, because it did not answer or a token names a key that it did
    /// not have. Default `30s`.
    pub retry: Duration,
    /// For how long after their last `refresh` they still count while the issuer cannot be reached. Default `1d`.
    pub stale: Duration,
    /// How long to wait for the issuer. Default `5s`.
    pub timeout: Duration,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            refresh: Duration::from_millis(3_600_000),
            retry: Duration::from_millis(30_000),
            stale: Duration::from_millis(86_400_000),
            timeout: Duration::from_millis(5_000),
        }
    }
}

/// What tokens with certain claims are good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClaimRule {
    /// The claims that the token has to have, all of them, by name or JSON Pointer. Of a claim that is a list one element
    /// has to fit. In a pattern, `*` stands for anything but `/`, `**` also for that.
    pub when: BTreeMap<String, Patterns>,
    /// The roles that it gives.
    #[schemars(length(min = 1))]
    pub roles: BTreeSet<String>,
    /// Who or what uses the token: `person`, `service` or `agent`. Default: `service` if one of the roles is
    /// `pipeline` or `supplier`, else `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// The teams whose deployments are seen.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamName>,
    /// Whether those of all teams are. Default `false`.
    #[serde(default)]
    pub all_teams: bool,
}

/// One pattern, or several of which one has to match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a pattern or a list of patterns, for example `[\"refs/heads/*\"]`")]
pub enum Patterns {
    /// One.
    One(String),
    /// One of several.
    Any(Vec<String>),
}

/// What a client certificate stands for. Exactly one of `uri`, `email`, `dns` and `subject` says which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertificateRule {
    /// A pattern for a URI among the alternative names, for example a SPIFFE id. `*` stands for anything but `/`, `**`
    /// also for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// A pattern for an e-mail address among the alternative names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A pattern for a DNS name among the alternative names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<String>,
    /// A pattern for the common name of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who it is. Default: the name that fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The roles that it gives.
    #[schemars(length(min = 1))]
    pub roles: BTreeSet<String>,
    /// Who or what uses the certificate: `person`, `service` or `agent`. Default: `service` if one of the roles is
    /// `pipeline` or `supplier`, else `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// The teams whose deployments are seen.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamName>,
    /// Whether those of all teams are. Default `false`.
    #[serde(default)]
    pub all_teams: bool,
    /// What it is narrowed to. Default: all that the roles grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Right>>,
}

/// An algorithm of JSON Web Signatures with a public key. There is none with a shared secret, and no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// ECDSA with P-384 and SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    fn usual() -> BTreeSet<Self> {
        BTreeSet::from([Self::RS256, Self::ES256, Self::EdDSA])
    }
}

fn subject() -> String {
    "sub".to_owned()
}

fn a_minute() -> Duration {
    Duration::from_millis(60_000)
}

/// Something that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, below `auth`: keys and places in lists, from 0, with dots between them, for example `oidc.0.issuer`.
    pub path: String,
    /// What.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`auth.{}`: {}", self.path, self.message)
    }
}

impl AuthConfig {
    /// All that is wrong with it.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Found::default();
        if self.realm.trim().is_empty() {
            found.add("realm", "it is empty: write a name for the server, for example `lockgate`");
        }
        if self.throttle.failures == 0 {
            found.add("throttle.failures", "0 would lock everybody out: write at least 1");
        }
        if self.throttle.per.as_millis() < 1000 {
            found.add("throttle.per", "it is shorter than a second: write at least `1s`");
        }
        for (n, issuer) in self.oidc.iter().enumerate() {
            issuer.check(&format!("oidc.{n}"), &mut found);
            if self.oidc.iter().take(n).any(|other| other.issuer == issuer.issuer) {
                found.add(&format!("oidc.{n}.issuer"), "this issuer is configured twice: merge the rules");
            }
        }
        for (n, rule) in self.certificates.iter().enumerate() {
            rule.check(&format!("certificates.{n}"), &mut found);
        }
        found.0
    }
}

#[derive(Default)]
struct Found(Vec<Mistake>);

impl Found {
    fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(Mistake { path: path.to_owned(), message: message.into() });
    }

    fn check_pattern(&mut self, path: &str, pattern: &str) {
        if let Err(message) = Pattern::new(pattern) {
            self.add(path, message);
        }
    }

    /// What a rule gives.
    fn check_gift(&mut self, path: &str, roles: &BTreeSet<String>, teams: &BTreeSet<TeamName>, all_teams: bool) {
        if roles.is_empty() {
            self.add(&format!("{path}.roles"), "no role: write at least one, for example `pipeline`");
        }
        for fault in roles.iter().filter_map(|role| check_name(role).err()) {
            self.add(&format!("{path}.roles"), format!("a role {fault}"));
        }
        match (teams.is_empty(), all_teams) {
            (true, false) => {
                let message = "no team: list some in `teams`, or write `all-teams = true`";
                self.add(path, message);
            }
            (false, true) => self.add(path, "`teams` and `all-teams` exclude each other: keep one"),
            _ => {}
        }
    }

    fn check_scopes(&mut self, path: &str, scopes: Option<&BTreeSet<Right>>) {
        if scopes.is_some_and(BTreeSet::is_empty) {
            self.add(&format!("{path}.scopes"), "it is empty: list a scope, or leave it out");
        }
    }
}

impl IssuerConfig {
    fn check(&self, path: &str, found: &mut Found) {
        let at = |key: &str| format!("{path}.{key}");
        for (key, uri) in [("issuer", Some(&self.issuer)), ("jwks-uri", self.jwks_uri.as_ref())] {
            if let Some(Err(message)) = uri.map(|uri| check_uri(uri)) {
                found.add(&at(key), message);
            }
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            found.add(&at("audiences"), "it is empty: write your own audience, so that tokens for others are refused");
        }
        if self.algorithms.is_empty() {
            found.add(&at("algorithms"), "it is empty: no token could be verified");
        }
        if self.person.is_empty() {
            found.add(&at("person"), "it is empty: write the claim that holds the person's id, for example `sub`");
        }
        if self.leeway > Duration::from_millis(600_000) {
            found.add(&at("leeway"), "it is longer than `10m`: synchronise the clocks instead");
        }
        if self.keys.timeout.as_millis() == 0 || self.keys.timeout > Duration::from_millis(60_000) {
            found.add(&at("keys.timeout"), "it is not between `1ms` and `1m`");
        }
        if self.keys.retry.as_millis() < 1000 {
            found.add(&at("keys.retry"), "it is shorter than a second: write at least `1s`");
        }
        if self.keys.refresh < self.keys.retry {
            found.add(&at("keys.refresh"), "it is shorter than `retry`");
        }
        found.check_scopes(path, self.scopes.as_ref());
        if self.rules.is_empty() {
            found.add(&at("rules"), "it is empty: no token of this issuer would grant anything");
        }
        for (n, rule) in self.rules.iter().enumerate() {
            rule.check(&format!("{path}.rules.{n}"), found);
        }
    }
}

impl ClaimRule {
    /// Who or what uses a token that the rule fits.
    pub(super) fn kind(&self) -> CredentialKind {
        self.kind.unwrap_or_else(|| CredentialKind::usual_for(&self.roles))
    }

    fn check(&self, path: &str, found: &mut Found) {
        if self.when.is_empty() {
            let message = "it is empty, so every token of the issuer matches: for a public CI system, that is the whole world. \
                           List claims; to match every token, write `sub = \"**\"`";
            found.add(&format!("{path}.when"), message);
        }
        for (claim, patterns) in &self.when {
            let path = format!("{path}.when.{claim}");
            if patterns.all().is_empty() {
                found.add(&path, "it is empty: write a pattern");
            }
            patterns.all().iter().for_each(|pattern| found.check_pattern(&path, pattern));
        }
        found.check_gift(path, &self.roles, &self.teams, self.all_teams);
    }
}

impl Patterns {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Any(patterns) => patterns,
        }
    }
}

impl CertificateRule {
    /// Who or what uses a certificate that the rule fits.
    pub(super) fn kind(&self) -> CredentialKind {
        self.kind.unwrap_or_else(|| CredentialKind::usual_for(&self.roles))
    }

    /// Which names it looks at, and for what.
    pub(super) fn names(&self) -> [(&'static str, Option<&String>); 4] {
        let Self { uri, email, dns, subject, .. } = self;
        [("uri", uri.as_ref()), ("email", email.as_ref()), ("dns", dns.as_ref()), ("subject", subject.as_ref())]
    }

    fn check(&self, path: &str, found: &mut Found) {
        if self.names().iter().filter(|(_, pattern)| pattern.is_some()).count() != 1 {
            found.add(path, "write exactly one of `uri`, `email`, `dns` and `subject`");
        }
        for (key, pattern) in self.names() {
            if let Some(pattern) = pattern {
                found.check_pattern(&format!("{path}.{key}"), pattern);
            }
        }
        found.check_scopes(path, self.scopes.as_ref());
        found.check_gift(path, &self.roles, &self.teams, self.all_teams);
    }
}

/// Whether keys may be fetched from there: nobody on the way may change them.
pub(super) fn check_uri(text: &str) -> Result<(), String> {
    let no_url = || format!("`{text}` is not a URL that begins with `https://`");
    let uri: Uri = text.parse().map_err(|_| no_url())?;
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => Ok(()),
        Some("http") if is_here => Ok(()),
        Some("http") => Err(format!("`{text}` is not encrypted: use `https`")),
        _ => Err(no_url()),
    }
}

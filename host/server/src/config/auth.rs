//! The section `[auth]`: the accepted credentials, and the roles and teams that they give.
//!
//! It holds no secrets: API tokens are in the ledger, and of issuers and certificates only public facts are configured.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Uri;
use lockgate_domain::{CredentialKind, Duration, Pattern, PersonId, Right, TeamName, check_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{SettingFault, SettingFaults, SettingPath};

/// How requests are authenticated. API tokens are always accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AuthConfig {
    /// The name of the server in `WWW-Authenticate`, where it asks for credentials. Default `lockgate`.
    pub realm: String,
    /// The limit on failed sign-ins.
    pub throttle: ThrottleConfig,
    /// The OpenID Connect issuers whose identity tokens are accepted, for example a CI system.
    pub oidc: Vec<IssuerConfig>,
    /// The people and services that client certificates stand for. The first rule that matches a certificate counts.
    /// `tls.client-ca` names the authorities that may sign them.
    pub certificates: Vec<CertificateRule>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        let (oidc, certificates) = (Vec::new(), Vec::new());
        Self { realm: "lockgate".to_owned(), throttle: ThrottleConfig::default(), oidc, certificates }
    }
}

/// How many sign-ins from one address may fail before further failures are answered with 429, and one second later. Valid
/// credentials are still accepted. An IPv6 network of 64 bits counts as one address. Credentials that were valid once, such as an
/// expired token, do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// How many sign-ins may fail. Default 20.
    #[schemars(range(min = 1))]
    pub failures: u32,
    /// The time in which they may fail. Default `1m`.
    pub per: Duration,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self { failures: 20, per: Duration::from_millis(60_000) }
    }
}

/// An OpenID Connect issuer, and who its tokens stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its URL, exactly as in the claim `iss`. HTTPS, or HTTP to this machine.
    pub issuer: String,
    /// The accepted audiences: a token has to name one of them in the claim `aud`.
    #[schemars(length(min = 1))]
    pub audiences: Vec<String>,
    /// The URL of its keys. Default: the one in its discovery document (`/.well-known/openid-configuration`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The accepted signature algorithms. Default `RS256`, `ES256` and `EdDSA`.
    #[serde(default = "SigningAlgorithm::usual")]
    #[schemars(length(min = 1))]
    pub algorithms: BTreeSet<SigningAlgorithm>,
    /// The claim with the id of the person, by name or JSON Pointer. It must never change and never be given to somebody else.
    /// Default `sub`. `email` is only accepted if `email_verified` is true.
    #[serde(default = "subject")]
    pub person: String,
    /// A prefix for the ids, so that people of two issuers cannot be mistaken for each other.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub person_prefix: String,
    /// The claim with the display name. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The scopes of its tokens: rights that they are narrowed to. Default: all rights of the roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Right>>,
    /// The accepted difference between clocks. Default `60s`, at most `10m`.
    #[serde(default = "a_minute")]
    pub leeway: Duration,
    /// How its keys are cached.
    #[serde(default)]
    pub keys: KeysConfig,
    /// What its tokens grant: the first rule that matches a token counts. A token that no rule matches is refused.
    #[schemars(length(min = 1))]
    pub rules: Vec<ClaimRule>,
}

/// How the keys of an issuer are cached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KeysConfig {
    /// How long keys are used before they are fetched again. Default `1h`.
    pub refresh: Duration,
    /// The least time between two requests to the issuer, where it did not answer or did not have the key that a token names.
    /// Default `30s`.
    pub retry: Duration,
    /// How long after `refresh` keys are still used while the issuer cannot be reached. Default `1d`.
    pub stale: Duration,
    /// The time-out for requests to the issuer. Default `5s`.
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

/// What tokens with certain claims grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClaimRule {
    /// The claims that the token has to have, by name or JSON Pointer, each with a pattern or several of which one has to match.
    /// If a claim is a list, one of its elements has to match.
    pub when: BTreeMap<String, PatternList>,
    /// The roles that it grants.
    #[schemars(length(min = 1))]
    pub roles: BTreeSet<String>,
    /// Who or what uses the token: `person`, `service` or `agent`. Default: `service` if one of the roles is
    /// `pipeline` or `supplier`, else `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// The teams whose deployments it gives access to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamName>,
    /// Whether it gives access to the deployments of all teams. Default `false`.
    #[serde(default)]
    pub all_teams: bool,
}

/// A pattern, or several of which one has to match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a pattern or a list of patterns, for example `[\"refs/heads/*\"]`")]
pub enum PatternList {
    One(String),
    Any(Vec<String>),
}

/// Who a client certificate stands for. Exactly one of `uri`, `email`, `dns` and `subject` says which certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertificateRule {
    /// A pattern for a URI among the alternative names, for example a SPIFFE id.
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
    /// The id of the person. Default: the name that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The roles that it grants.
    #[schemars(length(min = 1))]
    pub roles: BTreeSet<String>,
    /// Who or what uses the certificate: `person`, `service` or `agent`. Default: `service` if one of the roles is
    /// `pipeline` or `supplier`, else `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// The teams whose deployments it gives access to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamName>,
    /// Whether it gives access to the deployments of all teams. Default `false`.
    #[serde(default)]
    pub all_teams: bool,
    /// The scopes: rights that it is narrowed to. Default: all rights of the roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Right>>,
}

/// A signature algorithm of JSON Web Signatures, with a public key.
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

impl AuthConfig {
    /// All mistakes in the section.
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = SettingFaults::default();
        let top = SettingPath::top("auth");
        if self.realm.trim().is_empty() {
            faults.add(top.key("realm"), "it is empty: write a name for the server, for example `lockgate`");
        }
        let throttle = top.key("throttle");
        if self.throttle.failures == 0 {
            faults.add(throttle.key("failures"), "0 would lock everybody out: write at least 1");
        }
        if self.throttle.per.as_millis() < 1000 {
            faults.add(throttle.key("per"), "it is shorter than a second: write at least `1s`");
        }
        for (n, issuer) in self.oidc.iter().enumerate() {
            let path = top.key("oidc").index(n);
            issuer.check(&path, &mut faults);
            if self.oidc.iter().take(n).any(|other| other.issuer == issuer.issuer) {
                faults.add(path.key("issuer"), "this issuer is configured twice: merge the rules");
            }
        }
        for (n, rule) in self.certificates.iter().enumerate() {
            rule.check(&top.key("certificates").index(n), &mut faults);
        }
        faults.0
    }
}

fn check_pattern(path: SettingPath, pattern: &str, faults: &mut SettingFaults) {
    if let Err(fault) = Pattern::checked(pattern) {
        faults.add(path, fault.to_string());
    }
}

/// Checks the roles and teams that a rule grants.
fn check_grant(
    path: &SettingPath,
    roles: &BTreeSet<String>,
    teams: &BTreeSet<TeamName>,
    all_teams: bool,
    faults: &mut SettingFaults,
) {
    if roles.is_empty() {
        faults.add(path.key("roles"), "no role: write at least one, for example `pipeline`");
    }
    for fault in roles.iter().filter_map(|role| check_name(role).err()) {
        faults.add(path.key("roles"), format!("a role {fault}"));
    }
    match (teams.is_empty(), all_teams) {
        (true, false) => faults.add(path.clone(), "no team: list some in `teams`, or write `all-teams = true`"),
        (false, true) => faults.add(path.clone(), "`teams` and `all-teams` exclude each other: keep one"),
        _ => {}
    }
}

fn check_scopes(path: &SettingPath, scopes: Option<&BTreeSet<Right>>, faults: &mut SettingFaults) {
    if scopes.is_some_and(BTreeSet::is_empty) {
        faults.add(path.key("scopes"), "it is empty: list a scope, or leave it out");
    }
}

impl IssuerConfig {
    fn check(&self, path: &SettingPath, faults: &mut SettingFaults) {
        for (key, uri) in [("issuer", Some(&self.issuer)), ("jwks-uri", self.jwks_uri.as_ref())] {
            if let Some(Err(message)) = uri.map(|uri| check_uri(uri)) {
                faults.add(path.key(key), message);
            }
        }
        let mut add = |path: SettingPath, message: &str| faults.add(path, message);
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            add(path.key("audiences"), "it is empty: write your own audience, so that tokens for others are refused");
        }
        if self.algorithms.is_empty() {
            add(path.key("algorithms"), "it is empty: no token could be verified");
        }
        if self.person.is_empty() {
            add(path.key("person"), "it is empty: write the claim that holds the person's id, for example `sub`");
        }
        if self.leeway > Duration::from_millis(600_000) {
            add(path.key("leeway"), "it is longer than `10m`: synchronise the clocks instead");
        }
        let keys = path.key("keys");
        if self.keys.timeout.as_millis() == 0 || self.keys.timeout > Duration::from_millis(60_000) {
            add(keys.key("timeout"), "it is not between `1ms` and `1m`");
        }
        if self.keys.retry.as_millis() < 1000 {
            add(keys.key("retry"), "it is shorter than a second: write at least `1s`");
        }
        if self.keys.refresh < self.keys.retry {
            add(keys.key("refresh"), "it is shorter than `retry`");
        }
        check_scopes(path, self.scopes.as_ref(), faults);
        if self.rules.is_empty() {
            faults.add(path.key("rules"), "it is empty: no token of this issuer would grant anything");
        }
        for (n, rule) in self.rules.iter().enumerate() {
            rule.check(&path.key("rules").index(n), faults);
        }
    }
}

impl ClaimRule {
    /// The kind of the credentials that the rule matches.
    pub(crate) fn kind(&self) -> CredentialKind {
        self.kind.unwrap_or_else(|| CredentialKind::usual_for(&self.roles))
    }

    fn check(&self, path: &SettingPath, faults: &mut SettingFaults) {
        let when = path.key("when");
        if self.when.is_empty() {
            let message = "it is empty, so every token of the issuer matches: for a public CI system, that is the whole world. \
                           List claims; to match every token, write `sub = \"**\"`";
            faults.add(when.clone(), message);
        }
        for (claim, patterns) in &self.when {
            let path = when.key(claim);
            if patterns.all().is_empty() {
                faults.add(path.clone(), "it is empty: write a pattern");
            }
            patterns.all().iter().for_each(|pattern| check_pattern(path.clone(), pattern, faults));
        }
        check_grant(path, &self.roles, &self.teams, self.all_teams, faults);
    }
}

impl PatternList {
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Any(patterns) => patterns,
        }
    }
}

impl CertificateRule {
    /// The kind of the certificates that the rule matches.
    pub(crate) fn kind(&self) -> CredentialKind {
        self.kind.unwrap_or_else(|| CredentialKind::usual_for(&self.roles))
    }

    /// The patterns, by the key that says which names of a certificate they are for.
    pub(crate) fn names(&self) -> [(&'static str, Option<&String>); 4] {
        let Self { uri, email, dns, subject, .. } = self;
        [("uri", uri.as_ref()), ("email", email.as_ref()), ("dns", dns.as_ref()), ("subject", subject.as_ref())]
    }

    fn check(&self, path: &SettingPath, faults: &mut SettingFaults) {
        if self.names().iter().filter(|(_, pattern)| pattern.is_some()).count() != 1 {
            faults.add(path.clone(), "write exactly one of `uri`, `email`, `dns` and `subject`");
        }
        for (key, pattern) in self.names() {
            if let Some(pattern) = pattern {
                check_pattern(path.key(key), pattern, faults);
            }
        }
        check_scopes(path, self.scopes.as_ref(), faults);
        check_grant(path, &self.roles, &self.teams, self.all_teams, faults);
    }
}

/// Checks that keys may be fetched from a URL: nobody must be able to change them on the way.
///
/// # Errors
/// If they may not; the text says why.
pub(crate) fn check_uri(text: &str) -> Result<(), String> {
    let no_url = || format!("`{text}` is not a URL that begins with `https://`");
    let uri: Uri = text.parse().map_err(|_| no_url())?;
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return Err(no_url()) };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_here => Ok(()),
        Some("http") => Err(format!("`{text}` is not encrypted: use `https`")),
        _ => Err(no_url()),
    }
}

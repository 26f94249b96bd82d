//! Client certificates: finds the holder of a certificate that was verified when the connection was made.
//!
//! TLS has verified that a trusted authority signed the certificate, and that the client has its key. This module only
//! reads it.

use lockgate_domain::{Digest, Duration, Pattern, PersonId, Principal, Teams, Timestamp, check_line};
use lockgate_service::authority::Actor;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::CredentialRefusal;
use super::session::CredentialLifetime;
use crate::config::CertificateRule;

/// The rules for certificates.
pub(super) struct CertificateRules(Vec<CompiledCertificateRule>);

struct CompiledCertificateRule {
    kind: &'static str,
    pattern: Pattern,
    gives: CertificateRule,
}

impl CertificateRules {
    /// The rules. Leaves out a rule that names no certificate, which
    /// [`AuthConfig::faults`](crate::config::AuthConfig::faults) refuses.
    pub(super) fn new(rules: &[CertificateRule]) -> Self {
        let rule = |gives: &CertificateRule| {
            let (kind, pattern) = gives.names().into_iter().find_map(|(kind, pattern)| Some((kind, pattern?)))?;
            Some(CompiledCertificateRule { kind, pattern: Pattern::new(pattern), gives: gives.clone() })
        };
        Self(rules.iter().filter_map(rule).collect())
    }

    /// Whether there are no rules for certificates.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The holder, and the time until which the certificate is accepted.
    pub(super) fn of_certificate(
        &self,
        der: &[u8],
        now: Timestamp,
    ) -> Result<(Actor, CredentialLifetime), CredentialRefusal> {
        let (_, certificate) = X509Certificate::from_der(der)
            .ok()
            .filter(|(rest, _)| rest.is_empty())
            .ok_or(CredentialRefusal::Certificate("it is not an X.509 certificate"))?;
        // The certificate was valid when the connection was made, but connections may last.
        let lifetime = check_times(&certificate, now)?;
        let names = names(&certificate)?;
        let (rule, name) = self
            .find(&names)
            .ok_or(CredentialRefusal::NoRule { what: "client certificate", section: "auth.certificates" })?;
        check_line(name).map_err(|fault| CredentialRefusal::Characters { of: rule.kind.to_owned(), fault })?;
        let id = match &rule.gives.person {
            Some(person) => person.clone(),
            None => {
                PersonId::new(name).map_err(|wrong| CredentialRefusal::PersonId { of: rule.kind.to_owned(), wrong })?
            }
        };
        let person = Principal { id, name: String::new(), roles: rule.gives.roles.iter().cloned().collect() };
        let actor = Actor {
            person,
            teams: if rule.gives.all_teams { Teams::All } else { Teams::Named(rule.gives.teams.clone()) },
            scopes: rule.gives.scopes.clone(),
            credential: format!("mtls:{}", Digest::of(der)),
            kind: rule.gives.kind(),
        };
        Ok((actor, lifetime))
    }

    /// The first rule that matches a name.
    fn find<'a>(&'a self, names: &'a [(&'static str, String)]) -> Option<(&'a CompiledCertificateRule, &'a str)> {
        self.0.iter().find_map(|rule| {
            let mut of_kind = names.iter().filter(|(kind, _)| *kind == rule.kind);
            of_kind.find(|(_, name)| rule.pattern.matches(name)).map(|(_, name)| (rule, name.as_str()))
        })
    }
}

fn check_times(certificate: &X509Certificate<'_>, now: Timestamp) -> Result<CredentialLifetime, CredentialRefusal> {
    let validity = certificate.validity();
    let moment = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
    let (from, until) = (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()));
    // The last second of a certificate counts in full (RFC 5280, section 4.1.2.5).
    let refused_from = until.saturating_add(Duration::from_millis(1000));
    let lifetime = CredentialLifetime { what: "client certificate", expires: until, refused_from };
    lifetime.check(now)?;
    if now < from {
        return Err(CredentialRefusal::NotYet { what: "client certificate", at: from });
    }
    Ok(lifetime)
}

/// The names of the certificate, by the keys that the configuration has for them.
fn names(certificate: &X509Certificate<'_>) -> Result<Vec<(&'static str, String)>, CredentialRefusal> {
    let unreadable = |_| CredentialRefusal::Certificate("its alternative names are unreadable");
    let mut names = Vec::new();
    if let Some(extension) = certificate.subject_alternative_name().map_err(unreadable)? {
        for name in &extension.value.general_names {
            match name {
                GeneralName::URI(uri) => names.push(("uri", (*uri).to_owned())),
                GeneralName::RFC822Name(email) => names.push(("email", (*email).to_owned())),
                GeneralName::DNSName(dns) => names.push(("dns", dns.to_ascii_lowercase())),
                _ => {}
            }
        }
    }
    // Several common names would be ambiguous.
    let mut common = certificate.subject().iter_common_name();
    if let (Some(name), None) = (common.next(), common.next())
        && let Ok(name) = name.as_str()
    {
        names.push(("subject", name.to_owned()));
    }
    Ok(names)
}

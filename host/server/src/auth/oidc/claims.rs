//! The claims of a token, and the person that they stand for.

use std::collections::BTreeSet;
use std::fmt;

use lockgate_domain::{Duration, Pattern, PersonId, Principal, Right, Teams, Timestamp, check_line, unescaped_token};
use lockgate_service::authority::Actor;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::auth::CredentialRefusal;
use crate::auth::session::CredentialLifetime;
use crate::config::{ClaimRule, IssuerConfig, PatternList};

/// The claims of a token. A token that has a claim twice is refused: other readers might see the other value.
#[derive(Clone, Debug)]
pub(super) struct Claims(Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimsVisitor;

        impl<'de> Visitor<'de> for ClaimsVisitor {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim is given twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }

        deserializer.deserialize_map(ClaimsVisitor)
    }
}

/// The issuer that a token claims, unverified: use it only to find the keys.
pub(super) fn claimed_issuer(token: &str) -> Result<String, CredentialRefusal> {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token);
    let claims = claims.map_err(|_| CredentialRefusal::NoToken("its claims are unreadable"))?;
    match claims.0.get("iss") {
        Some(Value::String(issuer)) => Ok(issuer.clone()),
        _ => Err(CredentialRefusal::Claim { claim: "iss".to_owned(), problem: "is missing, or not a text" }),
    }
}

impl Claims {
    /// A claim by its name, or by a JSON Pointer.
    fn get(&self, claim: &str) -> Option<&Value> {
        let Some(pointer) = claim.strip_prefix('/') else { return self.0.get(claim) };
        let mut tokens = pointer.split('/').map(unescaped_token);
        let first = self.0.get(&tokens.next()?)?;
        tokens.try_fold(first, |value, token| match value {
            Value::Object(members) => members.get(&token),
            Value::Array(elements) => elements.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The time until which the token is accepted. An error if it is not valid now.
    pub(super) fn check_times(
        &self,
        leeway: Duration,
        now: Timestamp,
    ) -> Result<CredentialLifetime, CredentialRefusal> {
        let expires = self.moment("exp")?;
        let expires = expires.ok_or(CredentialRefusal::Claim { claim: "exp".to_owned(), problem: "is missing" })?;
        let lifetime = CredentialLifetime { what: "token", expires, refused_from: expires.saturating_add(leeway) };
        lifetime.check(now)?;
        for claim in ["nbf", "iat"] {
            if let Some(at) = self.moment(claim)?.filter(|at| *at > now.saturating_add(leeway)) {
                return Err(CredentialRefusal::NotYet { what: "token", at });
            }
        }
        Ok(lifetime)
    }

    /// A moment in seconds since 1970, perhaps with a fraction (RFC 7519: NumericDate).
    fn moment(&self, claim: &str) -> Result<Option<Timestamp>, CredentialRefusal> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let wrong =
            || CredentialRefusal::Claim { claim: claim.to_owned(), problem: "is not a time in seconds since 1970" };
        let seconds = value.as_f64().filter(|seconds| (0.0..=1e11).contains(seconds)).ok_or_else(wrong)?;
        #[expect(clippy::cast_possible_truncation, reason = "it was seen to be far within the range")]
        Ok(Some(Timestamp::from_millis((seconds * 1000.0) as i64)))
    }
}

/// The rules that map the tokens of an issuer to people.
pub(super) struct ClaimMapping {
    person: String,
    prefix: String,
    name: Option<String>,
    scopes: Option<BTreeSet<Right>>,
    issuer: String,
    rules: Vec<CompiledClaimRule>,
}

struct CompiledClaimRule {
    when: Vec<(String, Vec<Pattern>)>,
    gives: ClaimRule,
}

impl ClaimMapping {
    pub(super) fn new(config: &IssuerConfig) -> Self {
        Self {
            person: config.person.clone(),
            prefix: config.person_prefix.clone(),
            name: config.name.clone(),
            scopes: config.scopes.clone(),
            issuer: config.issuer.clone(),
            rules: config.rules.iter().map(CompiledClaimRule::new).collect(),
        }
    }

    /// The actor for the claims. The token has been verified.
    pub(super) fn actor(&self, claims: &Claims) -> Result<Actor, CredentialRefusal> {
        let wrong = |problem| CredentialRefusal::Claim { claim: self.person.clone(), problem };
        let id = match claims.get(&self.person) {
            Some(Value::String(id)) if !id.is_empty() => id,
            _ => return Err(wrong("is missing, empty, or not a text: it has to hold the id of the person")),
        };
        // Anybody can write an address into a profile; only the issuer can say that it has verified the address.
        if matches!(self.person.as_str(), "email" | "/email")
            && claims.get("email_verified") != Some(&Value::Bool(true))
        {
            return Err(wrong("is not verified: `email_verified` is not `true`"));
        }
        let name = self.name.as_ref().and_then(|name| claims.get(name)).and_then(Value::as_str).unwrap_or_default();
        let no_id = |wrong| CredentialRefusal::PersonId { of: self.person.clone(), wrong };
        // Checks the id alone first: behind the prefix, a leading blank would go unnoticed.
        let claimed = PersonId::new(id).map_err(no_id)?;
        let id = PersonId::new(&format!("{}{}", self.prefix, claimed.written())).map_err(no_id)?;
        self.check_characters(claims)?;
        // Only one rule counts: if rules were added up, the roles of one would reach into the teams of another.
        let rule = self.rules.iter().find(|rule| rule.fits(claims));
        let gives = &rule.ok_or(CredentialRefusal::NoRule { what: "token", section: "auth.oidc.rules" })?.gives;
        let person = Principal { id, name: name.to_owned(), roles: gives.roles.iter().cloned().collect() };
        Ok(Actor {
            person,
            teams: if gives.all_teams { Teams::All } else { Teams::Named(gives.teams.clone()) },
            scopes: self.scopes.clone(),
            credential: format!("oidc:{}", self.issuer),
            kind: gives.kind(),
        })
    }

    /// Checks the claims that rules read: a rule must not match a text that people read differently.
    fn check_characters(&self, claims: &Claims) -> Result<(), CredentialRefusal> {
        let of_rules = self.rules.iter().flat_map(|rule| rule.when.iter().map(|(claim, _)| claim));
        for claim in of_rules.chain(&self.name) {
            let texts = match claims.get(claim) {
                Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
                value => Vec::from_iter(value.and_then(Value::as_str)),
            };
            if let Some(fault) = texts.into_iter().find_map(|text| check_line(text).err()) {
                return Err(CredentialRefusal::Characters { of: claim.clone(), fault });
            }
        }
        Ok(())
    }
}

impl CompiledClaimRule {
    fn new(config: &ClaimRule) -> Self {
        let patterns = |patterns: &PatternList| patterns.all().iter().map(|pattern| Pattern::new(pattern)).collect();
        let when = config.when.iter().map(|(claim, list)| (claim.clone(), patterns(list)));
        Self { when: when.collect(), gives: config.clone() }
    }

    fn fits(&self, claims: &Claims) -> bool {
        let is_one_of = |patterns: &[Pattern], text: &str| patterns.iter().any(|pattern| pattern.matches(text));
        let fits = |patterns: &[Pattern], value: &Value| match value {
            Value::String(text) => is_one_of(patterns, text),
            Value::Bool(_) | Value::Number(_) => is_one_of(patterns, &value.to_string()),
            _ => false,
        };
        self.when.iter().all(|(claim, patterns)| match claims.get(claim) {
            Some(Value::Array(values)) => values.iter().any(|value| fits(patterns, value)),
            Some(value) => fits(patterns, value),
            None => false,
        })
    }
}

//! An authenticated actor, the rights that the roles and scopes of the credential give, and the check that the
//! credential is still accepted. The domain defines the rights and roles.

use std::collections::BTreeSet;
use std::fmt;

use lockgate_domain::{CredentialKind, Person, PersonId, Principal, ROLES, Right, Teams, rights_of};

/// An authenticated person or program, and what the credential allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person, with the roles that they hold.
    pub person: Principal,
    /// The teams whose deployments the actor sees.
    pub teams: Teams,
    /// The rights that the credential is limited to. None: all that the roles grant.
    pub scopes: Option<BTreeSet<Right>>,
    /// The credential, as it is recorded: `token:<id>`, `oidc:<issuer>`, `mtls:<fingerprint>`.
    pub credential: String,
    /// The kind of actor that uses the credential.
    pub kind: CredentialKind,
}

/// Checks, right before something is written with a credential, that the credential is still accepted.
pub trait CredentialCheck: fmt::Debug + Send + Sync {
    /// # Errors
    /// If the credential is not accepted any more.
    fn still_accepted(&self) -> Result<(), CredentialEnded>;

    /// Checks that the credential was accepted a second ago, which reads nothing.
    ///
    /// # Errors
    /// If the credential was not accepted.
    fn was_accepted_lately(&self) -> Result<(), CredentialEnded> {
        self.still_accepted()
    }
}

/// A credential is no longer accepted.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CredentialEnded(pub Box<dyn std::error::Error + Send + Sync>);

/// Why an actor may not do what they asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Forbidden {
    /// None of the roles grants the right, or any one of several rights.
    #[error("`{person}` may not {}: none of their roles grants it ({roles}); {} would", or(.rights), or(.granting))]
    Role {
        person: PersonId,
        /// The missing rights. Any one of them is enough.
        rights: Vec<Right>,
        roles: String,
        /// The roles that grant one of the rights, each in backquotes.
        granting: Vec<String>,
    },
    /// Nobody gave the actor the right to attest entries of a register.
    #[error("`{person}` does not hold `{right}`: {}", who_may_attest(.attesters))]
    Attest {
        person: PersonId,
        /// The missing right, for example `attest:changes`.
        right: String,
        /// The roles and services that hold it.
        attesters: Vec<String>,
    },
    /// The configuration names other roles that stop the line.
    #[error("`{person}` may not stop the line or lift a stop: the configuration names {} for that", or(&quoted(.roles)))]
    StopLine {
        person: PersonId,
        /// The roles that may.
        roles: Vec<String>,
    },
    /// The credential is limited to other rights.
    #[error("the credential of `{person}` is not for {}: use one whose scopes have it", or(&quoted(.rights)))]
    Scope {
        person: PersonId,
        /// The rights that the roles grant and the credential does not. Any one of them is enough.
        rights: Vec<Right>,
    },
}

/// Joins alternatives for a sentence, with `or` before the last.
fn or(several: &[impl fmt::Display]) -> String {
    several.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// Who may attest entries of a register, as the end of a sentence.
fn who_may_attest(attesters: &[String]) -> String {
    if attesters.is_empty() {
        return "no `[[attest]]` rule of the server's configuration lets anybody attest there, so the operator has to add one"
            .to_owned();
    }
    format!("{} may attest there", or(&quoted(attesters)))
}

fn quoted(several: &[impl fmt::Display]) -> Vec<String> {
    several.iter().map(|one| format!("`{one}`")).collect()
}

impl Actor {
    /// The actor as snapshots name people: without a name for display.
    pub fn as_person(&self) -> Person {
        let Principal { id, roles, .. } = &self.person;
        Person { id: id.clone(), kind: self.kind.into(), roles: roles.clone(), team: None }
    }

    /// Whether the actor has this right.
    pub fn may(&self, right: Right) -> bool {
        self.require(right).is_ok()
    }

    /// Checks that the actor has this right.
    ///
    /// # Errors
    /// If the right is missing; the error says whether a role or a scope lacks it.
    pub fn require(&self, right: Right) -> Result<(), Forbidden> {
        self.require_any(&[right])
    }

    /// Checks that the actor has one of these rights.
    ///
    /// # Errors
    /// If all of them are missing; the error says whether a role or a scope lacks them.
    pub fn require_any(&self, rights: &[Right]) -> Result<(), Forbidden> {
        let Principal { id, roles, .. } = &self.person;
        let is_granted = |right: &&Right| roles.iter().any(|role| rights_of(role).contains(right));
        let granted: Vec<Right> = rights.iter().filter(is_granted).copied().collect();
        if granted.is_empty() {
            let granting = ROLES.iter().filter(|known| rights.iter().any(|right| known.rights.contains(right)));
            let granting = quoted(&granting.map(|known| known.name).collect::<Vec<_>>());
            let roles =
                if roles.is_empty() { "they hold none".to_owned() } else { format!("`{}`", roles.join("`, `")) };
            return Err(Forbidden::Role { person: id.clone(), rights: rights.to_vec(), roles, granting });
        }
        match &self.scopes {
            Some(scopes) if granted.iter().all(|right| !scopes.contains(right)) => {
                Err(Forbidden::Scope { person: id.clone(), rights: granted })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn actor(roles: &[&str], scopes: Option<&[Right]>) -> Actor {
        Actor {
            person: Principal {
                id: PersonId::new("ada@example.org").unwrap(),
                name: String::new(),
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            },
            teams: Teams::All,
            scopes: scopes.map(|scopes| scopes.iter().copied().collect()),
            credential: "token:t-1".to_owned(),
            kind: CredentialKind::usual_for(roles),
        }
    }

    #[test]
    fn a_role_grants_its_rights_and_no_others() {
        let auditor = actor(&["auditor"], None);
        assert!(auditor.may(Right::Audit));
        assert_eq!(
            auditor.require(Right::Waive).map_err(|refused| refused.to_string()),
            Err("`ada@example.org` may not waive: none of their roles grants it (`auditor`); \
                 `change-authority` or `service-owner` would"
                .to_owned())
        );
    }

    #[test]
    fn where_any_of_several_rights_is_enough_all_are_named() {
        let rights = [Right::Administer, Right::Audit, Right::Govern];
        assert_eq!(actor(&["auditor"], None).require_any(&rights), Ok(()));
        assert_eq!(
            actor(&["developer"], None).require_any(&rights).map_err(|refused| refused.to_string()),
            Err("`ada@example.org` may not administer or audit or govern: none of their roles grants it (`developer`); \
                 `administrator` or `auditor` or `governance` would"
                .to_owned())
        );
        assert_eq!(
            actor(&["governance"], Some(&[Right::Read])).require_any(&rights).map_err(|refused| refused.to_string()),
            Err("the credential of `ada@example.org` is not for `audit` or `govern`: use one whose scopes have it"
                .to_owned())
        );
    }

    #[test]
    fn scopes_narrow_what_roles_grant_and_never_widen_it() {
        let narrowed = actor(&["pipeline"], Some(&[Right::Decide, Right::Approve]));
        assert!(narrowed.may(Right::Decide));
        assert!(matches!(narrowed.require(Right::Drive), Err(Forbidden::Scope { .. })));
        assert!(matches!(narrowed.require(Right::Approve), Err(Forbidden::Role { .. })));
    }

    #[test]
    fn whoever_hands_out_credentials_cannot_approve_with_them() {
        assert!(!actor(&["administrator"], None).may(Right::Approve));
    }

    #[test]
    fn whoever_may_not_attest_learns_who_may_or_that_nobody_may() {
        let refused = |attesters: &[&str]| {
            let attesters = attesters.iter().map(|attester| (*attester).to_owned()).collect();
            let person = "ada".parse().unwrap();
            Forbidden::Attest { person, right: "attest:incidents".to_owned(), attesters }.to_string()
        };
        let either = "`ada` does not hold `attest:incidents`: `service-desk` or `service:itsm` may attest there";
        assert_eq!(refused(&["service-desk", "service:itsm"]), either);
        let nobody = "`ada` does not hold `attest:incidents`: no `[[attest]]` rule of the server's configuration lets anybody \
                      attest there, so the operator has to add one";
        assert_eq!(refused(&[]), nobody);
    }
}

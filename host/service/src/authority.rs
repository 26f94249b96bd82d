//! Somebody who was authenticated, what the roles and the scopes of their credential let them do, and whether the credential is
//! still accepted. The rights and roles themselves are words of the domain.

use std::collections::BTreeSet;
use std::fmt;

use lockgate_domain::{CredentialKind, Person, PersonId, ROLES, Right, Teams, rights_of};

/// Somebody who was authenticated, and what the credential lets them do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who it is, with the roles that they hold.
    pub person: Person,
    /// Whose deployments they see.
    pub teams: Teams,
    /// What the credential is narrowed to; none: all that the roles grant.
    pub scopes: Option<BTreeSet<Right>>,
    /// The credential, for the record: `token:<id>`, `oidc:<issuer>`, `mtls:<fingerprint>`.
    pub credential: String,
    /// Who or what uses the credential.
    pub kind: CredentialKind,
}

/// A credential that is asked again, right before something is written with it, whether it is still accepted.
pub trait CredentialCheck: fmt::Debug + Send + Sync {
    /// # Errors
    /// If it is not accepted any more.
    fn still_accepted(&self) -> Result<(), CredentialEnded>;

    /// Whether it was still accepted a second ago, for which nothing has to be read.
    ///
    /// # Errors
    /// If it was not.
    fn was_accepted_lately(&self) -> Result<(), CredentialEnded> {
        self.still_accepted()
    }
}

/// A credential is not accepted any more.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CredentialEnded(pub Box<dyn std::error::Error + Send + Sync>);

/// Somebody may not do what they asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Forbidden {
    /// None of the roles grants it, or one of several rights of which any is enough.
    #[error("`{person}` may not {}: none of their roles grants it ({roles}); {} would", or(.rights), or(.granting))]
    Role {
        /// Who.
        person: PersonId,
        /// What: any of these is enough.
        rights: Vec<Right>,
        /// The roles that they hold.
        roles: String,
        /// The roles that grant it, each in backquotes.
        granting: Vec<String>,
    },
    /// The credential is narrowed to other things.
    #[error("the credential of `{person}` is not for {}: use one whose scopes have it", or(&quoted(.rights)))]
    Scope {
        /// Who.
        person: PersonId,
        /// What their roles grant: any of these is enough.
        rights: Vec<Right>,
    },
}

/// Alternatives, as a sentence lists them.
fn or(several: &[impl fmt::Display]) -> String {
    several.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn quoted(several: &[impl fmt::Display]) -> Vec<String> {
    several.iter().map(|one| format!("`{one}`")).collect()
}

impl Actor {
    /// Whether they may do it.
    pub fn may(&self, right: Right) -> bool {
        self.require(right).is_ok()
    }

    /// Whether they may do it, and why not.
    ///
    /// # Errors
    /// Says whether a role or a scope is missing.
    pub fn require(&self, right: Right) -> Result<(), Forbidden> {
        self.require_any(&[right])
    }

    /// Whether they have one of these rights, and why not.
    ///
    /// # Errors
    /// Says whether a role or a scope is missing.
    pub fn require_any(&self, rights: &[Right]) -> Result<(), Forbidden> {
        let Person { id, roles, .. } = &self.person;
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
            person: Person {
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
}

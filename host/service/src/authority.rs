//! Who may do what: roles grant [rights](Right), a credential may narrow them, and a team is the border of what is seen.
//!
//! A person may hold several roles: what keeps them apart where it matters is separation of duties, which is told for
//! each deployment and not for each person.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use lockgate_domain::{Person, PersonId, ROLES, Right, TeamName, rights_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose deployments somebody sees and touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Teams {
    /// Everybody's.
    All,
    /// Those of these teams.
    Named(BTreeSet<TeamName>),
}

impl Teams {
    /// Whether a team's deployments are among them.
    pub fn include(&self, team: &TeamName) -> bool {
        match self {
            Self::All => true,
            Self::Named(teams) => teams.contains(team),
        }
    }

    /// Whether a team is among both.
    pub fn meet(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) | (_, Self::All) => true,
            (Self::Named(one), Self::Named(other)) => !one.is_disjoint(other),
        }
    }

    /// Those that are among both.
    #[must_use]
    pub fn common(&self, others: &Self) -> Self {
        match (self, others) {
            (Self::All, teams) | (teams, Self::All) => teams.clone(),
            (Self::Named(one), Self::Named(other)) => Self::Named(one.intersection(other).cloned().collect()),
        }
    }

    /// Whether all of the others' teams are among them.
    pub fn cover(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (Self::Named(_), Self::All) => false,
            (Self::Named(own), Self::Named(others)) => others.is_subset(own),
        }
    }

    /// The only team, if there is just one.
    pub fn only(&self) -> Option<&TeamName> {
        match self {
            Self::Named(teams) if teams.len() == 1 => teams.first(),
            _ => None,
        }
    }
}

/// Who or what uses a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A human being.
    Person,
    /// A program that does what it was written for, for example a pipeline.
    Service,
    /// A program that decides by itself what it does, for example one that a language model drives.
    Agent,
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Person, Self::Service, Self::Agent];

    /// The name that files, arguments and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::Agent => "agent",
        }
    }

    /// The kind of a credential with these roles for which nobody named one: `service` if one of the roles is `pipeline`
    /// or `supplier`, else `person`.
    pub fn usual_for(roles: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        match roles.into_iter().any(|role| matches!(role.as_ref(), "pipeline" | "supplier")) {
            true => Self::Service,
            false => Self::Person,
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind of credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of credential: they are {known}", known = CredentialKind::ALL.map(CredentialKind::as_str).join(", "))]
pub struct UnknownCredentialKind(pub String);

impl FromStr for CredentialKind {
    type Err = UnknownCredentialKind;

    fn from_str(text: &str) -> Result<Self, UnknownCredentialKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownCredentialKind(text.to_owned()))
    }
}

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

    use lockgate_domain::role_names;

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
    fn a_role_of_the_organizations_own_may_see_approve_and_resume() {
        assert_eq!(rights_of("security-officer"), [Right::Read, Right::Resume, Right::Approve]);
    }

    #[test]
    fn a_hold_is_ended_by_people_who_answer_for_the_product_or_its_operation_and_never_by_a_pipeline() {
        let resuming: Vec<&str> =
            ROLES.iter().filter(|known| known.rights.contains(&Right::Resume)).map(|known| known.name).collect();
        assert_eq!(
            resuming,
            [
                "change-authority",
                "deployment-manager",
                "deployment-practitioner",
                "developer",
                "operations-manager",
                "product-manager",
                "product-owner",
                "release-manager",
                "service-owner",
                "technical-specialist",
            ]
        );
    }

    #[test]
    fn the_known_roles_are_in_order_each_once_and_so_are_their_rights() {
        assert!(role_names().is_sorted_by(|one, next| one < next));
        for known in ROLES {
            assert!(known.rights.is_sorted_by(|one, next| one < next), "{}", known.name);
        }
    }

    #[test]
    fn whoever_hands_out_credentials_cannot_approve_with_them() {
        assert!(!actor(&["administrator"], None).may(Right::Approve));
    }

    #[test]
    fn a_pipeline_and_a_supplier_are_services_and_all_others_people() {
        let usual = |roles: &[&str]| CredentialKind::usual_for(roles);
        assert_eq!(usual(&["pipeline"]), CredentialKind::Service);
        assert_eq!(usual(&["supplier"]), CredentialKind::Service);
        assert_eq!(usual(&["release-manager", "pipeline"]), CredentialKind::Service);
        assert_eq!(usual(&["release-manager", "Pipeline"]), CredentialKind::Person);
        assert_eq!(usual(&[]), CredentialKind::Person);
    }

    #[test]
    fn every_kind_is_read_back_from_its_name_and_others_are_told_which_exist() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.as_str().into()));
        }
        assert_eq!(
            "robot".parse::<CredentialKind>().map_err(|error| error.to_string()),
            Err("`robot` is not a kind of credential: they are person, service, agent".to_owned())
        );
    }

    #[test]
    fn every_right_is_read_back_from_its_name() {
        for right in Right::ALL {
            assert_eq!(right.as_str().parse(), Ok(right));
        }
        assert!("rule".parse::<Right>().is_err());
    }
}

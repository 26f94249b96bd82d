//! Who may do what: roles grant rights, a credential may narrow them, and a team is the border of what is seen.
//!
//! The rights are the host's; which approvals a gate needs, and in which role, is what models and policies say. A person
//! may hold several roles: what keeps them apart where it matters is separation of duties, which is told for each
//! deployment and not for each person.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use lockgate_domain::Person;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that one may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// See deployments, decisions, models and plugins.
    Read,
    /// Ask for deployments, and revise what was asked for.
    Request,
    /// Ask for deployments on behalf of somebody else.
    RequestForOthers,
    /// Hand in evidence.
    Attest,
    /// Ask gates.
    Decide,
    /// Move deployments along: pass gates, carry out steps, report activities, give up, take the way back.
    Drive,
    /// Approve or reject, in a role that one holds; delegate that.
    Approve,
    /// Grant waivers.
    Waive,
    /// Override what is soft-mandatory: break the glass.
    Override,
    /// Review overrides.
    Review,
    /// Read the audit log, and have it proved.
    Audit,
    /// Load models and plugins anew.
    Govern,
    /// Issue and revoke credentials; look after the ledger.
    Administer,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::Request,
        Self::RequestForOthers,
        Self::Attest,
        Self::Decide,
        Self::Drive,
        Self::Approve,
        Self::Waive,
        Self::Override,
        Self::Review,
        Self::Audit,
        Self::Govern,
        Self::Administer,
    ];

    /// The name that files, scopes and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Request => "request",
            Self::RequestForOthers => "request-for-others",
            Self::Attest => "attest",
            Self::Decide => "decide",
            Self::Drive => "drive",
            Self::Approve => "approve",
            Self::Waive => "waive",
            Self::Override => "override",
            Self::Review => "review",
            Self::Audit => "audit",
            Self::Govern => "govern",
            Self::Administer => "administer",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a right: they are {known}", known = Right::ALL.map(Right::as_str).join(", "))]
pub struct UnknownRight(pub String);

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        let found = Self::ALL.into_iter().find(|right| right.as_str() == text);
        found.ok_or_else(|| UnknownRight(text.to_owned()))
    }
}

/// What a role grants. A role that is not known here is one that a model asks approvals from, and no more: it may see and
/// approve.
pub fn rights_of(role: &str) -> &'static [Right] {
    use Right::{
        Administer, Approve, Attest, Audit, Decide, Drive, Govern, Override, Read, Request, RequestForOthers, Review,
        Waive,
    };
    match role {
        // Whoever hands out credentials does not also approve with them.
        "administrator" => &[Read, Audit, Govern, Administer],
        "auditor" => &[Read, Audit],
        "governance" => &[Read, Audit, Govern, Review],
        "deployment-manager" | "release-manager" => {
            &[Read, Request, RequestForOthers, Attest, Decide, Drive, Approve, Override]
        }
        "deployment-practitioner" => &[Read, Request, Attest, Decide, Drive],
        "operations-manager" => &[Read, Attest, Decide, Drive, Approve, Override, Review],
        "change-authority" => &[Read, Decide, Approve, Waive, Override, Review],
        "service-owner" => &[Read, Request, Decide, Approve, Waive, Review],
        "product-manager" | "product-owner" => &[Read, Request, Decide, Approve],
        "developer" | "technical-specialist" => &[Read, Request, Attest, Decide],
        "pipeline" => &[Read, Request, RequestForOthers, Attest, Decide, Drive],
        "supplier" => &[Read, Attest],
        "service-desk" | "engagement-manager" | "user" => &[Read],
        _ => &[Read, Approve],
    }
}

/// Whose deployments somebody sees and touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Teams {
    /// Everybody's.
    All,
    /// Those of these teams.
    Named(BTreeSet<String>),
}

impl Teams {
    /// Whether a team's deployments are among them.
    pub fn include(&self, team: &str) -> bool {
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

    /// The only team, if there is just one.
    pub fn only(&self) -> Option<&str> {
        match self {
            Self::Named(teams) if teams.len() == 1 => teams.first().map(String::as_str),
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
}

/// A credential is not accepted any more.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CredentialEnded(pub Box<dyn std::error::Error + Send + Sync>);

/// Somebody may not do what they asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Forbidden {
    /// None of the roles grants it.
    #[error("`{person}` may not {right}: none of their roles grants it ({roles}); {granting} would")]
    Role {
        /// Who.
        person: String,
        /// What.
        right: Right,
        /// The roles that they hold.
        roles: String,
        /// The roles that grant it.
        granting: String,
    },
    /// The credential is narrowed to other things.
    #[error("the credential of `{person}` is not for `{right}`: use one whose scopes have it")]
    Scope {
        /// Who.
        person: String,
        /// What.
        right: Right,
    },
}

/// The roles that are known here. Models and policies may ask for approvals in others.
pub const ROLES: [&str; 18] = [
    "administrator",
    "auditor",
    "change-authority",
    "deployment-manager",
    "deployment-practitioner",
    "developer",
    "engagement-manager",
    "governance",
    "operations-manager",
    "pipeline",
    "product-manager",
    "product-owner",
    "release-manager",
    "service-desk",
    "service-owner",
    "supplier",
    "technical-specialist",
    "user",
];

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
        let Person { id, roles, .. } = &self.person;
        if !roles.iter().any(|role| rights_of(role).contains(&right)) {
            let granting: Vec<String> =
                ROLES.iter().filter(|role| rights_of(role).contains(&right)).map(|role| format!("`{role}`")).collect();
            let roles =
                if roles.is_empty() { "they hold none".to_owned() } else { format!("`{}`", roles.join("`, `")) };
            return Err(Forbidden::Role { person: id.clone(), right, roles, granting: granting.join(" or ") });
        }
        if self.scopes.as_ref().is_some_and(|scopes| !scopes.contains(&right)) {
            return Err(Forbidden::Scope { person: id.clone(), right });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(roles: &[&str], scopes: Option<&[Right]>) -> Actor {
        Actor {
            person: Person {
                id: "ada@example.org".to_owned(),
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
    fn scopes_narrow_what_roles_grant_and_never_widen_it() {
        let narrowed = actor(&["pipeline"], Some(&[Right::Decide, Right::Approve]));
        assert!(narrowed.may(Right::Decide));
        assert!(matches!(narrowed.require(Right::Drive), Err(Forbidden::Scope { .. })));
        assert!(matches!(narrowed.require(Right::Approve), Err(Forbidden::Role { .. })));
    }

    #[test]
    fn a_role_of_the_organizations_own_may_see_and_approve() {
        assert_eq!(rights_of("security-officer"), [Right::Read, Right::Approve]);
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

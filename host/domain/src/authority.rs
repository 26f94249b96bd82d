//! The rights that roles grant, the teams that a credential covers, and the kind of its holder.
//!
//! The host defines the rights. Models and policies decide which approvals a gate needs, and in which role. A person
//! may hold several roles. Separation of duties keeps them apart where it matters, and is checked for each deployment.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TeamName;

/// A right: an action that roles can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// See deployments, decisions, models and plugins.
    Read,
    /// Request deployments, and revise their documents.
    Request,
    /// Request deployments on behalf of another person.
    RequestForOthers,
    /// Attach evidence to deployments.
    Attest,
    /// Attest entries of registers, where a rule names you.
    Register,
    /// Evaluate gates.
    Decide,
    /// Drive deployments: pass gates, carry out steps, report activities, give up, roll back.
    Drive,
    /// Resume holds and paused rollouts, where the model names one of your roles.
    Resume,
    /// Accept what is handed over to you or your team.
    TakeOver,
    /// Approve or reject, in a role that you hold, and delegate that role.
    Approve,
    /// Grant waivers.
    Waive,
    /// Override soft-mandatory answers in an emergency.
    Override,
    /// Review overrides after they were used.
    Review,
    /// Stop the line, and lift stops, where the configuration names one of your roles.
    Stop,
    /// Read the audit log and its proofs.
    Audit,
    /// Reload models and plugins.
    Govern,
    /// Issue and revoke credentials, and maintain the ledger.
    Administer,
}

impl Right {
    /// All rights, in the order in which documents list them.
    pub const ALL: [Self; 17] = [
        Self::Read,
        Self::Request,
        Self::RequestForOthers,
        Self::Attest,
        Self::Register,
        Self::Decide,
        Self::Drive,
        Self::Resume,
        Self::TakeOver,
        Self::Approve,
        Self::Waive,
        Self::Override,
        Self::Review,
        Self::Stop,
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
            Self::Register => "register",
            Self::Decide => "decide",
            Self::Drive => "drive",
            Self::Resume => "resume",
            Self::TakeOver => "take-over",
            Self::Approve => "approve",
            Self::Waive => "waive",
            Self::Override => "override",
            Self::Review => "review",
            Self::Stop => "stop",
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

/// A role that Lockgate knows, with the rights that it grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRole {
    /// The name that tokens, rules and models use.
    pub name: &'static str,
    /// The people or programs that hold it, in one sentence.
    pub holder: &'static str,
    /// The rights, in the order of [`Right::ALL`].
    pub rights: &'static [Right],
}

impl KnownRole {
    const fn new(name: &'static str, holder: &'static str, rights: &'static [Right]) -> Self {
        Self { name, holder, rights }
    }
}

/// The roles that Lockgate knows, in order of name. Models and policies may ask for approvals in others.
pub const ROLES: [KnownRole; 18] = {
    use Right::{
        Administer, Approve, Attest, Audit, Decide, Drive, Govern, Override, Read, Register, Request, RequestForOthers,
        Resume, Review, Stop, TakeOver, Waive,
    };
    [
        // A person who hands out credentials must not also approve with them.
        KnownRole::new(
            "administrator",
            "Hands out credentials and looks after the server; decides and approves nothing.",
            &[Read, Audit, Govern, Administer],
        ),
        KnownRole::new("auditor", "Checks what was decided, and has it proved.", &[Read, Register, Audit]),
        KnownRole::new(
            "change-authority",
            "Authorises changes: approves deployments, grants exceptions, reviews overrides, and stops the line.",
            &[Read, Register, Decide, Resume, Approve, Waive, Override, Review, Stop],
        ),
        KnownRole::new(
            "deployment-manager",
            "Answers for deployments: plans them, has them carried out, and approves them.",
            &[Read, Request, RequestForOthers, Attest, Register, Decide, Drive, Resume, Approve, Override, Stop],
        ),
        KnownRole::new(
            "deployment-practitioner",
            "Carries deployments out.",
            &[Read, Request, Attest, Decide, Drive, Resume],
        ),
        KnownRole::new(
            "developer",
            "Builds what is deployed, asks for deployments, and hands in evidence.",
            &[Read, Request, Attest, Decide, Resume],
        ),
        KnownRole::new("engagement-manager", "Speaks for the provider to its customers, and looks on.", &[Read]),
        KnownRole::new(
            "governance",
            "Writes the models and policies, and reviews how they are kept.",
            &[Read, Register, Review, Audit, Govern],
        ),
        KnownRole::new(
            "operations-manager",
            "Runs what was deployed: accepts it, carries it out or back, and approves it.",
            &[Read, Attest, Register, Decide, Drive, Resume, TakeOver, Approve, Override, Review, Stop],
        ),
        KnownRole::new(
            "pipeline",
            "A program that asks for deployments and drives them through the gates.",
            &[Read, Request, RequestForOthers, Attest, Register, Decide, Drive],
        ),
        KnownRole::new(
            "product-manager",
            "Answers for the product, and authorises its deployments.",
            &[Read, Request, Register, Decide, Resume, Approve, Stop],
        ),
        KnownRole::new(
            "product-owner",
            "Answers for what the product does, and approves its deployments.",
            &[Read, Request, Register, Decide, Resume, Approve],
        ),
        KnownRole::new(
            "release-manager",
            "Answers for releases: plans them, has them deployed, and approves that.",
            &[Read, Request, RequestForOthers, Attest, Register, Decide, Drive, Resume, Approve, Override, Stop],
        ),
        KnownRole::new("service-desk", "Answers users, and tells of incidents.", &[Read, Register]),
        KnownRole::new(
            "service-owner",
            "Answers for the service: takes over and approves deployments, grants waivers, and reviews overrides.",
            &[Read, Request, Register, Decide, Resume, TakeOver, Approve, Waive, Review, Stop],
        ),
        KnownRole::new("supplier", "Delivers from outside, and hands in evidence.", &[Read, Attest, Register]),
        KnownRole::new(
            "technical-specialist",
            "Knows a part of the technology, hands in evidence, and takes over what is handed over.",
            &[Read, Request, Attest, Register, Decide, Resume, TakeOver],
        ),
        KnownRole::new("user", "Uses the service, and looks on.", &[Read]),
    ]
};

/// The rights that any other role of an organisation grants: its holders see deployments, hand in evidence, approve and resume
/// where a model names the role, take over what is handed over to them, attest entries of registers where a rule names it, and stop the line where the configuration names
/// it.
pub const RIGHTS_OF_OTHER_ROLES: &[Right] =
    &[Right::Read, Right::Attest, Right::Register, Right::Resume, Right::TakeOver, Right::Approve, Right::Stop];

/// The roles that stop the line if the configuration names none: those of [`ROLES`] with the right [`Right::Stop`].
pub fn usual_stop_roles() -> BTreeSet<String> {
    let stopping = ROLES.iter().filter(|known| known.rights.contains(&Right::Stop));
    stopping.map(|known| known.name.to_owned()).collect()
}

/// The names of [`ROLES`].
pub fn role_names() -> [&'static str; ROLES.len()] {
    ROLES.map(|known| known.name)
}

/// The roles in [`ROLES`] that grant a right.
pub fn roles_with(right: Right) -> impl Iterator<Item = &'static str> {
    ROLES.iter().filter(move |known| known.rights.contains(&right)).map(|known| known.name)
}

/// The rights that a role grants: those in [`ROLES`], or [`RIGHTS_OF_OTHER_ROLES`] for a role that is not in it.
pub fn rights_of(role: &str) -> &'static [Right] {
    ROLES.iter().find(|known| known.name == role).map_or(RIGHTS_OF_OTHER_ROLES, |known| known.rights)
}

/// The teams whose deployments somebody may see and change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Teams {
    /// All teams.
    All,
    /// The named teams.
    Named(BTreeSet<TeamName>),
}

impl Teams {
    /// Whether they include this team.
    pub fn include(&self, team: &TeamName) -> bool {
        match self {
            Self::All => true,
            Self::Named(teams) => teams.contains(team),
        }
    }

    /// Whether both have a team in common.
    pub fn meet(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) | (_, Self::All) => true,
            (Self::Named(one), Self::Named(other)) => !one.is_disjoint(other),
        }
    }

    /// The teams that both have in common.
    #[must_use]
    pub fn common(&self, others: &Self) -> Self {
        match (self, others) {
            (Self::All, teams) | (teams, Self::All) => teams.clone(),
            (Self::Named(one), Self::Named(other)) => Self::Named(one.intersection(other).cloned().collect()),
        }
    }

    /// Whether they include all teams of the others.
    pub fn cover(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (Self::Named(_), Self::All) => false,
            (Self::Named(own), Self::Named(others)) => others.is_subset(own),
        }
    }

    /// The only team, if there is exactly one.
    pub fn only(&self) -> Option<&TeamName> {
        match self {
            Self::Named(teams) if teams.len() == 1 => teams.first(),
            _ => None,
        }
    }
}

/// The kind of a credential: who or what uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// The credential of a human being.
    Person,
    /// The credential of a program that follows fixed instructions, for example a pipeline.
    Service,
    /// The credential of a program that decides by itself, for example one driven by a language model.
    Agent,
}

impl CredentialKind {
    /// All kinds of users of a credential.
    pub const ALL: [Self; 3] = [Self::Person, Self::Service, Self::Agent];

    /// The name that files, arguments and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::Agent => "agent",
        }
    }

    /// The default kind of a credential with these roles: `service` if one of the roles is `pipeline` or `supplier`,
    /// else `person`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_of_the_organizations_own_may_see_hand_in_attest_approve_resume_take_over_and_stop() {
        let rights =
            [Right::Read, Right::Attest, Right::Register, Right::Resume, Right::TakeOver, Right::Approve, Right::Stop];
        assert_eq!(rights_of("security-officer"), rights);
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

//! Rights, and the roles that grant them.
//!
//! The rights are the host's; which approvals a gate needs, and in which role, is what models and policies say.

use std::fmt;
use std::str::FromStr;

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
    /// End a hold that a person ends, and go on with a paused rollout, where the model names one of one's roles.
    Resume,
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
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::Request,
        Self::RequestForOthers,
        Self::Attest,
        Self::Decide,
        Self::Drive,
        Self::Resume,
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
            Self::Resume => "resume",
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

/// A role that Lockgate knows, and the rights that it grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRole {
    /// The name that tokens, rules and models use.
    pub name: &'static str,
    /// Who holds it, in one sentence.
    pub holder: &'static str,
    /// The rights, in the order of [`Right::ALL`].
    pub rights: &'static [Right],
}

impl KnownRole {
    const fn new(name: &'static str, holder: &'static str, rights: &'static [Right]) -> Self {
        Self { name, holder, rights }
    }
}

/// The roles that Lockgate knows, by name in order. Models and policies may ask for approvals in others.
pub const ROLES: [KnownRole; 18] = {
    use Right::{
        Administer, Approve, Attest, Audit, Decide, Drive, Govern, Override, Read, Request, RequestForOthers, Resume,
        Review, Waive,
    };
    [
        // Whoever hands out credentials does not also approve with them.
        KnownRole::new(
            "administrator",
            "Hands out credentials and looks after the server; decides and approves nothing.",
            &[Read, Audit, Govern, Administer],
        ),
        KnownRole::new("auditor", "Checks what was decided, and has it proved.", &[Read, Audit]),
        KnownRole::new(
            "change-authority",
            "Authorises changes: approves deployments, grants exceptions, and reviews overrides.",
            &[Read, Decide, Resume, Approve, Waive, Override, Review],
        ),
        KnownRole::new(
            "deployment-manager",
            "Answers for deployments: plans them, has them carried out, and approves them.",
            &[Read, Request, RequestForOthers, Attest, Decide, Drive, Resume, Approve, Override],
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
            &[Read, Review, Audit, Govern],
        ),
        KnownRole::new(
            "operations-manager",
            "Runs what was deployed: accepts it, carries it out or back, and approves it.",
            &[Read, Attest, Decide, Drive, Resume, Approve, Override, Review],
        ),
        KnownRole::new(
            "pipeline",
            "A program that asks for deployments and drives them through the gates.",
            &[Read, Request, RequestForOthers, Attest, Decide, Drive],
        ),
        KnownRole::new(
            "product-manager",
            "Answers for the product, and authorises its deployments.",
            &[Read, Request, Decide, Resume, Approve],
        ),
        KnownRole::new(
            "product-owner",
            "Answers for what the product does, and approves its deployments.",
            &[Read, Request, Decide, Resume, Approve],
        ),
        KnownRole::new(
            "release-manager",
            "Answers for releases: plans them, has them deployed, and approves that.",
            &[Read, Request, RequestForOthers, Attest, Decide, Drive, Resume, Approve, Override],
        ),
        KnownRole::new("service-desk", "Answers users, and looks on.", &[Read]),
        KnownRole::new(
            "service-owner",
            "Answers for the service: approves deployments, grants waivers, and reviews overrides.",
            &[Read, Request, Decide, Resume, Approve, Waive, Review],
        ),
        KnownRole::new("supplier", "Delivers from outside, and hands in evidence.", &[Read, Attest]),
        KnownRole::new(
            "technical-specialist",
            "Knows a part of the technology, and hands in evidence.",
            &[Read, Request, Attest, Decide, Resume],
        ),
        KnownRole::new("user", "Uses the service, and looks on.", &[Read]),
    ]
};

/// The rights that a role of the organisation's own grants: its holders see deployments, and approve and resume where a
/// model names the role.
pub const RIGHTS_OF_OTHER_ROLES: &[Right] = &[Right::Read, Right::Resume, Right::Approve];

/// The names of [`ROLES`].
pub fn role_names() -> [&'static str; ROLES.len()] {
    ROLES.map(|known| known.name)
}

/// The rights that a role grants: those of [`ROLES`], or [`RIGHTS_OF_OTHER_ROLES`] for a role that is not among them.
pub fn rights_of(role: &str) -> &'static [Right] {
    ROLES.iter().find(|known| known.name == role).map_or(RIGHTS_OF_OTHER_ROLES, |known| known.rights)
}

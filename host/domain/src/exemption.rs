//! Exceptions: waivers, which people grant in advance for a while, and overrides, which they take in an emergency and
//! review afterwards.
//!
//! Both remove the weight of an answer and leave the answer itself as it is: a decision still holds the plugin's
//! answer, and beside it the person who decided that it does not count this time, why, and until when.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::distinct::keyed;
use crate::name::{border, borders, id, name, some_id, text};
use crate::{Digest, Gate, PersonId, TeamName, TimeWindow, Timestamp};

/// The scope of a waiver. Every member that is present must match; a member that is absent does not narrow the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverScope {
    /// The ids of the bindings or groups whose answers are waived, at least one.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "borders")]
    pub bindings: Vec<String>,
    /// The codes that are waived, at least one. An answer that is blocked by any other code is not waived. If absent,
    /// every code is waived.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "some_codes")]
    #[schemars(length(min = 1))]
    pub codes: Vec<String>,
    /// The gate at which the waiver applies. If absent, at any gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The team whose deployments the waiver applies to. If absent, every team's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The id of the deployment that the waiver applies to. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "border")]
    pub deployment: Option<String>,
    /// The id of the product that the waiver applies to. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "border")]
    pub product: Option<String>,
    /// The name of the environment in which the waiver applies. If absent, in any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "border")]
    pub environment: Option<String>,
    /// The id of the deployment model under which the waiver applies. If absent, under any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "border")]
    pub model: Option<String>,
}

/// Refuses an empty list of codes: people could mean none by it, but it would waive every code.
fn some_codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let codes = borders(deserializer)?;
    match codes.is_empty() {
        true => Err(D::Error::custom("name at least one code, or leave `codes` out to waive whatever the answer says")),
        false => Ok(codes),
    }
}

/// A waiver: an exception with an owner and an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The id of the waiver.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of the person who is responsible for the waiver.
    pub owner: PersonId,
    /// The reason for the waiver.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "text")]
    pub reason: String,
    /// A reference to the decision about the waiver, for example a ticket number or a URL.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "text")]
    pub ticket: String,
    /// The scope of the waiver.
    pub scope: WaiverScope,
    /// From when on the waiver counts (RFC 3339).
    pub granted: Timestamp,
    /// From when on the waiver no longer counts (RFC 3339).
    pub expires: Timestamp,
}

/// Why a waiver is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidWaiver {
    /// A required text is empty.
    #[error("the waiver's `{0}` is empty: say it")]
    Empty(&'static str),
    /// The waiver names no binding.
    #[error("the waiver names no binding: say whose answer is waived, in `scope.bindings`")]
    NoBinding,
    /// The waiver would apply to everything.
    #[error("the waiver's scope has no border: name a deployment, a product, an environment or a model")]
    NoBorder,
    /// The waiver ends before it begins.
    #[error("the waiver ends ({expires}) before it begins ({granted})")]
    Ended {
        /// When the waiver begins.
        granted: Timestamp,
        /// When the waiver ends.
        expires: Timestamp,
    },
}

impl InvalidWaiver {
    /// The place of the mistake in the waiver, as a JSON Pointer.
    pub fn pointer(&self) -> &'static str {
        match self {
            Self::Empty("id") => "/id",
            Self::Empty("reason") => "/reason",
            Self::Empty("ticket") => "/ticket",
            Self::Empty(_) => "",
            Self::NoBinding => "/scope/bindings",
            Self::NoBorder => "/scope",
            Self::Ended { .. } => "/expires",
        }
    }
}

impl Waiver {
    /// Checks that the waiver has everything that it must have.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), InvalidWaiver> {
        let said = [("id", &self.id), ("reason", &self.reason), ("ticket", &self.ticket)];
        if let Some((what, _)) = said.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(InvalidWaiver::Empty(what));
        }
        let WaiverScope { bindings, deployment, product, environment, model, .. } = &self.scope;
        if bindings.is_empty() {
            return Err(InvalidWaiver::NoBinding);
        }
        if [deployment, product, environment, model].iter().all(|border| border.is_none()) {
            return Err(InvalidWaiver::NoBorder);
        }
        if self.expires <= self.granted {
            return Err(InvalidWaiver::Ended { granted: self.granted, expires: self.expires });
        }
        Ok(())
    }

    /// Whether the waiver counts at this moment.
    pub fn counts_at(&self, now: Timestamp) -> bool {
        self.granted <= now && now < self.expires
    }
}

/// An override: in an emergency, one soft-mandatory answer at one gate does not count for one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The id of the override.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The gate at which the answer is overridden.
    pub gate: Gate,
    /// The id of the binding or group whose answer is overridden.
    #[serde(deserialize_with = "name")]
    pub binding: String,
    /// The [subject](crate::Snapshot::subject) for which the override was used. It is void for any other.
    pub subject: Digest,
    /// The id of the person who used the override.
    pub by: PersonId,
    /// The reason for the override.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "text")]
    pub reason: String,
    /// When the override was used (RFC 3339); the server sets it.
    pub at: Timestamp,
    /// The id of the second person, who confirmed the override. The model says whether one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<PersonId>,
    /// The id of the stop of the line that the deployment passed by the open hotfix lane of its model. Then `binding` is
    /// `line-stopped`, and the override sets aside no answer: it is there to be reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub stop: Option<String>,
}

/// The exception because of which an answer does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exemption {
    /// The id of the waiver.
    Waiver(String),
    /// The id of the override.
    Override(String),
}

/// An exception as plugins see it: a waiver for one binding, or an override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedExemption {
    /// The id of the waiver or the override.
    pub id: String,
    /// `waiver` or `override`.
    pub kind: String,
    /// The id of the binding or group whose answer does not count.
    pub binding: String,
    /// The codes that it covers. Empty: all.
    #[serde(default)]
    pub codes: Vec<String>,
    /// The id of the person who answers for it.
    pub owner: String,
    /// The reason for it.
    pub reason: String,
    /// From when on it no longer counts (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// What a decision says of exceptions, and of approvals that do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ExceptionCode {
    /// An approval by somebody who asked for the deployment or contributed to it.
    ApprovalNotIndependent,
    /// An approval or rejection of something that has changed since.
    ApprovalVoid,
    /// The answer does not count, because it is waived.
    Waived,
    /// A waiver before or after its time.
    WaiverExpired,
    /// A waiver that is not for this answer, or by somebody who is involved.
    WaiverNotApplicable,
    /// The answer does not count, because it is overridden.
    Overridden,
    /// An override that is not for this answer, or by somebody who is involved.
    OverrideNotApplicable,
    /// An override that a second person has to confirm.
    OverrideUnconfirmed,
    /// An override of something that has changed since.
    OverrideVoid,
}

impl OverlapRelation {
    /// The name that files and the contract use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameProduct => "same-product",
            Self::DependedOn => "depended-on",
            Self::Dependent => "dependent",
            Self::Conflicting => "conflicting",
            Self::SameEnvironment => "same-environment",
            Self::SharedResource => "shared-resource",
            Self::Related => "related",
        }
    }
}

impl ExceptionCode {
    /// All kinds of exemptions.
    pub const ALL: [Self; 9] = [
        Self::ApprovalNotIndependent,
        Self::ApprovalVoid,
        Self::Waived,
        Self::WaiverExpired,
        Self::WaiverNotApplicable,
        Self::Overridden,
        Self::OverrideNotApplicable,
        Self::OverrideUnconfirmed,
        Self::OverrideVoid,
    ];

    /// The code that decisions use.
    pub fn code(self) -> &'static str {
        match self {
            Self::ApprovalNotIndependent => "approval-not-independent",
            Self::ApprovalVoid => "approval-void",
            Self::Waived => "waived",
            Self::WaiverExpired => "waiver-expired",
            Self::WaiverNotApplicable => "waiver-not-applicable",
            Self::Overridden => "overridden",
            Self::OverrideNotApplicable => "override-not-applicable",
            Self::OverrideUnconfirmed => "override-unconfirmed",
            Self::OverrideVoid => "override-void",
        }
    }

    /// The kind that decisions name by this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether it removes the weight of an answer. The other kinds say why an exception does not count.
    pub fn counts(self) -> bool {
        matches!(self, Self::Waived | Self::Overridden)
    }
}

/// The relation of another deployment to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapRelation {
    /// It deploys the same product in the same environment.
    SameProduct,
    /// Its product is one that this deployment's product depends on. It is in the same environment, or both environments are live.
    DependedOn,
    /// Its product depends on this deployment's product. It is in the same environment, or both environments are live.
    Dependent,
    /// It belongs to another team, and its product must not be changed at the same time as this one: in the same environment
    /// they are the same, or one depends on the other; in another one, one depends on the other and both environments are
    /// live.
    Conflicting,
    /// It is in the same environment, and its product has no relation to this one's.
    SameEnvironment,
    /// It needs a resource, for example a person or a tool, that this deployment needs for itself.
    SharedResource,
    /// It is in another environment, and its product is this deployment's, or one depends on the other. The two do not wait
    /// for each other: they deploy the same product, or consumers do not depend on both environments.
    Related,
}

/// Another deployment whose time overlaps with this one's. A deployment that needs the same resources appears once more for
/// each of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// The id of the other deployment. Absent if it belongs to another team.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub deployment: Option<String>,
    /// The id of its product. Absent if it belongs to another team.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub product: Option<String>,
    /// The name of its environment, which may be another one than this deployment's.
    #[serde(deserialize_with = "id")]
    pub environment: String,
    /// The time slot that is booked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// The id of a resource that both need, for example a person or a tool.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_id")]
    pub shared: Option<String>,
    /// The relation of the other deployment to this one.
    pub relation: OverlapRelation,
    /// Whether the other deployment is changing something now. Otherwise it is planned for the same time.
    pub under_way: bool,
}

keyed!(Waiver: id, Override: id);

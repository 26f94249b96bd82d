//! The records and enums of `lockgate:types`, which a plugin sees.
//!
//! The contract documents them. Moments in them are milliseconds since 1970-01-01T00:00:00Z;
//! [`Timestamp::from`](crate::time::Timestamp) converts them.

pub use crate::bindings::lockgate::types::types::{
    Approval, ApprovalAnswer, ApprovedPlan, Attribute, Change, ChangeApproval, ChangeCategory, Component,
    DataRetention, Defect, DefectStatus, DeploymentRecord, DeploymentResult, Difference, Document, Environment,
    EnvironmentControl, Evidence, Exemption, GatePassage, Instance, InstanceStatus, KnowledgeItem, KnowledgeStatus,
    Level, Model, Money, Overlap, Person, Phase, Plan, Product, Release, ReleaseNotes, ReleaseStatus, Scenario,
    Section, Severity, Stage, TimeWindow, Timing, Verification, WayBack, WayBackKind,
};

use crate::time::Timestamp;

impl TimeWindow {
    /// Whether the moment lies in the window: `start` is in it, `end` is not.
    pub fn contains(&self, moment: Timestamp) -> bool {
        Timestamp::from(self.start) <= moment && moment < Timestamp::from(self.end)
    }
}

impl InstanceStatus {
    /// Whether there is such an instance, or is to be one: it is neither removed nor disposed of.
    pub fn exists(self) -> bool {
        !matches!(self, Self::Removed | Self::Disposed)
    }
}

impl Document {
    /// A document with this schema.
    ///
    /// `schema` says how to read `json`: a URI, or a name that writer and reader agreed on. `json` is one JSON text.
    pub fn new(schema: impl Into<String>, json: impl Into<String>) -> Self {
        Self { schema: schema.into(), json: json.into() }
    }
}

impl Attribute {
    /// An attribute with this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The published kinds of component. Treat an unknown word as another kind.
pub mod component_kind {
    #![expect(missing_docs, reason = "each is the word that it is called by")]
    pub const HARDWARE: &str = "hardware";
    pub const SOFTWARE: &str = "software";
    pub const DOCUMENTATION: &str = "documentation";
    pub const PROCESS: &str = "process";
    pub const LICENCE: &str = "licence";
    pub const DATA: &str = "data";
    pub const OTHER: &str = "other";
}

/// The published kinds of person. Treat an unknown word as another kind.
pub mod person_kind {
    #![expect(missing_docs, reason = "each is the word that it is called by")]
    pub const PERSON: &str = "person";
    pub const SERVICE: &str = "service";
    pub const AGENT: &str = "agent";
}

/// The published kinds of environment. Treat an unknown word as another kind.
pub mod environment_kind {
    #![expect(missing_docs, reason = "each is the word that it is called by")]
    pub const DEVELOPMENT: &str = "development";
    pub const TEST: &str = "test";
    pub const STAGING: &str = "staging";
    pub const LIVE: &str = "live";
    pub const CUSTOM: &str = "custom";
}

macro_rules! words {
    ($($type:ident { $($variant:ident => $word:literal),+ $(,)? })+) => { $(
        impl $type {
            /// The word that the contract, the snapshot document and people use.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    )+ };
}

words! {
    ChangeCategory { Emergency => "emergency", Standard => "standard", Normal => "normal" }
    DefectStatus { Open => "open", Accepted => "accepted", Fixed => "fixed" }
    InstanceStatus {
        Planned => "planned", Deploying => "deploying", Running => "running", Degraded => "degraded",
        Stopped => "stopped", Disabled => "disabled", Removed => "removed", Disposed => "disposed",
    }
    KnowledgeStatus {
        Draft => "draft", InReview => "in-review", Validated => "validated", Published => "published",
        Archived => "archived",
    }
    Phase { Entrance => "entrance", Exit => "exit" }
    ReleaseStatus { Draft => "draft", Accepted => "accepted", Published => "published", Withdrawn => "withdrawn" }
    Level { Low => "low", Medium => "medium", High => "high", Critical => "critical" }
    Scenario { FirstRelease => "first-release", NewVersion => "new-version", Removal => "removal" }
    Severity { Info => "info", Low => "low", Medium => "medium", High => "high", Critical => "critical" }
    Verification { Absent => "absent", Unchecked => "unchecked", Verified => "verified", Failed => "failed" }
    Stage {
        PlanAndApprove => "plan-and-approve", Fulfill => "fulfill", Validate => "validate", Observe => "observe",
    }
}

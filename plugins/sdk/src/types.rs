//! The records and enums of `lockgate:types`, which a plugin sees.
//!
//! The contract documents them. Moments in them are milliseconds since 1970-01-01T00:00:00Z;
//! [`Timestamp::from`](crate::time::Timestamp) converts them.

pub use crate::bindings::lockgate::types::types::{
    Approval, ApprovalAnswer, ApprovedPlan, Attribute, Change, ChangeApproval, ChangeCategory, Component,
    ComponentChange, DataRetention, Defect, DefectStatus, DeploymentRecord, DeploymentResult, Difference, Document,
    Environment, EnvironmentControl, Evidence, Exemption, GatePassage, HandOver, Instance, InstanceStatus,
    KnowledgeItem, KnowledgeStatus, Level, Model, Money, Overlap, Person, Phase, Plan, Product, Provenance, Receiver,
    Release, ReleaseNotes, ReleaseStatus, Scenario, Section, Severity, Stage, TimeWindow, Timing, Verification,
    WayBack, WayBackKind,
};

use std::fmt;

use crate::time::{Duration, Timestamp};

impl TimeWindow {
    /// The window from `start` to `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start: start.as_millis(), end: end.as_millis() }
    }

    /// Whether the moment lies in the window: `start` is in it, `end` is not.
    pub fn contains(&self, moment: Timestamp) -> bool {
        Timestamp::from(self.start) <= moment && moment < Timestamp::from(self.end)
    }

    /// Whether no moment lies in the window, because it ends before it begins or at once.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// Whether the other window lies completely in this one. It has to begin before it ends, or at the same moment.
    pub fn encloses(&self, other: &Self) -> bool {
        self.start <= other.start && other.start <= other.end && other.end <= self.end
    }

    /// Whether some moment lies in both windows.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// The length of the window; zero if it is empty.
    pub fn length(&self) -> Duration {
        Timestamp::from(self.end).since(Timestamp::from(self.start))
    }
}

impl fmt::Display for TimeWindow {
    /// `2026-11-24T20:00:00Z to 2026-11-24T22:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", Timestamp::from(self.start), Timestamp::from(self.end))
    }
}

impl KnowledgeStatus {
    /// Whether somebody has validated the item, and it still counts: it is validated or published.
    pub fn is_valid(self) -> bool {
        matches!(self, Self::Validated | Self::Published)
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

/// What a deployment does to a component. Treat an unknown word as a change.
pub mod component_change {
    #![expect(missing_docs, reason = "each is the word that it is called by")]
    pub const ADDED: &str = "added";
    pub const CHANGED: &str = "changed";
    pub const REMOVED: &str = "removed";
    pub const UNCHANGED: &str = "unchanged";
}

/// The sources of a fact. Treat an unknown word as [`TOLD`](fact_source::TOLD).
pub mod fact_source {
    /// The person who requested the deployment says it.
    pub const TOLD: &str = "told";
    /// A piece of evidence says it.
    pub const EVIDENCE: &str = "evidence";
    /// Its owner attested it in a register.
    pub const REGISTER: &str = "register";
    /// Lockgate itself recorded it.
    pub const LEDGER: &str = "ledger";
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
    ChangeApproval {
        Requested => "requested", Approved => "approved", Rejected => "rejected", Withdrawn => "withdrawn",
        Closed => "closed",
    }
    ChangeCategory { Emergency => "emergency", Standard => "standard", Normal => "normal" }
    EnvironmentControl { Full => "full", Limited => "limited", None => "none" }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every window whose ends are among a few moments, those that end before they begin included.
    fn windows() -> impl Iterator<Item = TimeWindow> {
        (0..7).flat_map(|start| (0..7).map(move |end| TimeWindow { start, end }))
    }

    fn moments(window: TimeWindow) -> Vec<i64> {
        (-1..8).filter(|moment| window.contains(Timestamp::from_millis(*moment))).collect()
    }

    #[test]
    fn windows_enclose_and_overlap_by_the_moments_in_them() {
        for (one, other) in windows().flat_map(|one| windows().map(move |other| (one, other))) {
            let (in_one, in_other) = (moments(one), moments(other));
            let common = in_other.iter().filter(|moment| in_one.contains(moment)).count();
            assert_eq!(one.overlaps(&other), common > 0, "{one:?} {other:?}");
            if !other.is_empty() {
                assert_eq!(one.encloses(&other), common == in_other.len(), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_window_is_as_long_as_it_has_moments() {
        for window in windows() {
            let moments = moments(window);
            assert_eq!(window.is_empty(), moments.is_empty(), "{window:?}");
            assert_eq!(usize::try_from(window.length().as_millis()), Ok(moments.len()), "{window:?}");
        }
    }

    #[test]
    fn a_window_is_written_with_both_its_ends() {
        let window = TimeWindow { start: 0, end: 60_000 };
        assert_eq!(window.to_string(), "1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z");
    }
}

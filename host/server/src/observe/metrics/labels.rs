//! The labels of metrics. Their number is bounded.
//!
//! The process keeps each different set of labels in memory as long as it lives, so no label may come from a request.
//! Gates, verdicts, kinds of failure and the like are closed sets. Routes are the patterns of the router, never paths.
//! The operator chooses the names in models (plugins, bindings, models), but models can be reloaded again and again:
//! [`LabelLimiter`] accepts a certain number of names, and calls all later ones `other`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use lockgate_service::DecisionPhases;
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The label for names beyond the limit.
const OTHER: &str = "other";

/// Names that were seen, up to a limit.
#[derive(Debug)]
pub(super) struct LabelLimiter {
    limit: usize,
    seen: RwLock<HashSet<(Arc<str>, Arc<str>)>>,
}

impl LabelLimiter {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, seen: RwLock::default() }
    }

    /// The two names as labels: the names themselves, or `other` if there are too many.
    pub(super) fn pair(&self, first: &str, second: &str) -> (String, String) {
        let pair = (Arc::from(first), Arc::from(second));
        let owned = || (first.to_owned(), second.to_owned());
        if self.seen.read().contains(&pair) {
            return owned();
        }
        let mut seen = self.seen.write();
        if seen.len() < self.limit || seen.contains(&pair) {
            seen.insert(pair);
            owned()
        } else {
            (OTHER.to_owned(), OTHER.to_owned())
        }
    }
}

/// Why a request was refused before it was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShedReason {
    /// The server has too many requests.
    Busy,
    /// The credential has too many requests.
    CredentialBusy,
    /// The ledger has too many writes waiting.
    LedgerBusy,
    /// The ledger cannot write.
    LedgerFailing,
    /// A sink of the decision log is too far behind.
    DecisionLogBehind,
}

impl ShedReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::CredentialBusy => "credential-busy",
            Self::LedgerBusy => "ledger-busy",
            Self::LedgerFailing => "ledger-failing",
            Self::DecisionLogBehind => "decision-log-behind",
        }
    }
}

/// Why the server closed a connection, or did not accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// No head of a request was complete in time.
    NoHead,
    /// Nothing arrived, or an answer was not taken, for too long.
    Idle,
    /// The connection was silent, and another one needed its place.
    ForAnother,
    /// The address has too many connections with requests in progress.
    TooManyOfAddress,
    /// The server has too many connections with requests in progress.
    TooMany,
}

impl CloseReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoHead => "no-head",
            Self::Idle => "idle",
            Self::ForAnother => "for-another",
            Self::TooManyOfAddress => "too-many-of-address",
            Self::TooMany => "too-many",
        }
    }
}

/// The durations of the parts of a request for a decision. Zero: not done, or not known yet.
///
/// As JSON it is `{"authenticate_ns": 1200, …}`, without zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestPhases {
    /// Authenticating the actor and checking the rights.
    pub authenticate: Duration,
    /// Deciding.
    pub decision: DecisionPhases,
    /// Writing the decision, until it is durable.
    pub append: Duration,
    /// The whole, from the request to the answer.
    pub total: Duration,
}

impl RequestPhases {
    /// The parts by name, in order.
    pub(super) fn parts(&self) -> [(&'static str, Duration); 5] {
        let DecisionPhases { read, snapshot, evaluate } = self.decision;
        [
            ("authenticate", self.authenticate),
            ("read-state", read),
            ("snapshot", snapshot),
            ("evaluate", evaluate),
            ("append", self.append),
        ]
    }
}

impl Serialize for RequestPhases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, time) in self.parts().into_iter().chain([("total", self.total)]).filter(|(_, time)| !time.is_zero())
        {
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            map.serialize_entry(&format!("{}_ns", name.replace('-', "_")), &nanoseconds)?;
        }
        map.end()
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct DecisionLabels {
    pub(super) gate: String,
    pub(super) model: String,
    pub(super) verdict: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    pub(super) plugin: String,
    pub(super) binding: String,
    pub(super) standing: &'static str,
    /// Empty unless the plugin failed.
    pub(super) failure: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct PluginLabel {
    pub(super) plugin: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct PhaseLabel {
    pub(super) phase: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RouteLabels {
    pub(super) method: &'static str,
    pub(super) route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ModelLabels {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) digest: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct KindLabel {
    pub(super) kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OutcomeLabel {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct PositionLabel {
    pub(super) position: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct SinkLabel {
    pub(super) sink: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct VersionLabel {
    pub(super) version: &'static str,
}

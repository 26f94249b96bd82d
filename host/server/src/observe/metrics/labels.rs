//! The labels of metrics, and what keeps their number bounded.
//!
//! Each different set of labels is kept in memory for as long as the process lives, so no label may come from a request.
//! Gates, verdicts, kinds of failure and the like are sets that the code closes. Routes are the patterns of the router,
//! never paths. Names from models (plugins, bindings, models) are chosen by the operator, but models can be loaded again
//! and again: [`Known`] takes a certain number of them, and calls all later ones `other`.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;

/// What names beyond the limit are called.
const OTHER: &str = "other";

/// Names that were seen, up to a limit.
#[derive(Debug)]
pub(super) struct Known {
    limit: usize,
    seen: RwLock<HashSet<(Arc<str>, Arc<str>)>>,
}

impl Known {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, seen: RwLock::default() }
    }

    /// The two names as labels: themselves, or `other` if there are too many different ones.
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
    /// Empty unless the plugin could not answer.
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

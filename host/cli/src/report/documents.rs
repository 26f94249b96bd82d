//! What was decided, and the files that it was decided on: pointers of a decision lead into them.

use std::ops::Range;
use std::sync::Arc;

use lockgate_domain::Decision;

use crate::diagnostic::Source;
use crate::input::Json;

/// What was decided, and the files that its pointers lead into.
pub(crate) struct Told<'a> {
    /// In the order in which the gates were asked.
    pub(crate) decisions: &'a [Decision],
    /// Where the pointers lead.
    pub(crate) documents: Documents<'a>,
    /// Whether one gate was asked for, or all were tried in order.
    pub(crate) single: bool,
    /// Whether to show also what the plugins used up and logged.
    pub(crate) details: bool,
}

/// The files that a snapshot was put together from.
#[derive(Clone, Copy)]
pub(crate) struct Documents<'a> {
    /// The deployment.
    pub(crate) deployment: &'a Json,
    /// The decision that holds what was approved, if it was handed in.
    pub(crate) approved: Option<&'a Json>,
}

/// A place in one of the files.
pub(crate) struct Found {
    /// The file.
    pub(crate) source: Arc<Source>,
    /// The bytes.
    pub(crate) span: Range<usize>,
    /// What the pointer names and the file does not have.
    pub(crate) beyond: Option<String>,
}

impl Documents<'_> {
    /// Where a pointer into the snapshot leads. Nowhere, if it means what no file says: the time, the gate, evidence.
    pub(crate) fn find(&self, pointer: &str) -> Option<Found> {
        let is_below =
            |top: &str| pointer.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let json = match self.approved {
            Some(decision) if is_below("/approved") => decision,
            _ if ["/now", "/gate", "/subject", "/evidence"].into_iter().any(is_below) => return None,
            _ => self.deployment,
        };
        let spot = json.locate(pointer);
        let beyond = spot.beyond.clone();
        Some(Found { span: spot.span(&json.source), source: Arc::clone(&json.source), beyond })
    }
}

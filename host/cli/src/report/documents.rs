//! Decisions to print, and the files that their JSON Pointers lead into.

use std::ops::Range;
use std::sync::Arc;

use lockgate_domain::Decision;

use crate::diagnostic::SourceText;
use crate::input::JsonDocument;

/// Decisions to print.
pub(crate) struct DecisionReport<'a> {
    /// In the order in which the gates were evaluated.
    pub(crate) decisions: &'a [Decision],
    pub(crate) documents: InputDocuments<'a>,
    /// Whether one gate was evaluated, and not all in order.
    pub(crate) single: bool,
    /// Whether to leave nothing out, and to show what the plugins used, logged and measured.
    pub(crate) details: bool,
}

/// The files that the snapshot was made from.
#[derive(Clone, Copy)]
pub(crate) struct InputDocuments<'a> {
    pub(crate) deployment: &'a JsonDocument,
    /// The decision of `--approved`.
    pub(crate) approved: Option<&'a JsonDocument>,
}

/// A place in one of the files.
pub(crate) struct DocumentLocation {
    pub(crate) source: Arc<SourceText>,
    pub(crate) span: Range<usize>,
    /// The part of the pointer that the file does not have.
    pub(crate) beyond: Option<String>,
}

impl DocumentLocation {
    /// `deployment.json:12:3`.
    pub(crate) fn line_and_column(&self) -> String {
        let (line, column) = self.source.position(self.span.start);
        format!("{}:{line}:{column}", self.source.name)
    }
}

impl InputDocuments<'_> {
    /// Where a JSON Pointer into the snapshot leads. None if it means what is in no file: the time, the gate, evidence.
    pub(crate) fn find(&self, pointer: &str) -> Option<DocumentLocation> {
        let is_below =
            |top: &str| pointer.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let json = match self.approved {
            Some(decision) if is_below("/approved") => decision,
            _ if ["/now", "/gate", "/subject", "/evidence"].into_iter().any(is_below) => return None,
            _ => self.deployment,
        };
        let location = json.locate(pointer);
        let (source, beyond) = (Arc::clone(&location.source), location.beyond.clone());
        Some(DocumentLocation { span: location.span(), source, beyond })
    }
}

//! Reads documents from files, and reports everything that is wrong with them at once, with file, place and remedy.
//!
//! A document goes through [`file`] (it exists, is small enough and is text), [`json`] (it is JSON, with each key once) and [`shape`]
//! (it fits its schema). Then it becomes a type of the domain.

mod documents;
mod entries;
mod evidence;
mod file;
mod json;
mod registers;
mod shape;

pub(crate) use documents::{read_decision, read_deployment, read_deployment_with, read_settings, read_snapshot};
pub(crate) use entries::{FileLine, LinesFile, SamplesFile, read_entry_lines, read_new_entry, read_samples};
pub(crate) use evidence::{
    EvidenceArgument, EvidenceAttesterArgument, EvidenceDateArgument, EvidenceKeyArgument, EvidenceSignatureArgument,
    read_evidence, read_signatures, set_evidence_attesters, set_evidence_dates, verify_signatures,
};
pub(crate) use file::{not_found, read_bytes, read_text, size};
pub(crate) use json::JsonDocument;
pub(crate) use registers::{RegisterArgument, RegisterFiles};
pub(crate) use shape::{schema_of, schema_of_value, without_links};

/// The time of a snapshot or a request if none is given. No ledger is at hand, so it is the clock of this machine.
#[expect(clippy::disallowed_methods, reason = "no ledger is at hand whose clock could be asked")]
pub(crate) fn time_of_this_machine() -> lockgate_domain::Timestamp {
    lockgate_domain::Timestamp::now()
}

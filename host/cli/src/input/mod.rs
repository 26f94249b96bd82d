//! Reading what people hand in, and telling them everything that is wrong with it at once: file, place, remedy.
//!
//! A file goes through [`file`] (is it there, is it small enough, is it text), [`json`] (is it JSON, each key once, and
//! where is what) and [`shape`] (does it say what it should); only then does it become a type of the domain.

mod documents;
mod evidence;
mod file;
mod json;
mod shape;

pub(crate) use documents::{read_decision, read_deployment, read_settings, read_snapshot};
pub(crate) use evidence::{EvidenceArgument, MadeArgument, date, read_evidence};
pub(crate) use file::{not_found, read_bytes, read_text, size};
pub(crate) use json::Json;
pub(crate) use shape::schema_of;

/// The time of a snapshot that names none. No ledger is involved, so it is that of this machine.
#[expect(clippy::disallowed_methods, reason = "nothing that goes by this time is written to a ledger")]
pub(crate) fn time_of_this_machine() -> lockgate_domain::Timestamp {
    lockgate_domain::Timestamp::now()
}

//! Native tests of a plugin: a snapshot made by hand.
//!
//! ```
//! use lockgate_plugin::testing::Fixture;
//! use lockgate_plugin::types::Level;
//!
//! let mut fixture = Fixture::new().now("2026-11-24T20:00:00Z").approved_by("ann", "change-authority");
//! fixture.change.risk = Level::High;
//! assert_eq!(fixture.evaluation().approvals().len(), 1);
//! ```

mod answers;
mod files;
mod fixture;
mod granted;
mod rehearsal;
mod snapshot;
mod values;
mod web;

use std::cell::RefCell;

pub use answers::{
    Requiring, answer_of, assert_all_codes, codes_of_readme, configured, outcome_and_findings, register_entry,
    report_of,
};
pub use fixture::{Fixture, InstanceContent, Registers};
pub use rehearsal::{Rehearsal, progress};
pub use snapshot::UnreadableSnapshot;
pub(crate) use snapshot::{
    absent, attributes, credential, first, knowledge_kind, length, moment, optional_length, optional_moment,
    person_kind,
};

use crate::log::Level;
use crate::{Plugin, SettingsFinding};

thread_local! {
    static LOG: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn record(level: Level, message: String) {
    eprintln!("{level:?}: {message}");
    LOG.with_borrow_mut(|log| log.push((level, message)));
}

/// The lines that this thread has written since the last call.
pub fn take_log() -> Vec<(Level, String)> {
    LOG.take()
}

/// Configures a plugin from a settings text (JSON) as the host does, and reports mistakes in its shape, too. Ids of
/// people must already be in their normal form, because the host converts them.
///
/// # Errors
/// All mistakes in the settings.
pub fn configure<P: Plugin>(settings: &str) -> Result<P, Vec<SettingsFinding>> {
    crate::settings::configure_text(settings)
}

/// The JSON Schema that describes the plugin's settings.
pub fn settings_schema<P: Plugin>() -> serde_json::Value {
    crate::settings::schema_of::<P>()
}

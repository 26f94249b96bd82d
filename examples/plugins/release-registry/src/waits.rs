//! How often the scanner had no answer about a release: kept from one evaluation to the next.
//!
//! Two evaluations at the same moment may count as one. That only makes the check a little more patient.

use lockgate_plugin::key_value::{KeyValueError, Values};
use lockgate_plugin::{Evaluation, PluginError};

fn key(digest: &str) -> String {
    format!("waits/{digest}")
}

/// Counts once more, and says how often it was.
pub(crate) fn count(evaluation: &Evaluation, digest: &str) -> Result<u32, PluginError> {
    let (values, key) = (Values::of(evaluation), key(digest));
    let times = values.json::<u32>(&key)?.unwrap_or_default().saturating_add(1);
    values.set_json(&key, &times)?;
    Ok(times)
}

/// There was an answer: nothing is left to be counted.
pub(crate) fn forget(evaluation: &Evaluation, digest: &str) -> Result<(), KeyValueError> {
    let (values, key) = (Values::of(evaluation), key(digest));
    if values.get(&key)?.is_some() { values.delete(&key) } else { Ok(()) }
}

pub(crate) fn in_words(times: u32) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

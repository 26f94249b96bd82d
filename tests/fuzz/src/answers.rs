//! What a plugin answers: memory that a stranger filled, lifted by the host and held against the contract.

use std::fmt::Debug;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lockgate_domain::{Evidence, FailureKind, Progress, Snapshot, canonical_json};
use lockgate_runtime::{Evaluation, Grants, Limits, LoadRequest, Plugin, Runtime, RuntimeConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::guest;

/// How large an answer may be here, in bytes of text.
const RESULT_SIZE: u64 = 4 << 10;

/// The plugin that answers with its evidence, and what it looks at: a rollout that it is asked to advance is part of it.
struct Asked {
    plugin: Plugin,
    snapshot: Snapshot,
}

static ASKED: LazyLock<Asked> = LazyLock::new(|| {
    let runtime = Runtime::new(RuntimeConfig { pool_size: 2, compile_threads: 1, ..RuntimeConfig::default() }).unwrap();
    let plugin = runtime
        .load(LoadRequest {
            component: guest::component().into(),
            settings: serde_json::json!({}),
            grants: Grants { evidence: vec!["answer".to_owned()], ..Grants::default() },
            limits: Limits {
                fuel: 100_000,
                memory: 1 << 20,
                result_size: RESULT_SIZE,
                // Nothing here takes long. A machine that stalls is no finding.
                wall_clock: Duration::from_secs(600),
                ..Limits::default()
            },
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let mut snapshot: Snapshot = serde_json::from_str(include_str!("../corpus/snapshot/everything.json")).unwrap();
    let rollout = serde_json::from_str(include_str!("rollout.json")).unwrap();
    Arc::make_mut(&mut snapshot.deployment).progress = Some(Progress::new(rollout));
    Asked { plugin, snapshot }
});

/// Takes the first byte for the function that is asked, and the rest for the memory that its answer stands in. Whether
/// that is an answer.
///
/// # Panics
/// If the same memory gives two answers, if an answer has no canonical form or another one when it is read again, if it
/// is larger than it may be, or if a failure is of a kind that no answer can have.
pub fn answers(bytes: &[u8]) -> bool {
    let Some((function, memory)) = bytes.split_first() else { return false };
    let Asked { plugin, snapshot } = &*ASKED;
    let mut snapshot = snapshot.clone();
    snapshot.evidence.insert("answer".to_owned(), Evidence::new(memory.to_vec(), "application/octet-stream"));
    let snapshot = Arc::new(snapshot);
    match function % 4 {
        0 => judge(|| plugin.decide(&snapshot)),
        1 => judge(|| plugin.check(&snapshot)),
        2 => judge(|| plugin.plan(&snapshot)),
        _ => judge(|| plugin.advance(&snapshot)),
    }
}

/// Asks twice. Whether there is an answer, a plugin's own error being one.
fn judge<T: Serialize + DeserializeOwned + PartialEq + Debug>(ask: impl Fn() -> Evaluation<T>) -> bool {
    let (first, second) = (ask(), ask());
    assert_eq!(first.outcome, second.outcome);
    assert_eq!(first.receipt.fuel, second.receipt.fuel);
    match first.outcome {
        Ok(answer) => {
            let canonical = canonical_json(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
            let again: T = serde_json::from_slice(&canonical).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
            assert_eq!(canonical, canonical_json(&again).unwrap(), "{answer:?}");
            true
        }
        Err(failure) => {
            let expected = [
                FailureKind::ContractViolation,
                FailureKind::ResultTooLarge,
                FailureKind::PluginError,
                FailureKind::OutOfFuel,
            ];
            assert!(expected.contains(&failure.kind), "{failure:?}");
            // The message of a plugin's own error is the plugin's; all others are ours, and quote at most an excerpt.
            let longest = if failure.kind == FailureKind::PluginError { RESULT_SIZE as usize } else { 1000 };
            assert!(failure.message.len() <= longest, "{failure:?}");
            failure.kind == FailureKind::PluginError
        }
    }
}

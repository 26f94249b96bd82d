//! Checks that the file still holds the log's current key.
//!
//! The server holds the key in memory, so it goes on signing when the file is gone. But it could not start again, and a
//! file that others can read is no secret any more. So a running server checks the file regularly. Readiness reports
//! the result of the last check: it is open to everybody, and never reads a file itself.

use std::io::ErrorKind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lockgate_ledger::{KeyFile, KeyFileError, Storage};
use parking_lot::Mutex;

use crate::api::{ReadinessCheck, ReadinessChecks};
use crate::process::Lifecycle;

/// How often the file is checked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The file of the signing key, and the result of the last check.
#[derive(Clone)]
pub(super) struct SigningKeyWatch {
    file: KeyFile,
    storage: Weak<dyn Storage>,
    wrong: Arc<Mutex<Option<&'static str>>>,
}

impl SigningKeyWatch {
    /// Adds the readiness check `signing-key`. The ledger was just opened with the key of the file, so it is sound.
    pub(super) fn new(file: KeyFile, storage: &Arc<dyn Storage>, checks: &ReadinessChecks) -> Self {
        let wrong = Arc::default();
        let watch = Self { file, storage: Arc::downgrade(storage), wrong: Arc::clone(&wrong) };
        checks.add("signing-key", move || {
            let wrong = *wrong.lock();
            ReadinessCheck { ok: wrong.is_none(), message: wrong.map(str::to_owned) }
        });
        watch
    }

    /// Checks the file again and again, until the shutdown. Holds nothing open that the shutdown waits for.
    pub(super) async fn keep_looking(self, lifecycle: Lifecycle) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = lifecycle.stopping() => return,
            }
            let watch = self.clone();
            // A panic in there is in the log; the next check is another chance.
            let _ = tokio::task::spawn_blocking(move || watch.look()).await;
        }
    }

    /// Checks once, and logs what has changed since the last check.
    fn look(&self) {
        let Some(storage) = self.storage.upgrade() else { return };
        let found = match self.file.examine(&*storage) {
            Ok(()) => None,
            // The ledger's own readiness check reports that.
            Err(KeyFileError::Ledger(_)) => return,
            Err(error) => Some(error),
        };
        let wrong = found.as_ref().map(what_is_wrong);
        let before = std::mem::replace(&mut *self.wrong.lock(), wrong);
        match found {
            Some(error) if before != wrong => {
                tracing::error!(%error, "the file of the ledger's signing key is not as it was when the server started: put it back")
            }
            None if before.is_some() => tracing::info!("the file of the ledger's signing key is back"),
            _ => {}
        }
    }
}

/// What is wrong, without the path, because everybody may read it.
fn what_is_wrong(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Io { error, .. } if error.kind() == ErrorKind::NotFound => "its file is missing",
        KeyFileError::Open { .. } => "its file is readable by others",
        KeyFileError::Invalid { .. } => "its file holds no key",
        KeyFileError::Other { .. } => "its file holds another key",
        _ => "its file is unreadable",
    }
}

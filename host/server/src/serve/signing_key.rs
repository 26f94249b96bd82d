//! Whether the key that the log is signed with is still in its file.
//!
//! The server holds the key in memory, so it goes on signing when the file is gone; but it could not start again, and a file
//! that others can read is no secret any more. So the file is looked at while the server runs. Readiness tells what the last
//! look has found: it is open to everybody, and never reads a file itself.

use std::io::ErrorKind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lockgate_ledger::{KeyFile, KeyFileError, Storage};
use parking_lot::Mutex;

use crate::api::{ReadinessCheck, ReadinessChecks};
use crate::process::Lifecycle;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The file of the signing key, and what the last look at it has found.
#[derive(Clone)]
pub(super) struct SigningKeyWatch {
    file: KeyFile,
    storage: Weak<dyn Storage>,
    wrong: Arc<Mutex<Option<&'static str>>>,
}

impl SigningKeyWatch {
    /// Adds the check `signing-key`. A ledger has just been opened with the key of the file, so it is sound.
    pub(super) fn new(file: KeyFile, storage: &Arc<dyn Storage>, checks: &ReadinessChecks) -> Self {
        let wrong = Arc::default();
        let watch = Self { file, storage: Arc::downgrade(storage), wrong: Arc::clone(&wrong) };
        checks.add("signing-key", move || {
            let wrong = *wrong.lock();
            ReadinessCheck { ok: wrong.is_none(), message: wrong.map(str::to_owned) }
        });
        watch
    }

    /// Looks at the file again and again, until the shutdown. It keeps nothing open that the shutdown waits for.
    pub(super) async fn keep_looking(self, lifecycle: Lifecycle) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = lifecycle.stopping() => return,
            }
            let watch = self.clone();
            // A mistake in there is in the log; the next look is another chance.
            let _ = tokio::task::spawn_blocking(move || watch.look()).await;
        }
    }

    /// Looks once, and logs what has changed since the last look.
    fn look(&self) {
        let Some(storage) = self.storage.upgrade() else { return };
        let found = match self.file.examine(&*storage) {
            Ok(()) => None,
            // That is told by the check of the ledger.
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

/// What is wrong, for everybody: without the path.
fn what_is_wrong(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Io { error, .. } if error.kind() == ErrorKind::NotFound => "its file is missing",
        KeyFileError::Open { .. } => "its file is readable by others",
        KeyFileError::Invalid { .. } => "its file holds no key",
        KeyFileError::Other { .. } => "its file holds another key",
        _ => "its file is unreadable",
    }
}

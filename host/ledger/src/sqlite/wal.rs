//! Bringing what was committed from SQLite's write-ahead file into the database, so that the file begins anew and does
//! not grow for ever.
//!
//! SQLite would do it at the end of a commit, and all that wait for that commit, or for the next one, would wait for
//! thousands of pages to reach the disk. So a thread beside the one that writes does it, while commits go on. What was
//! committed meanwhile is little; the thread that writes does that itself, after it has answered, since only a file that
//! is wholly brought over can begin anew.
//!
//! Nothing of this is needed for what was committed to last: if it fails, the file grows until it works again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{open_beside, unavailable};
use crate::Error;
use crate::error::{Cause, Unavailable};

/// At how many pages in the file it begins.
const BEGIN: usize = 4000;
/// At how many the thread that writes does not wait for the other one any more: 256 MiB.
const MOST: usize = 65_536;
/// How much the other thread may have left for the one that writes to do the rest, in pages.
const REST: usize = 1000;

/// Empties the file.
pub(super) struct Emptying {
    shared: Arc<Shared>,
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// How many pages were in the file after the last commit.
    pages: AtomicUsize,
    /// How many of them the other thread has brought over.
    done: AtomicUsize,
}

impl Emptying {
    /// Starts the thread.
    pub(super) fn start(path: &Path, busy: Duration) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let (ask, asked) = sync_channel(1);
        let (path, other) = (path.to_owned(), Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("ledger-wal".to_owned());
        let thread = thread.spawn(move || run(&path, busy, &asked, &other));
        let thread = thread.map_err(|error| Unavailable::new(Cause::Other, format!("no thread to write: {error}")))?;
        Ok(Self { shared, ask: Some(ask), thread: Some(thread) })
    }

    /// Has a connection say how many pages there are, and leave them where they are.
    pub(super) fn attach(&self, connection: &mut Connection) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let note = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            let pages = usize::try_from(pages).unwrap_or(0);
            if shared.pages.swap(pages, Ordering::Relaxed) > pages {
                // It has begun anew.
                shared.done.store(0, Ordering::Relaxed);
            }
            Ok(())
        };
        connection.wal_hook(Some(note)).map_err(unavailable)
    }

    /// To be called by the thread that writes when it has answered.
    pub(super) fn go_on(&self, connection: &Connection) {
        let pages = self.shared.pages.load(Ordering::Relaxed);
        if pages < BEGIN {
            return;
        }
        let left = pages.saturating_sub(self.shared.done.load(Ordering::Relaxed));
        if left <= REST || pages >= MOST {
            empty(connection);
            // Whoever reads may still need it: then it is not tried again for each commit.
            self.shared.done.store(0, Ordering::Relaxed);
            self.shared.pages.store(0, Ordering::Relaxed);
        } else if let Some(ask) = &self.ask {
            // If it is at work already, that is well.
            let _ = ask.try_send(());
        }
    }
}

impl Drop for Emptying {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Brings over what is in the file, as often as it is asked to.
fn run(path: &Path, busy: Duration, asked: &Receiver<()>, shared: &Shared) {
    let mut connection = None;
    while asked.recv().is_ok() {
        let opened = match connection.take() {
            Some(connection) => Ok(connection),
            None => open_beside(path, busy),
        };
        // A file that cannot be opened now may be later.
        if let Ok(opened) = opened {
            shared.done.store(empty(&opened), Ordering::Relaxed);
            connection = Some(opened);
        }
    }
}

/// How many pages of the file are brought over.
fn empty(connection: &Connection) -> usize {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
    done.ok().and_then(|done| usize::try_from(done).ok()).unwrap_or(0)
}

//! Moves committed pages from SQLite's write-ahead file into the database, so that the file starts over and does not
//! grow for ever.
//!
//! SQLite would do it at the end of a commit, and all callers that wait for that commit, or for the next one, would
//! wait for thousands of pages to reach the disk. So a second thread does it while commits go on. It leaves the few
//! pages that are committed meanwhile. The writing thread moves those itself after it has answered, because the file
//! can only start over when all of it has been moved.
//!
//! Committed entries are durable without this. If it fails, the file grows until it works again.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::connection::{open_beside, unavailable};
use crate::Error;
use crate::error::{FailureCause, StorageFailure};

/// The number of pages in the file at which the work begins.
const BEGIN: usize = 4000;
/// The number of pages at which the writing thread helps even if much is left: 256 MiB.
const MOST: usize = 65_536;
/// The largest rest, in pages, that the second thread may leave to the writing thread.
const REST: usize = 1000;

/// Empties the write-ahead file.
pub(super) struct Checkpointer {
    file: Arc<Mutex<WalFile>>,
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is known of the write-ahead file.
struct WalFile {
    /// The number of pages in it after the last commit.
    pages: usize,
    /// How often the file has started over.
    begun: u64,
    /// How many of the pages the second thread has moved since then.
    done: usize,
    /// The number of pages at which the next attempt begins.
    next: usize,
}

impl Checkpointer {
    pub(super) fn start(path: &Path, busy: Duration) -> Result<Self, Error> {
        let file = Arc::new(Mutex::new(WalFile { pages: 0, begun: 0, done: 0, next: BEGIN }));
        let (ask, asked) = sync_channel(1);
        let (path, other) = (path.to_owned(), Arc::clone(&file));
        let thread = std::thread::Builder::new().name("ledger-wal".to_owned());
        let thread = thread.spawn(move || run(&path, busy, &asked, &other));
        let thread =
            thread.map_err(|error| StorageFailure::new(FailureCause::Other, format!("no thread to write: {error}")))?;
        Ok(Self { file, ask: Some(ask), thread: Some(thread) })
    }

    /// Has SQLite report the number of pages after each commit of a connection, and leave them where they are.
    pub(super) fn attach(&self, connection: &mut Connection) -> Result<(), Error> {
        let file = Arc::clone(&self.file);
        let note = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            let pages = usize::try_from(pages).unwrap_or(0);
            let mut file = lock(&file);
            if pages < file.pages {
                (file.begun, file.done, file.next) = (file.begun + 1, 0, BEGIN);
            }
            file.pages = pages;
            Ok(())
        };
        connection.wal_hook(Some(note)).map_err(unavailable)
    }

    /// The writing thread calls this after it has answered.
    pub(super) fn go_on(&self, connection: &Connection) {
        let (pages, left) = {
            let file = lock(&self.file);
            if file.pages < file.next {
                return;
            }
            (file.pages, file.pages.saturating_sub(file.done))
        };
        if left <= REST || pages >= MOST {
            let _ = empty(connection);
            // A reader may still need the pages: then the next attempt waits for more of them.
            lock(&self.file).next = pages + BEGIN;
        } else if let Some(ask) = &self.ask {
            // The second thread may be busy already, which is fine.
            let _ = ask.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Moves the pages of the file each time another thread asks for it.
fn run(path: &Path, busy: Duration, asked: &Receiver<()>, file: &Mutex<WalFile>) {
    let mut connection = None;
    while asked.recv().is_ok() {
        let opened = match connection.take() {
            Some(connection) => Ok(connection),
            None => open_beside(path, busy),
        };
        // A file that cannot be opened now may be later, and a connection that failed is not used again.
        let Ok(opened) = opened else { continue };
        let begun = lock(file).begun;
        let Some(done) = empty(&opened) else { continue };
        connection = Some(opened);
        let mut file = lock(file);
        if file.begun == begun {
            file.done = done;
        }
    }
}

/// Moves all pages that no reader still needs. Returns how many pages of the file have been moved; none if it failed.
pub(super) fn empty(connection: &Connection) -> Option<usize> {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
    Some(usize::try_from(done.ok()?).unwrap_or(0))
}

fn lock(file: &Mutex<WalFile>) -> MutexGuard<'_, WalFile> {
    file.lock()
}

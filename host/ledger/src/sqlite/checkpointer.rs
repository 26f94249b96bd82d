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
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::connection::{open_beside, unavailable};
use crate::Error;
use crate::error::{FailureCause, StorageFailure};

/// At how many pages in the file it begins.
const BEGIN: usize = 4000;
/// At how many the thread that writes helps even where much is left: 256 MiB.
const MOST: usize = 65_536;
/// How much the other thread may have left for the one that writes to do the rest, in pages.
const REST: usize = 1000;

/// Empties the file.
pub(super) struct Checkpointer {
    file: Arc<Mutex<WalFile>>,
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is known of the file.
struct WalFile {
    /// How many pages were in it after the last commit.
    pages: usize,
    /// How often it has begun anew.
    begun: u64,
    /// How many of the pages the other thread has brought over since.
    done: usize,
    /// At how many pages something is to be done about it.
    next: usize,
}

impl Checkpointer {
    /// Starts the thread.
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

    /// Has a connection say how many pages there are, and leave them where they are.
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

    /// To be called by the thread that writes when it has answered.
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
            // Whoever reads may still need it: then it is not tried again for each commit.
            lock(&self.file).next = pages + BEGIN;
        } else if let Some(ask) = &self.ask {
            // If it is at work already, that is well.
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

/// Brings over what is in the file, as often as it is asked to.
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

/// Brings over what nobody still reads from the file. How many pages of it are brought over now; none if it failed.
pub(super) fn empty(connection: &Connection) -> Option<usize> {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
    Some(usize::try_from(done.ok()?).unwrap_or(0))
}

fn lock(file: &Mutex<WalFile>) -> MutexGuard<'_, WalFile> {
    file.lock()
}

//! The connection that writes, and what belongs to it: opened anew after a failure, and whenever the files of the ledger
//! are no longer those that were opened. What it opens is held against the head file, and against what this process has
//! seen in the ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::batch::Known;
use super::connection::open_writer;
use super::files::OpenFiles;
use super::head_file::HeadFile;
use super::loss;
use super::migrate::migrate;
use super::read::Readers;
use super::wal::{self, Emptying};
use crate::Error;
use crate::error::{Cause, Unavailable};
use crate::loss::Loss;
use crate::storage::TreeHead;

pub(super) struct WriterConnection {
    ledger: PathBuf,
    busy: Duration,
    head_file: HeadFile,
    readers: Arc<Readers>,
    open: Option<Open>,
}

struct Open {
    connection: Connection,
    files: OpenFiles,
    emptying: Emptying,
}

impl WriterConnection {
    /// Opens a ledger, brings it to the current version of the schema, and says what it has lost. What it has lost is refused
    /// unless it is to be accepted.
    pub(super) fn open(
        ledger: &Path,
        busy: Duration,
        readers: Arc<Readers>,
        accept: bool,
    ) -> Result<(Self, Option<Loss>), Error> {
        let head_file = HeadFile::beside(ledger, busy);
        let mut this = Self { ledger: ledger.to_owned(), busy, head_file, readers, open: None };
        let mut connection = open_writer(ledger, busy)?;
        let loss = loss::find(&connection, ledger, &this.head_file, None)?;
        if let (Some(loss), false) = (&loss, accept) {
            return Err(Error::Loss(Box::new(loss.clone())));
        }
        migrate(&mut connection)?;
        this.set(connection)?;
        Ok((this, loss))
    }

    /// The connection. One that is opened anew is held against what is known; a file that was taken away is not made anew.
    pub(super) fn get(&mut self, known: &mut Known) -> Result<&mut Connection, Error> {
        if let Some(open) = &mut self.open
            && !open.files.are_in_place()
        {
            if open.files.is_database_in_place() {
                // Only the write-ahead file was removed. This process still has it open, and brings over what is in it.
                let _ = wal::empty(&open.connection);
            }
            // All connections go, so that none of them still writes to, or shows, what is not the ledger any more.
            self.readers.close();
            self.close();
            known.forget();
        }
        if self.open.is_none() {
            let connection = open_writer(&self.ledger, self.busy)?;
            if let Some(loss) = loss::find(&connection, &self.ledger, &self.head_file, known.head())? {
                return Err(Error::Loss(Box::new(loss)));
            }
            self.set(connection)?;
        }
        let closed = || Unavailable::new(Cause::Closed, "the ledger was closed").into();
        self.open.as_mut().map(|open| &mut open.connection).ok_or_else(closed)
    }

    fn set(&mut self, mut connection: Connection) -> Result<(), Error> {
        let emptying = Emptying::start(&self.ledger, self.busy)?;
        emptying.attach(&mut connection)?;
        let files = OpenFiles::of(&self.ledger);
        self.open = Some(Open { connection, files, emptying });
        Ok(())
    }

    /// What the connection believes about the file may be wrong: it is opened anew before it is used again.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Says in the head file what was committed.
    pub(super) fn record(&mut self, head: TreeHead) -> Result<(), Unavailable> {
        self.head_file.raise(head)
    }

    /// Says in the head file what there is, although it is less than it said.
    pub(super) fn record_loss(&mut self, head: TreeHead) -> Result<(), Unavailable> {
        self.head_file.replace(head)
    }

    /// To be called when everything that waited was answered.
    pub(super) fn empty_wal(&self) {
        if let Some(open) = &self.open {
            open.emptying.go_on(&open.connection);
        }
    }
}

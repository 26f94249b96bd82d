//! The connection that writes. It is opened again after a failure, and whenever other files have replaced the ledger's.
//! Each opening compares the ledger with the head file, and with what this process has seen in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::batch::KnownState;
use super::checkpointer::{self, Checkpointer};
use super::connection::{create_private, empty_wal_at_close, open_anew, open_unchecked, prepare_writer};
use super::files::OpenFiles;
use super::head_file::HeadFile;
use super::loss;
use super::migrate::migrate;
use super::read::Readers;
use crate::Error;
use crate::error::{FailureCause, StorageFailure};
use crate::loss::Loss;
use crate::storage::TreeHead;

pub(super) struct WriterConnection {
    ledger: PathBuf,
    busy: Duration,
    head_file: HeadFile,
    readers: Arc<Readers>,
    open: Option<OpenLedger>,
}

struct OpenLedger {
    /// The first field to be dropped, so that the writing connection is closed last.
    emptying: Checkpointer,
    connection: Connection,
    files: OpenFiles,
}

impl WriterConnection {
    /// Opens a ledger, brings it to the current version of the schema, and checks for a loss. Refuses a loss unless the
    /// caller accepts it.
    pub(super) fn open(
        ledger: &Path,
        busy: Duration,
        readers: Arc<Readers>,
        accept: bool,
    ) -> Result<(Self, Option<Loss>), Error> {
        let head_file = HeadFile::beside(ledger, busy);
        let mut this = Self { ledger: ledger.to_owned(), busy, head_file, readers, open: None };
        let refuse = |loss: &Option<Loss>| match loss {
            Some(loss) if !accept => Err(Error::Loss(Box::new(loss.clone()))),
            _ => Ok(()),
        };
        let gone = loss::find_gone(ledger, &this.head_file)?;
        refuse(&gone)?;
        create_private(ledger)?;
        let (connection, loss) = match gone {
            Some(loss) => (open_anew(ledger, busy)?, Some(loss)),
            None => {
                let connection = open_unchecked(ledger, busy)?;
                let loss = loss::find(&connection, ledger, &this.head_file, None)?;
                (connection, loss)
            }
        };
        refuse(&loss)?;
        let mut connection = prepare_writer(connection, ledger)?;
        migrate(&mut connection)?;
        this.set(connection)?;
        Ok((this, loss))
    }

    /// Returns the connection, opened again if necessary. A new connection is checked against the known state; a
    /// missing file is not made again.
    pub(super) fn get(&mut self, known: &mut KnownState) -> Result<&mut Connection, Error> {
        if let Some(open) = &mut self.open
            && !open.files.are_in_place()
        {
            if open.files.is_database_in_place() && open.files.is_wal_exchanged() {
                // Only the write-ahead file was removed. This process still has it open, and moves its pages into the
                // database.
                let _ = checkpointer::empty(&open.connection);
            }
            // All connections are closed, so that none of them still reads or writes a file that is not the ledger any
            // more.
            self.readers.close();
            self.close();
            known.forget();
        }
        if self.open.is_none() {
            let connection = open_unchecked(&self.ledger, self.busy)?;
            if let Some(loss) = loss::find(&connection, &self.ledger, &self.head_file, known.head())? {
                return Err(Error::Loss(Box::new(loss)));
            }
            self.set(prepare_writer(connection, &self.ledger)?)?;
        }
        let closed = || StorageFailure::new(FailureCause::Closed, "the ledger was closed").into();
        self.open.as_mut().map(|open| &mut open.connection).ok_or_else(closed)
    }

    /// Checks that the reading connections see the expected ledger.
    pub(super) fn check_reading(&self, known: Option<TreeHead>) -> Result<(), Error> {
        self.readers.close();
        match self.readers.ask(|connection| loss::find(connection, &self.ledger, &self.head_file, known))? {
            Some(loss) => Err(Error::Loss(Box::new(loss))),
            None => Ok(()),
        }
    }

    fn set(&mut self, mut connection: Connection) -> Result<(), Error> {
        let emptying = Checkpointer::start(&self.ledger, self.busy)?;
        emptying.attach(&mut connection)?;
        let files = OpenFiles::of(&self.ledger);
        self.open = Some(OpenLedger { emptying, connection, files });
        Ok(())
    }

    /// Closes the connection, because its view of the file may be wrong. It is opened again before the next use.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Closes the connection of a sound ledger, and moves the pages of the write-ahead file into the database.
    pub(super) fn finish(&mut self) {
        if let Some(open) = &self.open {
            // If that fails, the next start finds the pages in the write-ahead file.
            let _ = empty_wal_at_close(&open.connection);
        }
        self.close();
    }

    /// Records a commit in the head file.
    pub(super) fn record(&mut self, head: TreeHead) -> Result<(), StorageFailure> {
        self.head_file.raise(head)
    }

    /// Records a smaller head in the head file, after a loss.
    pub(super) fn record_loss(&mut self, head: TreeHead) -> Result<(), StorageFailure> {
        self.head_file.replace(head)
    }

    /// Call it when all waiting jobs have been answered.
    pub(super) fn empty_wal(&self) {
        if let Some(open) = &self.open {
            open.emptying.go_on(&open.connection);
        }
    }
}

//! The connection that writes, and what belongs to it: opened anew after a failure, and whenever the files of the ledger
//! are no longer those that were opened. What it opens is held against the head file, and against what this process has
//! seen in the ledger.

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
    /// It is dropped first, so that the connection that writes is closed as the last one.
    emptying: Checkpointer,
    connection: Connection,
    files: OpenFiles,
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

    /// The connection. One that is opened anew is held against what is known; a file that was taken away is not made anew.
    pub(super) fn get(&mut self, known: &mut KnownState) -> Result<&mut Connection, Error> {
        if let Some(open) = &mut self.open
            && !open.files.are_in_place()
        {
            if open.files.is_database_in_place() && open.files.is_wal_exchanged() {
                // Only the write-ahead file was removed. This process still has it open, and brings over what is in it.
                let _ = checkpointer::empty(&open.connection);
            }
            // All connections go, so that none of them still writes to, or shows, what is not the ledger any more.
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

    /// Sees whether those who read find the ledger as it should be.
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

    /// What the connection believes about the file may be wrong: it is opened anew before it is used again.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Closes it at the end of a ledger that is well: what is in the write-ahead file is brought over.
    pub(super) fn finish(&mut self) {
        if let Some(open) = &self.open {
            // If that fails, the next start finds it where it is.
            let _ = empty_wal_at_close(&open.connection);
        }
        self.close();
    }

    /// Says in the head file what was committed.
    pub(super) fn record(&mut self, head: TreeHead) -> Result<(), StorageFailure> {
        self.head_file.raise(head)
    }

    /// Says in the head file what there is, although it is less than it said.
    pub(super) fn record_loss(&mut self, head: TreeHead) -> Result<(), StorageFailure> {
        self.head_file.replace(head)
    }

    /// To be called when everything that waited was answered.
    pub(super) fn empty_wal(&self) {
        if let Some(open) = &self.open {
            open.emptying.go_on(&open.connection);
        }
    }
}

//! The file that a signing key lives in: readable by its owner alone, and never without a key that the log goes by, even
//! if the machine stops in the middle of a change of keys.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::entry::check_reason;
use crate::loss::{ExpectedHead, Loss, LossAcceptance};
use crate::note::{InvalidKey, SigningKey, VerifyingKey};
use crate::sqlite::{SqliteOptions, SqliteStorage, sync_folder};
use crate::system_entries::LossAccepted;
use crate::{Error, LogSource as _, Storage};

/// What stands in a key file below a key that has signed a log.
const SIGNED: &str = "This key has signed a log.";

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others may read it.
    #[error("`{}` can be read by others (mode {mode:03o}): make it yours alone, with `chmod 600`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds no key.
    #[error("`{}`: {error}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        error: InvalidKey,
    },
    /// There is, or was, a log, but no key for it.
    #[error("the ledger `{}` is there, but not its key `{}`: restore it from where it was saved", ledger.display(), path.display())]
    Lost {
        /// The ledger.
        ledger: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// It holds a key, and not the one that the log is signed with.
    #[error("`{}` holds another key than `{current}`, which the log is signed with: restore that from where it was saved", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// The verifying half of the key that the log is signed with.
        current: String,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] Error),
}

/// A file that holds a signing key.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at that path, whether it is there or not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes a new key for the log of that name, and the file for it, with mode 0600.
    ///
    /// # Errors
    /// If the file exists, cannot be written, or the name is not allowed.
    pub fn create(&self, name: &str) -> Result<SigningKey, KeyFileError> {
        create(&self.path, name, None)
    }

    /// Reads the key.
    ///
    /// # Errors
    /// If there is no file, others may read it, or it holds no key.
    pub fn load(&self) -> Result<SigningKey, KeyFileError> {
        load(&self.path)
    }

    /// Opens a ledger with the key, and makes both if neither is there: the log then has that name. A change of keys
    /// that was cut off is brought to its end, and one that another process makes later is followed.
    ///
    /// # Errors
    /// If one of them cannot be used, or they do not belong together.
    pub fn open(&self, ledger: &Path, name: &str, options: SqliteOptions) -> Result<SqliteStorage, KeyFileError> {
        self.refuse_gone(ledger)?;
        // In this order: a process that makes both makes the key first.
        let (is_made, is_ledger_there, is_key_there) =
            (SqliteStorage::has_head_file(ledger), ledger.exists(), self.path.exists());
        if is_ledger_there && !is_key_there {
            return Err(self.lost(ledger));
        }
        if is_made && is_key_there {
            return self.open_with(self.load()?, ledger, &options, None, None).map(|(storage, _)| storage);
        }
        // The head file is the last that a first start makes. Until then one process works, and the others wait for what it
        // has made.
        let turn = self.turn()?;
        self.refuse_gone(ledger)?;
        let key = if self.path.exists() { self.load()? } else { self.create(name)? };
        self.open_with(key, ledger, &options, None, Some(turn)).map(|(storage, _)| storage)
    }

    /// Refuses a ledger whose file is gone or empty, if its head file, its write-ahead file or the key shows that there was
    /// one.
    ///
    /// # Errors
    /// [`Error::Loss`], or that a file cannot be read.
    pub fn refuse_gone(&self, ledger: &Path) -> Result<(), Error> {
        SqliteStorage::refuse_gone(ledger)?;
        let gone = SqliteStorage::is_absent(ledger) && self.has_signed();
        if gone { Err(Error::Loss(Box::new(gone_after_signing(ledger)))) } else { Ok(()) }
    }

    /// Opens a ledger in spite of a [loss](crate::Loss), and writes an entry that says what was lost, and why it goes on
    /// without that. If the file of the ledger is gone, a new one begins, whose second entry that is.
    ///
    /// # Errors
    /// If nothing is lost, the reason is empty or too long, there is no key, or something cannot be used.
    pub fn accept_loss(
        &self,
        ledger: &Path,
        reason: &str,
        options: &SqliteOptions,
    ) -> Result<LossAccepted, KeyFileError> {
        if !self.path.exists() {
            return Err(self.lost(ledger));
        }
        check_reason(reason).map_err(Error::from)?;
        let turn = self.turn()?;
        let lost = match (SqliteStorage::is_absent(ledger), self.has_signed()) {
            (false, _) => None,
            (true, true) => Some(gone_after_signing(ledger)),
            (true, false) => {
                let message =
                    format!("there is no ledger `{}`, and nothing shows that there was one", ledger.display());
                return Err(Error::NotFound(message).into());
            }
        };
        let acceptance = LossAcceptance { reason: reason.to_owned(), lost };
        let (storage, accepted) = self.open_with(self.load()?, ledger, options, Some(&acceptance), Some(turn))?;
        match accepted {
            Some(accepted) => Ok(accepted),
            None => Err(Error::NothingLost(storage.head()?.tree()).into()),
        }
    }

    fn lost(&self, ledger: &Path) -> KeyFileError {
        KeyFileError::Lost { ledger: ledger.to_owned(), path: self.path.clone() }
    }

    /// Opens a ledger with the key, or the one that it goes by instead; what is lost may be accepted. The
    /// turn is held already, or is taken if it is needed.
    fn open_with(
        &self,
        key: SigningKey,
        ledger: &Path,
        options: &SqliteOptions,
        acceptance: Option<&LossAcceptance>,
        turn: Option<File>,
    ) -> Result<(SqliteStorage, Option<LossAccepted>), KeyFileError> {
        let open = |key| {
            let file = self.clone();
            let keys = Box::new(move |current: &str| file.find(current));
            SqliteStorage::open_by_keys(ledger, key, keys, options.clone(), acceptance)
        };
        match open(key) {
            Err(Error::KeyRetired { current, .. }) => {
                // Nobody else changes keys from here on.
                let _turn = turn.map_or_else(|| self.turn(), Ok)?;
                let opened = open(self.find(&current)?)?;
                if self.next().exists() && is(&load(&self.next())?, &current) {
                    self.promote()?;
                }
                Ok(opened)
            }
            outcome => {
                let opened = outcome?;
                if !self.has_signed() {
                    // A key file that must not be written, such as a mounted secret, keeps no mark: that nothing but the key
                    // is left is then not noticed.
                    let _ = turn.map_or_else(|| self.turn(), Ok).and_then(|_turn| self.mark());
                }
                Ok(opened)
            }
        }
    }

    /// The key whose verifying half that is: the one of the file, or the next one, which is about to take its place.
    fn find(&self, current: &str) -> Result<SigningKey, Error> {
        let mut why = String::new();
        // In this order, so that a key that takes its place meanwhile is seen in one of them.
        for path in [self.next(), self.path.clone()].into_iter().filter(|path| path.exists()) {
            match load(&path) {
                Ok(key) if is(&key, current) => return Ok(key),
                Ok(_) => {}
                Err(error) => why = format!("; {error}"),
            }
        }
        let message = format!("the log is signed with `{current}` now, which is not in `{}`{why}", self.path.display());
        Err(Error::KeyRetired { current: current.to_owned(), message })
    }

    /// Whether the key that a log is signed with now is in its file, readable by its owner alone. A change of keys that another
    /// process makes meanwhile does not disturb.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn examine(&self, storage: &dyn Storage) -> Result<(), KeyFileError> {
        let mut current = storage.head()?.key.to_string();
        loop {
            let Err(error) = self.holds(&current) else { return Ok(()) };
            let now = storage.head()?.key.to_string();
            if now == current {
                return Err(error);
            }
            current = now;
        }
    }

    /// Whether it holds that key; or the next file does, which is about to take its place.
    fn holds(&self, current: &str) -> Result<(), KeyFileError> {
        if load(&self.next()).is_ok_and(|key| is(&key, current)) {
            return Ok(());
        }
        match is(&load(&self.path)?, current) {
            true => Ok(()),
            false => Err(KeyFileError::Other { path: self.path.clone(), current: current.to_owned() }),
        }
    }

    /// Makes a new key the current one of a log, and puts it in the place of the old one, which is gone then. Signed
    /// checkpoints and proofs stay valid, and whoever has opened the log by this file signs with the new key from then on.
    ///
    /// # Errors
    /// If the log does not go by the old key, or something cannot be written; what was begun is brought to its end by
    /// [`Self::open`].
    pub fn rotate(&self, storage: &dyn Storage) -> Result<VerifyingKey, KeyFileError> {
        let _turn = self.turn()?;
        let old = self.load()?;
        let path = self.next();
        if path.exists() {
            if is(&load(&path)?, &storage.head()?.key.to_string()) {
                // The log goes by it already: it is the only one of its kind.
                self.promote()?;
                return self.rotate_from(&load(&self.path)?, storage);
            }
            // From a change that never reached the log.
            fs::remove_file(&path).map_err(|error| KeyFileError::Io { path: path.clone(), error })?;
        }
        self.rotate_from(&old, storage)
    }

    fn rotate_from(&self, old: &SigningKey, storage: &dyn Storage) -> Result<VerifyingKey, KeyFileError> {
        let next = create(&self.next(), old.verifying_key().name(), Some(SIGNED))?;
        let verifying = next.verifying_key().clone();
        storage.rotate(next)?;
        self.promote()?;
        Ok(verifying)
    }

    /// The right to make or change the key, until it is dropped: of two who would, the second waits, and sees what the first did.
    fn turn(&self) -> Result<File, KeyFileError> {
        let path = beside(&self.path, ".lock");
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|error| KeyFileError::Io { path: path.clone(), error })
    }

    /// Whether the file says that its key has signed a log.
    fn has_signed(&self) -> bool {
        self.path.is_file() && fs::read_to_string(&self.path).is_ok_and(|text| parts(&text).1 == Some(SIGNED))
    }

    /// Says in the file that its key has signed a log. The turn is held.
    fn mark(&self) -> Result<(), KeyFileError> {
        let unfinished = write_unfinished(&self.path, &self.load()?, Some(SIGNED))?;
        let replaced = fs::rename(&unfinished, &self.path).and_then(|()| sync_folder(&self.path));
        replaced.map_err(|error| {
            let _ = fs::remove_file(&unfinished);
            KeyFileError::Io { path: self.path.clone(), error }
        })
    }

    fn next(&self) -> PathBuf {
        beside(&self.path, ".next")
    }

    fn promote(&self) -> Result<(), KeyFileError> {
        fs::rename(self.next(), &self.path)
            .and_then(|()| sync_folder(&self.path))
            .map_err(|error| KeyFileError::Io { path: self.path.clone(), error })
    }
}

/// Whether its verifying half is that one.
fn is(key: &SigningKey, current: &str) -> bool {
    key.verifying_key().to_string() == current
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = OsString::from(path);
    beside.push(ending);
    beside.into()
}

/// The loss of everything but the key.
fn gone_after_signing(ledger: &Path) -> Loss {
    Loss { ledger: ledger.to_owned(), expected: ExpectedHead::Signed, found: None, root: None, backed_up: None }
}

/// Makes a key, and a file for it, with a mark below it or without.
fn create(path: &Path, name: &str, mark: Option<&str>) -> Result<SigningKey, KeyFileError> {
    let key = SigningKey::generate(name).map_err(|error| KeyFileError::Invalid { path: path.to_owned(), error })?;
    let unfinished = write_unfinished(path, &key, mark)?;
    // A link, unlike a new name, never takes the place of a key that is there.
    let written = fs::hard_link(&unfinished, path);
    let written = written.and(fs::remove_file(&unfinished)).and_then(|()| sync_folder(path));
    written.map_err(|error| KeyFileError::Io { path: path.to_owned(), error })?;
    Ok(key)
}

/// Writes a key in full under another name first: a file of its proper name always holds a key. That other name is this key's
/// alone, so that nobody else writes into the file.
fn write_unfinished(path: &Path, key: &SigningKey, mark: Option<&str>) -> Result<PathBuf, KeyFileError> {
    let unfinished = beside(path, &format!(".{:08x}.unfinished", key.verifying_key().id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mark = mark.map_or_else(String::new, |mark| format!("{mark}\n"));
    let write = |mut file: File| {
        file.write_all(format!("{}\n{mark}", key.to_secret()).as_bytes())?;
        file.sync_all()
    };
    let written = options.open(&unfinished).and_then(write);
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        KeyFileError::Io { path: path.to_owned(), error }
    })?;
    Ok(unfinished)
}

/// The key in a key file, and what stands below it.
fn parts(text: &str) -> (&str, Option<&str>) {
    match text.trim_end().split_once('\n') {
        Some((key, below)) => (key.trim_end(), Some(below)),
        None => (text.trim_end(), None),
    }
}

/// To open something else may last for ever.
fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file: put the file with the key in its place")
}

fn load(path: &Path) -> Result<SigningKey, KeyFileError> {
    let io = |error| KeyFileError::Io { path: path.to_owned(), error };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(io(not_regular()));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Open { path: path.to_owned(), mode });
        }
    }
    let text = fs::read_to_string(path).map_err(io)?;
    let key = match parts(&text) {
        (key, None | Some(SIGNED)) => SigningKey::from_secret(key),
        _ => SigningKey::from_secret(&text),
    };
    key.map_err(|error| KeyFileError::Invalid { path: path.to_owned(), error })
}

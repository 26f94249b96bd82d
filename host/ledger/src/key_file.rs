//! The file of a signing key. Only its owner can read it. It always holds the log's current key, even if the machine
//! stops in the middle of a change of keys.

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

/// The line below a key that has signed a log.
const SIGNED: &str = "This key has signed a log.";

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    /// Other users can read the file.
    #[error("`{}` can be read by others (mode {mode:03o}): make it yours alone, with `chmod 600`", path.display())]
    Open {
        path: PathBuf,
        /// The permissions of the file.
        mode: u32,
    },
    /// The file holds no key.
    #[error("`{}`: {error}", path.display())]
    Invalid { path: PathBuf, error: InvalidKey },
    /// There is, or was, a log, but no key for it.
    #[error("the ledger `{}` is there, but not its key `{}`: restore it from where it was saved", ledger.display(), path.display())]
    Lost {
        /// The path of the ledger.
        ledger: PathBuf,
        /// The path of the key file.
        path: PathBuf,
    },
    /// The file holds another key than the one that signs the log.
    #[error("`{}` holds another key than `{current}`, which the log is signed with: restore that from where it was saved", path.display())]
    Other {
        path: PathBuf,
        /// The verifying half of the key that signs the log.
        current: String,
    },
    #[error(transparent)]
    Ledger(#[from] Error),
}

/// A file that holds a signing key.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key file at this path. The file need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes a new key for the log `name`, and a file for it with mode 0600.
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

    /// Opens a ledger with the key. If neither exists, makes both, and the log gets the name `name`. Finishes a change
    /// of keys that was interrupted, and follows one that another process makes later.
    ///
    /// # Errors
    /// If the ledger or the key cannot be used, or they do not belong together.
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
        // The first start makes the head file last. Until then one process works, and the others wait for the files
        // that it makes.
        let turn = self.turn()?;
        self.refuse_gone(ledger)?;
        let key = if self.path.exists() { self.load()? } else { self.create(name)? };
        self.open_with(key, ledger, &options, None, Some(turn)).map(|(storage, _)| storage)
    }

    /// Refuses a ledger whose file is gone or empty, if its head file, its write-ahead file or the key shows that there was
    /// one.
    ///
    /// # Errors
    /// [`Error::Loss`], or an error if a file cannot be read.
    pub fn refuse_gone(&self, ledger: &Path) -> Result<(), Error> {
        SqliteStorage::refuse_gone(ledger)?;
        let gone = SqliteStorage::is_absent(ledger) && self.has_signed();
        if gone { Err(Error::Loss(Box::new(gone_after_signing(ledger)))) } else { Ok(()) }
    }

    /// Opens a ledger in spite of a [loss](crate::Loss), and writes an entry that says what was lost and why the ledger
    /// goes on. If the file of the ledger is gone, a new ledger begins, and this entry is its second.
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

    /// Opens a ledger with the key, or with the log's current key if that is another one. Accepts a loss if `accepted`
    /// is given. `turn` is the lock if the caller holds it; otherwise this takes the lock when it needs it.
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
                // No other process changes keys from here on.
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
                    // A read-only key file, such as a mounted secret, gets no mark. The ledger then cannot notice that
                    // everything but the key was lost.
                    let _ = turn.map_or_else(|| self.turn(), Ok).and_then(|_turn| self.mark());
                }
                Ok(opened)
            }
        }
    }

    /// The key with this verifying half: that of the file, or that of the next file, which is about to replace it.
    fn find(&self, current: &str) -> Result<SigningKey, Error> {
        let mut why = String::new();
        // In this order, so that a key that replaces the other meanwhile is seen in one of the files.
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

    /// Checks that the file holds the log's current key, and that only its owner can read it. A change of keys that
    /// another process makes meanwhile is no error.
    ///
    /// # Errors
    /// If something is wrong with the file; the error says what.
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

    /// Checks that the file holds this key, or that the next file does, which is about to replace it.
    fn holds(&self, current: &str) -> Result<(), KeyFileError> {
        if load(&self.next()).is_ok_and(|key| is(&key, current)) {
            return Ok(());
        }
        match is(&load(&self.path)?, current) {
            true => Ok(()),
            false => Err(KeyFileError::Other { path: self.path.clone(), current: current.to_owned() }),
        }
    }

    /// Makes a new key the current one of a log. The new key replaces the old one, which is then gone. Signed
    /// checkpoints and proofs stay valid. Every process that has opened the log by this file signs with the new key
    /// from then on.
    ///
    /// # Errors
    /// If the old key is not the log's current one, or something cannot be written. [`Self::open`] finishes a change
    /// that was begun.
    pub fn rotate(&self, storage: &dyn Storage) -> Result<VerifyingKey, KeyFileError> {
        let _turn = self.turn()?;
        let old = self.load()?;
        let path = self.next();
        if path.exists() {
            if is(&load(&path)?, &storage.head()?.key.to_string()) {
                // The log's current key is in the next file already, and nowhere else.
                self.promote()?;
                return self.rotate_from(&load(&self.path)?, storage);
            }
            // The file is left from a change that never reached the log.
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

    /// Locks the right to make or change the key until the file is dropped. A second process waits, and then sees what
    /// the first one did.
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

    /// Writes into the file that its key has signed a log. The caller holds the lock.
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

/// Whether `current` is the verifying half of the key.
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

/// Makes a key and a file for it, with or without a mark below the key.
fn create(path: &Path, name: &str, mark: Option<&str>) -> Result<SigningKey, KeyFileError> {
    let key = SigningKey::generate(name).map_err(|error| KeyFileError::Invalid { path: path.to_owned(), error })?;
    let unfinished = write_unfinished(path, &key, mark)?;
    // A link, unlike a rename, never replaces an existing key.
    let written = fs::hard_link(&unfinished, path);
    let written = written.and(fs::remove_file(&unfinished)).and_then(|()| sync_folder(path));
    written.map_err(|error| KeyFileError::Io { path: path.to_owned(), error })?;
    Ok(key)
}

/// Writes the whole key under another name first, so that the file under its proper name always holds a key. The other
/// name belongs to this key alone, so that no other process writes into the file.
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

/// Splits the text of a key file into the key and what stands below it.
fn parts(text: &str) -> (&str, Option<&str>) {
    match text.trim_end().split_once('\n') {
        Some((key, below)) => (key.trim_end(), Some(below)),
        None => (text.trim_end(), None),
    }
}

/// The error for a path that is not a regular file: opening one could block for ever.
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

//! Files that the operator provides for the plugin.
//!
//! A plugin that reads them asks for [`Capability::directory`](crate::Capability::directory); one that does not, does
//! not even import the interface. In a native test, [`Fixture::with_file`](crate::testing::Fixture::with_file) provides
//! the files.
//!
//! ```
//! use lockgate_plugin::directory::Directory;
//! use lockgate_plugin::testing::Fixture;
//! use lockgate_plugin::{Evaluation, PluginError};
//!
//! fn allowed(evaluation: &Evaluation) -> Result<Vec<String>, PluginError> {
//!     let list = Directory::named(evaluation, "catalog").text("allowed.txt")?;
//!     Ok(list.lines().map(str::to_owned).collect())
//! }
//!
//! let fixture = Fixture::new().with_file("catalog", "allowed.txt", "shop\npay\n");
//! assert_eq!(allowed(&fixture.evaluation()).unwrap(), ["shop", "pay"]);
//!
//! let error = allowed(&Fixture::new().evaluation()).unwrap_err();
//! assert_eq!(error.code, "file-unreadable");
//! assert_eq!(error.message, "`allowed.txt` in the directory `catalog`: no directory with that name is granted");
//! ```

use std::fmt;

use serde::de::DeserializeOwned;

#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::host::directory as host;
pub use crate::bindings::lockgate::host::directory::{DirectoryError, Entry, EntryKind, Listing};
use crate::json::{self, NotJson};
use crate::{Evaluation, PluginError, Pointer};

/// The names of the granted directories.
#[cfg_attr(target_arch = "wasm32", expect(unused_variables, reason = "the host knows which evaluation it runs"))]
pub fn names(evaluation: &Evaluation<'_>) -> Vec<String> {
    #[cfg(target_arch = "wasm32")]
    {
        host::names()
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        evaluation.fixture().files().names()
    }
}

/// A directory that the operator granted.
///
/// Paths in it are names joined by `/`; the empty path is the directory itself. Each call reads again, and each byte
/// that it reads costs fuel: keep what you need more than once.
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    #[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "the host knows which evaluation it runs"))]
    evaluation: Evaluation<'a>,
    name: &'a str,
}

impl<'a> Directory<'a> {
    /// The directory with this name. Reading it shows whether it is granted.
    pub fn named(evaluation: &Evaluation<'a>, name: &'a str) -> Self {
        Self { evaluation: *evaluation, name }
    }

    /// The entries of the directory at this path.
    ///
    /// # Errors
    /// If it cannot be read; the error says why.
    pub fn entries(&self, path: &str) -> Result<Listing, DirectoryError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::entries(self.name, path)
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.evaluation.fixture().files().entries(self.name, path)
        }
    }

    /// The bytes of the file at this path.
    ///
    /// # Errors
    /// If it cannot be read; the error says why.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::read(self.name, path)
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.evaluation.fixture().files().read(self.name, path)
        }
    }

    /// The text in the file at this path.
    ///
    /// # Errors
    /// If it cannot be read, or is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String, UnreadableFile> {
        let content = self.read(path).map_err(|error| self.unreadable(path, FileProblem::Refused(error)))?;
        String::from_utf8(content)
            .map_err(|error| self.unreadable(path, FileProblem::NotText { from: error.utf8_error().valid_up_to() }))
    }

    /// Reads the file at this path as one JSON text.
    ///
    /// # Errors
    /// If it cannot be read, is not JSON, has a key twice in one object, or does not fit the type. The error names the
    /// first place.
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, UnreadableFile> {
        let content = self.read(path).map_err(|error| self.unreadable(path, FileProblem::Refused(error)))?;
        json::read(&content)
            .map_err(|NotJson { pointer, message }| self.unreadable(path, FileProblem::NotJson { pointer, message }))
    }

    fn unreadable(&self, path: &str, problem: FileProblem) -> UnreadableFile {
        UnreadableFile { directory: self.name.to_owned(), path: path.to_owned(), problem }
    }
}

impl fmt::Debug for Directory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Directory").field(&self.name).finish()
    }
}

/// Why a file cannot be used: it is missing, or not what it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadableFile {
    /// The name of the directory.
    pub directory: String,
    /// The path in the directory.
    pub path: String,
    /// What is wrong with the file.
    pub problem: FileProblem,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq)]
pub enum FileProblem {
    /// The host refuses to read it.
    Refused(DirectoryError),
    /// It is not UTF-8.
    NotText {
        /// The offset of the first invalid byte, from 0.
        from: usize,
    },
    /// It is not JSON, or does not fit the type.
    NotJson {
        /// The place of the mistake; the root if the file is not JSON at all.
        pointer: Pointer,
        /// What is wrong at this place.
        message: String,
    },
}

impl fmt::Display for UnreadableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in the directory `{}`", self.path, self.directory)?;
        match &self.problem {
            FileProblem::Refused(error) => write!(f, ": {}", error.in_words()),
            FileProblem::NotText { from } => write!(f, ": not UTF-8 from byte {from} on"),
            FileProblem::NotJson { pointer, message } if *pointer == Pointer::root() => write!(f, ": {message}"),
            FileProblem::NotJson { pointer, message } => write!(f, " at `{pointer}`: {message}"),
        }
    }
}

impl std::error::Error for UnreadableFile {}

impl From<UnreadableFile> for PluginError {
    /// The plugin cannot answer without the file: `file-unreadable`.
    fn from(error: UnreadableFile) -> Self {
        Self::new("file-unreadable", error.to_string())
    }
}

impl DirectoryError {
    /// The error for people, as the end of a sentence.
    pub fn in_words(&self) -> String {
        match self {
            Self::NotGranted(_) => "no directory with that name is granted".to_owned(),
            Self::InvalidPath(why) => format!("invalid path: {why}"),
            Self::Missing => "it does not exist".to_owned(),
            Self::Outside => "a link leads out of the directory".to_owned(),
            Self::WrongKind(EntryKind::File) => "it is a file".to_owned(),
            Self::WrongKind(EntryKind::Directory) => "it is a directory".to_owned(),
            Self::WrongKind(EntryKind::Other) => "it is neither a file nor a directory".to_owned(),
            Self::TooLarge(allowed) => format!("it is larger than the limit of {allowed}"),
            Self::Unreadable(why) => format!("the host cannot read it: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::testing::Fixture;

    fn kinds(listing: Listing) -> Vec<(String, EntryKind, u64)> {
        listing.entries.into_iter().map(|entry| (entry.name, entry.kind, entry.size)).collect()
    }

    #[test]
    fn a_fixture_lists_its_files_as_the_host_would() {
        let fixture = Fixture::new()
            .with_file("catalog", "lists/b.txt", "bb")
            .with_file("catalog", "lists/a/deep.txt", "")
            .with_file("catalog", "top.txt", "top")
            .with_file("other", "x", "");
        let evaluation = fixture.evaluation();
        assert_eq!(names(&evaluation), ["catalog", "other"]);
        let catalog = Directory::named(&evaluation, "catalog");
        assert_eq!(
            kinds(catalog.entries("").unwrap()),
            [("lists".to_owned(), EntryKind::Directory, 0), ("top.txt".to_owned(), EntryKind::File, 3)]
        );
        assert_eq!(
            kinds(catalog.entries("lists").unwrap()),
            [("a".to_owned(), EntryKind::Directory, 0), ("b.txt".to_owned(), EntryKind::File, 2)]
        );
        assert_eq!(catalog.read("lists/b.txt").unwrap(), b"bb");
    }

    #[test]
    fn a_fixture_refuses_what_the_host_would() {
        let fixture = Fixture::new().with_file("catalog", "lists/a.txt", "");
        let evaluation = fixture.evaluation();
        let catalog = Directory::named(&evaluation, "catalog");
        assert_eq!(catalog.read("lists"), Err(DirectoryError::WrongKind(EntryKind::Directory)));
        assert_eq!(catalog.entries("lists/a.txt"), Err(DirectoryError::WrongKind(EntryKind::File)));
        for missing in ["gone", "lists/a.txt/below", "lists/gone"] {
            assert_eq!(catalog.read(missing), Err(DirectoryError::Missing), "`{missing}`");
        }
        for path in ["/etc", "../x", "a//b", "./a", "a/", "a\\b", "a\0"] {
            assert!(matches!(catalog.read(path), Err(DirectoryError::InvalidPath(_))), "`{path}`");
            assert!(matches!(catalog.entries(path), Err(DirectoryError::InvalidPath(_))), "`{path}`");
        }
        let elsewhere = Directory::named(&evaluation, "elsewhere");
        assert_eq!(elsewhere.entries(""), Err(DirectoryError::NotGranted("elsewhere".to_owned())));
    }

    #[test]
    fn a_test_says_what_cannot_be_read() {
        let fixture = Fixture::new().without_file("catalog", "list", DirectoryError::TooLarge(1024));
        let evaluation = fixture.evaluation();
        let error = Directory::named(&evaluation, "catalog").text("list").unwrap_err();
        assert_eq!(error.to_string(), "`list` in the directory `catalog`: it is larger than the limit of 1024");
    }

    #[test]
    fn what_is_no_text_or_json_is_told_with_its_place() {
        let fixture = Fixture::new()
            .with_file("catalog", "latin", b"caf\xe9".as_slice())
            .with_file("catalog", "list.json", r#"{"allowed": ["shop", 7]}"#)
            .with_file("catalog", "cut.json", "{");
        let evaluation = fixture.evaluation();
        let catalog = Directory::named(&evaluation, "catalog");
        assert_eq!(
            catalog.text("latin").unwrap_err().to_string(),
            "`latin` in the directory `catalog`: not UTF-8 from byte 3 on"
        );
        #[derive(Debug, serde::Deserialize)]
        struct List {
            #[expect(dead_code, reason = "it is only read")]
            allowed: Vec<String>,
        }
        assert_eq!(
            catalog.json::<List>("list.json").unwrap_err().to_string(),
            "`list.json` in the directory `catalog` at `/allowed/1`: invalid type: integer `7`, expected a string at \
             line 1 column 22"
        );
        let error = catalog.json::<List>("cut.json").unwrap_err();
        assert!(matches!(error.problem, FileProblem::NotJson { pointer, .. } if pointer == Pointer::root()));
    }
}

//! The capabilities that the plugin of a fixture is granted besides the snapshot.

use super::Fixture;
use super::files::Files;
use super::values::KeptValues;
use super::web::Web;
use crate::directory::DirectoryError;
use crate::http::{HttpError, Request, Response};

/// The stand-ins for the host's capabilities.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granted {
    files: Files,
    web: Web,
    values: KeptValues,
}

impl Fixture {
    /// Puts a file into a granted directory; see [`Directory`](crate::directory::Directory).
    #[must_use]
    pub fn with_file(mut self, directory: &str, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.granted.files.put(directory, path, Ok(content.into()));
        self
    }

    /// Makes reading a file fail.
    #[must_use]
    pub fn without_file(mut self, directory: &str, path: &str, error: DirectoryError) -> Self {
        self.granted.files.put(directory, path, Err(error));
        self
    }

    /// Answers requests to a URL, whatever their method. If several answers are given, they come in turn, and then the
    /// last again. Requests to any other URL are not granted.
    #[must_use]
    pub fn with_answer(mut self, url: &str, response: Response) -> Self {
        self.granted.web.put(url, Ok(response));
        self
    }

    /// Makes a request to a URL fail, in its turn.
    #[must_use]
    pub fn without_answer(mut self, url: &str, error: HttpError) -> Self {
        self.granted.web.put(url, Err(error));
        self
    }

    /// The requests that were sent, in order, including those that were not granted.
    pub fn requests(&self) -> Vec<Request> {
        self.granted.web.sent()
    }

    /// Keeps a value under a key; see [`Values`](crate::key_value::Values). Their quota is 64 KiB.
    #[must_use]
    pub fn with_value(mut self, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.granted.values.put(key, value.into());
        self
    }

    /// Grants the values for reading only.
    #[must_use]
    pub fn with_values_to_read_alone(mut self) -> Self {
        self.granted.values.grant_reading_alone();
        self
    }

    /// Makes every call about values fail; `why` is the host's message.
    #[must_use]
    pub fn without_values(mut self, why: &str) -> Self {
        self.granted.values.fail(why);
        self
    }

    /// The present value of a key. A fixture stores the changes of a call at once; the host stores them after the call
    /// has answered.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.granted.values.kept(key)
    }

    pub(crate) fn files(&self) -> &Files {
        &self.granted.files
    }

    pub(crate) fn web(&self) -> &Web {
        &self.granted.web
    }

    pub(crate) fn values(&self) -> &KeptValues {
        &self.granted.values
    }
}

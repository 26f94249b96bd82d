//! The answers that a fixture gives to requests, and the requests that it was sent.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::http::{HttpError, Request, Response};

/// What comes back, or why nothing does.
type Answer = Result<Response, HttpError>;

/// What answers requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Web {
    /// By URL, each in turn; the last again and again.
    answers: RefCell<BTreeMap<String, VecDeque<Answer>>>,
    sent: RefCell<Vec<Request>>,
}

impl Web {
    pub(super) fn put(&mut self, url: &str, answer: Answer) {
        self.answers.get_mut().entry(url.to_owned()).or_default().push_back(answer);
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        self.sent.borrow_mut().push(request.clone());
        let mut answers = self.answers.borrow_mut();
        let next = answers.get_mut(&request.url).and_then(|answers| match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        });
        next.unwrap_or_else(|| Err(HttpError::NotGranted(format!("`{} {}`", request.method.word(), request.url))))
    }

    pub(super) fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }
}

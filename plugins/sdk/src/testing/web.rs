//! The answers of a fixture to requests, and the requests that it received.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::http::{HttpError, Request, Response};

/// The answer, or why there is none.
type Answer = Result<Response, HttpError>;

/// Answers requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Web {
    /// The answers by URL, each in turn; the last one again and again.
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

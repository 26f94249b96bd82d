//! The tape of one evaluation: what the plugin asked its capabilities and what they answered, in order.
//!
//! Everything that an evaluation learns from outside of its snapshot is on its tape, so a replay can answer from the tape.

use std::collections::{HashMap, VecDeque};

use lockgate_domain::shortened;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::host_function::HostFunction;

/// A question of a plugin to a capability, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityExchange {
    /// The host function, for example `http.send`.
    pub call: String,
    /// The question as JSON, with bytes as base64.
    pub question: Value,
    /// The answer as JSON, with bytes as base64.
    pub answer: Value,
}

/// In a replay, a plugin asked a question that is not on the recorded tape.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the recording has no answer of `{function}` to this question: {question}")]
pub(crate) struct NotRecorded {
    function: HostFunction,
    question: String,
}

/// The questions of one evaluation so far, and the source of the answers.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    exchanges: Vec<CapabilityExchange>,
    /// The recording that answers; none if the capabilities answer live.
    recorded: Option<RecordedTape>,
}

/// The answers of a recording, by function and question.
///
/// A question that was asked several times gets its answers in their order, and then the last one again: another version of
/// the plugin may ask the same more often and in another order.
#[derive(Debug, Default)]
pub(crate) struct RecordedTape(HashMap<(String, String), VecDeque<Value>>);

impl RecordedTape {
    pub(crate) fn new(exchanges: &[CapabilityExchange]) -> Self {
        let mut answers: HashMap<(String, String), VecDeque<Value>> = HashMap::new();
        for CapabilityExchange { call, question, answer } in exchanges {
            answers.entry((call.clone(), question.to_string())).or_default().push_back(answer.clone());
        }
        Self(answers)
    }

    fn answer(&mut self, function: HostFunction, question: &Value) -> Result<Value, NotRecorded> {
        let asked = (function.to_string(), question.to_string());
        let answers = self.0.get_mut(&asked);
        let next = answers.and_then(|answers| match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        });
        next.ok_or_else(|| NotRecorded { function, question: shortened(&asked.1, 200) })
    }
}

impl Tape {
    /// Takes all further answers from a recording.
    pub(crate) fn play(&mut self, recorded: RecordedTape) {
        self.recorded = Some(recorded);
    }

    /// The answer from the recording that is played; none if the capabilities answer live.
    ///
    /// # Errors
    /// If the recording has no answer to the question.
    pub(crate) fn recorded_answer(
        &mut self,
        function: HostFunction,
        question: &Value,
    ) -> Result<Option<Value>, NotRecorded> {
        self.recorded.as_mut().map(|recorded| recorded.answer(function, question)).transpose()
    }

    /// Adds a question and its answer.
    pub(crate) fn write(&mut self, function: HostFunction, question: Value, answer: Value) {
        self.exchanges.push(CapabilityExchange { call: function.to_string(), question, answer });
    }

    pub(crate) fn into_exchanges(self) -> Vec<CapabilityExchange> {
        self.exchanges
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    const SEND: HostFunction = HostFunction::of_capability("http", "send", 1);
    const READ: HostFunction = HostFunction::of_capability("directory", "read", 1);

    fn exchange(question: &str, answer: &str) -> CapabilityExchange {
        CapabilityExchange { call: "http.send".to_owned(), question: json!(question), answer: json!(answer) }
    }

    #[test]
    fn a_question_gives_its_answers_in_order_and_then_the_last_again() {
        let mut recorded = RecordedTape::new(&[exchange("a", "1"), exchange("b", "x"), exchange("a", "2")]);
        let mut asked = |question: &str| recorded.answer(SEND, &json!(question)).unwrap();
        assert_eq!([asked("a"), asked("a"), asked("a"), asked("b")], [json!("1"), json!("2"), json!("2"), json!("x")]);
    }

    #[test]
    fn what_was_never_asked_has_no_answer() {
        let mut recorded = RecordedTape::new(&[exchange("a", "1")]);
        assert!(recorded.answer(SEND, &json!("b")).is_err());
        assert!(recorded.answer(READ, &json!("a")).is_err());
    }
}

//! Asking the host: live, or out of a recording.
//!
//! Every capability asks through here, so everything that an evaluation learns from outside of its snapshot is on its
//! tape, question and answer, in order; and whatever is on a tape can be answered again without the outside.

use std::collections::{HashMap, VecDeque};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasmtime::{AsContextMut, StoreContextMut, Trap};

use crate::sandbox::{HostCall, Sandbox};

/// What a byte costs, in fuel, that a capability hands over or takes: what the host spends on asking, keeping and
/// converting it. It also bounds the tape, since fuel is what bounds a guest.
const FUEL_PER_BYTE: u64 = 16;
/// What a question costs by itself, in fuel: about as many instructions as the host needs for it. A request is dear,
/// because others have to answer it: with the fuel that a call has by default, no plugin sends more than two hundred.
fn fuel_per_question(call: HostCall) -> u64 {
    match call {
        HostCall::HttpSend => 5_000_000,
        // It looks at as many names as the operator allows, also if they turn out to be too many.
        HostCall::DirectoryEntries => 2_000_000,
        HostCall::DirectoryRead => 20_000,
        _ => 1_000,
    }
}

/// One question that a plugin asked a capability, and what the host answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The function of the host, for example `http.send`.
    pub call: String,
    /// What was asked; bytes are base64.
    pub question: Value,
    /// What was answered; bytes are base64.
    pub answer: Value,
}

/// A plugin asked, in a replay, what was never asked when the recording was made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("it asked `{call}` what the recording has no answer to: {question}")]
pub(crate) struct NotRecorded {
    call: &'static str,
    question: String,
}

/// What one evaluation asked and was answered.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    exchanges: Vec<Exchange>,
    recorded: Option<Recorded>,
}

/// The answers of a recording, by function and question.
///
/// A question that was asked several times gives its answers in their order, and then the last one again: a candidate
/// may well ask what its predecessor asked, more often and in another order.
#[derive(Debug, Default)]
pub(crate) struct Recorded(HashMap<(String, String), VecDeque<Value>>);

impl Recorded {
    pub(crate) fn new(exchanges: &[Exchange]) -> Self {
        let mut answers: HashMap<(String, String), VecDeque<Value>> = HashMap::new();
        for Exchange { call, question, answer } in exchanges {
            answers.entry((call.clone(), question.to_string())).or_default().push_back(answer.clone());
        }
        Self(answers)
    }

    fn answer(&mut self, call: HostCall, question: &Value) -> Result<Value, NotRecorded> {
        let asked = (call.name().to_owned(), question.to_string());
        let answers = self.0.get_mut(&asked);
        let next = answers.and_then(|answers| match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        });
        next.ok_or_else(|| NotRecorded { call: call.name(), question: shortened(asked.1) })
    }
}

impl Tape {
    /// From here on the answers come from a recording.
    pub(crate) fn play(&mut self, recorded: Recorded) {
        self.recorded = Some(recorded);
    }

    /// Whether the answers come from a recording.
    pub(crate) fn is_played(&self) -> bool {
        self.recorded.is_some()
    }

    pub(crate) fn into_exchanges(self) -> Vec<Exchange> {
        self.exchanges
    }
}

/// Asks the host one question: `live`, or the recording that is played.
pub(crate) fn ask<Q, A>(
    store: &mut StoreContextMut<'_, Sandbox>,
    call: HostCall,
    question: &Q,
    live: impl FnOnce(&mut Sandbox) -> A,
) -> wasmtime::Result<A>
where
    Q: Serialize + ?Sized,
    A: Serialize + DeserializeOwned,
{
    let sandbox = store.data_mut();
    sandbox.view(call)?;
    let question = serde_json::to_value(question)?;
    charge(&mut *store, fuel_per_question(call).saturating_add(weight(&question).saturating_mul(FUEL_PER_BYTE)))?;
    let sandbox = store.data_mut();
    let (answer, written) = match &mut sandbox.tape.recorded {
        Some(recorded) => {
            let written = recorded.answer(call, &question)?;
            (A::deserialize(&written)?, written)
        }
        None => {
            let answer = live(sandbox);
            let written = serde_json::to_value(&answer)?;
            (answer, written)
        }
    };
    let cost = weight(&written).saturating_mul(FUEL_PER_BYTE);
    store.data_mut().tape.exchanges.push(Exchange { call: call.name().to_owned(), question, answer: written });
    charge(store, cost)?;
    Ok(answer)
}

/// Has the guest pay for what the host does for it.
pub(crate) fn charge(mut store: impl AsContextMut, fuel: u64) -> wasmtime::Result<()> {
    let mut store = store.as_context_mut();
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(fuel))?;
    if left < fuel { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
}

/// About as many bytes as a value has.
fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(|item| 1 + weight(item)).sum(),
        Value::Object(fields) => fields.iter().map(|(name, field)| name.len() as u64 + 1 + weight(field)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
    }
}

/// As much of a question as a message can hold.
fn shortened(question: String) -> String {
    const LONGEST: usize = 200;
    match question.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", question.get(..end).unwrap_or_default()),
        None => question,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn exchange(question: &str, answer: &str) -> Exchange {
        Exchange { call: "http.send".to_owned(), question: json!(question), answer: json!(answer) }
    }

    #[test]
    fn a_question_gives_its_answers_in_order_and_then_the_last_again() {
        let mut recorded = Recorded::new(&[exchange("a", "1"), exchange("b", "x"), exchange("a", "2")]);
        let mut asked = |question: &str| recorded.answer(HostCall::HttpSend, &json!(question)).unwrap();
        assert_eq!([asked("a"), asked("a"), asked("a"), asked("b")], [json!("1"), json!("2"), json!("2"), json!("x")]);
    }

    #[test]
    fn what_was_never_asked_has_no_answer() {
        let mut recorded = Recorded::new(&[exchange("a", "1")]);
        assert!(recorded.answer(HostCall::HttpSend, &json!("b")).is_err());
        assert!(recorded.answer(HostCall::DirectoryRead, &json!("a")).is_err());
    }
}

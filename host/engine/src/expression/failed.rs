//! The reason why an expression gives no answer, in words that are the same each time.
//!
//! The interpreter's own message shows the values at which it failed: a map in another order in each run, and any data
//! in it. A reason goes into the decision, so it names only types.

use cel::{ExecutionError, Value};

/// The reason for people.
#[expect(deprecated, reason = "the interpreter still has errors that it does not make any more")]
pub(super) fn reason(error: &ExecutionError) -> String {
    match error {
        ExecutionError::UnsupportedTargetType { target } => format!("{} cannot be used there", a(target)),
        ExecutionError::NotSupportedAsMethod { method, target } => {
            format!("`{method}` cannot be called on {}", a(target))
        }
        ExecutionError::UnsupportedKeyType(key) | ExecutionError::UnsupportedMapIndex(key) => {
            format!("{} cannot be the key of a map", a(key))
        }
        ExecutionError::UnsupportedListIndex(index) => format!("{} cannot be the index of a list", a(index)),
        ExecutionError::UnsupportedIndex(index, value) => format!("{} cannot be indexed by {}", a(value), a(index)),
        ExecutionError::ValuesNotComparable(one, other) => format!("{} cannot be compared to {}", a(one), a(other)),
        ExecutionError::UnsupportedUnaryOperator(operator, value) => {
            format!("there is no `{operator}` of {}", a(value))
        }
        ExecutionError::UnsupportedBinaryOperator(operator, one, other) => {
            format!("there is no `{operator}` of {} and {}", a(one), a(other))
        }
        ExecutionError::Overflow(operator, one, other) => {
            format!("the `{operator}` of {} and {} is out of range", a(one), a(other))
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "there is no item at that index".to_owned(),
        ExecutionError::DuplicateKey(_) => "a map has the same key twice".to_owned(),
        ExecutionError::UnsupportedFunctionCallIdentifierType(_) => "what is called is no function".to_owned(),
        ExecutionError::UnsupportedFieldsConstruction(_) => "fields cannot be constructed there".to_owned(),
        // The other errors hold only names and types.
        other => other.to_string(),
    }
}

/// The type of a value, as CEL calls it.
fn a(value: &Value) -> String {
    format!("a value of type {}", value.type_of())
}

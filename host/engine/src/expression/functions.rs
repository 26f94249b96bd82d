//! The functions that expressions can call: CEL's standard ones, and `semver`. This crate reads `duration` itself.
//!
//! The interpreter notices a missing function only when the call is reached. The names are listed here a second time,
//! so that a misspelt one is found when the model is read. A test compares the table with the interpreter.

use std::sync::{Arc, LazyLock};

use cel::Env;

use super::shape::{Shape, TimePart};
use super::{arithmetic, budget, length, version};

/// The environment for parsing and evaluating all expressions.
pub(super) fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib();
        arithmetic::install(&mut env);
        budget::install(&mut env);
        version::install(&mut env);
        length::install(&mut env);
        Arc::new(env)
    });
    &ENVIRONMENT
}

/// The type that a function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Bool,
    Int,
    Double,
    Text,
    Time,
    Length,
    Version,
    Anything,
}

impl From<Gives> for Shape {
    fn from(gives: Gives) -> Self {
        match gives {
            Gives::Bool => Self::Bool,
            Gives::Int => Self::Int,
            Gives::Double => Self::Double,
            Gives::Text => Self::Text,
            Gives::Time => Self::Time,
            Gives::Length => Self::Length,
            Gives::Version => Self::Semver,
            Gives::Anything => Self::Any,
        }
    }
}

/// Functions that are called as `name(…)`.
pub(super) const GLOBAL: [(&str, Gives); 16] = [
    ("bool", Gives::Bool),
    ("bytes", Gives::Anything),
    ("double", Gives::Double),
    ("duration", Gives::Length),
    ("dyn", Gives::Anything),
    ("int", Gives::Int),
    ("matches", Gives::Bool),
    ("optional.none", Gives::Anything),
    ("optional.of", Gives::Anything),
    ("optional.ofNonZeroValue", Gives::Anything),
    (version::SEMVER, Gives::Version),
    ("size", Gives::Int),
    ("string", Gives::Text),
    ("timestamp", Gives::Time),
    ("type", Gives::Anything),
    ("uint", Gives::Anything),
];

/// Parts of a time, as CEL counts them.
static PARTS: [TimePart; 9] = [
    TimePart { function: "getDate", first: 1, last: 31, counts: "days of the month from 1" },
    TimePart {
        function: "getDayOfMonth",
        first: 0,
        last: 30,
        counts: "days of the month from 0: `getDate` counts from 1",
    },
    TimePart { function: "getDayOfWeek", first: 0, last: 6, counts: "days of the week from 0, which is Sunday" },
    TimePart { function: "getDayOfYear", first: 0, last: 365, counts: "days of the year from 0" },
    TimePart { function: "getFullYear", first: 1970, last: 9999, counts: "years, with all four digits" },
    TimePart { function: "getMonth", first: 0, last: 11, counts: "months from 0, which is January" },
    TimePart { function: "getHours", first: 0, last: 23, counts: "hours from 0" },
    TimePart { function: "getMinutes", first: 0, last: 59, counts: "minutes from 0" },
    TimePart { function: "getSeconds", first: 0, last: 59, counts: "seconds from 0" },
];

/// Functions that are called as `value.name(…)`.
pub(super) const MEMBER: [(&str, Gives); 19] = [
    ("contains", Gives::Bool),
    ("endsWith", Gives::Bool),
    ("getDate", Gives::Int),
    ("getDayOfMonth", Gives::Int),
    ("getDayOfWeek", Gives::Int),
    ("getDayOfYear", Gives::Int),
    ("getFullYear", Gives::Int),
    ("getHours", Gives::Int),
    ("getMilliseconds", Gives::Int),
    ("getMinutes", Gives::Int),
    ("getMonth", Gives::Int),
    ("getSeconds", Gives::Int),
    ("hasValue", Gives::Bool),
    ("matches", Gives::Bool),
    ("or", Gives::Anything),
    ("orValue", Gives::Anything),
    ("size", Gives::Int),
    ("startsWith", Gives::Bool),
    ("value", Gives::Anything),
];

/// The macros, and how they are written.
pub(super) const MACROS: [(&str, &str); 6] = [
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("has", "has(object.field)"),
    ("map", "list.map(x, value)"),
];

/// Names that stand for types, as in `type(x) == string`.
pub(super) const TYPES: [&str; 12] =
    ["bool", "bytes", "double", "dyn", "duration", "int", "list", "map", "null_type", "string", "timestamp", "uint"];

/// The shape that a function returns. None for an unknown name.
pub(super) fn global(name: &str) -> Option<Shape> {
    GLOBAL.iter().find(|(known, _)| *known == name).map(|(_, gives)| (*gives).into())
}

/// The shape that a method of a value returns. None for an unknown name.
pub(super) fn member(name: &str) -> Option<Shape> {
    MEMBER.iter().find(|(known, _)| *known == name).map(|(_, gives)| (*gives).into())
}

/// The part of a time that the function returns.
pub(super) fn part(name: &str) -> Option<&'static TimePart> {
    PARTS.iter().find(|part| part.function == name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cel::{Context, ExecutionError, Value};

    use super::{GLOBAL, MACROS, MEMBER, environment};

    /// Calls a function with arguments that no function accepts: an existing one reports that, any other is not found.
    fn exists(call: &str) -> bool {
        let Ok(tree) = environment().parser().parse(call) else { return false };
        let context = Context::with_env(Arc::clone(environment()));
        let result = Value::resolve(&tree, &context);
        matches!(result, Err(ExecutionError::NoSuchOverload(_)))
    }

    #[test]
    fn the_table_names_what_the_interpreter_has() {
        for (name, _) in GLOBAL {
            assert!(exists(&format!("{name}(1, 2, 3, 4)")), "{name}");
        }
        for (name, _) in MEMBER {
            assert!(exists(&format!("[].{name}(1, 2, 3, 4)")), "{name}");
        }
        assert!(!exists("nothing(1, 2, 3, 4)") && !exists("[].nothing(1, 2, 3, 4)"));
    }

    #[test]
    fn macros_are_no_functions() {
        for (name, _) in MACROS {
            assert!(!exists(&format!("{name}(1, 2, 3, 4)")) && !exists(&format!("[].{name}(1, 2, 3, 4)")), "{name}");
        }
    }
}

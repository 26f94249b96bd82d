//! `duration(…)`: reads durations strictly.
//!
//! The interpreter reads as much of a text as it understands and drops the rest: `1h 30m` would be an hour. So this
//! module replaces each call. It accepts CEL's form and the form of settings (`90d`, `1h 30m`), and refuses every other
//! text.

use cel::common::ast::CallExpr;
use cel::common::types::{CelDuration, CelString, DYN_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};
use lockgate_domain::Duration;

/// The name of the function in expressions.
pub(super) const DURATION: &str = "duration";

/// The name of the strict function. It cannot be written in CEL.
const READ: &str = "@duration";

/// Adds the strict function.
pub(super) fn install(env: &mut Env) {
    let declared = env.add_overload(READ, "lockgate_duration", vec![DYN_TYPE], read);
    debug_assert!(declared.is_ok());
}

/// Replaces a call of `duration` by the strict function.
pub(super) fn read_wholly(call: &mut CallExpr) {
    let name = call.func_name.strip_prefix('.').unwrap_or(&call.func_name);
    if name == DURATION && call.target.is_none() && call.args.len() == 1 {
        call.func_name = READ.to_owned();
    }
}

fn read<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let argument = arguments.into_iter().next().ok_or_else(ExecutionError::missing_argument_or_target)?;
    if argument.downcast_ref::<CelDuration>().is_some() {
        return Ok(argument);
    }
    let Some(text) = argument.downcast_ref::<CelString>() else {
        let message = format!("a value of type {} is no text", argument.get_type().name());
        return Err(ExecutionError::function_error(DURATION, message));
    };
    match length(text.inner()) {
        Some(length) => Ok(CowVal::Owned(Box::new(CelDuration::from(length)))),
        None => {
            let shown: String = text.inner().chars().take(64).flat_map(char::escape_debug).collect();
            let message = format!("`{shown}` is no length of time, for example `90m`, `1h30m` or `90d`");
            Err(ExecutionError::function_error(DURATION, message))
        }
    }
}

/// The duration that the whole text stands for. None if it is not one, or longer than CEL allows.
pub(super) fn length(text: &str) -> Option<chrono::TimeDelta> {
    let nanos = match in_cel(text) {
        Some(nanos) => nanos,
        None => i128::from(text.parse::<Duration>().ok()?.as_millis()) * 1_000_000,
    };
    i64::try_from(nanos).ok().map(chrono::TimeDelta::nanoseconds)
}

/// Reads CEL's form, such as `1h30m`, `-1.5s` or `0`, as nanoseconds.
fn in_cel(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let (whole, behind) = digits(rest)?;
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => digits(behind)?,
            None => ("", behind),
        };
        let unit = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(unit)?;
        let nanos: i128 = match unit {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1000,
            "ns" => 1,
            _ => return None,
        };
        let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let amount = format!("{whole}{fraction}").parse::<i128>().ok()?;
        sum = sum.checked_add(amount.checked_mul(nanos)? / scale)?;
        rest = behind;
    }
    (!text.is_empty() && text != "-").then_some(sign * sum)
}

/// Splits off the digits at the beginning. None if there are none.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_text_is_read_wholly_or_not_at_all() {
        for (text, nanos) in [
            ("0", 0),
            ("-0", 0),
            ("1ns", 1),
            ("1.5us", 1500),
            ("1ms", 1_000_000),
            ("-1.5s", -1_500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("90m", 5_400_000_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("90d", 90 * 86_400_000_000_000),
            ("1d 12h", 36 * 3_600_000_000_000),
        ] {
            assert_eq!(length(text), Some(chrono::TimeDelta::nanoseconds(nanos)), "{text}");
        }
        for text in [
            "", "-", "1", "h", "1h foo", "1hfoo", "1h30", "1h,30m?", "long", ".5h", "1.h", "1e3h", "inf", "900y",
            "-90d", "PT1H30M",
        ] {
            assert_eq!(length(text), None, "{text}");
        }
    }
}

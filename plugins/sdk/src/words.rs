//! Small parts of sentences for people.

/// A number with its noun: `1 order`, `2 orders`.
///
/// ```
/// use lockgate_plugin::counted;
///
/// assert_eq!(counted(1, "order", "orders"), "1 order");
/// assert_eq!(counted(0, "order", "orders"), "0 orders");
/// ```
pub fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

/// Names in backticks, with a word before the last: `` `a`, `b` or `c` ``.
///
/// ```
/// use lockgate_plugin::listed;
///
/// assert_eq!(listed(["sla"], "or"), "`sla`");
/// assert_eq!(listed(["sla", "ola", "uc"], "or"), "`sla`, `ola` or `uc`");
/// ```
pub fn listed<I>(names: I, word: &str) -> String
where
    I: IntoIterator,
    I::Item: std::fmt::Display,
{
    joined(names.into_iter().map(|name| format!("`{name}`")), word)
}

/// Parts of a sentence, with a word before the last: `a, b and c`.
///
/// ```
/// use lockgate_plugin::joined;
///
/// assert_eq!(joined(["the first", "the second"], "and"), "the first and the second");
/// assert_eq!(joined([""; 0], "and"), "");
/// ```
pub fn joined<I>(parts: I, word: &str) -> String
where
    I: IntoIterator,
    I::Item: std::fmt::Display,
{
    let parts: Vec<String> = parts.into_iter().map(|part| part.to_string()).collect();
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
    }
}

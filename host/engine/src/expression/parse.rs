//! Parses a text into a syntax tree. Its limits keep the parser and every walk over the tree from overflowing the
//! stack.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, operators};

use super::functions;
use super::source_map::SourceMap;
use super::walk::children;
use crate::model::ModelFinding;

/// The longest expression, in bytes.
pub const LONGEST: usize = 4096;

/// The deepest expression, in levels: `a.b == 1` has three.
pub const DEEPEST: usize = 100;

/// The deepest nesting of brackets and conditional operators. The parser makes some ten nested calls for each.
const DEEPEST_NESTING: u16 = 32;

/// A syntax tree, and the places of its nodes in the text.
pub(super) struct Parsed<'t> {
    pub(super) tree: IdedExpr,
    pub(super) sites: SourceMap<'t>,
}

/// Parses an expression. The finding says why it cannot be read.
pub(super) fn parse(text: &str) -> Result<Parsed<'_>, Box<ModelFinding>> {
    let refuse = |span, message: String| ModelFinding::error("invalid-expression", span, message);
    if text.trim().is_empty() {
        let empty = refuse(0..text.len(), "the expression is empty".to_owned());
        return Err(Box::new(empty.help("write a condition such as `change.risk == \"high\"`, or leave the key out")));
    }
    if text.len() > LONGEST {
        let message = format!("the expression has {} bytes, and {LONGEST} are the most", text.len());
        return Err(Box::new(refuse(0..text.len(), message)));
    }
    if let Some(place) = too_nested(text) {
        let message = format!("more than {DEEPEST_NESTING} brackets or `?` stand within each other");
        return Err(Box::new(refuse(place..place + 1, message)));
    }
    let parser = functions::environment().parser().max_recursion_depth(DEEPEST_NESTING);
    let (tree, info) = parser.parse_with_source_info(text).map_err(|errors| {
        let first = errors.errors.into_iter().next();
        Box::new(unreadable(text, first.as_ref().map_or((1, 1), |error| error.pos), first.map(|error| error.msg)))
    })?;
    if is_deeper_than(&tree, DEEPEST) {
        let message = format!("the expression has more than {DEEPEST} levels");
        return Err(Box::new(refuse(0..text.len(), message).help("use a list: `x in [\"a\", \"b\"]`")));
    }
    Ok(Parsed { tree, sites: SourceMap::new(text, info) })
}

/// Makes a finding from a syntax error. The parser gives a line and a column, in characters; the word there helps
/// people more than the parser's list of tokens.
fn unreadable(text: &str, (line, column): (isize, isize), reason: Option<String>) -> ModelFinding {
    let line = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(line_start..).unwrap_or_default();
    let start = line_start + rest.char_indices().nth(column).map_or(rest.len(), |(index, _)| index);
    let span = word_at(text, start);
    let found = text.get(span.clone()).unwrap_or_default();
    let finding = if found.is_empty() {
        let end = text.trim_end().len();
        ModelFinding::error("invalid-expression", end..end, "the expression ends too early")
            .label("something is missing here")
    } else {
        ModelFinding::error("invalid-expression", span.clone(), format!("the expression cannot be read at `{found}`"))
    };
    let finding = match instead_of(found) {
        Some(help) => return finding.help(help),
        None => finding,
    };
    match reason {
        Some(reason) => finding.note(format!("the parser says: {}", shortened(&reason))),
        None => finding,
    }
}

fn instead_of(found: &str) -> Option<&'static str> {
    match found {
        "=" => Some("write `==` to compare"),
        "and" | "AND" | "&" => Some("write `&&`"),
        "or" | "OR" | "|" => Some("write `||`"),
        "not" | "NOT" => Some("write `!`"),
        _ => None,
    }
}

/// Drops the parser's list of all possible tokens, which helps nobody.
fn shortened(reason: &str) -> &str {
    let reason = reason.strip_prefix("Syntax error: ").unwrap_or(reason);
    let reason = reason.split(" expecting {").next().unwrap_or(reason);
    reason.get(..reason.floor_char_boundary(160)).unwrap_or(reason)
}

/// The word or the sign that begins at this byte.
fn word_at(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    start + blank..start + blank + length
}

fn is_deeper_than(tree: &IdedExpr, most: usize) -> bool {
    let mut open = vec![(tree, 1)];
    while let Some((node, depth)) = open.pop() {
        if depth > most {
            return true;
        }
        open.extend(children(node).into_iter().map(|child| (child, depth + 1)));
    }
    false
}

/// The parts that `&&` joins at the top of an expression. The whole expression if there are none.
pub(super) fn conjuncts<'t>(text: &'t str, tree: &IdedExpr) -> Vec<&'t str> {
    let joined = matches!(&tree.expr, Expr::Call(call) if call.func_name == operators::LOGICAL_AND);
    // A comment could hold any text, so an expression with a comment is shown whole.
    if !joined || text.contains("//") {
        return vec![text.trim()];
    }
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut signs = signs(text).peekable();
    while let Some((index, sign)) = signs.next() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '&' if depth == 0 && signs.next_if_eq(&(index + 1, '&')).is_some() => {
                parts.extend(text.get(start..index));
                start = index + 2;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.into_iter().map(str::trim).collect()
}

/// The first bracket or `?` that is nested too deeply. This check keeps the parser from overflowing the stack.
fn too_nested(text: &str) -> Option<usize> {
    let (mut brackets, mut conditionals) = (0_u16, 0_u16);
    for (index, sign) in signs(text) {
        match sign {
            '(' | '[' | '{' => brackets += 1,
            ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
            '?' => conditionals += 1,
            _ => {}
        }
        if brackets + conditionals > DEEPEST_NESTING {
            return Some(index);
        }
    }
    None
}

/// The characters that are not within quotes.
fn signs(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter(move |(_, sign)| match quote {
        Some(_) if escaped => {
            escaped = false;
            false
        }
        Some(open) => {
            escaped = *sign == '\\';
            if *sign == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(sign, '"' | '\'') {
                quote = Some(*sign);
            }
            quote.is_none()
        }
    })
}

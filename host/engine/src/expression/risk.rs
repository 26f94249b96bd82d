//! Whether a condition can cease to hold when the risk rises.
//!
//! The host never asks an approval policy less because the risk is higher. What stands here tells who writes a model
//! before that happens; it understands how such conditions are usually written, and takes the rest for unknown.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::walk::children;

/// How a condition depends on the risk of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Not at all.
    None,
    /// What holds at some risk also holds at every higher one.
    Rising,
    /// In a way that is not understood, or the other way round.
    Unknown,
}

/// The risks, from low to high.
const RISKS: [&str; 4] = ["low", "medium", "high", "critical"];

/// How the condition depends on the risk.
pub(super) fn of(tree: &IdedExpr) -> Use {
    if !mentions(tree) {
        Use::None
    } else if rises(tree, true) {
        Use::Rising
    } else {
        Use::Unknown
    }
}

/// Whether the subtree is the risk, or the change as a whole, or holds one of them.
fn mentions(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Select(select) if is_change(&select.operand) => select.field == "risk",
        Expr::Ident(_) => is_change(node),
        _ => children(node).into_iter().any(mentions),
    }
}

fn is_change(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name == "change")
}

fn is_risk(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Select(select) if !select.test && select.field == "risk" && is_change(&select.operand))
}

/// Whether the condition, or with `upwards` false its negation, rises with the risk.
fn rises(node: &IdedExpr, upwards: bool) -> bool {
    if !mentions(node) {
        return true;
    }
    let Expr::Call(call) = &node.expr else { return false };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
            rises(left, upwards) && rises(right, upwards)
        }
        (operators::LOGICAL_NOT, [inner]) => rises(inner, !upwards),
        (operators::EQUALS, [left, right]) => compared(left, right).is_some_and(|set| is_upper(set, upwards)),
        (operators::NOT_EQUALS, [left, right]) => compared(left, right).is_some_and(|set| is_upper(set, !upwards)),
        (operators::IN, [left, right]) if is_risk(left) => match &right.expr {
            Expr::List(list) => set(list.elements.iter()).is_some_and(|set| is_upper(set, upwards)),
            _ => false,
        },
        _ => false,
    }
}

fn compared(left: &IdedExpr, right: &IdedExpr) -> Option<[bool; 4]> {
    match (is_risk(left), is_risk(right)) {
        (true, false) => set([right].into_iter()),
        (false, true) => set([left].into_iter()),
        _ => None,
    }
}

/// Which of the risks are among the literals; nothing, if one of them is no literal.
fn set<'e>(literals: impl Iterator<Item = &'e IdedExpr>) -> Option<[bool; 4]> {
    let mut set = [false; 4];
    for literal in literals {
        let Expr::Literal(LiteralValue::String(word)) = &literal.expr else { return None };
        for (is_in, risk) in set.iter_mut().zip(RISKS) {
            *is_in |= risk == word.inner();
        }
    }
    Some(set)
}

/// Whether a set that holds some risk also holds every higher one; with `upwards` false, the same of all others.
fn is_upper(set: [bool; 4], upwards: bool) -> bool {
    set.map(|is_in| is_in == upwards).is_sorted()
}

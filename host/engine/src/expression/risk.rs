//! Checks whether a condition can become false when the risk rises.
//!
//! The host never asks an approval policy less because the risk is higher. This check tells the author of a model
//! beforehand. It understands the usual forms of such conditions, and treats all others as unknown.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::walk::children;

/// How a condition depends on the risk of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The condition does not read the risk.
    None,
    /// If the condition is true at some risk, it is true at every higher one.
    Rising,
    /// The condition falls with the risk, or its form is not understood.
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

/// Whether the subtree is, or contains, the risk or the change as a whole.
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

/// Whether the condition rises with the risk. With `upwards` false, whether its negation does.
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

/// Which risks are among the literals. None if one of the nodes is no literal.
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

/// Whether a set that has some risk also has every higher one. With `upwards` false, the same for the risks not in the
/// set.
fn is_upper(set: [bool; 4], upwards: bool) -> bool {
    set.map(|is_in| is_in == upwards).is_sorted()
}

//! Walks over a syntax tree that do not depend on the meaning of its nodes.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// The direct children of a node.
pub(super) fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    fn entry(entry: &EntryExpr) -> Vec<&IdedExpr> {
        match entry {
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            EntryExpr::StructField(field) => vec![&field.value],
        }
    }
    match &node.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(loops) => {
            vec![&loops.iter_range, &loops.accu_init, &loops.loop_cond, &loops.loop_step, &loops.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|each| entry(&each.expr)).collect(),
        Expr::Struct(fields) => fields.entries.iter().flat_map(|each| entry(&each.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

/// The value of a text literal.
pub(super) fn literal_text(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// The text `a.b.c`, if the node is a chain of fields.
pub(super) fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [operand, index] => Some(format!("{}.{}", path(operand)?, literal_text(index)?)),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a chain of fields and indexes, and the variable at its root.
pub(super) fn written(node: &IdedExpr) -> Option<(String, &str)> {
    match &node.expr {
        Expr::Ident(name) => Some((name.clone(), name)),
        Expr::Select(select) if !select.test => {
            let (operand, root) = written(&select.operand)?;
            Some((format!("{operand}.{}", select.field), root))
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [operand, index] => {
                let (operand, root) = written(operand)?;
                Some((format!("{operand}[{}]", written_literal(index)?), root))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The text of a number, or of a text literal that needs no escapes.
pub(super) fn written_literal(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(number.inner().to_string()),
        _ => {
            let text = literal_text(node)?;
            let plain = text.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\'' | '\\' | '`'));
            plain.then(|| format!("\"{text}\""))
        }
    }
}

/// Collects the paths that `has(…)`, `.?` and `in` test.
pub(super) fn collect_tested(node: &IdedExpr, tested: &mut BTreeSet<String>) {
    match &node.expr {
        Expr::Select(select) if select.test => tested.extend(path(node)),
        Expr::Call(call) if call.func_name == operators::IN => {
            if let [name, operand] = call.args.as_slice()
                && let (Some(name), Some(operand)) = (literal_text(name), path(operand))
            {
                tested.insert(format!("{operand}.{name}"));
            }
        }
        _ => {}
    }
    children(node).into_iter().for_each(|child| collect_tested(child, tested));
}

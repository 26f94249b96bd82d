//! Warns of fields that can be missing, and suggests how to write a condition that then still has an answer.
//!
//! For the `when` of a binding one answer is safe: true, so that the policy is asked. For a model's `applies-when` only
//! its author knows the answer: the model is for such deployments, or it is not.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr};

use super::{Checker, ConditionOf};
use crate::expression::shape::Field;
use crate::expression::walk::{path, written, written_literal};
use crate::model::ModelFinding;

impl Checker<'_> {
    /// Warns of a field that can be missing and that no `has(…)` tests.
    pub(super) fn guarded(&mut self, node: &IdedExpr, operand: &IdedExpr, field: Option<&Field>, span: Range<usize>) {
        let root = match &operand.expr {
            Expr::Ident(name) if self.scope.iter().all(|around| around.variable != *name) => {
                self.variables.get_key_value(name)
            }
            _ => None,
        };
        let absent_root = root.filter(|(name, root)| {
            root.optional && !self.tested.iter().any(|tested| tested.split('.').next() == Some(name.as_str()))
        });
        let Some(path) = path(node) else { return };
        let is_absent = field.is_some_and(|field| field.optional) && !self.tested.contains(&path);
        if !is_absent && absent_root.is_none() {
            return;
        }
        // One warning for each field is enough.
        self.tested.insert(path.clone());
        let message = format!("`{path}` may be missing, and then the condition cannot be evaluated");
        let finding = ModelFinding::warning("unguarded-field", span, message);
        let whole = self.sites.quotable();
        let (absent, present) = (self.condition_on(node, false), self.condition_on(node, true));
        self.findings.push(match self.condition_of {
            ConditionOf::Binding => finding
                .help(match (absent, whole) {
                    (Some(absent), Some(whole)) => format!("write `{absent} || ({whole})`"),
                    (Some(absent), None) => {
                        format!("write `{absent} || (…)` with the whole expression in the brackets")
                    }
                    (None, _) => "ask with `has(…)`, so that the condition holds where the field is missing".to_owned(),
                })
                .note("where the condition does not hold, nobody is asked: put `!has(…) ||` in front, not `has(…) &&`"),
            ConditionOf::Model => {
                let whole = whole.unwrap_or("…");
                let write = |condition: Option<String>, usual: &str, operator: &str| {
                    format!("write `{} {operator} ({whole})`", condition.unwrap_or_else(|| usual.to_owned()))
                };
                finding
                    .help(format!("if the model is not for deployments without it, {}", write(present, "has(…)", "&&")))
                    .help(format!("if it is for them too, {}", write(absent, "!has(…)", "||")))
                    .note("while the condition of one model cannot be evaluated, no model is chosen")
            }
        });
    }

    /// A condition that is true where the field is present, or where it is missing. It goes before the whole
    /// expression, outside of all loops and negations, so that it alone decides then.
    fn condition_on(&self, node: &IdedExpr, present: bool) -> Option<String> {
        let not = if present { "" } else { "!" };
        let (mut condition, root) = match &node.expr {
            Expr::Call(call) => match call.args.as_slice() {
                [operand, name] => {
                    let (operand, root) = written(operand)?;
                    let name = written_literal(name)?;
                    (if present { format!("{name} in {operand}") } else { format!("!({name} in {operand})") }, root)
                }
                _ => return None,
            },
            _ => {
                let (field, root) = written(node)?;
                (format!("{not}has({field})"), root)
            }
        };
        let mut root = root.to_owned();
        for around in self.scope.iter().rev().filter(|around| !around.variable.starts_with('@')) {
            if around.variable == root {
                let (range, its_root) = around.range.clone()?;
                let each = if present { "all" } else { "exists" };
                condition = format!("{range}.{each}({root}, {condition})");
                root = its_root;
            }
        }
        Some(condition)
    }
}

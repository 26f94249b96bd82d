//! Expressions: the conditions that a model writes in CEL, the Common Expression Language.
//!
//! This module is the only one that knows which crate reads CEL. An [`Expression`] is parsed and checked against the
//! shape of the snapshot once, when its model is read, so that `lockgate model check` finds a misspelt field, and not
//! the gate. At the gate it is evaluated over [`Variables`], which convert to CEL values only those parts of a snapshot
//! that some expression reads, each once.
//!
//! CEL always terminates, but a loop over a loop over a long list could still take hours. So an expression has at most
//! [`LONGEST`] bytes and [`DEEPEST`] levels, and one evaluation may look at [`BUDGET`] values in lists. Beyond that the
//! evaluation fails, and gives no answer.

mod arithmetic;
mod budget;
mod failed;
mod functions;
mod infer;
mod length;
mod parse;
mod risk;
mod shape;
mod source_map;
mod variables;
mod version;
mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, ExecutionError, IdedExpr, Value};
use lockgate_domain::Standing;

use crate::model::ModelFinding;
pub use budget::BUDGET;
use budget::Budget;
pub(crate) use infer::ConditionOf;
use infer::Meaning;
pub use parse::{DEEPEST, LONGEST};
pub use variables::Variables;

/// A CEL expression that is true or false. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    text: String,
    tree: IdedExpr,
    roots: BTreeSet<String>,
    risk: risk::Use,
}

/// One member of a group, as the group's expression sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    pub id: &'a str,
    /// The plugin's name in the model.
    pub plugin: &'a str,
    /// What the member's answer says.
    pub standing: Standing,
}

/// Why an expression gives no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// The result is neither true nor false.
    #[error("`{expression}` gives {found}, and not true or false")]
    NotBoolean {
        expression: String,
        /// The type of the result, as CEL calls it.
        found: String,
    },
    /// The expression reads a field that is not there.
    #[error("`{expression}` looks at `{field}`, which is missing")]
    Absent {
        expression: String,
        /// The name of the field alone, without its path.
        field: String,
    },
    /// The evaluation would take too long.
    #[error("`{expression}` is too costly: it looks at more than {BUDGET} values; loop over less, or in fewer loops")]
    TooCostly { expression: String },
    /// The evaluation failed for another reason.
    #[error("`{expression}` cannot be evaluated: {reason}")]
    Failed { expression: String, reason: String },
}

impl Expression {
    /// A condition over the snapshot that says whether a binding is asked. Returns it with its warnings, whose spans
    /// are bytes of the expression's own text.
    ///
    /// # Errors
    /// All errors and warnings.
    pub fn condition(text: &str) -> Result<(Self, Vec<ModelFinding>), Vec<ModelFinding>> {
        Self::read(text, ConditionOf::Binding, &BTreeSet::new())
    }

    /// A condition over the snapshot that says whether a model applies. Returns what [`Expression::condition`] returns,
    /// with other warnings.
    ///
    /// # Errors
    /// All errors and warnings.
    pub fn applies_when(text: &str) -> Result<(Self, Vec<ModelFinding>), Vec<ModelFinding>> {
        Self::read(text, ConditionOf::Model, &BTreeSet::new())
    }

    /// A condition over the snapshot, in a model that declares these roles.
    pub(crate) fn read(
        text: &str,
        condition_of: ConditionOf,
        roles: &BTreeSet<String>,
    ) -> Result<(Self, Vec<ModelFinding>), Vec<ModelFinding>> {
        Self::compile(text, Meaning { variables: shape::snapshot(), condition_of, roles })
    }

    /// A condition over the answers of a group's members. Returns it with its warnings, whose spans are bytes of the
    /// expression's own text.
    ///
    /// # Errors
    /// All errors and warnings.
    pub fn over_members(text: &str) -> Result<(Self, Vec<ModelFinding>), Vec<ModelFinding>> {
        let (variables, roles) = (shape::members(), &BTreeSet::new());
        Self::compile(text, Meaning { variables, condition_of: ConditionOf::Binding, roles })
    }

    fn compile(text: &str, meaning: Meaning<'_>) -> Result<(Self, Vec<ModelFinding>), Vec<ModelFinding>> {
        let parsed = parse::parse(text).map_err(|finding| vec![*finding])?;
        let findings = infer::check(&parsed, meaning);
        if findings.iter().any(|finding| finding.severity == crate::model::FindingSeverity::Error) {
            return Err(findings);
        }
        let roots = parsed.tree.references().variables().into_iter().map(str::to_owned).collect();
        let risk = risk::of(&parsed.tree);
        let tree = budget::metered(parsed.tree);
        Ok((Self(Arc::new(Compiled { text: text.to_owned(), tree, roots, risk })), findings))
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it reads this part of the snapshot, for example `change`.
    pub fn looks_at(&self, root: &str) -> bool {
        self.0.roots.contains(root)
    }

    /// Whether it reads `change.risk`, or the change as a whole.
    pub fn looks_at_risk(&self) -> bool {
        self.0.risk != risk::Use::None
    }

    /// Whether it is known that the condition, if true at some risk, is also true at every higher one.
    pub fn rises_with_risk(&self) -> bool {
        self.0.risk != risk::Use::Unknown
    }

    /// Evaluates the condition.
    ///
    /// # Errors
    /// If it has no answer, or the result is neither true nor false.
    pub fn holds(&self, variables: &Variables<'_>) -> Result<bool, ExpressionError> {
        self.prepare(variables)?;
        self.evaluate(&self.0.tree, &|name| variables.get(name))
    }

    /// Evaluates the condition for these members of a group.
    ///
    /// # Errors
    /// If it has no answer, or the result is neither true nor false.
    pub fn holds_for(&self, members: &[Member<'_>]) -> Result<bool, ExpressionError> {
        let members = variables::members(members);
        self.evaluate(&self.0.tree, &|name| (name == shape::MEMBERS).then_some(members.as_ref()))
    }

    /// The first part that makes the condition false on its own, if it consists of several parts joined by `&&`.
    pub fn false_part(&self, variables: &Variables<'_>) -> Option<String> {
        self.first_false_part(variables, |_| true)
    }

    /// As [`Expression::false_part`], of the parts that read nothing but these variables.
    pub(crate) fn false_part_over(&self, names: &[&str], variables: &Variables<'_>) -> Option<String> {
        self.first_false_part(variables, |tree| tree.references().variables().iter().all(|read| names.contains(read)))
    }

    fn first_false_part(&self, variables: &Variables<'_>, counts: impl Fn(&IdedExpr) -> bool) -> Option<String> {
        self.prepare(variables).ok()?;
        parse::conjuncts(&self.0.text, &self.0.tree).into_iter().find_map(|part| {
            let tree = parse::parse(part).ok()?.tree;
            if !counts(&tree) {
                return None;
            }
            let holds = self.evaluate(&budget::metered(tree), &|name| variables.get(name));
            (holds == Ok(false)).then(|| part.to_owned())
        })
    }

    fn prepare(&self, variables: &Variables<'_>) -> Result<(), ExpressionError> {
        for root in &self.0.roots {
            variables.prepare(root).map_err(|reason| self.failed(reason))?;
        }
        Ok(())
    }

    fn evaluate<'a>(
        &self,
        tree: &IdedExpr,
        variable: &(dyn Fn(&str) -> Option<&'a dyn Val> + Sync),
    ) -> Result<bool, ExpressionError> {
        let scope = Scope { variable, budget: Budget::new() };
        let mut context = Context::with_env(Arc::clone(functions::environment()));
        context.set_variable_resolver(&scope);
        let result = Value::resolve_val(tree, &context);
        if scope.budget.is_spent() {
            return Err(ExpressionError::TooCostly { expression: self.0.text.clone() });
        }
        let value = result.map_err(|error| self.error(&error))?;
        match value.downcast_ref::<CelBool>() {
            Some(answer) => Ok(*answer.inner()),
            None => Err(ExpressionError::NotBoolean {
                expression: self.0.text.clone(),
                found: format!("a value of type {}", value.get_type().name()),
            }),
        }
    }

    fn error(&self, error: &ExecutionError) -> ExpressionError {
        match error {
            ExecutionError::NoSuchKey(field) => {
                ExpressionError::Absent { expression: self.0.text.clone(), field: field.to_string() }
            }
            other => self.failed(failed::reason(other)),
        }
    }

    fn failed(&self, reason: String) -> ExpressionError {
        const LONGEST_REASON: usize = 300;
        let mut reason = reason;
        if reason.len() > LONGEST_REASON {
            reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
            reason.push('…');
        }
        ExpressionError::Failed { expression: self.0.text.clone(), reason }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.text).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Expression {}

/// The data of one evaluation: the variables, and its own budget.
struct Scope<'a, 'f> {
    variable: &'f (dyn Fn(&str) -> Option<&'a dyn Val> + Sync),
    budget: Budget,
}

impl VariableResolver for Scope<'_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable == budget::VARIABLE {
            return Some(CowVal::Borrowed(&self.budget));
        }
        (self.variable)(variable).map(CowVal::Borrowed)
    }
}

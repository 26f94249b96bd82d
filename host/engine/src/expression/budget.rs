//! The budget of one evaluation: how many values it may look at in lists and maps. Also the order of a map's keys.
//!
//! CEL has no unbounded loop, but its macros can be nested. So, before an expression is evaluated, every list or map
//! that it loops over or searches is wrapped in a call that weighs it and takes its weight from the budget. The
//! interpreter's work is then proportional to the weight, whatever the expression says.
//!
//! CEL loops over the keys of a map in no particular order. The same call sorts them, so that the first of them is the
//! same each time.

use std::any::Any;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, operators};
use cel::common::types::{CelList, CelMap, CelString, DYN_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};

use super::{arithmetic, length};

/// How many values one evaluation may look at in lists and maps. A value counts each time.
pub const BUDGET: u64 = 1_000_000;

/// The variable that holds the budget. It cannot be written in CEL, so no expression can reach it.
pub(super) const VARIABLE: &str = "@budget";

/// The call that weighs a searched value and returns it.
const WEIGH: &str = "@weigh";

/// The call that weighs a value for a loop and returns it; for a map it returns the sorted keys.
const EACH: &str = "@each";

static TYPE: LazyLock<Type> = LazyLock::new(|| Type::new_unspecified_type("lockgate.budget"));

/// The number of values that are left.
#[derive(Debug)]
pub(super) struct Budget(AtomicU64);

/// Marks a budget that was exceeded.
const SPENT: u64 = u64::MAX;

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(BUDGET))
    }

    /// Whether the evaluation asked for more than the budget.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == SPENT
    }

    fn take(&self, weight: u64) -> bool {
        let left = self.0.load(Ordering::Relaxed);
        let enough = left != SPENT && weight <= left;
        self.0.store(if enough { left - weight } else { SPENT }, Ordering::Relaxed);
        enough
    }
}

impl Val for Budget {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(Self(AtomicU64::new(self.0.load(Ordering::Relaxed))))
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Budget {}

/// Adds the weighing calls.
pub(super) fn install(env: &mut Env) {
    // The names hold an `@`, so nothing else can have declared them.
    let declared = env
        .add_overload(WEIGH, "lockgate_weigh", vec![DYN_TYPE, DYN_TYPE], weigh)
        .and_then(|()| env.add_overload(EACH, "lockgate_each", vec![DYN_TYPE, DYN_TYPE], each));
    debug_assert!(declared.is_ok());
}

fn weigh<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let mut arguments = arguments.into_iter();
    let (Some(value), Some(budget)) = (arguments.next(), arguments.next()) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let enough = budget.downcast_ref::<Budget>().is_some_and(|budget| budget.take(weight(value.as_ref(), BUDGET)));
    if enough { Ok(value) } else { Err(ExecutionError::function_error(WEIGH, "the budget is spent")) }
}

fn each<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = weigh(arguments)?;
    let Some(map) = value.downcast_ref::<CelMap>() else { return Ok(value) };
    let mut keys: Vec<_> = map.inner().keys().collect();
    keys.sort_unstable();
    let keys: Vec<Box<dyn Val>> =
        keys.into_iter().map(|key| key.clone().into_static().inner().clone_as_boxed()).collect();
    Ok(CowVal::Owned(Box::new(CelList::from(keys))))
}

/// The number of values in a value, itself included. Stops counting a little above `most`.
fn weight(value: &dyn Val, most: u64) -> u64 {
    let sum = |values: &mut dyn Iterator<Item = u64>| {
        let mut sum = 1;
        for weight in values {
            sum += weight;
            if sum > most {
                break;
            }
        }
        sum
    };
    if let Some(list) = value.downcast_ref::<CelList>() {
        sum(&mut list.inner().iter().map(|item| weight(item.as_ref(), most)))
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        sum(&mut map.inner().values().map(|item| 1 + weight(item.as_ref(), most)))
    } else if let Some(text) = value.downcast_ref::<CelString>() {
        1 + text.inner().len() as u64 / 64
    } else {
        1
    }
}

/// Rewrites the expression: wraps each loop and search in a weighing call, reads each `duration` strictly, and uses our
/// [arithmetic].
pub(super) fn metered(mut tree: IdedExpr) -> IdedExpr {
    meter(&mut tree);
    tree
}

/// Recurses as deep as the expression, which is at most [`super::DEEPEST`].
fn meter(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| meter(target));
            call.args.iter_mut().for_each(meter);
            length::read_wholly(call);
            arithmetic::take_over(call);
            if call.func_name == operators::IN
                && let Some(list) = call.args.get_mut(1)
                && !matches!(list.expr, Expr::List(_))
            {
                wrap(list, WEIGH);
            }
        }
        Expr::Comprehension(comprehension) => {
            let parts = [
                &mut comprehension.iter_range,
                &mut comprehension.accu_init,
                &mut comprehension.loop_cond,
                &mut comprehension.loop_step,
                &mut comprehension.result,
            ];
            parts.into_iter().for_each(meter);
            wrap(&mut comprehension.iter_range, EACH);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(meter),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| meter_entry(&mut entry.expr)),
        Expr::Struct(fields) => fields.entries.iter_mut().for_each(|entry| meter_entry(&mut entry.expr)),
        Expr::Select(select) => meter(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

fn meter_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::MapEntry(entry) => {
            meter(&mut entry.key);
            meter(&mut entry.value);
        }
        EntryExpr::StructField(field) => meter(&mut field.value),
    }
}

fn wrap(node: &mut IdedExpr, call: &str) {
    let weighed = std::mem::take(node);
    let id = weighed.id;
    let budget = IdedExpr { id, expr: Expr::Ident(VARIABLE.to_owned()) };
    let call = CallExpr { func_name: call.to_owned(), target: None, args: vec![weighed, budget] };
    *node = IdedExpr { id, expr: Expr::Call(call) };
}

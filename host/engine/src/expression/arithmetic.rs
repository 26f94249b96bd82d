//! Arithmetic of numbers of two types.
//!
//! JSON has one kind of number: `1000` and `1000.0` are the same, and the ledger keeps both as `1000`. CEL has three
//! kinds, and no sum or product of two of them: `facts.cost.json.v * 1.19` would fail whenever the cost is a whole
//! number. So an operation on a whole number and a double takes both as doubles. Two whole numbers stay whole, as in
//! CEL: `3 / 2` is `1`.

use cel::common::ast::{CallExpr, Expr, operators};
use cel::common::types::{CelDouble, CelInt, CelUInt, DYN_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError, Value};

/// The operators, with the names of the functions that replace them. The names cannot be written in CEL.
const FUNCTIONS: [(&str, &str, Function); 4] = [
    (operators::ADD, "@add", add),
    (operators::SUBSTRACT, "@sub", subtract),
    (operators::MULTIPLY, "@mul", multiply),
    (operators::DIVIDE, "@div", divide),
];

type Function = for<'b, 'v> fn(Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Adds the functions.
pub(super) fn install(env: &mut Env) {
    for (_, name, function) in FUNCTIONS {
        // The name holds an `@`, so nothing else can have declared it.
        let declared = env.add_overload(name, &name.replace('@', "lockgate_"), vec![DYN_TYPE, DYN_TYPE], function);
        debug_assert!(declared.is_ok());
    }
}

/// Replaces an operator by our function, unless the operator adds to a list: a loop does that for each item, and the
/// interpreter has a faster way.
pub(super) fn take_over(call: &mut CallExpr) {
    let adds_to_list = call.args.iter().any(|argument| matches!(argument.expr, Expr::List(_)));
    if let Some((_, name, _)) = FUNCTIONS.iter().find(|(operator, ..)| *operator == call.func_name)
        && !adds_to_list
    {
        call.func_name = (*name).to_owned();
    }
}

fn add<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let (left, right) = of_one_type(arguments)?;
    let adder = left.as_adder().ok_or_else(|| unsupported("add", &left, &right))?;
    Ok(CowVal::Owned(adder.add(right.as_ref())?.into_owned()))
}

fn subtract<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let (left, right) = of_one_type(arguments)?;
    let subtractor = left.as_subtractor().ok_or_else(|| unsupported("sub", &left, &right))?;
    Ok(CowVal::Owned(subtractor.sub(right.as_ref())?.into_owned()))
}

fn multiply<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let (left, right) = of_one_type(arguments)?;
    let multiplier = left.as_multiplier().ok_or_else(|| unsupported("mul", &left, &right))?;
    Ok(CowVal::Owned(multiplier.mul(right.as_ref())?.into_owned()))
}

fn divide<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let (left, right) = of_one_type(arguments)?;
    let divider = left.as_divider().ok_or_else(|| unsupported("div", &left, &right))?;
    Ok(CowVal::Owned(divider.div(right.as_ref())?.into_owned()))
}

/// The two operands. If one is a whole number and the other a double, both become doubles.
fn of_one_type<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<(CowVal<'b, 'v>, CowVal<'b, 'v>), ExecutionError> {
    let mut arguments = arguments.into_iter();
    let (Some(left), Some(right)) = (arguments.next(), arguments.next()) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let is_double = |value: &CowVal<'_, '_>| value.downcast_ref::<CelDouble>().is_some();
    Ok(match (is_double(&left), is_double(&right)) {
        (true, false) => (left, widened(right)),
        (false, true) => (widened(left), right),
        _ => (left, right),
    })
}

/// A whole number as a double. Any other value is unchanged.
#[expect(clippy::cast_precision_loss, reason = "a double beside a whole number makes the operation one of doubles")]
fn widened<'b, 'v>(value: CowVal<'b, 'v>) -> CowVal<'b, 'v> {
    let int = value.downcast_ref::<CelInt>().map(|int| *int.inner() as f64);
    match int.or_else(|| value.downcast_ref::<CelUInt>().map(|uint| *uint.inner() as f64)) {
        Some(double) => CowVal::owned(CelDouble::from(double)),
        None => value,
    }
}

fn unsupported(operator: &'static str, left: &CowVal<'_, '_>, right: &CowVal<'_, '_>) -> ExecutionError {
    let value = |value: &CowVal<'_, '_>| Value::try_from(value.as_ref()).unwrap_or(Value::Null);
    ExecutionError::UnsupportedBinaryOperator(operator, value(left), value(right))
}

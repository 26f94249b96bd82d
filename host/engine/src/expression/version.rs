//! `semver(…)`: makes versions comparable.
//!
//! A version in a snapshot is a text, and texts are compared by their letters: `0.9.0` would come after `0.10.0`. The
//! function reads a text as a semantic version, whose values are ordered by precedence (SemVer 2.0, section 11), so build
//! metadata makes no difference.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::LazyLock;

use cel::common::traits::Comparer;
use cel::common::types::{CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError, Value};
use semver::Version;

/// The name of the function.
pub(super) const SEMVER: &str = "semver";

static TYPE: LazyLock<Type> = LazyLock::new(|| Type::new_unspecified_type("lockgate.semver"));

/// A semantic version as a CEL value.
#[derive(Clone, Debug)]
struct CelVersion(Version);

impl Val for CelVersion {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| self.0.cmp_precedence(&other.0) == Ordering::Equal)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for CelVersion {}

impl Comparer for CelVersion {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        match other.downcast_ref::<Self>() {
            Some(other) => Ok(self.0.cmp_precedence(&other.0)),
            None => Err(ExecutionError::ValuesNotComparable(Value::Null, Value::Null)),
        }
    }
}

/// Adds the function.
pub(super) fn install(env: &mut Env) {
    let declared = env.add_overload(SEMVER, "lockgate_semver", vec![STRING_TYPE], semver);
    debug_assert!(declared.is_ok());
}

fn semver<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let argument = arguments.into_iter().next().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let Some(text) = argument.downcast_ref::<CelString>() else {
        return Err(ExecutionError::function_error(SEMVER, "it reads a text"));
    };
    let text = text.inner();
    match Version::parse(text) {
        Ok(version) => Ok(CowVal::Owned(Box::new(CelVersion(version)))),
        Err(error) => {
            let shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
            let message = format!("`{shown}` is no semantic version: {error}");
            Err(ExecutionError::function_error(SEMVER, message))
        }
    }
}

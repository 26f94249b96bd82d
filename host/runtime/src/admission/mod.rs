//! Decides from the bytes of a component whether it may be loaded. Nothing is compiled and nothing is run here.
//!
//! `names` reads what the component imports and exports and compares it with the grants. `count` validates the component
//! and counts what it consists of, `cost` estimates what compiling it takes, and `limits` says how much of both is allowed.
//! This file holds the answers: [`AdmittedComponent`], or an [`AdmissionError`] in words for its author and its operator.

mod cost;
mod count;
mod limits;
mod names;

use std::fmt;
use std::time::Duration;

use lockgate_domain::{CONTRACT_VERSION, Description, Digest, Failure, Kind};

use crate::bindings::v0;
use crate::display::{Bytes, Count};
use crate::settings::MarkError;

pub use limits::AdmissionLimits;
pub(crate) use names::{ComponentOutline, InterfaceName, Judgement, judge, reach, refuse};

/// A component that passed admission.
#[derive(Clone, Debug, PartialEq)]
pub struct AdmittedComponent {
    /// The result of its `describe`.
    pub description: Description,
    /// The kinds of plugin whose interfaces it exports, the same as in its description.
    pub kinds: Vec<Kind>,
    /// The version of the contract that it was built for, for example `0.2.0`.
    pub contract: String,
    /// The SHA-256 digest of its bytes.
    pub digest: Digest,
    /// Its size, in bytes.
    pub size: u64,
}

/// Why a component may not be loaded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// It is larger than [`RuntimeConfig::max_component_size`](crate::RuntimeConfig::max_component_size).
    #[error("this component is too large: {} of {} allowed", Bytes(*.size), Bytes(*.limit))]
    TooLarge {
        /// The size of the component, in bytes.
        size: u64,
        /// The largest size, in bytes.
        limit: u64,
    },
    /// It does not start with the magic number of WebAssembly.
    #[error("not WebAssembly: the file does not start with `\\0asm`")]
    NotWasm,
    /// It is a core module, not a component.
    #[error("a core module, not a component: convert it with `lockgate plugin build`")]
    CoreModule,
    /// It is machine code that Wasmtime compiled.
    #[error("compiled code, which Lockgate never accepts: pass the component that it was compiled from")]
    Precompiled,
    /// It is cut off, damaged, or uses a WebAssembly proposal that is disabled.
    #[error("not a valid component: {message} (at byte {offset})")]
    Invalid {
        /// The position of the error in the component, in bytes.
        offset: u64,
        /// The message of the validator.
        message: String,
    },
    /// It has more of something than [`AdmissionLimits`] allows.
    #[error("too many {what}: {}; the limit is {}", Count(*.count), Count(*.limit))]
    Beyond {
        /// The kind of items, in the plural, for example `instances`.
        what: &'static str,
        /// Their number, as far as it was counted.
        count: u64,
        /// The largest number.
        limit: u64,
    },
    /// Compiling all its functions would exceed [`AdmissionLimits::cost`].
    #[error(
        "too much code to compile: the estimated cost is at least {}; the limit is {}",
        Count(*.cost),
        Count(*.limit)
    )]
    Costly {
        /// The estimate when it exceeded the limit, in units of about a microsecond on one core.
        cost: u64,
        /// The limit, in the same units.
        limit: u64,
    },
    /// One function would take too long to compile: see [`AdmissionLimits::function_cost`](crate::AdmissionLimits::function_cost).
    #[error(
        "compiling function {function} of a module in this component would cost {}, and at most {} are allowed: split it, \
         nest it less deeply, or use fewer locals in it",
        Count(*.cost),
        Count(*.limit)
    )]
    CostlyFunction {
        /// The index of the function in its module.
        function: u32,
        /// The estimate, in units of about a microsecond on one core.
        cost: u64,
        /// The limit, in the same units.
        limit: u64,
    },
    /// An inner component instantiates a component that it imports, so the number of instances cannot be counted.
    #[error(
        "an inner component instantiates a component that it imports, so its size cannot be known before: embed the \
         imported component instead"
    )]
    Unforeseeable,
    /// Compiling it takes longer than the runtime waits: see
    /// [`RuntimeConfig::compile_time`](crate::RuntimeConfig::compile_time).
    #[error("compiling this component takes longer than the limit of {} s", .limit.as_secs())]
    CompileTime {
        /// The longest duration.
        limit: Duration,
    },
    /// It imports what it may not use, or does not export what a plugin has to. All refusals at once.
    #[error("{}", RefusalList(.0))]
    Refused(Vec<AdmissionRefusal>),
    /// It is valid but cannot be compiled, usually because it exceeds a limit of the sandbox. The message is Wasmtime's.
    #[error("cannot compile this component: {0}")]
    Compile(String),
    /// Its imports or exports have the names of the contract's interfaces, but other types. The message is Wasmtime's.
    #[error("this component does not follow contract {CONTRACT_VERSION}: {0}")]
    Types(String),
    /// Its `describe` failed.
    #[error("`describe` failed: {0}")]
    Describe(Failure),
    /// The host would miss formats in the schema of its settings.
    #[error("invalid settings schema: {0}")]
    SettingsSchema(#[from] MarkError),
}

impl From<wasmparser::Error> for AdmissionError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid { offset: error.offset() as u64, message: error.message().to_owned() }
    }
}

/// One reason to refuse a component by its imports or exports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionRefusal {
    /// It imports a capability that is not granted.
    #[error(
        "`{import}` is imported but not granted: set `{line}` in the binding, or build the plugin without the \
         capability `{capability}`"
    )]
    NotGranted {
        /// The import, with its version.
        import: String,
        /// The name of the capability, for example `http`.
        capability: String,
        /// The line of a deployment model that grants it.
        line: String,
    },
    /// It imports something that cannot be granted.
    #[error("`{import}` is imported but cannot be granted: it is {what}")]
    NotOffered {
        /// The import, with its version if it has one.
        import: String,
        /// What the import is, and what to use instead.
        what: String,
    },
    /// It was built for another version of the contract.
    #[error(
        "`{item}` is of contract {theirs}; this host supports {CONTRACT_VERSION}: build the plugin for that version, or \
         use a host that supports {theirs}"
    )]
    Contract {
        /// The import or export, with its version.
        item: String,
        /// The version alone; `none` if it has no version.
        theirs: String,
    },
    /// It imports a method that the contract of this host does not have.
    #[error(
        "`evaluation.{method}` of `{import}` is imported, and contract {CONTRACT_VERSION} of this host does not have it: use a \
         later host, or build the plugin without this method"
    )]
    Method {
        /// The name of the method.
        method: String,
        /// The interface, with its version.
        import: String,
    },
    /// It does not export the interface that every plugin exports.
    #[error("it does not export `{}@{CONTRACT_VERSION}`, so it is not a Lockgate plugin", v0::PLUGIN)]
    NotAPlugin,
    /// It does not export the interface of any kind of plugin.
    #[error("it is not a plugin of any kind: export at least one of {}", interfaces())]
    NoKind,
}

/// All kinds of plugin, in order.
pub(crate) const KINDS: [Kind; 3] = [Kind::ApprovalPolicy, Kind::ValidationCheck, Kind::Strategy];

fn interfaces() -> String {
    KINDS.map(|kind| format!("`{}@{CONTRACT_VERSION}`", v0::interface_of(kind))).join(", ")
}

/// Displays one refusal as a sentence and several as a list.
struct RefusalList<'a>(&'a [AdmissionRefusal]);

impl fmt::Display for RefusalList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(f, "{only}"),
            all => {
                write!(f, "this component cannot be loaded, for {} reasons:", all.len())?;
                all.iter().try_for_each(|refusal| write!(f, "\n- {refusal}"))
            }
        }
    }
}

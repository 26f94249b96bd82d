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

/// A component that may be loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct AdmittedComponent {
    /// What it says of itself.
    pub description: Description,
    /// The kinds whose interfaces it exports; what it says of itself agrees.
    pub kinds: Vec<Kind>,
    /// The version of the contract that it was built for.
    pub contract: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
}

/// Why a component may not be loaded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// It has more bytes than are looked at.
    #[error("this component is {} of the {} allowed", Bytes(*.size), Bytes(*.limit))]
    TooLarge {
        /// In bytes.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// It does not begin as WebAssembly does.
    #[error("this is not WebAssembly: it does not begin with `\\0asm`")]
    NotWasm,
    /// It is WebAssembly, but not a component.
    #[error("this is a core module, not a component: make one of it with `lockgate plugin build`")]
    CoreModule,
    /// It is machine code.
    #[error("this is compiled code, which is never taken from elsewhere: hand in the component that it was made of")]
    Precompiled,
    /// It is cut off, damaged, or uses something that is switched off here.
    #[error("this is not a valid component: {message} (at byte {offset})")]
    Invalid {
        /// Where.
        offset: u64,
        /// What the validator says.
        message: String,
    },
    /// It consists of more than it may: see [`AdmissionLimits`](crate::AdmissionLimits).
    #[error("this component has {} {what}, and at most {} are allowed", Count(*.count), Count(*.limit))]
    Beyond {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u64,
        /// How many may be.
        limit: u64,
    },
    /// All its functions together would take too long to compile: see [`AdmissionLimits::cost`](crate::AdmissionLimits::cost).
    #[error(
        "compiling this component would cost {} or more, and at most {} are allowed: it is too much code",
        Count(*.cost),
        Count(*.limit)
    )]
    Costly {
        /// What was counted until it was too much, in units of about a microsecond on one core.
        cost: u64,
        /// What may be, in the same units.
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
        /// Its index in its module.
        function: u32,
        /// In units of about a microsecond on one core.
        cost: u64,
        /// What may be, in the same units.
        limit: u64,
    },
    /// A component in it instantiates another that it does not hold itself, so that what it makes cannot be counted.
    #[error(
        "a component in this component instantiates one that is handed in, which makes it impossible to say beforehand \
         how large it becomes: put the one into the other"
    )]
    Unforeseeable,
    /// Compiling it takes longer than the runtime waits: see
    /// [`RuntimeConfig::compile_time`](crate::RuntimeConfig::compile_time).
    #[error("compiling this component takes longer than the {} s allowed", .limit.as_secs())]
    CompileTime {
        /// How long it may take.
        limit: Duration,
    },
    /// It asks for what it may not have, or offers not what a plugin offers. All that is wrong, at once.
    #[error("{}", RefusalList(.0))]
    Refused(Vec<AdmissionRefusal>),
    /// It is valid, and cannot be compiled: usually because it is larger in some way than a sandbox is.
    #[error("this component cannot be compiled: {0}")]
    Compile(String),
    /// Its interfaces have the contract's names, and other types.
    #[error("this component does not keep to the contract {CONTRACT_VERSION}: {0}")]
    Types(String),
    /// It could not say what it is.
    #[error("`describe` gave no answer: {0}")]
    Describe(Failure),
    /// What it says of itself is not so.
    #[error(
        "it describes itself as {}, and exports the interfaces of {}",
        kinds(.described),
        kinds(.exported)
    )]
    Kinds {
        /// What it says.
        described: Vec<Kind>,
        /// What is so.
        exported: Vec<Kind>,
    },
    /// The schema of its settings marks ids of people where the host does not find them.
    #[error("the schema of its settings cannot be used: {0}")]
    SettingsSchema(#[from] MarkError),
}

impl From<wasmparser::Error> for AdmissionError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid { offset: error.offset() as u64, message: error.message().to_owned() }
    }
}

/// One thing that is wrong with a component's imports or exports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionRefusal {
    /// It could be granted, and is not.
    #[error(
        "`{import}` is imported but not granted: set `{line}` in the binding, or build the plugin without the \
         capability `{capability}`"
    )]
    NotGranted {
        /// The import.
        import: String,
        /// The name of the capability.
        capability: String,
        /// The line of the deployment model that grants it.
        line: String,
    },
    /// Nothing could grant it.
    #[error("`{import}` is imported, and nothing can grant it: it is {what}")]
    NotOffered {
        /// The import.
        import: String,
        /// What it is, and the way out.
        what: String,
    },
    /// It is built for another version of the contract.
    #[error(
        "`{item}` is of contract {theirs}; this host speaks {CONTRACT_VERSION}: build the plugin for that version, or \
         use a host that speaks {theirs}"
    )]
    Contract {
        /// The import or export.
        item: String,
        /// Its version.
        theirs: String,
    },
    /// It does not export what every plugin exports.
    #[error("it does not export `{}@{CONTRACT_VERSION}`, so it is no Lockgate plugin", v0::PLUGIN)]
    NotAPlugin,
    /// It exports no kind's interface.
    #[error("it exports the interface of no kind of plugin: export at least one of {}", interfaces())]
    NoKind,
}

/// All kinds of plugin, in order.
pub(crate) const KINDS: [Kind; 3] = [Kind::ApprovalPolicy, Kind::ValidationCheck, Kind::Strategy];

/// The kinds by name.
fn kinds(kinds: &[Kind]) -> String {
    let names: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.as_str())).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn interfaces() -> String {
    KINDS.map(|kind| format!("`{}@{CONTRACT_VERSION}`", v0::interface_of(kind))).join(", ")
}

/// One reason as it is, several as a list.
struct RefusalList<'a>(&'a [AdmissionRefusal]);

impl fmt::Display for RefusalList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(f, "{only}"),
            all => {
                write!(f, "there are {} reasons against this component:", all.len())?;
                all.iter().try_for_each(|refusal| write!(f, "\n- {refusal}"))
            }
        }
    }
}

//! Runs one sandboxed plugin component: admits it, configures it, freezes it, compiles it, keeps the compiled code,
//! and evaluates snapshots with it under limits.
//!
//! What comes in is bytes that nobody vouches for; what goes out is a typed answer or a typed [`Failure`], never
//! something in between. Callers speak the words of [`lockgate_domain`] and never see the engine or the contract's
//! generated types, so both can change below them.
//!
//! The way of a component is the order of the modules:
//!
//! 1. [`Runtime::inspect`] and [`Runtime::admit`] read it from the outside and judge it (`admission`);
//! 2. [`Runtime::load`] puts the ids of people in its settings into their normal form (`settings`), configures it once
//!    and freezes the result (`freeze`), compiles it (`compile`), keeps the code (`cache`), and hands back a [`Plugin`];
//! 3. [`Plugin::decide`] and its siblings run it in a fresh sandbox (`sandbox`) that holds a snapshot and what the
//!    operator granted (`capability`), and check what it answers against the contract (`bindings`).
//!
//! [`Failure`]: lockgate_domain::Failure

mod admission;
mod ask;
mod bindings;
mod cache;
mod capability;
mod compile;
mod config;
mod display;
mod evaluation;
mod freeze;
mod inspection;
mod load;
mod plugin;
mod recording;
mod runtime;
mod sandbox;
mod settings;
mod wasi;

pub use admission::{AdmissionError, AdmissionLimits, AdmissionRefusal, AdmittedComponent};
pub use ask::{Call, Said};
pub use cache::CacheError;
pub use capability::{
    AddressRange, AddressRangeError, Content, DirectoryGrant, DirectoryGrantError, FolderOfNamespaces, GrantError,
    Grants, HttpGrant, HttpGrantError, KeyValueGrant, Method, MethodError, NamespaceAccess, NamespaceChanges,
    NamespaceError, Namespaces, Origin, OriginError, ValueChanges, check_namespace,
};
pub use config::{Allocation, Limits, RuntimeConfig};
pub use evaluation::Evaluation;
pub use freeze::Freezing;
pub use inspection::{InspectedCapability, InspectedImport, Inspection};
pub use load::{LoadError, LoadRequest};
pub use plugin::Plugin;
pub use recording::{
    Context, EXTENSION, Engine, Outcome, RecordedLimits, RecordedPlugin, Recording, RecordingError, Replayed, Used,
};
pub use runtime::{Runtime, RuntimeError};
pub use sandbox::Exchange;
pub use settings::{MarkError, MarkedSetting, MarkedValue, PeriodEnd, SettingsMark};

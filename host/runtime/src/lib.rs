//! Runs one sandboxed plugin component: admits it, configures it, freezes it, compiles it, keeps the compiled code,
//! and evaluates snapshots with it under limits.
//!
//! The input is bytes that nobody vouches for; the output is a typed answer or a typed [`Failure`], never anything in
//! between. Callers use the types of [`lockgate_domain`] and never see Wasmtime or the generated types of the contract, so
//! both can change without them.
//!
//! A component passes the modules in this order:
//!
//! 1. [`Runtime::inspect`] and [`Runtime::admit`] read its bytes and decide whether it may be loaded (`admission`);
//! 2. [`Runtime::load`] puts the ids of people in its settings into their normal form (`settings`), configures it once
//!    and freezes the result (`freeze`), compiles it (`compile`), keeps the code (`cache`), and hands back a [`Plugin`];
//! 3. [`Plugin::decide`] and its siblings run it in a fresh sandbox (`sandbox`) that holds a snapshot and what the
//!    operator granted (`capability`), and check what it answers against the contract (`bindings`).
//!
//! [`Failure`]: lockgate_domain::Failure

mod admission;
mod bindings;
mod cache;
mod call;
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
pub use cache::CacheError;
pub use call::{PluginFunction, PluginOutput};
pub use capability::{
    AddressRange, AddressRangeError, Base64Bytes, DirectoryGrant, DirectoryGrantError, FolderOfNamespaces, GrantError,
    Grants, HttpGrant, HttpGrantError, HttpMethod, HttpMethodError, KeyValueGrant, NamespaceAccess, NamespaceChanges,
    NamespaceError, Namespaces, Origin, OriginError, ValueChanges, check_namespace,
};
pub use config::{Allocation, Limits, RuntimeConfig};
pub use evaluation::Evaluation;
pub use freeze::StartUp;
pub use inspection::{InspectedCapability, InspectedImport, Inspection};
pub use load::{LoadError, LoadRequest};
pub use plugin::{Plugin, PluginInvocation};
pub use recording::{
    RECORDING_EXTENSION, RecordedEngine, RecordedLimits, RecordedOutcome, RecordedPlugin, Recording, RecordingError,
    ReplayResult, ResourceUse,
};
pub use runtime::{Runtime, RuntimeError};
pub use sandbox::CapabilityExchange;
pub use settings::{MarkError, MarkedSetting, MarkedValue, PeriodEnd, SettingsMark};

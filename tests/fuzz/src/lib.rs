//! What comes from outside, made hostile: the bodies of the fuzz targets.
//!
//! Each takes any bytes and panics if something that is promised for all inputs does not hold for these. They stand in
//! a library, apart from the binaries that drive them, so that the seeds and every input that once broke something run
//! as ordinary tests, on machines that cannot build libFuzzer, too. Each says whether the bytes were taken for what they
//! may be, so that those tests know that a seed still is one.
//!
//! | target | the bytes are | what is promised |
//! |---|---|---|
//! | [`model`] | a deployment model, TOML | it is read, or everything wrong with it is told at places that exist |
//! | [`expression`] | a condition in CEL | it is answered, or refused at a place that exists; always in little time |
//! | [`snapshot`] | a deployment, snapshot or decision, JSON | what is read has one canonical form, and every rule can judge it |
//! | [`admission`] | a component, or a core module within one | it is admitted or refused; inspecting says the same |
//! | [`answers`] | what a plugin's memory holds when it answers | a valid answer or a typed failure, the same one each time |
//! | [`recording`] | a recording's file | read, packed and read again it is the same one |
#![expect(clippy::panic, clippy::unwrap_used, reason = "a broken promise is told by a panic")]

mod admission;
mod answers;
mod expression;
mod guest;
mod model;
mod recording;
mod snapshot;

pub use admission::admission;
pub use answers::answers;
pub use expression::expression;
pub use model::model;
pub use recording::recording;
pub use snapshot::snapshot;

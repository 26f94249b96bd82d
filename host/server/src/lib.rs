//! HTTP in, engine, HTTP out.

pub mod problem;
pub mod serve;

//! HTTP in, engine, HTTP out.

pub mod api;
pub mod auth;
pub mod config;
pub mod observe;
pub mod problem;
pub mod serve;

//! HTTP in, engine, HTTP out.

#![allow(missing_docs, reason = "no crate but ours builds on it")]

pub mod api;
pub mod auth;
pub mod config;
pub mod observe;
pub mod problem;
pub mod serve;

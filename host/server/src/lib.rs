//! The server: HTTP in, service, HTTP out. No rule of the domain lives here.
//!
//! The modules, in the order in which a request passes them. Each uses only those before it.
//!
//! 1. [`config`]: the settings; [`process`]: threads, and the signals for a shutdown; [`problem`]: errors as documents;
//!    [`observe`]: metrics, logs, traces and the decision log; `notify`: events for webhooks. All others use these.
//! 2. [`connection`]: from a socket to a request, over TLS and behind proxies.
//! 3. [`layers`]: the layers around every route: request id, metrics and logs, problems, panics, headers.
//! 4. [`auth`]: finds the actor.
//! 5. [`intake`]: the request's place among others, its body, its turn.
//! 6. [`api`]: the routes and their handlers.
//! 7. [`serve`]: puts all of it together, starts and ends it.

#![allow(missing_docs, reason = "no crate but ours builds on it")]

pub mod config;

pub mod process;

pub mod problem;

pub mod observe;

pub mod connection;

pub mod layers;

mod notify;

pub mod auth;

pub mod intake;

pub mod api;

pub mod serve;

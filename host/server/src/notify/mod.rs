//! Tells other servers what happens, without their asking: events for webhooks.
//!
//! - `event` makes a CloudEvent of what an entry of the ledger tells people ([`lockgate_service::Notice`]). Where CDEvents has a word
//!   for it, the event carries that.
//! - `webhook` signs an event and posts it.
//! - `outbox` decides what is sent next. The ledger is the queue: each webhook has a cursor in it, so nothing is lost however long a
//!   receiver is away, and after a crash at worst one event comes again, with the same id. One server at a time sends to a webhook.
//!   What a receiver refuses, or does not take for long, is kept as a dead letter.

mod event;
mod outbox;
mod webhook;

pub(crate) use outbox::{WebhookState, keep_notifying, states};

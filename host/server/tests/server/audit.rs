//! The audit log over HTTP, on real sockets. How an auditor reads it is tested where they do: in the command.

mod routes;
mod teams;

//! The audit log over HTTP, on real sockets: by a server that is honest, and by servers that are not.

mod honest;
mod lying;
mod support;
mod teams;

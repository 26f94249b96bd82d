//! HTTP in, engine, HTTP out.

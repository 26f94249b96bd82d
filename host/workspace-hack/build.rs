//! Does nothing. Cargo looks at the build dependencies of a crate only where the crate has a build script.

fn main() {}

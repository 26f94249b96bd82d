//! Nothing. The manifest of this crate says what it is for.

//! Every hostile guest of `tests/hostile` is let loose, beside a victim that must not notice.

mod corpus;
mod readme;

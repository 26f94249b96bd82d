//! The contract in its generated form, one module per major version, and its conversion to and from the domain.
//!
//! Nothing outside sees a generated type: a second version of the contract is a second module beside the first.

pub(crate) mod v0;

//! From what each binding and group says to what the gate says.

//! The host functions that plugins call: their names in receipts and recordings, and how calls are counted and paid for.

use std::collections::BTreeMap;
use std::fmt;

use wasmtime::{AsContextMut, Trap};

/// A host function. Its text form is its name in receipts and recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostFunction {
    /// None for the functions of `snapshot` and `log`, which are named without their interface.
    capability: Option<&'static str>,
    name: &'static str,
    /// The cost of one question to a capability, in fuel, beside its bytes: about the number of instructions that the host
    /// executes for it.
    pub(crate) fuel: u64,
}

impl HostFunction {
    /// A function that is named without its interface, for example `now`. It is paid for in host effort, not in fuel.
    pub(crate) const fn plain(name: &'static str) -> Self {
        Self { capability: None, name, fuel: 0 }
    }

    /// A function of a capability, for example `http.send`. Each question costs `fuel`, beside what its bytes cost.
    pub(crate) const fn of_capability(capability: &'static str, name: &'static str, fuel: u64) -> Self {
        Self { capability: Some(capability), name, fuel }
    }

    /// Whether both are the same function.
    fn is(self, other: Self) -> bool {
        (self.name, self.capability) == (other.name, other.capability)
    }
}

impl fmt::Display for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(capability) = self.capability {
            write!(f, "{capability}.")?;
        }
        f.write_str(self.name)
    }
}

/// The number of calls of each host function in one call of a plugin.
#[derive(Debug, Default)]
pub(super) struct CallCounts(Vec<(HostFunction, u64)>);

impl CallCounts {
    /// Counts one call.
    pub(super) fn add(&mut self, function: HostFunction) {
        match self.0.iter_mut().find(|(counted, _)| counted.is(function)) {
            Some((_, count)) => *count += 1,
            None => self.0.push((function, 1)),
        }
    }

    /// The number of calls of each function that was called, by its name.
    pub(super) fn by_name(&self) -> BTreeMap<String, u64> {
        self.0.iter().map(|(function, count)| (function.to_string(), *count)).collect()
    }
}

/// Has the guest pay for what the host does for it, in fuel.
///
/// # Errors
/// [`Trap::OutOfFuel`] if it has less left.
pub(crate) fn charge(mut store: impl AsContextMut, fuel: u64) -> wasmtime::Result<()> {
    let mut store = store.as_context_mut();
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(fuel))?;
    if left < fuel { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_the_name_of_their_function() {
        let mut counts = CallCounts::default();
        for function in [
            HostFunction::plain("now"),
            HostFunction::of_capability("http", "send", 5),
            HostFunction::plain("now"),
            HostFunction::of_capability("key-value", "get", 1),
            HostFunction::of_capability("directory", "get", 1),
        ] {
            counts.add(function);
        }
        let expected = [("directory.get", 1), ("http.send", 1), ("key-value.get", 1), ("now", 2)];
        assert_eq!(counts.by_name(), expected.map(|(name, count)| (name.to_owned(), count)).into());
    }
}

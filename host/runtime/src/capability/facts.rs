//! The capability `facts`: registers by their names, and the organisation's own facts by `fact:` and their names.
//!
//! Facts are a part of the snapshot, not an import of their own: every plugin that imports the snapshot links their functions,
//! and each name is compared with the grant.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::host_capability::{GrantError, HostCapability, HostServices};
use super::name_patterns::NamePatterns;
use crate::bindings::v0::wit_snapshot::{Document, ReadError};
use crate::bindings::v0::{self, EvaluationHandle, SNAPSHOT};
use crate::sandbox::{HostFunction, Sandbox, charge};

/// The prefix of a pattern that is about facts. Every other pattern is about registers.
const FACT: &str = "fact:";

/// The registers and the facts that a plugin may read.
#[derive(Debug)]
pub(crate) struct FactsCapability {
    /// As they were granted.
    granted: Vec<String>,
    registers: NamePatterns,
    facts: NamePatterns,
}

impl HostCapability for FactsCapability {
    const NAME: &'static str = "facts";
    const GRANT_LINE: &'static str = " = [\"<pattern>\"]";
    const REACH: &'static str = "the registers and facts that are granted";
    const IS_IMPORTED: bool = false;
    const IS_RECORDED: bool = false;

    type Grant = Vec<String>;
    const DEFAULT_GRANT: Vec<String> = Vec::new();

    fn is_granted(grant: &Vec<String>) -> bool {
        !grant.is_empty()
    }

    fn covers(grant: &Vec<String>, scope: &str) -> bool {
        let granted = Self::new(grant);
        match scope.strip_prefix(FACT) {
            Some(fact) => granted.facts.covers(fact),
            None => granted.registers.covers(scope),
        }
    }

    fn open(grant: &Vec<String>, _: &HostServices) -> Result<Option<Self>, GrantError> {
        Ok(Self::is_granted(grant).then(|| Self::new(grant)))
    }

    /// Links two functions of the snapshot again, for a plugin that was granted facts. The plugin pays one unit of fuel for each
    /// byte of a fact, whose number others decide.
    fn link(opened: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        let Some(names) = opened else { return Ok(()) };
        let granted = Arc::clone(&names);
        linker.allow_shadowing(true);
        let mut snapshot = linker.instance(SNAPSHOT)?;
        snapshot.func_wrap(
            "[method]evaluation.fact-names",
            move |mut store: StoreContextMut<'_, Sandbox>, (_,): (EvaluationHandle,)| {
                let snapshot = store.data_mut().count_call(HostFunction::plain("fact-names"))?;
                let mut found = v0::fact_names(&snapshot.deployment);
                found.retain(|name| names.allows_fact(name));
                Ok((found,))
            },
        )?;
        snapshot.func_wrap(
            "[method]evaluation.fact",
            move |mut store: StoreContextMut<'_, Sandbox>, (_, name): (EvaluationHandle, String)| {
                let found = granted.fact(store.data_mut(), name)?;
                charge(&mut store, found.as_ref().map_or(0, |fact| fact.json.len() as u64))?;
                Ok((found,))
            },
        )?;
        linker.allow_shadowing(false);
        Ok(())
    }
}

impl FactsCapability {
    /// A pattern about registers never matches a fact, and the other way round, whatever stars stand in it.
    fn new(patterns: &[String]) -> Self {
        let registers: Vec<String> = patterns.iter().filter(|pattern| !pattern.starts_with(FACT)).cloned().collect();
        let facts: Vec<String> =
            patterns.iter().filter_map(|pattern| pattern.strip_prefix(FACT)).map(str::to_owned).collect();
        Self { granted: patterns.to_vec(), registers: NamePatterns::new(&registers), facts: NamePatterns::new(&facts) }
    }

    /// The patterns, as they were granted.
    pub(crate) fn granted(&self) -> &[String] {
        &self.granted
    }

    /// Whether the register with this name may be read.
    pub(crate) fn allows_register(&self, name: &str) -> bool {
        self.registers.allow(name)
    }

    /// Whether the organisation's own fact with this name may be read.
    pub(crate) fn allows_fact(&self, name: &str) -> bool {
        self.facts.allow(name)
    }

    fn fact(&self, sandbox: &mut Sandbox, name: String) -> wasmtime::Result<Result<Document, ReadError>> {
        sandbox.strain(name.len() as u64)?;
        let snapshot = sandbox.count_call(HostFunction::plain("fact"))?;
        if !self.allows_fact(&name) {
            return Ok(Err(ReadError::NotGranted(name)));
        }
        Ok(v0::find_fact(&snapshot.deployment, &name)?.ok_or(ReadError::Unknown(name)))
    }
}

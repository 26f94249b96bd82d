//! The capability `facts`: documents of an organisation, and the records of the host, by name.
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

/// The facts that a plugin may read.
#[derive(Debug)]
pub(crate) struct FactsCapability(NamePatterns);

impl HostCapability for FactsCapability {
    const NAME: &'static str = "facts";
    const GRANT_LINE: &'static str = " = [\"<pattern>\"]";
    const REACH: &'static str = "the facts that are granted";
    const IS_IMPORTED: bool = false;
    const IS_RECORDED: bool = false;

    type Grant = Vec<String>;
    const DEFAULT_GRANT: Vec<String> = Vec::new();

    fn is_granted(grant: &Vec<String>) -> bool {
        !grant.is_empty()
    }

    fn covers(grant: &Vec<String>, scope: &str) -> bool {
        NamePatterns::new(grant).covers(scope)
    }

    fn open(grant: &Vec<String>, _: &HostServices) -> Result<Option<Self>, GrantError> {
        Ok(Self::is_granted(grant).then(|| Self(NamePatterns::new(grant))))
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
                found.retain(|name| names.0.allow(name));
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
    /// The patterns of the names that may be read.
    pub(crate) fn patterns(&self) -> &NamePatterns {
        &self.0
    }

    fn fact(&self, sandbox: &mut Sandbox, name: String) -> wasmtime::Result<Result<Document, ReadError>> {
        sandbox.strain(name.len() as u64)?;
        let snapshot = sandbox.count_call(HostFunction::plain("fact"))?;
        if !self.0.allow(&name) {
            return Ok(Err(ReadError::NotGranted(name)));
        }
        Ok(v0::find_fact(&snapshot.deployment, &name)?.ok_or(ReadError::Unknown(name)))
    }
}

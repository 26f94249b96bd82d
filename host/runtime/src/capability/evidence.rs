//! The capability `evidence`: files that others attest, by name.
//!
//! Evidence is a part of the snapshot, not an import of its own: every plugin that imports the snapshot links its functions, and
//! each name is compared with the grant.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::host_capability::{GrantError, HostCapability, HostServices};
use super::name_patterns::NamePatterns;
use crate::bindings::v0::wit_snapshot::{Evidence, ReadError};
use crate::bindings::v0::{self, EvaluationHandle, SNAPSHOT};
use crate::sandbox::{HostFunction, Sandbox, charge};

/// The evidence that a plugin may read.
#[derive(Debug)]
pub(crate) struct EvidenceCapability(NamePatterns);

impl HostCapability for EvidenceCapability {
    const NAME: &'static str = "evidence";
    const GRANT_LINE: &'static str = " = [\"<pattern>\"]";
    const REACH: &'static str = "the evidence that is granted";
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

    /// Links three functions of the snapshot again, for a plugin that was granted evidence. The plugin pays one unit of fuel for
    /// each byte that it reads.
    fn link(opened: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        let Some(names) = opened else { return Ok(()) };
        let (heads, contents) = (Arc::clone(&names), Arc::clone(&names));
        linker.allow_shadowing(true);
        let mut snapshot = linker.instance(SNAPSHOT)?;
        snapshot.func_wrap(
            "[method]evaluation.evidence-list",
            move |mut store: StoreContextMut<'_, Sandbox>, (_,): (EvaluationHandle,)| {
                let snapshot = store.data_mut().count_call(HostFunction::plain("evidence-list"))?;
                let granted = snapshot.evidence.iter().filter(|(name, _)| names.0.allow(name));
                Ok((granted.map(|(name, piece)| v0::evidence(name, piece)).collect::<Vec<_>>(),))
            },
        )?;
        snapshot.func_wrap(
            "[method]evaluation.evidence",
            move |mut store: StoreContextMut<'_, Sandbox>, (_, name): (EvaluationHandle, String)| {
                let piece = heads.piece(store.data_mut(), "evidence", name)?;
                Ok((piece.map(|(name, piece)| -> Evidence { v0::evidence(&name, &piece) }),))
            },
        )?;
        snapshot.func_wrap(
            "[method]evaluation.evidence-content",
            move |mut store: StoreContextMut<'_, Sandbox>,
                  (_, name, offset, at_most): (EvaluationHandle, String, u32, u32)| {
                let piece = contents.piece(store.data_mut(), "evidence-content", name)?;
                let part = piece.map(|(_, piece)| part(&piece.content, offset, at_most).to_vec());
                charge(&mut store, part.as_ref().map_or(0, |part| part.len() as u64))?;
                Ok((part,))
            },
        )?;
        linker.allow_shadowing(false);
        Ok(())
    }
}

/// The most bytes of evidence that one call returns.
const LARGEST_PART: u32 = 1 << 20;

/// The bytes from `offset` on, at most `at_most`. None where the evidence ends before.
fn part(content: &[u8], offset: u32, at_most: u32) -> &[u8] {
    let rest = content.get(offset as usize..).unwrap_or_default();
    rest.get(..at_most.min(LARGEST_PART) as usize).unwrap_or(rest)
}

impl EvidenceCapability {
    /// The patterns of the names that may be read.
    pub(crate) fn patterns(&self) -> &NamePatterns {
        &self.0
    }

    /// The piece with that name, if it is granted and there.
    fn piece(
        &self,
        sandbox: &mut Sandbox,
        method: &'static str,
        name: String,
    ) -> wasmtime::Result<Result<(String, lockgate_domain::Evidence), ReadError>> {
        sandbox.strain(name.len() as u64)?;
        let snapshot = sandbox.count_call(HostFunction::plain(method))?;
        if !self.0.allow(&name) {
            return Ok(Err(ReadError::NotGranted(name)));
        }
        Ok(match snapshot.evidence.get(&name) {
            Some(piece) => Ok((name, piece.clone())),
            None => Err(ReadError::Unknown(name)),
        })
    }
}

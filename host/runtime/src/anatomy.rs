//! What a component is, read from the outside: nothing is compiled and nothing is run.
//!
//! Compiling takes time that nothing but the size of a component bounds, so whatever can be refused is refused here.

use lockgate_domain::{CONTRACT_VERSION, Digest};
use semver::Version;
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;

use crate::admission::AdmissionError;
use crate::census;
use crate::config::RuntimeConfig;

/// What a component shows of itself.
#[derive(Clone, Debug)]
pub(crate) struct Anatomy {
    /// The digest of its bytes.
    pub(crate) digest: Digest,
    /// Their number.
    pub(crate) size: u64,
    /// What it imports, by name.
    pub(crate) imports: Vec<String>,
    /// What it exports, by name.
    pub(crate) exports: Vec<String>,
}

/// The name of an import or export: `namespace:package/interface@version`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    /// All of it.
    pub(crate) whole: &'a str,
    /// What stands before the version.
    pub(crate) interface: &'a str,
    version: Option<&'a str>,
}

impl<'a> Name<'a> {
    pub(crate) fn of(whole: &'a str) -> Self {
        match whole.split_once('@') {
            Some((interface, version)) => Self { whole, interface, version: Some(version) },
            None => Self { whole, interface: whole, version: None },
        }
    }

    /// The version, or a word for its absence.
    pub(crate) fn version(&self) -> &'a str {
        self.version.unwrap_or("none")
    }

    /// Whether the version is one that this host speaks: the same major version, and below 1.0 the same minor one.
    pub(crate) fn is_spoken(&self) -> bool {
        let track = |text: &str| {
            Version::parse(text).ok().map(|version| match version.major {
                0 => (0, version.minor),
                major => (major, 0),
            })
        };
        self.version.is_some_and(|theirs| track(theirs).is_some() && track(theirs) == track(CONTRACT_VERSION))
    }
}

impl Anatomy {
    /// Reads a component that is no larger, and consists of no more, than is allowed.
    pub(crate) fn read(bytes: &[u8], allowed: &RuntimeConfig, engine: &Engine) -> Result<Self, AdmissionError> {
        let (size, limit) = (bytes.len() as u64, allowed.max_component_size);
        if size > limit {
            return Err(AdmissionError::TooLarge { size, limit });
        }
        if Engine::detect_precompiled(bytes).is_some() {
            return Err(AdmissionError::Precompiled);
        }
        if !bytes.starts_with(b"\0asm") {
            return Err(AdmissionError::NotWasm);
        }
        match Parser::new(0).parse_all(bytes).next() {
            Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => {}
            Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => return Err(AdmissionError::CoreModule),
            Some(Err(error)) => return Err(error.into()),
            _ => return Err(AdmissionError::NotWasm),
        }
        census::check(bytes, engine.get_wasm_features(), &allowed.bounds)?;
        let (imports, exports) = outside(bytes)?;
        Ok(Self { digest: Digest::of(bytes), size, imports, exports })
    }
}

/// The imports and exports of the outermost component.
fn outside(bytes: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

impl From<wasmparser::Error> for AdmissionError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid { offset: error.offset() as u64, message: error.message().to_owned() }
    }
}

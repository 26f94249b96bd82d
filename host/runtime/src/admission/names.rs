//! Reads the names of a component's imports and exports, and compares them with the grants and with the contract.
//!
//! Nothing but the size of a component bounds how long it takes to compile, so whatever can be refused is refused here.

use lockgate_domain::{CONTRACT_VERSION, Digest, Kind};
use semver::Version;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine as WasmEngine;

use super::{AdmissionError, AdmissionRefusal, KINDS, count};
use crate::bindings::v0;
use crate::capability::Grants;
use crate::config::RuntimeConfig;
use crate::wasi;

/// What the bytes of a component show without running it.
#[derive(Clone, Debug)]
pub(crate) struct ComponentOutline {
    /// The SHA-256 digest of its bytes.
    pub(crate) digest: Digest,
    /// Its size, in bytes.
    pub(crate) size: u64,
    /// The names of its imports, with their versions.
    pub(crate) imports: Vec<String>,
    /// The names of its exports, with their versions.
    pub(crate) exports: Vec<String>,
    /// The names of the methods of `evaluation` that it imports.
    pub(crate) methods: Vec<String>,
    /// Those of them that this host does not have.
    missing: Vec<AdmissionRefusal>,
}

/// The name of an import or export: `namespace:package/interface@version`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterfaceName<'a> {
    /// The whole name.
    pub(crate) whole: &'a str,
    /// The name without its version.
    pub(crate) interface: &'a str,
    version: Option<&'a str>,
}

impl<'a> InterfaceName<'a> {
    pub(crate) fn of(whole: &'a str) -> Self {
        match whole.split_once('@') {
            Some((interface, version)) => Self { whole, interface, version: Some(version) },
            None => Self { whole, interface: whole, version: None },
        }
    }

    /// The version; `none` if there is none.
    pub(crate) fn version(&self) -> &'a str {
        self.version.unwrap_or("none")
    }

    /// Whether this host supports the version.
    pub(crate) fn is_supported(&self) -> bool {
        self.is_supported_by(CONTRACT_VERSION)
    }

    /// Whether a host of that contract supports the version: the same major version, and below 1.0 the same minor version. A
    /// draft (`0.2.0-rc.2`) is compatible with itself alone.
    fn is_supported_by(&self, host: &str) -> bool {
        let track = |version: &Version| match version.major {
            0 => (0, version.minor),
            major => (major, 0),
        };
        let (Ok(theirs), Ok(ours)) = (Version::parse(self.version()), Version::parse(host)) else {
            return false;
        };
        match theirs.pre.is_empty() && ours.pre.is_empty() {
            true => track(&theirs) == track(&ours),
            false => theirs == ours,
        }
    }
}

impl ComponentOutline {
    /// Validates a component against the limits and reads its names.
    pub(crate) fn read(bytes: &[u8], allowed: &RuntimeConfig, engine: &WasmEngine) -> Result<Self, AdmissionError> {
        let (size, limit) = (bytes.len() as u64, allowed.max_component_size);
        if size > limit {
            return Err(AdmissionError::TooLarge { size, limit });
        }
        if WasmEngine::detect_precompiled(bytes).is_some() {
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
        let types = count::check(bytes, engine.get_wasm_features(), &allowed.admission)?;
        let (imports, exports) = outer_names(bytes)?;
        let imported: Vec<(&String, String)> =
            imports.iter().flat_map(|import| methods(import, &types).map(move |method| (import, method))).collect();
        let missing = imported.iter().filter(|(_, method)| !v0::METHODS.contains(&method.as_str()));
        let missing = missing
            .map(|(import, method)| AdmissionRefusal::Method { method: method.clone(), import: (*import).clone() })
            .collect();
        let methods = imported.into_iter().map(|(_, method)| method).collect();
        Ok(Self { digest: Digest::of(bytes), size, imports, exports, methods, missing })
    }

    /// As [`judge`], by the methods that it imports, too.
    pub(crate) fn judge(&self, grants: &Grants) -> Judgement {
        let mut judgement = judge(&self.imports, &self.exports, grants);
        let is_of_another_contract = |refusal: &AdmissionRefusal| matches!(refusal, AdmissionRefusal::Contract { .. });
        if !judgement.refusals.iter().any(is_of_another_contract) {
            judgement.refusals.extend(self.missing.iter().cloned());
        }
        judgement
    }
}

/// The methods of `evaluation` that a component imports from the snapshot. The linker would refuse those that this host does not
/// have, too, but only after the component was compiled, and not by name.
fn methods(import: &str, types: &Types) -> impl Iterator<Item = String> {
    let is_snapshot = InterfaceName::of(import).interface == InterfaceName::of(v0::SNAPSHOT).interface;
    let found = types.component_item_for_import(import).filter(|_| is_snapshot).map(|item| item.ty);
    let names: Vec<String> = match found {
        Some(ComponentEntityType::Instance(instance)) => types[instance].exports.keys().cloned().collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter_map(|name| name.strip_prefix("[method]evaluation.").map(str::to_owned))
}

/// The imports and exports of the outermost component.
fn outer_names(bytes: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
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

/// What follows from the names of a component's imports and exports.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    /// The kinds whose interfaces it exports, in order.
    pub(crate) kinds: Vec<Kind>,
    /// The version of the contract that it was built for; none if it does not export the interface of every plugin.
    pub(crate) contract: Option<String>,
    /// The reasons to refuse it; none if it may be loaded.
    pub(crate) refusals: Vec<AdmissionRefusal>,
}

/// Judges a component by the names of its imports and exports.
pub(crate) fn judge(imports: &[String], exports: &[String], grants: &Grants) -> Judgement {
    let mut refusals: Vec<AdmissionRefusal> =
        imports.iter().filter_map(|import| refuse(InterfaceName::of(import), grants)).collect();
    let mut exported = |interface: &str| {
        let name = exports.iter().map(|export| InterfaceName::of(export)).find(|name| name.interface == interface)?;
        if !name.is_supported() {
            refusals
                .push(AdmissionRefusal::Contract { item: name.whole.to_owned(), theirs: name.version().to_owned() });
        }
        Some(name.version().to_owned())
    };
    let contract = exported(v0::PLUGIN);
    let kinds: Vec<Kind> = KINDS.into_iter().filter(|kind| exported(v0::interface_of(*kind)).is_some()).collect();
    if contract.is_none() {
        refusals.push(AdmissionRefusal::NotAPlugin);
    }
    if kinds.is_empty() {
        refusals.push(AdmissionRefusal::NoKind);
    }
    Judgement { kinds, contract, refusals }
}

/// The interfaces that every plugin may import, without their version, with what it reaches through each.
const ALWAYS_GRANTED: [(&str, &str); 4] = [
    ("lockgate:types/types", "(types only)"),
    ("lockgate:types/rollouts", "(types only)"),
    ("lockgate:types/registers", "(types only)"),
    (
        "lockgate:host/snapshot",
        "the snapshot of the deployment, and the evidence, registers and facts that are granted",
    ),
];

/// Why an import is refused; none if it is granted.
pub(crate) fn refuse(import: InterfaceName<'_>, grants: &Grants) -> Option<AdmissionRefusal> {
    if wasi::interface(import.whole).is_some() {
        return None;
    }
    let whole = || import.whole.to_owned();
    let capability = grants.capabilities().find(|capability| capability.is_imported_as(import.interface));
    if capability.is_none() && !ALWAYS_GRANTED.iter().any(|(interface, _)| *interface == import.interface) {
        return Some(AdmissionRefusal::NotOffered { import: whole(), what: what_is(import.interface) });
    }
    if !import.is_supported() {
        return Some(AdmissionRefusal::Contract { item: whole(), theirs: import.version().to_owned() });
    }
    let capability = capability.filter(|capability| !capability.is_granted)?;
    Some(AdmissionRefusal::NotGranted {
        import: whole(),
        capability: capability.name.to_owned(),
        line: capability.grant_line,
    })
}

/// What a plugin reaches through an import, in words; none if this host does not offer it.
pub(crate) fn reach(import: InterfaceName<'_>, grants: &Grants) -> Option<&'static str> {
    if wasi::interface(import.whole).is_some() {
        return Some("nothing: WASI is empty here");
    }
    let always = ALWAYS_GRANTED.iter().find(|(interface, _)| *interface == import.interface);
    always.map(|(_, reach)| *reach).or_else(|| {
        grants.capabilities().find(|capability| capability.is_imported_as(import.interface)).map(|found| found.reach)
    })
}

/// A description of an interface that this host does not have, by its name.
fn what_is(interface: &str) -> String {
    if interface.starts_with("wasi:http/") {
        return "WASI's HTTP: use `lockgate:host/http` instead".to_owned();
    }
    if interface.starts_with("wasi:") {
        return "a part of WASI that this host does not have; of WASI 0.2 a component may import `cli`, `clocks`, `filesystem`, \
                `io`, `random` and `sockets`, which are empty here"
            .to_owned();
    }
    if interface.starts_with("lockgate:") {
        return format!("an interface that contract {CONTRACT_VERSION} does not have");
    }
    "not an interface of Lockgate".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_a_release_supports_its_line_of_releases() {
        let supported =
            |host: &str, theirs: &str| InterfaceName::of(&format!("lockgate:host/log@{theirs}")).is_supported_by(host);
        for (host, theirs) in
            [("0.2.0", "0.2.0"), ("0.2.0", "0.2.7"), ("0.2.7", "0.2.0"), ("1.0.0", "1.3.0"), ("1.3.0", "1.0.0")]
        {
            assert!(supported(host, theirs), "{host} supports {theirs}");
        }
        for (host, theirs) in [
            ("0.2.0", "0.3.0"),
            ("0.3.0", "0.2.9"),
            ("1.0.0", "2.0.0"),
            ("0.2.0", "0.2.0-rc.2"),
            ("0.2.0-rc.2", "0.2.0"),
            ("0.2.0", "0.2"),
        ] {
            assert!(!supported(host, theirs), "{host} does not support {theirs}");
        }
    }
}

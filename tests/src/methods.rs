//! The methods by which a plugin looks at a snapshot, each as a call in WebAssembly text, made from the contract: a method
//! that is added is called without further ado.

use std::fmt::Write as _;

use lockgate_domain::Registers;
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, Type};

use crate::repository;

/// A method of `evaluation`.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name in the contract.
    pub name: String,
    /// The field that imports it as `$read-<name>`.
    pub import: String,
    /// The field with the text that it is called with; empty if it takes none.
    pub data: String,
    /// The instructions that call it and drop what it returns, for the first 1,000 items of a list. They need the evaluation
    /// in `$evaluation`, memory from 5000 to 6000, and the field `data`.
    pub call: String,
}

/// Something of that name in [`everything`](crate::everything).
fn argument(method: &str, parameter: &str) -> &'static str {
    match (method, parameter) {
        ("evidence" | "evidence-content", "name") => "sbom",
        ("fact", "name") => "cost",
        ("instance-components" | "instance-configuration", "instance") => "shop-eu",
        ("json" | "provenance", "pointer") => "/release",
        ("samples" | "sample-intervals", "kpi") => "K",
        ("competences", "person") => "ada@example.org",
        _ => panic!("which `{parameter}` is `{method}` to be called with?"),
    }
}

/// Where the JSON of the snapshot holds what a method returns; none for the methods that return no part of it.
#[must_use]
pub fn pointer(method: &str) -> Option<String> {
    let member = method.replace('-', "_");
    Some(match method {
        "evidence-content" | "json" | "sections" => return None,
        "components" | "defects" | "knowledge-items" => format!("/release/{member}"),
        "release-notes" => "/release/notes".to_owned(),
        "instance-components" => "/actual_instances/0/components".to_owned(),
        "instance-configuration" => "/actual_instances/0/configuration".to_owned(),
        "samples" | "sample-intervals" => format!("/{member}/K"),
        "competences" => "/people/ada@example.org/competences".to_owned(),
        "approved-components" => "/approved/components".to_owned(),
        "evidence-list" | "evidence" => "/evidence".to_owned(),
        "fact-names" | "fact" => "/facts".to_owned(),
        _ if Registers::NAMES.contains(&method) => format!("/registers/{member}"),
        _ => format!("/{member}"),
    })
}

/// What stands in the JSON of a snapshot and has no field of that name in the contract, and what it is. `*` stands for any item of a
/// list.
pub const WITHOUT_FIELD: [(&str, &str); 16] = [
    ("/actual_instances/*/components", "The components. In WIT `instance-components`."),
    ("/actual_instances/*/configuration", "The configured values. In WIT `instance-configuration`."),
    (
        "/approvals/*/changed",
        "The names of the approved parts that have changed since, so that the answer no longer counts.",
    ),
    ("/approved/components", "The components. In WIT `approved-components`."),
    ("/approved/evidence", "The digests of the approved evidence, by name."),
    ("/approved/plan", "The digest of the approved plan."),
    ("/change/description", "The change in words, of any length."),
    ("/desired_instances/*/components", "The components. In WIT `instance-components`."),
    ("/desired_instances/*/configuration", "The configured values. In WIT `instance-configuration`."),
    ("/history/*/components", "The components of the release, each with `name`, `version` and `digest`."),
    (
        "/release/blueprint",
        "What the release lays down for each environment: `environment`, `instances` and `fulfillment_books`.",
    ),
    ("/release/components", "The components. In WIT `components`."),
    ("/release/defects", "The known defects. In WIT `defects`."),
    ("/release/description", "The release in words, of any length."),
    ("/release/knowledge_items", "The knowledge items. In WIT `knowledge-items`."),
    ("/release/notes", "The release notes. In WIT `release-notes`."),
];

/// All methods, in the order of the contract.
///
/// # Panics
/// If the contract is no WIT.
#[must_use]
pub fn methods() -> Vec<Method> {
    let mut resolve = Resolve::default();
    for package in ["types", "host"] {
        resolve.push_dir(repository("wit").join(package)).unwrap();
    }
    let functions = resolve.interfaces.iter().flat_map(|(_, interface)| &interface.functions);
    let mut methods = Vec::new();
    for (full, function) in functions {
        let Some(name) = full.strip_prefix("[method]evaluation.") else { continue };
        let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
        let (mut params, mut results, mut call) = (String::new(), String::new(), format!("(call $read-{name}"));
        for param in &signature.params {
            write!(params, " {}", word(*param)).unwrap();
        }
        // Each method has a place of its own, so that one plugin can call all.
        let (at, mut data) = (6000 + 32 * methods.len(), String::new());
        call.push_str(" (local.get $evaluation)");
        for param in function.params.iter().skip(1) {
            let text = match (param.ty, param.name.as_str()) {
                // From the beginning, at most 1,000.
                (_, "page") => "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000)".to_owned(),
                (Type::Bool, _) => "(i32.const 1)".to_owned(),
                (Type::U32, "at-most") => "(i32.const 1048576)".to_owned(),
                (Type::U32, _) => "(i32.const 0)".to_owned(),
                (_, text) => {
                    let text = argument(name, text);
                    data = format!("(data (i32.const {at}) \"{text}\")");
                    format!("(i32.const {at}) (i32.const {})", text.len())
                }
            };
            write!(call, " {text}").unwrap();
        }
        if signature.retptr {
            call.push_str(" (i32.const 5000)");
        }
        call.push(')');
        if let Some(result) = signature.results.first() {
            write!(results, "(result {})", word(*result)).unwrap();
            call = format!("(drop {call})");
        }
        let import = format!(
            r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "{full}" (func $read-{name} (param{params}) {results}))"#
        );
        methods.push(Method { name: name.to_owned(), import, data, call });
    }
    methods
}

fn word(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    }
}

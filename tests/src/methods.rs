//! The methods by which a plugin looks at a snapshot, each as a call in WebAssembly text, made from the contract: a method
//! that is added is called without further ado.

use std::fmt::Write as _;

use lockgate_domain::Registers;
use wit_parser::Resolve;
use wit_parser::abi::{AbiVariant, WasmType};

use crate::repository;

/// A method of `evaluation`.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name in the contract.
    pub name: String,
    /// The field that imports it as `$read-<name>`.
    pub import: String,
    /// The instructions that call it and drop what it returns: with empty texts, and for the first 1,000 items of a list. They
    /// need the evaluation in `$evaluation`, and memory from 5000 on.
    pub call: String,
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
        "approved-components" => "/approved/components".to_owned(),
        "evidence-list" | "evidence" => "/evidence".to_owned(),
        "fact-names" | "fact" => "/facts".to_owned(),
        _ if Registers::NAMES.contains(&method) => format!("/registers/{member}"),
        _ => format!("/{member}"),
    })
}

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
        let last = signature.params.len() - 1;
        for (index, param) in signature.params.iter().enumerate() {
            let word = word(*param);
            write!(params, " {word}").unwrap();
            let is_page = function.params.get(1).is_some_and(|param| param.name == "page");
            match index {
                0 => call.push_str(" (local.get $evaluation)"),
                _ if signature.retptr && index == last => call.push_str(" (i32.const 5000)"),
                // Beside the results, the last number of a page is that of its items.
                _ if is_page && index + 1 == last => call.push_str(" (i32.const 1000)"),
                _ => write!(call, " ({word}.const 0)").unwrap(),
            }
        }
        call.push(')');
        if let Some(result) = signature.results.first() {
            write!(results, "(result {})", word(*result)).unwrap();
            call = format!("(drop {call})");
        }
        let import = format!(
            r#"(import "lockgate:host/snapshot@0.2.0-rc.1" "{full}" (func $read-{name} (param{params}) {results}))"#
        );
        methods.push(Method { name: name.to_owned(), import, call });
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

//! A plugin and a host of different texts of the contract: what each may lack, and what is refused.

use std::sync::Arc;

use crate::support::{Guest, runtime, snapshot};
use lockgate_domain::PolicyVerdict;
use lockgate_runtime::{AdmissionError, AdmissionRefusal, Grants, LoadRequest};
use wasmtime::component::{Component, Linker, ResourceType, Val};
use wasmtime::{Config, Engine};

/// A later text, with a method that no host has yet.
fn with_tenant(package: &str, text: String) -> String {
    let id = "    id: func() -> string;\n";
    match package {
        "host" => text.replace(id, &format!("{id}    @since(version = 0.2.0-rc.2)\n    tenant: func() -> string;\n")),
        _ => text,
    }
}

/// An earlier text, before `exemptions` was added.
fn without_exemptions(package: &str, text: String) -> String {
    let Some((before, after)) =
        text.split_once("    /// The waivers and overrides that were granted for the deployment.\n")
    else {
        assert_ne!(package, "host");
        return text;
    };
    let (_, after) = after.split_once(";\n").unwrap();
    format!("{before}{after}")
}

/// A policy that reads one thing, and abstains.
fn reads(method: &str) -> Guest {
    let import = format!(
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.{method}" (func $ask (param i32 i32)))"#
    );
    Guest {
        world: "import lockgate:host/snapshot@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: import.leak(),
        decide: "(call $ask (local.get $evaluation) (i32.const 5000))",
        ..Guest::default()
    }
}

/// Loads the component and lets it decide.
fn runs(component: Vec<u8>) {
    let request = LoadRequest { component: component.into(), ..Guest::default().request() };
    let plugin = runtime().load(request).unwrap();
    let answer = plugin.decide(&Arc::new(snapshot())).outcome.unwrap();
    assert_eq!(answer.verdict, PolicyVerdict::Abstain);
}

#[test]
fn a_plugin_of_a_later_text_runs_if_it_uses_nothing_new() {
    runs(reads("id").component_against("0.2.0-rc.2", with_tenant));
}

#[test]
fn a_plugin_of_an_earlier_text_runs() {
    runs(reads("id").component_against("0.2.0-rc.2", without_exemptions));
}

#[test]
fn a_plugin_that_uses_a_new_method_is_refused_by_the_name_of_the_method() {
    let component = reads("tenant").component_against("0.2.0-rc.2", with_tenant);
    let error = runtime().admit(&component, &Grants::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`evaluation.tenant` of `lockgate:host/snapshot@0.2.0-rc.2` is imported, and contract 0.2.0-rc.2 of this host does not \
         have it: use a later host, or build the plugin without this method"
    );
    let inspection = runtime().inspect(&component, &Grants::default()).unwrap();
    let refusals = [AdmissionRefusal::Method {
        method: "tenant".to_owned(),
        import: "lockgate:host/snapshot@0.2.0-rc.2".to_owned(),
    }];
    assert_eq!(inspection.refusals, refusals);
}

#[test]
fn a_plugin_of_another_draft_is_refused_by_its_version_alone() {
    let component = reads("tenant").component_against("0.2.0-rc.3", with_tenant);
    let AdmissionError::Refused(refusals) = runtime().admit(&component, &Grants::default()).unwrap_err() else {
        panic!("it is refused");
    };
    assert_eq!(refusals.len(), 4, "{refusals:?}");
    for refusal in refusals {
        let AdmissionRefusal::Contract { theirs, .. } = refusal else { panic!("{refusal}") };
        assert_eq!(theirs, "0.2.0-rc.3");
    }
}

/// Hosts of one line of releases link by `lockgate:host@0.2`. No release is made yet, so a linker with one function stands for
/// a host of 0.2.0.
#[test]
fn a_host_of_a_release_links_plugins_of_later_releases_of_its_line() {
    let mut config = Config::new();
    config.wasm_component_model(true);
    let engine = Engine::new(&config).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    let mut offered = linker.instance("lockgate:host/snapshot@0.2.0").unwrap();
    offered.resource("evaluation", ResourceType::host::<u32>(), |_, _| Ok(())).unwrap();
    let id = |_: wasmtime::StoreContextMut<'_, ()>, _, _: &[Val], results: &mut [Val]| {
        results[0] = Val::String("d-1".to_owned());
        Ok(())
    };
    offered.func_new("[method]evaluation.id", id).unwrap();
    linker.instance("lockgate:types/types@0.2.0").unwrap();

    let links = |method: &str, version: &str| {
        let component = reads(method).component_against(version, with_tenant);
        linker
            .instantiate_pre(&Component::new(&engine, component).unwrap())
            .map(drop)
            .map_err(|error| format!("{error:#}"))
    };
    assert_eq!(links("id", "0.2.0"), Ok(()));
    assert_eq!(links("id", "0.2.1"), Ok(()));
    assert!(links("tenant", "0.2.1").unwrap_err().contains("[method]evaluation.tenant"));
    for other in ["0.2.0-rc.2", "0.3.0"] {
        links("id", other).unwrap_err();
    }
}

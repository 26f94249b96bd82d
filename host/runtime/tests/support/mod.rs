//! Plugins written in WebAssembly text, so that they can do what no compiler would: each test says the one thing that
//! is special about its plugin, and the rest of it keeps to the contract.

#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test support")]

use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{Digest, Snapshot};
use lockgate_runtime::{Grants, Limits, LoadRequest, Runtime, RuntimeConfig};
use serde_json::json;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A guest. Its memory holds, from 1024 on, what `describe` answers; from 4096 on is room for tests; the heap of
/// `cabi_realloc` begins at 65536.
pub struct Guest {
    /// The interfaces of the world besides `lockgate:types/plugin`, as WIT items.
    pub world: &'static str,
    /// The kinds that `describe` names, as their numbers in the contract.
    pub kinds: &'static [u8],
    /// WAT fields: imports of the core module.
    pub imports: &'static str,
    /// WAT fields: data, globals and functions.
    pub fields: &'static str,
    /// The instructions of `describe` before it answers.
    pub describe: &'static str,
    /// The instructions of `configure`, which has the settings in `$at` and `$length`, before it accepts them.
    pub configure: &'static str,
    /// The instructions of `decide`, which has the evaluation in `$evaluation`, before it answers by abstaining.
    pub decide: &'static str,
    /// In pages.
    pub memory: &'static str,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            world: "export lockgate:approval/policy@0.1.0;",
            kinds: &[0],
            imports: "",
            fields: "",
            describe: "",
            configure: "",
            decide: "",
            memory: "2",
        }
    }
}

impl Guest {
    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        for package in ["types", "host", "approval", "check", "strategy"] {
            resolve.push_dir(wit.join(package)).unwrap();
        }
        let world =
            format!("package test:guest;\nworld guest {{ export lockgate:types/plugin@0.1.0; {} }}", self.world);
        let package = resolve.push_str("guest.wit", &world).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let mut module = wat::parse_str(self.module()).unwrap_or_else(|error| panic!("{error}\n{}", self.module()));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
    }

    fn module(&self) -> String {
        let Self { imports, fields, describe, configure, decide, memory, .. } = self;
        let kinds: String = self.kinds.iter().map(|kind| format!("\\{kind:02x}")).collect();
        let count = self.kinds.len();
        let is_policy = self.world.contains("approval/policy");
        let lent = if is_policy {
            r#"(import "lockgate:host/snapshot@0.1.0" "[resource-drop]evaluation" (func $give-back (param i32)))"#
        } else {
            ""
        };
        let decides = if is_policy {
            format!(
                r#"(func $decide (param $evaluation i32) (result i32)
                    {decide}
                    ;; ok(answer {{ ruling: abstain, reasons: [], obligations: [] }})
                    (i32.store8 (i32.const 2000) (i32.const 0))
                    (i32.store8 (i32.const 2004) (i32.const 3))
                    (i32.const 2000))
                (func (export "lockgate:approval/policy@0.1.0#decide") (param $evaluation i32) (result i32)
                    (call $decide (local.get $evaluation))
                    ;; what is lent has to be given back
                    (call $give-back (local.get $evaluation)))"#
            )
        } else {
            String::new()
        };
        format!(
            r#"(module
                {lent}
                {imports}
                (memory (export "memory") {memory})
                (global $heap (mut i32) (i32.const 65536))
                (data (i32.const 1024) "test-guest" "1.0.0" "a guest" "true" "{kinds}")
                {fields}
                (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32)
                    (local.set $at (i32.and
                        (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
                        (i32.sub (i32.const 0) (local.get $align))))
                    (global.set $heap (i32.add (local.get $at) (local.get $size)))
                    (block $fits
                        (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                        (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536))))))
                    (local.get $at))
                (func (export "lockgate:types/plugin@0.1.0#describe") (result i32)
                    {describe}
                    (i32.store (i32.const 1100) (i32.const 1024)) (i32.store (i32.const 1104) (i32.const 10))
                    (i32.store (i32.const 1108) (i32.const 1034)) (i32.store (i32.const 1112) (i32.const 5))
                    (i32.store (i32.const 1116) (i32.const 1050)) (i32.store (i32.const 1120) (i32.const {count}))
                    (i32.store (i32.const 1124) (i32.const 1039)) (i32.store (i32.const 1128) (i32.const 7))
                    (i32.store (i32.const 1132) (i32.const 1046)) (i32.store (i32.const 1136) (i32.const 4))
                    (i32.store (i32.const 1140) (i32.const 0)) (i32.store (i32.const 1144) (i32.const 0))
                    (i32.const 1100))
                (func (export "lockgate:types/plugin@0.1.0#configure")
                    (param $at i32) (param $length i32) (result i32)
                    {configure}
                    (i32.store8 (i32.const 1200) (i32.const 0))
                    (i32.const 1200))
                {decides})"#
        )
    }

    /// The component as it would be loaded, without settings and with the limits that plugins have by default.
    pub fn request(&self) -> LoadRequest {
        LoadRequest {
            component: self.component().into(),
            settings: json!({}),
            grants: Grants::default(),
            limits: Limits::default(),
        }
    }
}

/// A runtime with a small pool and without a cache.
pub fn runtime() -> Runtime {
    Runtime::new(RuntimeConfig { pool_size: 4, ..RuntimeConfig::default() }).unwrap()
}

/// A deployment about which little is known.
pub fn snapshot() -> Snapshot {
    serde_json::from_value(json!({
        "id": "deployment-1",
        "scenario": "first-release",
        "requester": { "id": "ann@example.com", "name": "Ann", "roles": ["release-manager"] },
        "product": { "id": "shop" },
        "release": { "id": "shop-1", "name": "Shop", "version": "1.0.0", "status": "published", "components": [] },
        "environment": { "name": "production", "kind": "live", "control": "full" },
        "change": {
            "id": "CHG-1", "title": "Shop", "category": "normal", "approval": "approved", "risk": "low",
            "releases": ["shop-1"],
        },
        "gate": { "stage": "plan-and-approve", "phase": "exit" },
        "now": "2026-11-21T10:00:00Z",
        "subject": Digest::of(b"release, plan and model"),
    }))
    .unwrap()
}

/// The same, shared.
pub fn shared_snapshot() -> Arc<Snapshot> {
    Arc::new(snapshot())
}

/// A bundled plugin, as it is shipped.
pub fn bundled(name: &str) -> Vec<u8> {
    let directory = std::env::var_os("LOCKGATE_PLUGINS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lockgate/plugins"), Into::into);
    let path = directory.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask dist` first", path.display()))
}

//! Plugins written in WebAssembly text, so that they can do what no compiler would.
//!
//! The frame keeps to the contract; whoever fills it in says the one thing that is special about their guest. It is
//! shared by the tests of the runtime and by the hostile guests, so that the layout of a plugin is written down once.

use std::fs;

use lockgate_runtime::{Grants, Limits, LoadRequest};
use serde_json::json;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::repository;

/// A guest. Its memory holds, from 1024 on, what `describe` answers; from 4096 on is room for who fills the frame in;
/// the schema of its settings begins at 32768, the heap of `cabi_realloc` at 65536.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// The interfaces of the world besides `lockgate:types/plugin`, as WIT items.
    pub world: &'a str,
    /// More interfaces of the package that the world lies in, as WIT.
    pub interfaces: &'a str,
    /// The JSON Schema of its settings, as `describe` says it.
    pub schema: &'a str,
    /// WAT fields: imports of the core module.
    pub imports: &'a str,
    /// WAT fields: data, globals and functions.
    pub fields: &'a str,
    /// The instructions of `describe` before it answers. They may put the address and the number of its capabilities at 1156 and
    /// 1160.
    pub describe: &'a str,
    /// The instructions of `configure`, which has the settings in `$at` and `$length`, before it accepts them.
    pub configure: &'a str,
    /// The instructions of `decide`, which has the evaluation in `$evaluation`, before it answers by abstaining.
    pub decide: &'a str,
    /// The instructions of `cabi_realloc`, while `decide` runs, before it hands out the next free bytes.
    pub realloc: &'a str,
    /// Whether it gives back the evaluation that it is lent, as it must.
    pub gives_back: bool,
    /// In pages.
    pub memory: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            world: "export lockgate:approval/policy@0.2.0-rc.2;",
            interfaces: "",
            schema: "true",
            imports: "",
            fields: "",
            describe: "",
            configure: "",
            decide: "",
            realloc: "",
            gives_back: true,
            memory: "2",
        }
    }
}

impl Guest<'_> {
    /// The component.
    ///
    /// # Panics
    /// If what the frame was filled in with is no WAT or WIT, or makes no component.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        self.component_against("0.2.0-rc.2", |_, text| text)
    }

    /// The component, built against another text of the contract. `text` changes the text of each package, and all packages are
    /// called `version`.
    ///
    /// # Panics
    /// As [`Guest::component`].
    #[must_use]
    pub fn component_against(&self, version: &str, text: impl Fn(&str, String) -> String) -> Vec<u8> {
        let called = |text: &str| text.replace("@0.2.0-rc.2", &format!("@{version}"));
        let mut resolve = Resolve::default();
        for package in ["types", "host", "approval", "check", "strategy"] {
            let file = repository("wit").join(package).join(package).with_extension("wit");
            let text = called(&text(package, fs::read_to_string(&file).unwrap()));
            resolve.push_str(&file, &text).unwrap_or_else(|error| panic!("{error:#}"));
        }
        let world = called(&format!(
            "package test:guest;\n{}\nworld guest {{ export lockgate:types/plugin@0.2.0-rc.2; {} }}",
            self.interfaces, self.world
        ));
        let package = resolve.push_str("guest.wit", &world).unwrap_or_else(|error| panic!("{error:#}\n{world}"));
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let text = called(&self.module());
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let mut encoder = ComponentEncoder::default().validate(true).module(&module).unwrap();
        encoder.encode().unwrap_or_else(|error| panic!("{error:#}\n{text}"))
    }

    fn module(&self) -> String {
        let Self { imports, fields, describe, configure, decide, realloc, memory, .. } = self;
        let (schema, length) = (escaped(self.schema.as_bytes()), self.schema.len());
        let is_policy = self.world.contains("approval/policy");
        let lent = if is_policy {
            r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[resource-drop]evaluation" (func $give-back (param i32)))"#
        } else {
            ""
        };
        let give_back = if self.gives_back { "(call $give-back (local.get $evaluation))" } else { "" };
        let decides = if is_policy {
            format!(
                r#"(func $decide (param $evaluation i32) (result i32)
                    {decide}
                    ;; ok(answer {{ verdict: abstain, with empty lists }})
                    (i32.store8 (i32.const 2000) (i32.const 0))
                    (i32.store8 (i32.const 2004) (i32.const 3))
                    (i32.const 2000))
                (func (export "lockgate:approval/policy@0.2.0-rc.2#decide") (param $evaluation i32) (result i32)
                    (global.set $decides (i32.const 1))
                    (call $decide (local.get $evaluation))
                    {give_back})"#
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
                (data (i32.const 1024) "test-guest" "1.0.0" "a guest")
                (data (i32.const 32768) "{schema}")
                {fields}
                (global $decides (mut i32) (i32.const 0))
                (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
                    (local $at i32)
                    (if (global.get $decides) (then {realloc}))
                    (local.set $at (i32.and
                        (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
                        (i32.sub (i32.const 0) (local.get $align))))
                    (global.set $heap (i32.add (local.get $at) (local.get $size)))
                    (block $fits
                        (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                        (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536))))))
                    (local.get $at))
                (func (export "lockgate:types/plugin@0.2.0-rc.2#describe") (result i32)
                    (i32.store (i32.const 1156) (i32.const 0)) (i32.store (i32.const 1160) (i32.const 0))
                    {describe}
                    (i32.store (i32.const 1100) (i32.const 1024)) (i32.store (i32.const 1104) (i32.const 10))
                    (i32.store (i32.const 1108) (i32.const 1034)) (i32.store (i32.const 1112) (i32.const 5))
                    (i32.store (i32.const 1124) (i32.const 1039)) (i32.store (i32.const 1128) (i32.const 7))
                    (i32.store (i32.const 1148) (i32.const 32768)) (i32.store (i32.const 1152) (i32.const {length}))
                    (i32.const 1100))
                (func (export "lockgate:types/plugin@0.2.0-rc.2#configure")
                    (param $at i32) (param $length i32) (param $files i32) (param $count i32) (result i32)
                    {configure}
                    (i32.store8 (i32.const 1200) (i32.const 0))
                    (i32.const 1200))
                {decides})"#
        )
    }

    /// The component as it would be loaded, without settings and with the limits that plugins have by default.
    #[must_use]
    pub fn request(&self) -> LoadRequest {
        LoadRequest {
            component: self.component().into(),
            settings: json!({}),
            grants: Grants::default(),
            limits: Limits::default(),
        }
    }
}

/// Bytes as a string of WAT.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

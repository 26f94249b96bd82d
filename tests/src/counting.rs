//! Policies that keep values in their namespace, whatever they are asked, and abstain.

use crate::Guest;

const WORLD: &str = "import lockgate:host/key-value@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;";

/// The functions of the capability that counting needs.
pub const COUNTING_IMPORTS: &str = r#"
    (import "lockgate:host/key-value@0.2.0-rc.2" "get" (func $get (param i32 i32 i32)))
    (import "lockgate:host/key-value@0.2.0-rc.2" "set" (func $set (param i32 i32 i32 i32 i32)))"#;

/// Instructions that add one to the byte under the key, which stands at 8192.
#[must_use]
pub fn count(key: &str) -> String {
    let length = key.len();
    format!(
        "(call $get (i32.const 8192) (i32.const {length}) (i32.const 4096))
        (i32.store8 (i32.const 8704) (i32.const 1))
        (if (i32.load8_u (i32.const 4104)) (then
            (i32.store8 (i32.const 8704) (i32.add (i32.const 1) (i32.load8_u (i32.load (i32.const 4108)))))))
        (call $set (i32.const 8192) (i32.const {length}) (i32.const 8704) (i32.const 1) (i32.const 4096))"
    )
}

/// A policy that counts its calls under a key, as one byte.
#[must_use]
pub fn counting(key: &str) -> Vec<u8> {
    let (fields, decide) = (format!("(data (i32.const 8192) \"{key}\")"), count(key));
    Guest { world: WORLD, imports: COUNTING_IMPORTS, fields: &fields, decide: &decide, ..Guest::default() }.component()
}

/// A policy that gives a key a value.
#[must_use]
pub fn setting(key: &str, value: &str) -> Vec<u8> {
    let fields = format!("(data (i32.const 8192) \"{key}\") (data (i32.const 8704) \"{value}\")");
    let decide = format!(
        "(call $set (i32.const 8192) (i32.const {}) (i32.const 8704) (i32.const {}) (i32.const 4096))",
        key.len(),
        value.len()
    );
    Guest { world: WORLD, imports: COUNTING_IMPORTS, fields: &fields, decide: &decide, ..Guest::default() }.component()
}

/// A strategy with the one step `one`, which disables all instances, and removal as its way back. It counts how often it is asked
/// what to do next, under `count`, and asks for that step each time.
#[must_use]
pub fn counting_strategy() -> Vec<u8> {
    let imports = format!(
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[resource-drop]evaluation" (func $give-back (param i32)))
        {COUNTING_IMPORTS}"#
    );
    let fields = format!(
        r#"(data (i32.const 8192) "count") (data (i32.const 8448) "one")
        (func (export "lockgate:strategy/strategy@0.2.0-rc.2#plan") (param $evaluation i32) (result i32)
            (call $give-back (local.get $evaluation))
            ;; The step: id, title, disable({{}}). What is not written is zero: none, or empty.
            (i32.store (i32.const 4096) (i32.const 8448)) (i32.store (i32.const 4100) (i32.const 3))
            (i32.store (i32.const 4104) (i32.const 8448)) (i32.store (i32.const 4108) (i32.const 3))
            (i32.store8 (i32.const 4112) (i32.const 4))
            ;; ok(rollout): the step, no steps back, no point of no return, removal as the way back, the summary.
            (i32.store (i32.const 2004) (i32.const 4096)) (i32.store (i32.const 2008) (i32.const 1))
            (i32.store (i32.const 2072) (i32.const 8448)) (i32.store (i32.const 2076) (i32.const 3))
            (i32.const 2000))
        (func (export "lockgate:strategy/strategy@0.2.0-rc.2#advance")
            (param $evaluation i32) (result i32)
            {}
            (call $give-back (local.get $evaluation))
            ;; ok(perform(["one"]))
            (i32.store8 (i32.const 2000) (i32.const 0))
            (i32.store8 (i32.const 2008) (i32.const 0))
            (i32.store (i32.const 2016) (i32.const 8464))
            (i32.store (i32.const 2020) (i32.const 1))
            (i32.store (i32.const 8464) (i32.const 8448))
            (i32.store (i32.const 8468) (i32.const 3))
            (i32.const 2000))"#,
        count("count")
    );
    let world = "import lockgate:host/key-value@0.2.0-rc.2; export lockgate:strategy/strategy@0.2.0-rc.2;";
    Guest { world, imports: &imports, fields: &fields, ..Guest::default() }.component()
}

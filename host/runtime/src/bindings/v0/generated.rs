//! The code that wasmtime generates from the WIT packages of the contract: the exports of plugins, and the snapshot.
//! Each capability generates its own interface in its own folder.

#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]

/// The host resource `evaluation`. A sandbox has one snapshot, so a handle to the resource carries nothing.
#[derive(Debug)]
pub enum EvaluationResource {}

wasmtime::component::bindgen!({
    path: ["../../wit/types", "../../wit/host", "../../wit/approval", "../../wit/check", "../../wit/strategy"],
    inline: "
        package lockgate:runtime;
        world plugin {
            import lockgate:host/snapshot@0.2.0-rc.2;
            export lockgate:types/plugin@0.2.0-rc.2;
            export lockgate:approval/policy@0.2.0-rc.2;
            export lockgate:check/check@0.2.0-rc.2;
            export lockgate:strategy/strategy@0.2.0-rc.2;
        }
    ",
    world: "lockgate:runtime/plugin",
    imports: { default: trappable },
    with: { "lockgate:host/snapshot.evaluation": EvaluationResource },
    // A test compares what plugins are shown with the JSON of the same snapshot.
    additional_derives: [serde::Serialize],
});

//! The guest of the targets that need a real one: a plugin of all three kinds that answers with the evidence it reads.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The plugin, written in WebAssembly text so that it lays its memory out as it is told.
const ANSWERS: &str = include_str!("../guests/answers.wat");

const WORLD: &str = "
    package fuzz:guest;
    world guest {
        export lockgate:types/plugin@0.2.0-rc.2;
        export lockgate:approval/policy@0.2.0-rc.2;
        export lockgate:check/check@0.2.0-rc.2;
        export lockgate:strategy/strategy@0.2.0-rc.2;
    }
";

/// The component.
pub(crate) fn component() -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for package in ["types", "host", "approval", "check", "strategy"] {
        resolve.push_dir(wit.join(package)).unwrap();
    }
    let package = resolve.push_str("guest.wit", WORLD).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut module = wat::parse_str(ANSWERS).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

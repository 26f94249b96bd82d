//! Whoever writes a plugin may see nothing but the WIT: every item says what it means and since when it is there.

use wit_parser::{Docs, Resolve, Stability, TypeDefKind, WorldItem};

use crate::contract::text::Contract;

/// Names of all items without words, and of all without `@since`.
fn silent(resolve: &Resolve) -> (Vec<String>, Vec<String>) {
    let (mut wordless, mut ageless) = (Vec::new(), Vec::new());
    let mut look = |name: String, docs: &Docs, stability: Option<&Stability>| {
        if docs.contents.as_ref().is_none_or(|words| words.trim().is_empty()) {
            wordless.push(name.clone());
        }
        if stability.is_some_and(|stability| !matches!(stability, Stability::Stable { .. })) {
            ageless.push(name);
        }
    };
    for (_, package) in resolve.packages.iter() {
        look(package.name.to_string(), &package.docs, None);
    }
    for (_, world) in resolve.worlds.iter() {
        look(world.name.clone(), &world.docs, Some(&world.stability));
        for (_, item) in world.imports.iter().chain(&world.exports) {
            assert!(matches!(item, WorldItem::Interface { .. }), "{}: worlds hold nothing but interfaces", world.name);
        }
    }
    for (_, interface) in resolve.interfaces.iter() {
        let place = interface.name.clone().unwrap_or_default();
        look(place.clone(), &interface.docs, Some(&interface.stability));
        for (name, &id) in &interface.types {
            let Some(definition) = resolve.types.get(id) else { continue };
            // A `use` is documented where it points.
            if !matches!(definition.kind, TypeDefKind::Type(wit_parser::Type::Id(_))) {
                look(format!("{place}.{name}"), &definition.docs, Some(&definition.stability));
            }
        }
        for (name, function) in &interface.functions {
            look(format!("{place}.{name}"), &function.docs, Some(&function.stability));
        }
    }
    (wordless, ageless)
}

#[test]
fn every_item_is_documented_and_says_since_when_it_is_there() {
    let (wordless, ageless) = silent(&Contract::today().resolve());
    assert_eq!((wordless, ageless), (Vec::<String>::new(), Vec::<String>::new()));
}

#[test]
fn an_item_without_words_is_found() {
    let contract = Contract::today().with(
        "approval",
        "  /// Decides. Pure: the same snapshot and settings give the same answer.\n",
        "",
    );
    assert!(silent(&contract.resolve()).0.contains(&"policy.decide".to_owned()));
}

#[test]
fn an_item_without_since_is_found() {
    let contract = Contract::today().with("check", "  @since(version = 0.2.0-rc.2)\n  enum outcome", "  enum outcome");
    assert_eq!(silent(&contract.resolve()).1, ["check.outcome"]);
}

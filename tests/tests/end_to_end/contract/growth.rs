//! The rules of growth as code.
//!
//! `wit_component::semver_check` asks whether a component that was built against the old world still fits where the new
//! one is expected. That is the rule that counts for binaries, but it looks at one world at a time, lets exports
//! vanish, and does not know what this project promises beyond it. So every item is also compared by name: what was
//! there must be there, unchanged; what is new must be in a place that may grow and say since when it is there.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use wit_component::semver_check;
use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, Resolve, Stability, Type, TypeDefKind, TypeId, WorldId, WorldItem,
};

use crate::contract::text::Contract;

/// Every way in which `new` breaks what `old` promised. Empty: none.
pub(crate) fn breaches(old: &Contract, new: &Contract) -> Vec<String> {
    let mut breaches = refused_components(old, new);
    breaches.extend(broken_rules(&old.resolve(), &new.resolve()));
    breaches
}

/// The worlds of `old` whose components `semver_check` no longer accepts.
pub(crate) fn refused_components(old: &Contract, new: &Contract) -> Vec<String> {
    let mut refused = Vec::new();
    let old = old.resolve();
    for (world, name) in worlds(&old) {
        let mut both = new.resolve();
        let Some(successor) = worlds(&both).into_iter().find(|(_, other)| *other == name).map(|(id, _)| id) else {
            refused.push(format!("world {name} is gone"));
            continue;
        };
        let remap = match both.merge(under_another_version(old.clone())) {
            Ok(remap) => remap,
            Err(error) => panic!("both contracts in one place: {error:#}"),
        };
        let Some(predecessor) = remap.worlds.get(world.index()).copied().flatten() else {
            panic!("world {name} was lost");
        };
        if let Err(error) = semver_check(both, predecessor, successor) {
            refused.push(format!("world {name}: {error:#}"));
        }
    }
    refused
}

/// Two packages with one name and version cannot be resolved together, and today's contract may be called as the
/// released one is. `semver_check` looks at no version.
fn under_another_version(mut resolve: Resolve) -> Resolve {
    let mut names = resolve.package_names.clone();
    names.clear();
    for (id, package) in resolve.packages.iter_mut() {
        if let Some(version) = &mut package.name.version {
            *version = Version::new(0, 0, 0);
        }
        names.insert(package.name.clone(), id);
    }
    resolve.package_names = names;
    resolve
}

fn worlds(resolve: &Resolve) -> Vec<(WorldId, String)> {
    resolve
        .worlds
        .iter()
        .filter_map(|(id, world)| Some((id, resolve.packages.get(world.package?)?.name.interface_id(&world.name))))
        .map(|(id, name)| (id, without_version(&name)))
        .collect()
}

/// One thing that a contract promises.
struct Item {
    /// All that matters of it, in one line.
    text: String,
    /// None: it cannot say.
    since: Option<Stability>,
    /// What has to be new too for this to be an allowed addition. None: it may be added by itself.
    only_within_new: Option<String>,
}

/// What is in `old` and is gone or different in `new`.
pub(crate) fn changes(old: &Contract, new: &Contract) -> Vec<String> {
    lost_or_changed(&items(&old.resolve()), &items(&new.resolve()))
}

fn lost_or_changed(before: &BTreeMap<String, Item>, after: &BTreeMap<String, Item>) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, item) in before {
        match after.get(name) {
            None => broken.push(format!("{name} is gone")),
            Some(now) if now.text != item.text => {
                broken.push(format!("{name} was `{}` and is `{}`", item.text, now.text));
            }
            Some(now) if now.since != item.since => broken.push(format!("{name} changed its `@since`")),
            Some(_) => {}
        }
    }
    broken
}

fn broken_rules(old: &Resolve, new: &Resolve) -> Vec<String> {
    let (before, after) = (items(old), items(new));
    let released = version(old);
    let mut broken = lost_or_changed(&before, &after);
    for (name, item) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        if item.only_within_new.as_ref().is_some_and(|place| before.contains_key(place)) {
            broken.push(format!("{name} is new, in a place that may not grow"));
        }
        match &item.since {
            None => {}
            Some(Stability::Stable { since, .. }) if *since > released => {}
            Some(_) => broken.push(format!("{name} is new, but does not say `@since` a version after {released}")),
        }
    }
    broken
}

/// Everything that a contract promises, by name.
fn items(resolve: &Resolve) -> BTreeMap<String, Item> {
    let mut items = BTreeMap::new();
    let mut exported = BTreeSet::new();
    for (id, name) in worlds(resolve) {
        let Some(world) = resolve.worlds.get(id) else { continue };
        let text = "world".to_owned();
        items.insert(name.clone(), Item { text, since: Some(world.stability.clone()), only_within_new: None });
        for (direction, list) in [("imports", &world.imports), ("exports", &world.exports)] {
            for (key, item) in list {
                let exports = direction == "exports";
                if let (true, WorldItem::Interface { id, .. }) = (exports, item) {
                    exported.insert(*id);
                }
                let key = without_version(&resolve.name_world_key(key));
                // An import asks nothing of components that exist; an export asks them for what they do not have.
                let only_within_new = exports.then(|| name.clone());
                items.insert(format!("{name} {direction} {key}"), Item { text: key, since: None, only_within_new });
            }
        }
    }
    for (id, interface) in resolve.interfaces.iter() {
        let Some(place) = interface_name(resolve, id) else { continue };
        let frozen = exported.contains(&id).then(|| place.clone());
        for (name, &id) in &interface.types {
            let Some(definition) = resolve.types.get(id) else { continue };
            let text = self::definition(resolve, &definition.kind);
            let since = match definition.kind {
                // A `use` says since when where it is defined.
                TypeDefKind::Type(Type::Id(_)) => None,
                _ => Some(definition.stability.clone()),
            };
            items.insert(format!("{place}.{name}"), Item { text, since, only_within_new: frozen.clone() });
        }
        for (name, function) in &interface.functions {
            let method = matches!(function.kind, FunctionKind::Method(_));
            // What plugins see grows by methods; what they can do grows by interfaces, so that it can be granted.
            let only_within_new = if method { frozen.clone() } else { Some(place.clone()) };
            let text = signature(resolve, function);
            items.insert(
                format!("{place}.{name}"),
                Item { text, since: Some(function.stability.clone()), only_within_new },
            );
        }
        items.insert(
            place,
            Item { text: "interface".to_owned(), since: Some(interface.stability.clone()), only_within_new: None },
        );
    }
    items
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters = function.params.iter().map(|param| format!("{}: {}", param.name, reference(resolve, &param.ty)));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    format!("func({parameters}) -> {}", optional(resolve, function.result.as_ref()))
}

/// A type as it is used: by its name if it has one, wherever `use` took it from.
fn reference(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
    let original = original(resolve, *id);
    let Some(definition) = resolve.types.get(original) else { return String::new() };
    let place = resolve.type_interface_dep(original).or(match definition.owner {
        wit_parser::TypeOwner::Interface(id) => Some(id),
        _ => None,
    });
    match (&definition.name, place.and_then(|id| interface_name(resolve, id))) {
        (Some(name), Some(place)) => format!("{place}.{name}"),
        _ => self::definition(resolve, &definition.kind),
    }
}

fn original(resolve: &Resolve, id: TypeId) -> TypeId {
    match resolve.types.get(id).map(|definition| &definition.kind) {
        Some(TypeDefKind::Type(Type::Id(inner))) => original(resolve, *inner),
        _ => id,
    }
}

/// A type as it is defined.
fn definition(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let list = |members: Vec<String>| members.join(", ");
    let each = |types: &[Type]| list(types.iter().map(|ty| reference(resolve, ty)).collect());
    match kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter().map(|field| format!("{}: {}", field.name, reference(resolve, &field.ty)));
            format!("record {{ {} }}", list(fields.collect()))
        }
        TypeDefKind::Variant(variant) => {
            let cases =
                variant.cases.iter().map(|case| format!("{}({})", case.name, optional(resolve, case.ty.as_ref())));
            format!("variant {{ {} }}", list(cases.collect()))
        }
        TypeDefKind::Enum(cases) => {
            format!("enum {{ {} }}", list(cases.cases.iter().map(|case| case.name.clone()).collect()))
        }
        TypeDefKind::Flags(flags) => {
            format!("flags {{ {} }}", list(flags.flags.iter().map(|flag| flag.name.clone()).collect()))
        }
        TypeDefKind::Resource => "resource".to_owned(),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", reference(resolve, &Type::Id(*id))),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", reference(resolve, &Type::Id(*id))),
        TypeDefKind::Tuple(tuple) => format!("tuple<{}>", each(&tuple.types)),
        TypeDefKind::Option(ty) => format!("option<{}>", reference(resolve, ty)),
        TypeDefKind::List(ty) => format!("list<{}>", reference(resolve, ty)),
        TypeDefKind::FixedLengthList(ty, length) => format!("list<{}, {length}>", reference(resolve, ty)),
        TypeDefKind::Map(key, value) => format!("map<{}>", each(&[*key, *value])),
        TypeDefKind::Result(result) => {
            let (ok, err) = (optional(resolve, result.ok.as_ref()), optional(resolve, result.err.as_ref()));
            format!("result<{ok}, {err}>")
        }
        TypeDefKind::Type(ty) => reference(resolve, ty),
        TypeDefKind::Future(ty) => format!("future<{}>", optional(resolve, ty.as_ref())),
        TypeDefKind::Stream(ty) => format!("stream<{}>", optional(resolve, ty.as_ref())),
        TypeDefKind::Unknown => panic!("a resolved contract has no unknown type"),
    }
}

fn optional(resolve: &Resolve, ty: Option<&Type>) -> String {
    ty.map_or_else(|| "_".to_owned(), |ty| reference(resolve, ty))
}

fn interface_name(resolve: &Resolve, id: InterfaceId) -> Option<String> {
    resolve.id_of(id).map(|name| without_version(&name))
}

fn without_version(name: &str) -> String {
    name.split_once('@').map_or_else(|| name.to_owned(), |(name, _)| name.to_owned())
}

/// The version of the contract; the five packages carry one.
fn version(resolve: &Resolve) -> Version {
    let versions = resolve.packages.iter().filter_map(|(_, package)| package.name.version.clone());
    versions.max().unwrap_or(Version::new(0, 0, 0))
}

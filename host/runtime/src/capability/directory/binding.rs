//! Converts between the types of `lockgate:host/directory` and those of the capability.

use super::message::{DirectoryError, DirectoryListing, EntryKind};

/// What wasmtime generates from `lockgate:host/directory`.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host"],
        inline: "package lockgate:runtime; world capability { import lockgate:host/directory@0.2.0-rc.2; }",
        world: "lockgate:runtime/capability",
        imports: { default: trappable },
    });
}

pub(super) use generated::lockgate::host::directory as wit;

pub(super) fn listing(listing: DirectoryListing) -> wit::Listing {
    let entries = listing.entries.into_iter();
    wit::Listing {
        entries: entries
            .map(|entry| wit::Entry { name: entry.name, kind: kind(entry.kind), size: entry.size })
            .collect(),
        unnamed: listing.unnamed,
    }
}

fn kind(kind: EntryKind) -> wit::EntryKind {
    match kind {
        EntryKind::File => wit::EntryKind::File,
        EntryKind::Directory => wit::EntryKind::Directory,
        EntryKind::Other => wit::EntryKind::Other,
    }
}

pub(super) fn error(error: DirectoryError) -> wit::DirectoryError {
    match error {
        DirectoryError::NotGranted(name) => wit::DirectoryError::NotGranted(name),
        DirectoryError::InvalidPath(why) => wit::DirectoryError::InvalidPath(why),
        DirectoryError::Missing => wit::DirectoryError::Missing,
        DirectoryError::Outside => wit::DirectoryError::Outside,
        DirectoryError::WrongKind(found) => wit::DirectoryError::WrongKind(kind(found)),
        DirectoryError::TooLarge(limit) => wit::DirectoryError::TooLarge(limit),
        DirectoryError::Unreadable(why) => wit::DirectoryError::Unreadable(why),
    }
}

//! `lockgate:host/directory`: from the contract's types to the capability's, and back.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::generated::lockgate::host::directory as wit;
use crate::capability::{self, DirectoryError, EntryKind, Listing, Place};
use crate::sandbox::{HostCall, Sandbox};

const INTERFACE: &str = "lockgate:host/directory@0.1.0";

type Asked = (String, String);

pub(crate) fn link_directory(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    interface.func_wrap("names", |mut store: StoreContextMut<'_, Sandbox>, (): ()| {
        let names = capability::ask(&mut store, HostCall::DirectoryNames, &(), |sandbox| {
            sandbox.held().map(|held| held.directories.names()).unwrap_or_default()
        })?;
        Ok((names,))
    })?;
    interface.func_wrap(
        "entries",
        |mut store: StoreContextMut<'_, Sandbox>,
         (directory, path): Asked|
         -> wasmtime::Result<(Result<wit::Listing, wit::DirectoryError>,)> {
            let place = Place { directory, path };
            let said = capability::ask(&mut store, HostCall::DirectoryEntries, &place, |sandbox| {
                sandbox.held().ok_or_else(|| not_granted(&place))?.directories.entries(&place)
            })?;
            Ok((said.map(listing).map_err(error),))
        },
    )?;
    interface.func_wrap(
        "read",
        |mut store: StoreContextMut<'_, Sandbox>,
         (directory, path): Asked|
         -> wasmtime::Result<(Result<Vec<u8>, wit::DirectoryError>,)> {
            let place = Place { directory, path };
            let said = capability::ask(&mut store, HostCall::DirectoryRead, &place, |sandbox| {
                sandbox.held().ok_or_else(|| not_granted(&place))?.directories.read(&place)
            })?;
            Ok((said.map(|content| content.0).map_err(error),))
        },
    )
}

fn not_granted(place: &Place) -> DirectoryError {
    DirectoryError::NotGranted(place.directory.clone())
}

fn listing(listing: Listing) -> wit::Listing {
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

fn error(error: DirectoryError) -> wit::DirectoryError {
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

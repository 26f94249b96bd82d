//! Defines the functions and resources of WASI.
//!
//! A function that can answer is defined with its types, which are compared with those of the component when it is linked. A
//! function that would need something that cannot exist here is defined without types, and stops the call.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType, Val};

use super::output::StandardStream;
use super::random::SnapshotRandom;
use crate::sandbox::{Sandbox, charge};

/// The most random bytes of one call.
const MOST_RANDOM: u64 = 64 << 10;
/// The most bytes that a component may print at once, as `check-write` tells it.
const MOST_PRINTED: u64 = 4096;

type Store<'a> = StoreContextMut<'a, Sandbox>;

/// Why a call of WASI stops the component.
#[derive(Debug, thiserror::Error)]
enum WasiError {
    #[error("it called `{function}` of `{interface}`, which is empty for plugins")]
    NothingThere { interface: &'static str, function: String },
    #[error("it exited with `{function}` of `wasi:cli/exit`, status {status}, instead of answering")]
    Exited { function: &'static str, status: u8 },
    #[error("it asked for {asked} random bytes at once; the limit is {MOST_RANDOM}")]
    TooRandom { asked: u64 },
    #[error("it printed {asked} bytes at once; the limit is {MOST_PRINTED}")]
    TooLoud { asked: u64 },
    #[error("it called `poll` with an empty list")]
    NothingToWaitFor,
}

macro_rules! resources {
    ($($(#[$doc:meta])* $type:ident $name:literal,)+) => {
        $($(#[$doc])* #[derive(Debug)] enum $type {})+

        /// Defines a resource by its name, which is unique in WASI. An unknown resource is left out, so linking the component
        /// fails.
        pub(super) fn resource(instance: &mut LinkerInstance<'_, Sandbox>, name: &str) -> wasmtime::Result<()> {
            let resource = match name {
                $($name => ResourceType::host::<$type>(),)+
                _ => return Ok(()),
            };
            instance.resource(name, resource, |mut store: Store<'_>, _| {
                let handles = &mut store.data_mut().wasi.handles;
                *handles = handles.saturating_sub(1);
                Ok(())
            })
        }
    };
}

resources! {
    Descriptor "descriptor",
    DirectoryEntryStream "directory-entry-stream",
    IncomingDatagramStream "incoming-datagram-stream",
    InputStream "input-stream",
    IoError "error",
    Network "network",
    OutgoingDatagramStream "outgoing-datagram-stream",
    OutputStream "output-stream",
    Pollable "pollable",
    ResolveAddressStream "resolve-address-stream",
    TcpSocket "tcp-socket",
    TerminalInput "terminal-input",
    TerminalOutput "terminal-output",
    UdpSocket "udp-socket",
}

#[derive(Clone, Copy, Debug, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

#[derive(Clone, Debug, ComponentType, Lower)]
#[component(record)]
struct TimezoneDisplay {
    #[component(name = "utc-offset")]
    utc_offset: i32,
    name: String,
    #[component(name = "in-daylight-saving-time")]
    in_daylight_saving_time: bool,
}

#[derive(Debug, ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[expect(dead_code, reason = "nothing fails here, but the type has to be WASI's")]
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

/// The result of a function of a stream.
type Streamed<T> = wasmtime::Result<(Result<T, StreamError>,)>;

/// Defines a function.
pub(super) fn function(
    instance: &mut LinkerInstance<'_, Sandbox>,
    interface: &'static str,
    name: &str,
    prints: bool,
) -> wasmtime::Result<()> {
    match interface {
        "wasi:cli/environment" | "wasi:cli/exit" => process(instance, interface, name),
        "wasi:cli/stderr" | "wasi:cli/stdin" | "wasi:cli/stdout" => standard_stream(instance, interface, name),
        "wasi:cli/terminal-stderr" | "wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" => {
            terminal(instance, interface, name)
        }
        "wasi:clocks/monotonic-clock" | "wasi:clocks/timezone" | "wasi:clocks/wall-clock" => {
            clock(instance, interface, name)
        }
        "wasi:io/poll" => poll(instance, interface, name),
        "wasi:io/streams" => stream(instance, interface, name, prints),
        "wasi:random/insecure" | "wasi:random/insecure-seed" | "wasi:random/random" => {
            random(instance, interface, name)
        }
        _ => outside(instance, interface, name),
    }
}

fn process(instance: &mut LinkerInstance<'_, Sandbox>, interface: &'static str, name: &str) -> wasmtime::Result<()> {
    match name {
        "get-environment" => instance.func_wrap(name, |_: Store<'_>, ()| Ok((Vec::<(String, String)>::new(),))),
        "get-arguments" => instance.func_wrap(name, |_: Store<'_>, ()| Ok((Vec::<String>::new(),))),
        "initial-cwd" => instance.func_wrap(name, |_: Store<'_>, ()| Ok((None::<String>,))),
        "exit" => instance.func_wrap(name, |_: Store<'_>, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
            Err(WasiError::Exited { function: "exit", status: u8::from(status.is_err()) }.into())
        }),
        "exit-with-code" => instance.func_wrap(name, |_: Store<'_>, (status,): (u8,)| -> wasmtime::Result<()> {
            Err(WasiError::Exited { function: "exit-with-code", status }.into())
        }),
        _ => nothing_there(instance, interface, name),
    }
}

fn standard_stream(
    instance: &mut LinkerInstance<'_, Sandbox>,
    interface: &'static str,
    name: &str,
) -> wasmtime::Result<()> {
    match name {
        "get-stdin" => instance.func_wrap(name, |store: Store<'_>, ()| Ok((hand_out::<InputStream>(store, 0),))),
        "get-stdout" => instance.func_wrap(name, |store: Store<'_>, ()| {
            Ok((hand_out::<OutputStream>(store, StandardStream::Out.number()),))
        }),
        "get-stderr" => instance.func_wrap(name, |store: Store<'_>, ()| {
            Ok((hand_out::<OutputStream>(store, StandardStream::Err.number()),))
        }),
        _ => nothing_there(instance, interface, name),
    }
}

fn terminal(instance: &mut LinkerInstance<'_, Sandbox>, interface: &'static str, name: &str) -> wasmtime::Result<()> {
    match name {
        "get-terminal-stdin" => instance.func_wrap(name, |_: Store<'_>, ()| Ok((None::<Resource<TerminalInput>>,))),
        "get-terminal-stdout" | "get-terminal-stderr" => {
            instance.func_wrap(name, |_: Store<'_>, ()| Ok((None::<Resource<TerminalOutput>>,)))
        }
        _ => nothing_there(instance, interface, name),
    }
}

fn clock(instance: &mut LinkerInstance<'_, Sandbox>, interface: &'static str, name: &str) -> wasmtime::Result<()> {
    match (interface, name) {
        ("wasi:clocks/monotonic-clock", "now") => instance.func_wrap(name, |_: Store<'_>, ()| Ok((0_u64,))),
        ("wasi:clocks/monotonic-clock", "resolution") => instance.func_wrap(name, |_: Store<'_>, ()| Ok((1_u64,))),
        ("wasi:clocks/monotonic-clock", "subscribe-instant" | "subscribe-duration") => {
            instance.func_wrap(name, |store: Store<'_>, (_,): (u64,)| Ok((hand_out::<Pollable>(store, 0),)))
        }
        ("wasi:clocks/wall-clock", "now") => {
            instance.func_wrap(name, |mut store: Store<'_>, ()| Ok((now(&mut store),)))
        }
        ("wasi:clocks/wall-clock", "resolution") => {
            instance.func_wrap(name, |_: Store<'_>, ()| Ok((Datetime { seconds: 0, nanoseconds: 1_000_000 },)))
        }
        ("wasi:clocks/timezone", "utc-offset") => {
            instance.func_wrap(name, |_: Store<'_>, (_,): (Datetime,)| Ok((0_i32,)))
        }
        ("wasi:clocks/timezone", "display") => instance.func_wrap(name, |_: Store<'_>, (_,): (Datetime,)| {
            Ok((TimezoneDisplay { utc_offset: 0, name: "UTC".to_owned(), in_daylight_saving_time: false },))
        }),
        _ => nothing_there(instance, interface, name),
    }
}

/// The time of the snapshot; 1970 for earlier ones, which the type cannot represent.
fn now(store: &mut Store<'_>) -> Datetime {
    let millis = store
        .data_mut()
        .snapshot_and_moment()
        .map_or(0, |snapshot| u64::try_from(snapshot.now.as_millis()).unwrap_or(0));
    #[expect(clippy::expect_used, reason = "a second has fewer nanoseconds than `u32` can hold")]
    let nanoseconds = u32::try_from(millis % 1000 * 1_000_000).expect("less than a second");
    Datetime { seconds: millis / 1000, nanoseconds }
}

fn poll(instance: &mut LinkerInstance<'_, Sandbox>, interface: &'static str, name: &str) -> wasmtime::Result<()> {
    match name {
        "[method]pollable.ready" => instance.func_wrap(name, |_: Store<'_>, (_,): (Resource<Pollable>,)| Ok((true,))),
        "[method]pollable.block" => instance.func_wrap(name, |_: Store<'_>, (_,): (Resource<Pollable>,)| Ok(())),
        "poll" => instance.func_wrap(name, |store: Store<'_>, (waited_for,): (Vec<Resource<Pollable>>,)| {
            charge(store, waited_for.len() as u64)?;
            if waited_for.is_empty() {
                return Err(WasiError::NothingToWaitFor.into());
            }
            Ok(((0..).zip(&waited_for).map(|(index, _)| index).collect::<Vec<u32>>(),))
        }),
        _ => nothing_there(instance, interface, name),
    }
}

fn stream(
    instance: &mut LinkerInstance<'_, Sandbox>,
    interface: &'static str,
    name: &str,
    prints: bool,
) -> wasmtime::Result<()> {
    type Out = Resource<OutputStream>;
    match name {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            instance.func_wrap(name, |_: Store<'_>, (_, _): (Resource<InputStream>, u64)| -> Streamed<Vec<u8>> {
                Ok((Err(StreamError::Closed),))
            })
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => instance
            .func_wrap(name, |_: Store<'_>, (_, _): (Resource<InputStream>, u64)| -> Streamed<u64> {
                Ok((Err(StreamError::Closed),))
            }),
        "[method]input-stream.subscribe" => instance
            .func_wrap(name, |store: Store<'_>, (_,): (Resource<InputStream>,)| Ok((hand_out::<Pollable>(store, 0),))),
        "[method]output-stream.subscribe" => {
            instance.func_wrap(name, |store: Store<'_>, (_,): (Out,)| Ok((hand_out::<Pollable>(store, 0),)))
        }
        "[method]output-stream.check-write" => {
            instance.func_wrap(name, |_: Store<'_>, (_,): (Out,)| -> Streamed<u64> { Ok((Ok(MOST_PRINTED),)) })
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            instance.func_wrap(name, move |store: Store<'_>, (stream, bytes): (Out, Vec<u8>)| -> Streamed<()> {
                print(store, &stream, &bytes, prints)
            })
        }
        "[method]output-stream.write-zeroes" | "[method]output-stream.blocking-write-zeroes-and-flush" => instance
            .func_wrap(name, move |store: Store<'_>, (stream, count): (Out, u64)| -> Streamed<()> {
                match usize::try_from(count) {
                    Ok(size) if count <= MOST_PRINTED => print(store, &stream, &vec![0; size], prints),
                    _ => Err(WasiError::TooLoud { asked: count }.into()),
                }
            }),
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            instance.func_wrap(name, |_: Store<'_>, (_,): (Out,)| -> Streamed<()> { Ok((Ok(()),)) })
        }
        "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => {
            instance.func_wrap(name, |_: Store<'_>, (_, _, _): (Out, Resource<InputStream>, u64)| -> Streamed<u64> {
                Ok((Err(StreamError::Closed),))
            })
        }
        _ => nothing_there(instance, interface, name),
    }
}

fn print(mut store: Store<'_>, stream: &Resource<OutputStream>, bytes: &[u8], prints: bool) -> Streamed<()> {
    let size = bytes.len() as u64;
    if size > MOST_PRINTED {
        return Err(WasiError::TooLoud { asked: size }.into());
    }
    charge(&mut store, size)?;
    let (Sandbox { wasi, log, .. }, output) = (store.data_mut(), StandardStream::of(stream.rep()));
    wasi.hear(output, bytes);
    if prints {
        wasi.print(output, bytes, log);
    }
    Ok((Ok(()),))
}

fn random(instance: &mut LinkerInstance<'_, Sandbox>, interface: &'static str, name: &str) -> wasmtime::Result<()> {
    match name {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            instance.func_wrap(name, |mut store: Store<'_>, (asked,): (u64,)| match usize::try_from(asked) {
                Ok(count) if asked <= MOST_RANDOM => {
                    charge(&mut store, asked)?;
                    Ok((stream_of_random(&mut store)?.bytes(count),))
                }
                _ => Err(WasiError::TooRandom { asked }.into()),
            })
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            instance.func_wrap(name, |mut store: Store<'_>, ()| Ok((stream_of_random(&mut store)?.number(),)))
        }
        "insecure-seed" => instance.func_wrap(name, |mut store: Store<'_>, ()| {
            let random = stream_of_random(&mut store)?;
            Ok(((random.number(), random.number()),))
        }),
        _ => nothing_there(instance, interface, name),
    }
}

/// The random numbers of this call. They start again once there is a snapshot, which seeds them.
fn stream_of_random<'a>(store: &'a mut Store<'_>) -> wasmtime::Result<&'a mut SnapshotRandom> {
    let sandbox = store.data_mut();
    let made = sandbox.wasi.random.take();
    let random = match made.filter(|random| random.is_of_snapshot == sandbox.snapshot_and_moment().is_some()) {
        Some(random) => random,
        None => SnapshotRandom::of(sandbox.snapshot_and_moment())?,
    };
    Ok(sandbox.wasi.random.insert(random))
}

/// Defines the functions of files and the network.
fn outside(instance: &mut LinkerInstance<'_, Sandbox>, interface: &'static str, name: &str) -> wasmtime::Result<()> {
    match name {
        "get-directories" => {
            instance.func_wrap(name, |_: Store<'_>, ()| Ok((Vec::<(Resource<Descriptor>, String)>::new(),)))
        }
        "instance-network" => instance.func_wrap(name, |store: Store<'_>, ()| Ok((hand_out::<Network>(store, 0),))),
        // Written without types, because the list of WASI's errors is long and one of them is said.
        "create-tcp-socket" | "create-udp-socket" | "resolve-addresses" => {
            instance.func_new(name, |mut store, _, parameters, results| {
                for parameter in parameters {
                    if let Val::Resource(lent) = parameter {
                        lent.resource_drop(&mut store)?;
                    }
                }
                if let Some(result) = results.first_mut() {
                    *result = Val::Result(Err(Some(Box::new(Val::Enum("access-denied".to_owned())))));
                }
                Ok(())
            })
        }
        _ => nothing_there(instance, interface, name),
    }
}

/// Defines a function that stops the call.
fn nothing_there(
    instance: &mut LinkerInstance<'_, Sandbox>,
    interface: &'static str,
    name: &str,
) -> wasmtime::Result<()> {
    let function = name.to_owned();
    instance
        .func_new(name, move |_, _, _, _| Err(WasiError::NothingThere { interface, function: function.clone() }.into()))
}

/// A new handle for the component. The number tells handles of one type apart.
fn hand_out<T: 'static>(mut store: Store<'_>, number: u32) -> Resource<T> {
    store.data_mut().wasi.handles += 1;
    Resource::new_own(number)
}

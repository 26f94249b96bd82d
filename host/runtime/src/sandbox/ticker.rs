//! The clock of the wall-clock limit: one thread that advances the epoch of the engine and ends with the runtime.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use wasmtime::Engine as WasmEngine;

/// The thread, which runs as long as this value lives.
#[derive(Debug)]
pub(crate) struct Ticker {
    _alive: Sender<()>,
}

impl Ticker {
    /// Starts a thread that advances the epoch every `tick`, which is the precision of wall-clock limits.
    pub(crate) fn start(engine: &WasmEngine, tick: Duration) -> io::Result<Self> {
        let (alive, ended) = mpsc::channel::<()>();
        // A strong handle would keep the engine, and all that is compiled for it, alive until the next tick.
        let engine = engine.weak();
        thread::Builder::new().name("lockgate-epoch".to_owned()).spawn(move || {
            while ended.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { _alive: alive })
    }
}

/// The number of ticks after which so much time has passed for certain.
pub(crate) fn ticks(time: Duration, tick: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(tick.as_nanos().max(1));
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).min(u64::MAX / 2).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_under_way_does_not_count() {
        let tick = Duration::from_millis(10);
        assert_eq!(ticks(Duration::from_millis(10), tick), 2);
        assert_eq!(ticks(Duration::from_millis(11), tick), 3);
        assert_eq!(ticks(Duration::MAX, tick), u64::MAX / 2 + 1);
    }
}

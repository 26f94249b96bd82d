//! See `lockgate_fuzz::admission`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    // libFuzzer ends the process at any panic. One in Wizer is caught, and is no finding; one that nobody catches still
    // ends the process, a little later.
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |bytes: &[u8]| {
        lockgate_fuzz::admission(bytes);
    }
);

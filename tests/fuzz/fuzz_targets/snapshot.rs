//! See `lockgate_fuzz::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockgate_fuzz::snapshot(bytes);
});

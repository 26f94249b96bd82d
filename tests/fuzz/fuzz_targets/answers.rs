//! See `lockgate_fuzz::answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockgate_fuzz::answers(bytes);
});

//! Recordings: files that are passed around, and read by whoever wants to see an evaluation again.

use lockgate_runtime::Recording;

/// Takes the bytes for a recording's file; if they begin as JSON does, for one that was unpacked. Whether it was
/// read.
///
/// # Panics
/// If one that was read has no canonical form, or packed and read again it is another one.
pub fn recording(bytes: &[u8]) -> bool {
    let read = match bytes.first() {
        Some(b'{') => Recording::from_json(bytes),
        _ => Recording::decode(bytes),
    };
    let recording = match read {
        Ok(recording) => recording,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let canonical = recording.to_json().unwrap_or_else(|error| panic!("{error}: {recording:?}"));
    let packed = recording.encode().unwrap();
    let again = Recording::decode(&packed).unwrap_or_else(|error| panic!("{error}: {recording:?}"));
    assert_eq!(String::from_utf8_lossy(&canonical), String::from_utf8_lossy(&again.to_json().unwrap()));
    assert_eq!(recording.digest(), again.digest());
    true
}

//! The write-ahead file, which must not grow for ever.

use std::fs::File;
use std::io::Read as _;

use lockgate_ledger::Storage as _;

use super::support::{Ledger, evidence, incompressible};

/// How often the write-ahead file of a ledger has begun anew: its header counts it.
fn begun_anew(ledger: &Ledger) -> u32 {
    let mut header = [0; 16];
    File::open(ledger.folder.path().join("ledger.db-wal")).unwrap().read_exact(&mut header).unwrap();
    u32::from_be_bytes(header[12..].try_into().unwrap())
}

#[test]
fn the_write_ahead_file_begins_anew_while_it_is_written_to() {
    let ledger = Ledger::new();
    let first = begun_anew(&ledger);
    let mut written = 0;
    // Each is about 64 pages. In the end they would take a gigabyte by themselves, but the file holds a quarter at
    // most.
    while begun_anew(&ledger) == first {
        written += 1;
        assert!(written < 4000, "it never begins anew");
        ledger.storage.append(evidence(written, &incompressible(written, 256 << 10))).unwrap();
    }
    assert_eq!(ledger.storage.version("a").unwrap(), written);
}

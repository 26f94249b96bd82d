//! What each method of the snapshot costs a plugin: the memory that it has to give for the result, and the fuel.
//!
//! These numbers depend on the contract and the host, not on the machine. How long a call takes is printed by `cargo bench
//! -p lockgate-runtime`.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use lockgate_domain::Snapshot;
use lockgate_runtime::{Grants, Limits, LoadRequest, Runtime};
use lockgate_tests::{Guest, Method, everything, large, methods, repository, runtime};

use super::text::Contract;

const INTRODUCTION: &str = "\
# What each method costs

What a plugin pays for one call of each method: how often it allocates memory for the result, how many bytes that is, and the fuel
of its own code. The work of the host is limited separately. `everything` is a snapshot that has everything the contract knows, once or twice; `large` has 1,000 items in
each long list, of which one page is read.

<!-- After a change: UPDATE_DOCS=1 cargo nextest run -p lockgate-tests costs -->

| method | everything: allocations | bytes | fuel | large: allocations | bytes | fuel |
|---|--:|--:|--:|--:|--:|--:|
";

/// Counts the allocations, and says both numbers in hexadecimal digits from `a` to `p`, the lowest first.
const COUNTING: &str = r#"
    (global $allocations (mut i32) (i32.const 0))
    (global $bytes (mut i32) (i32.const 0))
    (func $write (param $value i32) (param $at i32)
        (local $left i32)
        (local.set $left (i32.const 8))
        (loop $next
            (i32.store8 (local.get $at) (i32.add (i32.const 97) (i32.and (local.get $value) (i32.const 15))))
            (local.set $value (i32.shr_u (local.get $value) (i32.const 4)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"#;

const COUNT: &str = "
    (global.set $allocations (i32.add (global.get $allocations) (i32.const 1)))
    (global.set $bytes (i32.add (global.get $bytes) (local.get $size)))";

const SAY: &str = "
    (call $write (global.get $allocations) (i32.const 8192))
    (call $write (global.get $bytes) (i32.const 8200))
    (call $log (i32.const 2) (i32.const 8192) (i32.const 16))";

/// What a decision costs that calls one method, or none.
#[derive(Clone, Copy, Debug)]
struct Cost {
    allocations: u64,
    bytes: u64,
    fuel: u64,
}

fn cost(runtime: &Runtime, method: Option<&Method>, snapshot: &Arc<Snapshot>) -> Cost {
    let part = |part: fn(&Method) -> &str| method.map_or("", part);
    let imports = format!(
        r#"(import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32))) {}"#,
        part(|method| &method.import)
    );
    let guest = Guest {
        world: "
            import lockgate:host/snapshot@0.2.0-rc.2;
            import lockgate:host/log@0.2.0-rc.2;
            export lockgate:approval/policy@0.2.0-rc.2;",
        imports: &imports,
        fields: &format!("{COUNTING} {}", part(|method| &method.data)),
        realloc: COUNT,
        decide: &format!("{} {SAY}", part(|method| &method.call)),
        ..Guest::default()
    };
    let everything = |pattern: &str| vec!["*".to_owned(), pattern.to_owned()];
    let grants = Grants { evidence: everything("**"), facts: everything("fact:*"), ..Grants::default() };
    let limits = Limits { wall_clock: Duration::from_secs(600), ..Limits::default() };
    let plugin = runtime.load(LoadRequest { grants, limits, ..guest.request() }).unwrap();
    let evaluation = plugin.decide(snapshot);
    evaluation.outcome.unwrap();
    let said = evaluation.log[0].message.as_bytes();
    let number = |digits: &[u8]| digits.iter().rev().fold(0, |sum, digit| 16 * sum + u64::from(digit - b'a'));
    Cost { allocations: number(&said[..8]), bytes: number(&said[8..]), fuel: evaluation.receipt.fuel }
}

fn table() -> String {
    let (runtime, mut table) = (runtime(), INTRODUCTION.to_owned());
    let snapshots = [everything(), large()].map(|snapshot| {
        let snapshot = Arc::new(snapshot);
        (cost(&runtime, None, &snapshot).fuel, snapshot)
    });
    for method in methods() {
        write!(table, "| `{}`", method.name).unwrap();
        for (without, snapshot) in &snapshots {
            let Cost { allocations, bytes, fuel } = cost(&runtime, Some(&method), snapshot);
            let fuel = fuel - without;
            write!(table, " | {allocations} | {bytes} | {fuel}").unwrap();
        }
        table.push_str(" |\n");
    }
    table
}

/// A method that costs more than the text of its version says makes plugins fail that ran before.
#[test]
fn each_method_costs_what_the_table_of_its_version_says() {
    let path = repository(&format!("tests/contract/{}/costs.md", Contract::today().version()));
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let changed: Vec<&str> = table.lines().filter(|line| !expected.lines().any(|row| row == *line)).collect();
    assert_eq!(changed, Vec::<&str>::new(), "these rows are not those of {}", path.display());
    assert_eq!(table, expected);
}

//! Components that nobody vouches for.

use std::sync::LazyLock;
use std::time::Duration;

use lockgate_runtime::{AdmissionError, Grants, Limits, Runtime, RuntimeConfig};

use crate::guest;

/// How large a component may be here, in bytes: about what fits into one second of compiling.
const LARGEST: u64 = 64 << 10;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let setup = Limits { fuel: 1_000_000, memory: 16 << 20, wall_clock: Duration::from_secs(600), ..Limits::default() };
    let config = RuntimeConfig {
        max_component_size: LARGEST,
        max_memory: 16 << 20,
        pool_size: 1,
        compile_threads: 1,
        setup,
        ..RuntimeConfig::default()
    };
    Runtime::new(config).unwrap()
});

/// A plugin that would be admitted. What is put behind it is part of it.
static PLUGIN: LazyLock<Vec<u8>> = LazyLock::new(guest::component);

/// Takes the bytes for a component. If they begin as a core module does, they are taken for one that a real plugin
/// holds and starts, so that what compiles and runs is reached, too. Whether it was admitted.
///
/// # Panics
/// If admitting and inspecting do not say the same, or asking twice does not.
pub fn admission(bytes: &[u8]) -> bool {
    let held;
    let component = match bytes.starts_with(b"\0asm\x01\0\0\0") {
        true => {
            held = holding(bytes);
            held.as_slice()
        }
        false => bytes,
    };
    let grants = Grants::default();
    let admitted = RUNTIME.admit(component, &grants);
    match (RUNTIME.inspect(component, &grants), &admitted) {
        (Ok(inspection), Ok(admitted)) => {
            assert!(inspection.is_admissible(), "{inspection:?}");
            assert_eq!(inspection.description.as_ref(), Some(&admitted.description));
            assert_eq!(inspection.kinds, admitted.kinds);
            assert_eq!(inspection.digest, admitted.digest);
        }
        (Ok(inspection), Err(AdmissionError::Refused(refusals))) => assert_eq!(&inspection.refusals, refusals),
        (Ok(inspection), Err(error)) => assert_eq!(inspection.problem.as_ref(), Some(error)),
        (Err(inspected), Err(admitted)) => assert_eq!(&inspected, admitted),
        (Err(error), Ok(_)) => panic!("admitted, and cannot be inspected: {error}"),
    }
    admitted.is_ok()
}

/// The plugin with a core module behind it that is instantiated when the plugin is.
fn holding(module: &[u8]) -> Vec<u8> {
    let mut component = PLUGIN.clone();
    // Section 1: a core module. It comes behind all that the plugin holds.
    component.push(1);
    leb128(&mut component, module.len());
    component.extend_from_slice(module);
    // Section 2: one core instance, of that module, without arguments.
    let index = core_modules(&PLUGIN);
    let mut instance = vec![1, 0];
    leb128(&mut instance, index);
    instance.push(0);
    component.push(2);
    leb128(&mut component, instance.len());
    component.extend(instance);
    component
}

/// How many core modules a component holds at its top.
fn core_modules(component: &[u8]) -> usize {
    let (mut rest, mut count) = (component.get(8..).unwrap_or_default(), 0);
    while let Some((id, after)) = rest.split_first() {
        let (mut length, mut shift, mut body) = (0, 0, after);
        while let Some((byte, after)) = body.split_first() {
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            body = after;
            if byte & 0x80 == 0 {
                break;
            }
        }
        count += usize::from(*id == 1);
        rest = body.get(length..).unwrap_or_default();
    }
    count
}

fn leb128(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return;
        }
    }
}

//! Builds the policy in C, as its README says. The C compiler is what `LOCKGATE_WASM_CC` names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use lockgate_domain::Digest;
use lockgate_tests::{repository, tree};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

const EXAMPLE: &str = "examples/plugins/risk-approvals-c";

/// The component, built once for all tests. Tests are processes of their own: what one builds, the next one finds, if it
/// was built of the same sources with the same tools.
pub(super) fn component() -> Arc<[u8]> {
    static BUILT: OnceLock<Arc<[u8]>> = OnceLock::new();
    Arc::clone(BUILT.get_or_init(|| {
        let Ok(compiler) = std::env::var("LOCKGATE_WASM_CC") else {
            panic!("LOCKGATE_WASM_CC has to name a C compiler for wasm32-wasi; `cargo xtask test` finds one");
        };
        let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("risk-approvals-c");
        fs::create_dir_all(&scratch).unwrap();
        let building = File::create(scratch.join("building.lock")).unwrap();
        building.lock().unwrap();
        let built = scratch.join(made_of(&compiler).hex()).with_extension("wasm");
        if let Ok(component) = fs::read(&built) {
            return component.into();
        }
        let out = scratch.join("out");
        bindings(&out.join("bindings"));
        let status = Command::new("sh")
            .arg(repository(EXAMPLE).join("build.sh"))
            .env("CC", compiler)
            .env("BINDINGS", out.join("bindings"))
            .env("LOCKGATE", tree("bin/lockgate"))
            .env("OUT", &out)
            .status()
            .unwrap();
        assert!(status.success(), "build.sh: {status}");
        fs::rename(out.join("risk-approvals.wasm"), &built).unwrap();
        fs::remove_dir_all(&out).unwrap();
        fs::read(&built).unwrap().into()
    }))
}

/// Makes the bindings that step 1 of `build.sh` makes, with the same generator as a library.
fn bindings(folder: &Path) {
    let wit = folder.join("wit");
    fs::create_dir_all(&wit).unwrap();
    fs::copy(repository("wit/approval/approval.wit"), wit.join("approval.wit")).unwrap();
    for package in ["types", "host"] {
        let dependency = wit.join("deps").join(package);
        fs::create_dir_all(&dependency).unwrap();
        let file = format!("{package}.wit");
        fs::copy(repository("wit").join(package).join(&file), dependency.join(&file)).unwrap();
    }
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_dir(&wit).unwrap();
    let world = resolve.select_world(&[package], Some("approval-policy")).unwrap();
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files).unwrap();
    for (name, bytes) in files.iter() {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The digest of all that the component is made of: the tools, the example, and the contract.
fn made_of(compiler: &str) -> Digest {
    // This test holds the generator of the bindings.
    let mut files = vec![tree("bin/lockgate"), std::env::current_exe().unwrap()];
    for folder in [EXAMPLE, "wit/types", "wit/host", "wit/approval"] {
        files.extend(fs::read_dir(repository(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|path| path.is_file());
    files.sort();
    let digests = files.into_iter().map(|path| Digest::of(&fs::read(path).unwrap()).hex());
    let mut words = compiler.split_whitespace();
    let version = Command::new(words.next().unwrap()).args(words).arg("--version").output().unwrap();
    let tools = format!("{compiler} {}", String::from_utf8_lossy(&version.stdout));
    Digest::of(digests.fold(tools, |all, digest| all + " " + &digest).as_bytes())
}

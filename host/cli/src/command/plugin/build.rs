//! `lockgate plugin build`: from a Rust crate to a component that the runtime takes.
//!
//! Cargo builds the core module; what it imports and exports by the contract is told by the section that the SDK leaves
//! in it, from which the component is made. The runtime then has the last word, so that nothing leaves this command
//! that could not be loaded.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use cargo_metadata::{CrateType, Message};
use lockgate_runtime::{AdmissionError, AdmittedComponent, Grants};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{read_bytes, size};
use crate::layout::fields;
use crate::options::Global;
use crate::print;

/// The guest's stack in bytes. It is part of the memory that every fresh sandbox starts with: the linker's usual 1 MiB
/// would make an evaluation nearly twice as slow.
const STACK: usize = 128 << 10;
/// What plugins are compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// What to build.
#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// The folder of the crate, with its `Cargo.toml`.
    #[arg(value_name = "CRATE", required_unless_present = "from_core", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Takes a core module that another compiler made, instead of building a crate.
    #[arg(long, value_name = "CORE.WASM", conflicts_with = "folder")]
    from_core: Option<PathBuf>,
    /// Where to write the component. Without it: `<name>.wasm`, by the name that the plugin gives itself.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Build {
    /// Builds it, and says what came out.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let core = match &self.from_core {
            Some(path) => path.clone(),
            None => compile(&self.folder)?,
        };
        let component = componentize(&core)?;
        // What the plugin asks for is shown by `inspect`; here it is only seen whether it can be loaded at all.
        let grants = Grants { recorded: true, evidence: vec!["*".to_owned()], ..Grants::default() };
        let admitted = host::runtime(global)?.admit(&component, &grants).map_err(|error| refused(&core, &error))?;
        let output = self.output.unwrap_or_else(|| format!("{}.wasm", admitted.description.name).into());
        write(&output, &component)?;
        print::text(summary(&admitted, &output))?;
        Ok(Exit::Success)
    }
}

fn summary(admitted: &AdmittedComponent, output: &Path) -> String {
    let description = &admitted.description;
    let kinds: Vec<&str> = admitted.kinds.iter().map(|kind| kind.as_str()).collect();
    fields(vec![
        ("plugin", format!("{} {} ({})", description.name, description.version, kinds.join(", "))),
        ("contract", admitted.contract.clone()),
        ("file", format!("{}, {}", output.display(), size(admitted.size))),
        ("digest", admitted.digest.to_string()),
    ])
}

/// The core module of a crate.
fn compile(folder: &Path) -> anyhow::Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(invalid(
            Diagnostic::error(format!("`{}` is no crate: there is no `{}`", folder.display(), manifest.display()))
                .help("name the folder of a Rust crate, or hand in a core module with `--from-core`"),
        ));
    }
    let manifest = fs::canonicalize(&manifest).with_context(|| format!("cannot find `{}`", manifest.display()))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo takes its configuration from the folder that it is started in.
    let mut child = Command::new(&cargo)
        .current_dir(folder)
        .args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .args(["--config", &format!("target.{TARGET}.rustflags=['-C', 'link-arg=-zstack-size={STACK}']")])
        .arg("--manifest-path")
        .arg(&manifest)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` cannot be started: is Rust installed?", cargo.display()))?;
    let mut modules = Vec::new();
    let mut other_types: Vec<CrateType> = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            let Message::CompilerArtifact(artifact) = message.context("cannot read what cargo says")? else { continue };
            if artifact.manifest_path.as_std_path() != manifest {
                continue;
            }
            if artifact.target.is_cdylib() {
                modules.extend(artifact.filenames.into_iter().filter(|file| file.extension() == Some("wasm")));
            } else {
                other_types.extend(artifact.target.crate_types);
            }
        }
    }
    if !child.wait().context("cannot wait for cargo")?.success() {
        if !has_target(folder) {
            return Err(invalid(
                Diagnostic::error(format!("this Rust cannot compile to `{TARGET}`"))
                    .help(format!("install the target with `rustup target add {TARGET}`")),
            ));
        }
        bail!("cargo could not build `{}`", folder.display());
    }
    modules.pop().map(Into::into).ok_or_else(|| {
        let found: Vec<String> = other_types.iter().map(|kind| format!("`{kind}`")).collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        invalid(
            Diagnostic::error(format!("the crate in `{}` builds no `cdylib`, but {found}", folder.display()))
                .help("add `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]` to its `Cargo.toml`"),
        )
    })
}

/// Whether the toolchain that builds in this folder has the standard library for the target.
fn has_target(folder: &Path) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed =
        Command::new(rustc).current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]).output();
    printed.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// The component that a core module makes.
fn componentize(path: &Path) -> anyhow::Result<Vec<u8>> {
    const LARGEST: u64 = 256 << 20;
    let core = read_bytes(path, "core module", LARGEST)?;
    let name = path.display();
    if Parser::is_component(&core) {
        return Err(invalid(
            Diagnostic::error(format!("`{name}` is a component already"))
                .help(format!("look at it with `lockgate plugin inspect {name}`")),
        ));
    }
    if !Parser::is_core_wasm(&core) {
        return Err(invalid(Diagnostic::error(format!("`{name}` is not WebAssembly"))));
    }
    if !has_component_type(&core) {
        return Err(invalid(
            Diagnostic::error(format!("`{name}` does not say which interfaces it has"))
                .note("it has no custom section whose name begins with `component-type`")
                .help("in Rust, export the plugin with `lockgate_plugin::export!`; in C, link the object file that wit-bindgen makes"),
        ));
    }
    let encoded = ComponentEncoder::default().validate(true).module(&core).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| {
        invalid(
            Diagnostic::error(format!("`{name}` cannot be made a component"))
                .note(format!("{error:#}"))
                .help("a plugin imports nothing but the interfaces of the contract: build it without WASI and without a JavaScript host"),
        )
    })
}

fn has_component_type(core: &[u8]) -> bool {
    let sections = Parser::new(0).parse_all(core).map_while(Result::ok);
    sections.into_iter().any(|payload| match payload {
        Payload::CustomSection(section) => section.name().starts_with("component-type"),
        _ => false,
    })
}

/// Writes a file whole, or leaves what was there.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = path.with_extension("wasm.new");
    let written = match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    };
    written
        .and_then(|()| fs::write(&fresh, bytes))
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn refused(core: &Path, error: &AdmissionError) -> anyhow::Error {
    invalid(Diagnostic::error(format!("the component made of `{}` is refused", core.display())).note(error.to_string()))
}

fn invalid(diagnostic: Diagnostic) -> anyhow::Error {
    InvalidInput::from(diagnostic).into()
}

//! `lockgate plugin build`: builds a component from a Rust crate.
//!
//! Cargo builds the core module. The SDK adds a section to it that names the interfaces; the component is made from that. The runtime
//! then admits the component, so that the command never writes one that cannot be loaded.

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
use crate::options::GlobalOptions;
use crate::print;

/// The guest's stack in bytes. It is part of the memory of every fresh sandbox: the linker's default of 1 MiB would make an evaluation
/// nearly twice as slow.
const STACK: usize = 128 << 10;
/// The compilation target of plugins.
const TARGET: &str = "wasm32-unknown-unknown";

#[derive(Debug, clap::Args)]
pub(crate) struct BuildCommand {
    /// The folder of the crate, with its `Cargo.toml` [default: the working folder].
    #[arg(value_name = "CRATE", required_unless_present = "from_core", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Use this core module from another compiler, instead of building a crate.
    #[arg(long, value_name = "CORE.WASM", conflicts_with = "folder")]
    from_core: Option<PathBuf>,
    /// The file of the component [default: `<name>.wasm`, with the name of the plugin].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl BuildCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let core = match &self.from_core {
            Some(path) => path.clone(),
            None => compile(&self.folder)?,
        };
        let component = componentize(&core)?;
        // This only checks that the plugin can be loaded; `lockgate plugin inspect` shows what it requires.
        let grants =
            Grants { recorded: true, evidence: vec!["*".to_owned()], facts: vec!["*".to_owned()], ..Grants::default() };
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
            Diagnostic::error(format!(
                "`{}` is not a crate: `{}` does not exist",
                folder.display(),
                manifest.display()
            ))
            .help("give the folder of a Rust crate, or a core module with `--from-core <file>`"),
        ));
    }
    let manifest = fs::canonicalize(&manifest).with_context(|| format!("cannot find `{}`", manifest.display()))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo reads its configuration from the folder that it is started in.
    let mut child = Command::new(&cargo)
        .current_dir(folder)
        .args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .args(["--config", &format!("target.{TARGET}.rustflags=['-C', 'link-arg=-zstack-size={STACK}']")])
        .arg("--manifest-path")
        .arg(&manifest)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`: is Rust installed?", cargo.display()))?;
    let mut modules = Vec::new();
    let mut other_types: Vec<CrateType> = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            let Message::CompilerArtifact(artifact) = message.context("cannot read the output of cargo")? else {
                continue;
            };
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
                Diagnostic::error(format!("the Rust toolchain has no target `{TARGET}`"))
                    .help(format!("install it with `rustup target add {TARGET}`")),
            ));
        }
        bail!("cargo could not build `{}`", folder.display());
    }
    modules.pop().map(Into::into).ok_or_else(|| {
        let found: Vec<String> = other_types.iter().map(|kind| format!("`{kind}`")).collect();
        let found = if found.is_empty() { "no library".to_owned() } else { found.join(", ") };
        invalid(
            Diagnostic::error(format!(
                "the crate in `{}` must build a `cdylib`, and it builds {found}",
                folder.display()
            ))
            .help("add `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]` to its `Cargo.toml`"),
        )
    })
}

/// Whether the toolchain of this folder has the standard library for the target.
fn has_target(folder: &Path) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed =
        Command::new(rustc).current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]).output();
    printed.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// Makes a component from a core module.
fn componentize(path: &Path) -> anyhow::Result<Vec<u8>> {
    const LARGEST: u64 = 256 << 20;
    let core = read_bytes(path, "core module", LARGEST)?;
    let name = path.display();
    if Parser::is_component(&core) {
        return Err(invalid(
            Diagnostic::error(format!("`{name}` is already a component"))
                .help(format!("inspect it with `lockgate plugin inspect {name}`")),
        ));
    }
    if !Parser::is_core_wasm(&core) {
        return Err(invalid(Diagnostic::error(format!("`{name}` is not WebAssembly"))));
    }
    if !has_component_type(&core) {
        return Err(invalid(
            Diagnostic::error(format!("`{name}` does not name its interfaces"))
                .note("it has no custom section whose name starts with `component-type`")
                .help("in Rust, export the plugin with `lockgate_plugin::export!`; in C, link the object file that wit-bindgen generates"),
        ));
    }
    let encoded = ComponentEncoder::default().validate(true).module(&core).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| {
        invalid(
            Diagnostic::error(format!("cannot make a component from `{name}`"))
                .note(format!("{error:#}"))
                .help("a core module may import only the interfaces of the plugin contract: build it without WASI and without a JavaScript host"),
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

/// Writes a file atomically.
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
    let title = format!("the component made from `{}` is not a valid plugin", core.display());
    let diagnostic = Diagnostic::error(title).note(error.to_string());
    invalid(match error {
        // The SDK describes a plugin by what its `Cargo.toml` says.
        AdmissionError::Describe(_) => diagnostic.help("set `version` and `description` in the plugin's `Cargo.toml`"),
        _ => diagnostic,
    })
}

fn invalid(diagnostic: Diagnostic) -> anyhow::Error {
    InvalidInput::from(diagnostic).into()
}

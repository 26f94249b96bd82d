//! The example plugins that are built for the tests, each as its README says: the policy in its three languages, and the
//! check that uses every capability.
//!
//! Done once for all tests, because making a component of an interpreter takes a quarter of a minute. Rust is here
//! anyway. For the others the tool is looked for in what the environment names, and then in what this module installs
//! under `target`, in exactly the version that the example asks for: from the npm registry, without running any script
//! that a package brings along, and from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use crate::steps;
use crate::workspace::Workspace;

/// An example plugin: the policy in one language, or the check.
pub(crate) struct Language {
    /// The environment variable through which the tests learn where the component is.
    pub(crate) variable: &'static str,
    /// What stands in the names of the tests that need it, and in no others.
    pub(crate) in_names: &'static str,
    /// None: what makes it is missing here.
    pub(crate) component: Option<PathBuf>,
}

/// What makes a component of a program in some language.
struct Tool {
    /// The name of the language, which is also that of the folder under `target`.
    language: &'static str,
    /// The environment variable that names the tool.
    variable: &'static str,
    /// The file that says which version, in the example's folder.
    pinned_in: &'static str,
    /// Where the tool is after it was installed, in the folder under `target`.
    program: &'static str,
    /// Installs it in that folder.
    install: fn(&Path) -> bool,
    /// What has to be there for that.
    needs: &'static str,
}

const JAVASCRIPT: Tool = Tool {
    language: "javascript",
    variable: "LOCKGATE_COMPONENTIZE_JS",
    pinned_in: "package.json",
    program: "node_modules/.bin/componentize-js",
    install: |folder| {
        let options = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
        steps::succeeds(Command::new("npm").current_dir(folder).args(options))
    },
    needs: "npm, and a network to the npm registry (about 400 MB, once)",
};

const PYTHON: Tool = Tool {
    language: "python",
    variable: "LOCKGATE_COMPONENTIZE_PY",
    pinned_in: "requirements.txt",
    program: "venv/bin/componentize-py",
    install: |folder| {
        let venv = folder.join("venv");
        steps::succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            && steps::succeeds(Command::new(venv.join("bin/python")).current_dir(folder).args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--requirement",
                "requirements.txt",
            ]))
    },
    needs: "python3 with venv and pip, and a network to PyPI (about 70 MB, once)",
};

/// Builds the policy in each language for which there are tools; says on stderr which is left out.
///
/// # Errors
/// A tool is there, and fails.
pub(crate) fn build(workspace: &Workspace) -> Result<Vec<Language>> {
    Ok(vec![
        Language {
            variable: "LOCKGATE_RISK_APPROVALS_RUST",
            in_names: "written_in_rust",
            component: Some(in_rust(workspace, "risk-approvals-rust")?),
        },
        Language {
            variable: "LOCKGATE_RELEASE_REGISTRY",
            in_names: "release_registry",
            component: Some(in_rust(workspace, "release-registry")?),
        },
        Language {
            variable: "LOCKGATE_RISK_APPROVALS_JAVASCRIPT",
            in_names: "written_in_javascript",
            component: JAVASCRIPT.build(workspace)?,
        },
        Language {
            variable: "LOCKGATE_RISK_APPROVALS_PYTHON",
            in_names: "written_in_python",
            component: PYTHON.build(workspace)?,
        },
    ])
}

fn in_rust(workspace: &Workspace, example: &str) -> Result<PathBuf> {
    let component = workspace.target("languages/rust").join(example).with_extension("wasm");
    let mut build = Command::new(workspace.binary());
    // What it depends on was built for the plugins already.
    build.env("CARGO_TARGET_DIR", workspace.target("plugins"));
    build.args(["plugin", "build"]).arg(workspace.path("examples/plugins").join(example)).arg("-o").arg(&component);
    steps::run(&mut build)?;
    Ok(component)
}

fn example(workspace: &Workspace, language: &str) -> PathBuf {
    workspace.path("examples/plugins").join(format!("risk-approvals-{language}"))
}

impl Tool {
    fn build(&self, workspace: &Workspace) -> Result<Option<PathBuf>> {
        let (sources, folder) = (example(workspace, self.language), workspace.target("languages").join(self.language));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        let component = folder.join("out/risk-approvals.wasm");
        let built = modified(&component);
        if built.is_some() && built > newest(&sources)?.max(newest(&workspace.path("wit"))?) {
            return Ok(Some(component));
        }
        let Some(tool) = self.find(&sources, &folder)? else { return Ok(None) };
        let mut build = Command::new("sh");
        build.arg(sources.join("build.sh")).env("COMPONENTIZE", tool).env("OUT", folder.join("out"));
        steps::run(&mut build)?;
        Ok(Some(component))
    }

    /// The tool, as the words of a command line.
    fn find(&self, sources: &Path, folder: &Path) -> Result<Option<String>> {
        if let Ok(named) = std::env::var(self.variable) {
            return Ok(Some(named));
        }
        let (wanted, installed) = (sources.join(self.pinned_in), folder.join(self.pinned_in));
        let program = folder.join(self.program);
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
        let is_installed = program.exists() && installed.exists() && read(&wanted)? == read(&installed)?;
        if !is_installed {
            eprintln!("installing what makes components of {}, in `{}`", self.language, folder.display());
            fs::copy(&wanted, &installed).with_context(|| format!("cannot copy `{}`", wanted.display()))?;
            if !(self.install)(folder) {
                // What is half installed is not taken for installed the next time.
                fs::remove_file(&installed).with_context(|| format!("cannot remove `{}`", installed.display()))?;
                eprintln!(
                    "the tests of the policy that is written in {} are skipped: they need {}; {} can name the tool",
                    self.language, self.needs, self.variable
                );
                return Ok(None);
            }
        }
        Ok(Some(program.display().to_string()))
    }
}

/// When a file was last written; none if it is not there.
fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// When the newest of the files in a folder was written.
fn newest(folder: &Path) -> Result<Option<SystemTime>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let mut newest = None;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read the folder `{}`", folder.display()))?.path();
        newest = newest.max(if path.is_dir() { self::newest(&path)? } else { modified(&path) });
    }
    Ok(newest)
}

//! The example plugins that are built for the tests, each as its README says: the policy in Rust, JavaScript and Python, and
//! the check that uses every capability. The tests themselves build the policy in C.
//!
//! Done once for all tests, because making a component of an interpreter takes a quarter of a minute. Rust is here
//! anyway. For the others the tool is looked for in what the environment names, and then among the [`tools`], in exactly the
//! version that the example asks for: from the npm registry, without running any script that a package brings along, and
//! from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use crate::digest;
use crate::steps;
use crate::tools;
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
    /// Where the tool is after it was installed, in its folder.
    program: &'static str,
    /// Installs it in that folder, in which the file that says which version lies already.
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
        let wanted = folder.join("requirements.txt");
        tools::python(&folder.join("venv"), &["--requirement", &wanted.display().to_string()])
    },
    needs: "python3 with venv and pip, and a network to PyPI (about 70 MB, once)",
};

/// Installs the tools, so that [`build`] finds them.
///
/// # Errors
/// A file cannot be read or written.
pub(crate) fn fetch(workspace: &Workspace) -> Result<()> {
    [JAVASCRIPT, PYTHON].iter().try_for_each(|tool| tool.find(workspace).map(|_| ()))
}

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
        let Some(tool) = self.find(workspace)? else { return Ok(None) };
        let mut build = Command::new("sh");
        build.arg(sources.join("build.sh")).env("COMPONENTIZE", tool).env("OUT", folder.join("out"));
        steps::run(&mut build)?;
        Ok(Some(component))
    }

    /// The tool, as the words of a command line.
    fn find(&self, workspace: &Workspace) -> Result<Option<String>> {
        if let Ok(named) = std::env::var(self.variable) {
            return Ok(Some(named));
        }
        let wanted = example(workspace, self.language).join(self.pinned_in);
        let text = fs::read(&wanted).with_context(|| format!("cannot read `{}`", wanted.display()))?;
        let python = tools::python_version();
        let name = format!("{}-{}", self.language, digest::short([text.as_slice(), python.as_bytes()]));
        let folder = tools::folder(workspace, &name, |folder| {
            eprintln!("installing what makes components of {}, once", self.language);
            let copy = folder.join(self.pinned_in);
            fs::write(&copy, &text).with_context(|| format!("cannot write `{}`", copy.display()))?;
            Ok((self.install)(folder))
        })?;
        if folder.is_none() {
            eprintln!(
                "the tests of the policy that is written in {} are skipped: they need {}; {} can name the tool",
                self.language, self.needs, self.variable
            );
        }
        Ok(folder.map(|folder| folder.join(self.program).display().to_string()))
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

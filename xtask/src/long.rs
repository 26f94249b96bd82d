//! `cargo xtask long [NAME]`: the tests that repeat, with their full counts instead of those that take at most a minute.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::dist::{self, Guests};
use crate::steps::Steps;
use crate::suite::{self, Runner};
use crate::tools;
use crate::workspace::Workspace;

/// Tests that repeat.
struct Group {
    name: &'static str,
    /// What the tests do, as `cargo xtask help` prints it.
    what: &'static str,
    /// The files in which they are.
    files: &'static [&'static str],
    /// How nextest finds them.
    filter: &'static str,
}

const GROUPS: [Group; 10] = [
    Group {
        name: "crashes",
        what: "kill a process that writes a ledger",
        files: &["host/ledger/tests/ledger/crash.rs"],
        filter: "binary_id(lockgate-ledger::ledger) and test(/^crash::/)",
    },
    Group {
        name: "kills",
        what: "kill a server that answers requests",
        files: &["tests/tests/end_to_end/durable/killed.rs"],
        filter: "binary_id(lockgate-tests::end_to_end) and test(/^durable::killed::/)",
    },
    Group {
        name: "due",
        what: "kill two servers that write what falls due, while the clock moves",
        files: &["host/service/tests/service/service/due/kills.rs"],
        filter: "binary_id(lockgate-service::service) and test(/^service::due::kills::/)",
    },
    Group {
        name: "races",
        what: "read directories that others change at the same time",
        files: &["host/runtime/src/capability/directory/tests.rs"],
        filter: "binary_id(lockgate-runtime) and test(/^capability::directory::tests::/)",
    },
    Group {
        name: "hostile",
        what: "run each hostile guest again and again",
        files: &["tests/tests/end_to_end/hostile/corpus.rs"],
        filter: "binary_id(lockgate-tests::end_to_end) and test(/^hostile::corpus::/)",
    },
    Group {
        name: "determinism",
        what: "show generated snapshots to the bundled plugins on two engines",
        files: &["tests/tests/end_to_end/determinism.rs"],
        filter: "binary_id(lockgate-tests::end_to_end) and test(/^determinism::/)",
    },
    Group {
        name: "domain",
        what: "generate documents and answers for the rules of the domain",
        files: &[
            "host/domain/src/canonical.rs",
            "host/domain/src/person.rs",
            "host/domain/src/strict_json.rs",
            "host/domain/src/typed_value.rs",
            "host/domain/tests/domain/combine.rs",
            "host/domain/tests/domain/forms.rs",
        ],
        filter: "package(lockgate-domain)",
    },
    Group {
        name: "ledger",
        what: "generate logs, proofs and requests",
        files: &[
            "host/ledger/tests/ledger/limits.rs",
            "host/ledger/tests/ledger/proofs.rs",
            "host/ledger/tests/ledger/tree.rs",
        ],
        filter: "binary_id(lockgate-ledger::ledger) and test(/^(limits|proofs|tree)::/)",
    },
    Group {
        name: "registers",
        what: "contradict registers as a requester, and compare a server with `lockgate eval --register`",
        files: &[
            "host/service/tests/service/service/owned_facts.rs",
            "tests/tests/end_to_end/registers/same_snapshot.rs",
        ],
        filter: "(binary_id(lockgate-service::service) and test(/^service::owned_facts::/)) \
                 or (binary_id(lockgate-tests::end_to_end) and test(/^registers::same_snapshot::/))",
    },
    Group {
        name: "engine",
        what: "generate models, deployments, values and settings of plugins",
        files: &[
            "host/engine/tests/engine/gates.rs",
            "host/engine/tests/engine/model_properties.rs",
            "host/runtime/src/capability/key_value/tests/model.rs",
            "host/runtime/src/settings/tests.rs",
        ],
        filter: "(binary_id(lockgate-engine::engine) and test(/^(gates|model_properties)::/)) \
                 or (binary_id(lockgate-runtime) and test(/^(capability::key_value::tests::model|settings::tests)::/))",
    },
];

/// Runs the group of that name, or all of them.
///
/// # Errors
/// There is no such group, or something cannot be built or started. Tests that fail are told by the code.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let chosen: Vec<&Group> = match arguments {
        [] => GROUPS.iter().collect(),
        [name] => GROUPS.iter().filter(|group| group.name == name).collect(),
        _ => bail!("`cargo xtask long` takes one name, or none for all of them"),
    };
    if chosen.is_empty() {
        bail!("no group of tests has that name\n\n{}", help());
    }
    tools::cargo_tool(workspace, "cargo-nextest", suite::NEXTEST)?;
    let mut steps = Steps::new(dist::STEPS + 1 + chosen.len());
    dist::assemble(workspace, &mut steps, Guests::WithHostile)?;
    let runner = Runner::new(workspace)?;
    steps.begin("building the tests of the host");
    runner.build(workspace.cargo())?;
    let mut failed = 0;
    for group in chosen {
        steps.begin(&format!("`{}`: {}", group.name, group.what));
        let mut cargo = workspace.cargo();
        cargo.env("LOCKGATE_TEST_COUNT", std::env::var("LOCKGATE_TEST_COUNT").as_deref().unwrap_or("full"));
        // A profile in which nothing takes too long, and what a test printed is shown.
        cargo.env("NEXTEST_PROFILE", "long");
        failed += runner.tests(cargo, &[group.filter.to_owned()])?.failed;
    }
    steps.finish();
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The groups, one on a line.
pub(crate) fn help() -> String {
    let line = |group: &Group| format!("  {:<12} {}: {}\n", group.name, group.what, group.files.join(", "));
    let lines = GROUPS.iter().map(line);
    format!("The groups of `cargo xtask long`:\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::fs;
    use std::path::Path;

    use super::*;

    /// The files below a folder in which a test says how often it repeats.
    fn repeating(folder: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                repeating(&path, found, root);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&path).unwrap().contains("Repeat::new(")
            {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_test_that_repeats_is_in_a_group() {
        let workspace = Workspace::here();
        let mut found = Vec::new();
        for folder in ["host", "tests/src", "tests/tests", "tests/fuzz"] {
            repeating(&workspace.path(folder), &mut found, &workspace.path(""));
        }
        found.sort();
        let mut known: Vec<&str> = GROUPS.iter().flat_map(|group| group.files).copied().collect();
        known.sort_unstable();
        assert_eq!(found, known);
    }
}

//! `lockgate completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::exit::Exit;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell that shall complete.
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints the completions.
    #[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        clap_complete::generate(self.shell, &mut Cli::command(), "lockgate", &mut std::io::stdout());
        Ok(Exit::Success)
    }
}
